//! Deals in the contract's words.

use brightsync_sdk::http;
use brightsync_sdk::json::Object;
use brightsync_sdk::{
    Error, ForbiddenKind, Id, Moment, Money, Opportunity, OpportunityStatus, Page, PageRequest,
    Participant, Reason, Result, time,
};

use crate::api::{self, Api};
use crate::coql::{Condition, MOST_IN_QUERY, MOST_ROWS, Query};
use crate::list::{self, Batch, owner};
use crate::map::{ids, linked, text};
use crate::org::{Deals, Scene};

const COLUMNS: [&str; 11] = [
    "id",
    "Deal_Name",
    "Stage",
    "Probability",
    "Amount",
    "Closing_Date",
    "Account_Name",
    "Contact_Name",
    "Owner",
    "Created_Time",
    "Last_Activity_Time",
];

/// Deals on a page: the people of each take one more request, ten of them at a time.
const MOST: u32 = 100;

/// Finds the deals in which this field is one of these records.
pub(crate) fn find(
    api: &Api,
    field: &str,
    records: &[Id],
    request: &PageRequest,
) -> Result<Page<Opportunity>> {
    let records = ids(records);
    let Some(batch) = Batch::of(&records, MOST_IN_QUERY, request)? else {
        return Ok(Page::empty());
    };
    let scene = Scene::of(api, "opportunity")?;
    let deals = Deals::of(api)?;
    let mut columns = COLUMNS.map(str::to_owned).to_vec();
    columns.extend_from_slice(&deals.columns);
    columns.extend_from_slice(&scene.wanted);
    let query = Query {
        module: "Deals",
        columns,
        condition: Condition::is_in(field, batch.values),
        by_time: false,
        limit: MOST.min(MOST_ROWS),
    };
    let map = |it: Object<'_>| Ok(read(it, &scene, &deals));
    let page = list::page(api, query, request, &batch.carried(), &map)?;
    with_people(api, batch.end(page))
}

fn read(it: Object<'_>, scene: &Scene, deals: &Deals) -> Opportunity {
    let id = it.id("id");
    let stage = text(it, "Stage");
    let (status, order) = deals.stage(
        stage.as_deref().unwrap_or_default(),
        it.value("Probability").as_i64(),
    );
    let closing =
        text(it, "Closing_Date").and_then(|day| it.fit("Closing_Date", time::parse_date(&day)));
    let closes = closing.map(Moment::On);
    let main = linked(it, "Contact_Name").map(|contact| Participant {
        contact,
        primary: Some(true),
        role: None,
    });
    let is_closed = matches!(status, OpportunityStatus::Won | OpportunityStatus::Lost);
    let currency = text(it, "Currency").or_else(|| scene.org.currency.clone());
    Opportunity {
        stage,
        stage_order: order,
        kind: text(it, "Pipeline"),
        amount: it
            .decimal("Amount")
            .map(|amount| Money { amount, currency }),
        created_at: it.time("Created_Time"),
        closed: closes.clone().filter(|_| is_closed),
        closes,
        last_activity_at: it.time("Last_Activity_Time"),
        owner: owner(it),
        account: linked(it, "Account_Name"),
        participants: Vec::from_iter(main),
        url: scene.url("Potentials", &id),
        extra: it.pick(&scene.wanted),
        ..Opportunity::new(id, text(it, "Deal_Name").unwrap_or_default(), status)
    }
}

/// Adds the people that have a role in each deal.
fn with_people(api: &Api, mut page: Page<Opportunity>) -> Result<Page<Opportunity>> {
    let roles = |it: &Opportunity| {
        let roles = api.get("Deals").segment(&it.id).segment("Contact_Roles");
        roles.query("fields", "id,Full_Name").query("per_page", 200)
    };
    let answers = http::send_all(page.items.iter().map(roles).collect());
    for (deal, answer) in page.items.iter_mut().zip(answers) {
        let people = match answer {
            Ok(answer) => {
                let people = |it: Object<'_>| Ok(it.each("data", participant));
                api::unless_empty(&answer, people)?.unwrap_or_default()
            }
            // The deal has gone meanwhile, or the edition has no roles.
            Err(Error {
                reason: Reason::NotFound | Reason::Unsupported,
                ..
            }) => Vec::new(),
            Err(Error {
                reason: Reason::Forbidden(ForbiddenKind::ThisOperation),
                ..
            }) => Vec::new(),
            Err(error) => return Err(error),
        };
        for person in people {
            let mut known = deal.participants.iter_mut();
            match known.find(|it| it.contact == person.contact) {
                Some(main) => main.role = person.role,
                None => deal.participants.push(person),
            }
        }
    }
    Ok(page)
}

fn participant(it: Object<'_>) -> Participant {
    Participant {
        contact: it.id("id"),
        primary: Some(false),
        role: it.object("Contact_Role", |it| text(it, "name")).flatten(),
    }
}
