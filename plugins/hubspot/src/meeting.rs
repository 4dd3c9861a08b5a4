//! Logged meetings.

use brightsync_sdk::patch::{Change, Fields};
use brightsync_sdk::{
    Attendee, Error, Id, MeetingKey, Moment, NewMeeting, Party, Patch, Ref, Result, Timestamp,
    Written, time,
};

use crate::HubSpot;
use crate::activity::{Activity, Known};
use crate::api::{CONTACT, MEETING, is_id};
use crate::link;
use crate::record::{checked, property};
use crate::write::Properties;

const MEETINGS: Activity = Activity {
    kind: &MEETING,
    types: [&[200], &[188], &[212]],
    subject: "hs_meeting_title",
    time: START,
    further: &[],
};

const START: &str = "hs_meeting_start_time";
const END: &str = "hs_meeting_end_time";

/// The owners who attend; contacts attend by being linked.
const ATTENDING: &str = "hs_attendee_owner_ids";

const DAY: i64 = 86_400_000;

impl HubSpot {
    pub(crate) fn log_meeting(&self, meeting: NewMeeting) -> Result<Written> {
        let key = meeting.key.key.clone();
        let organiser = meeting.organiser.clone();
        let mut fields = Fields::from(meeting);
        let about: Option<Vec<Ref>> = fields
            .list("about")?
            .map(|it| it.apply(Vec::new(), Ref::eq));
        let mut properties = write(&mut fields, || Ok(None))?;
        let mut guests = Guests::default();
        let attendees = fields.list::<Attendee>("attendees")?;
        for it in attendees
            .map(|it| it.apply(Vec::new(), same))
            .unwrap_or_default()
        {
            guests.add(it, &mut properties);
        }
        if organiser.link.is_some() {
            // Who invited attends as well.
            fields.value::<Party>("organiser")?;
            guests.add_party(&organiser, &mut properties);
        }
        if !guests.owners.is_empty() {
            properties.set(ATTENDING, guests.owners.join(";"));
        }
        let mut about = about.unwrap_or_default();
        about.extend(guests.contacts.into_iter().map(Ref::contact));
        let properties = properties.finish(fields)?;
        self.log(&MEETINGS, &key, properties, about)
    }

    pub(crate) fn changed_meeting(&self, id: &str, patch: &Patch) -> Result<Written> {
        let id = checked(id)?;
        let mut fields = Fields::from(patch);
        let present = |name: &str| -> Result<Option<String>> {
            let request = self.api.record(&MEETING, id, &[name.to_owned()], None);
            let record = request.send()?.value()?;
            Ok(property(&record, name).map(str::to_owned))
        };
        let mut properties = write(&mut fields, || present(END))?;
        let attendees = fields.list::<Attendee>("attendees")?;
        let mut links = self.relinked(&MEETINGS, id, &mut fields, &mut properties)?;
        if let Some(edits) = attendees {
            let owners = present(ATTENDING)?.unwrap_or_default();
            let owners = owners.split(';').filter(|it| !it.is_empty());
            let mut now: Vec<Attendee> = owners.map(|it| attending("user", it)).collect();
            let contacts = self.links(&MEETING, &CONTACT, &[id.to_owned()])?.ids();
            now.extend(contacts.iter().map(|it| attending("contact", it)));
            let mut guests = Guests::default();
            for it in edits.apply(now, same) {
                guests.add(it, &mut properties);
            }
            properties.set(ATTENDING, guests.owners.join(";"));
            let [types, ..] = MEETINGS.types;
            let new = guests.contacts.iter().filter(|it| !contacts.contains(it));
            links.push(link::Change {
                to: &CONTACT,
                add: new.map(|it| (it.clone(), types)).collect(),
                remove: contacts
                    .iter()
                    .filter(|it| !guests.contacts.contains(it))
                    .cloned()
                    .collect(),
            });
        }
        let properties = properties.finish(fields)?;
        self.change(&MEETING, id, properties, ("about", &links))
    }

    pub(crate) fn meetings_like(&self, key: &MeetingKey) -> Result<Vec<Id>> {
        let known = Known {
            key: &key.key,
            time: instant(&key.start)?,
            subject: &key.subject,
            id: None,
        };
        self.find_logged(&MEETINGS, &known, |_| true)
    }
}

/// Who attends, by what HubSpot has for it.
#[derive(Default)]
struct Guests {
    owners: Vec<Id>,
    contacts: Vec<Id>,
}

impl Guests {
    fn add(&mut self, it: Attendee, properties: &mut Properties) {
        let answer = it.response.as_deref().filter(|it| *it != "needs-action");
        if answer.is_some() || it.role.is_some() {
            properties.leave(
                "attendees",
                "HubSpot keeps neither answers nor roles of attendees",
            );
        }
        self.add_party(&it.party, properties);
    }

    fn add_party(&mut self, party: &Party, properties: &mut Properties) {
        let link = party.link.as_ref().filter(|it| is_id(&it.id));
        let list = match link.map(|it| it.kind.as_str()) {
            Some("user") => &mut self.owners,
            Some("contact") => &mut self.contacts,
            _ => {
                let who = party.address.as_deref().or(party.name.as_deref());
                let who = who.unwrap_or("somebody");
                let reason = format!("only users and contacts attend in HubSpot, and not {who}");
                return properties.leave("attendees", reason);
            }
        };
        if let Some(link) = link.filter(|it| !list.contains(&it.id)) {
            list.push(link.id.clone());
        }
    }
}

fn attending(kind: &str, id: &str) -> Attendee {
    Attendee {
        party: Party {
            link: Some(Ref::new(kind, id)),
            ..Party::default()
        },
        response: None,
        role: None,
    }
}

/// Attendees are the same record, or the same address where there is none.
fn same(one: &Attendee, other: &Attendee) -> bool {
    match (&one.party.link, &other.party.link) {
        (None, None) => one.party.address == other.party.address,
        (one, other) => one == other,
    }
}

/// Takes what a meeting consists of, but for those who attend; when it ends now is asked for only if that decides.
fn write(fields: &mut Fields, end: impl Fn() -> Result<Option<String>>) -> Result<Properties> {
    let mut properties = Properties::default();
    if let Some(Change::Set(start)) = fields.value::<Moment>("start")? {
        let at = time::rfc3339(instant(&start)?);
        properties.set("hs_timestamp", at.clone());
        properties.set(START, at);
        if let Moment::On(_) = start {
            properties.leave(
                "start",
                "HubSpot has no meetings of whole days: it begins at midnight UTC",
            );
        }
    }
    let mut over = None;
    if let Some(Change::Set(end)) = fields.value::<Moment>("end")? {
        let at = match &end {
            Moment::At(at) => *at,
            Moment::On(_) => instant(&end)? + DAY,
        };
        over = Some(at <= time::now());
        properties.set(END, time::rfc3339(at));
    }
    if let Some(change) = fields.value::<String>("status")? {
        let over = match over {
            Some(over) => over,
            None => {
                let end = end()?.map(|it| time::parse(&it)).transpose()?;
                end.is_some_and(|it: Timestamp| it <= time::now())
            }
        };
        let outcome = match (change.into_option().as_deref(), over) {
            (Some("cancelled"), _) => "CANCELED",
            (_, true) => "COMPLETED",
            (_, false) => "SCHEDULED",
        };
        properties.set("hs_meeting_outcome", outcome);
    }
    let names = [
        ("subject", "hs_meeting_title"),
        ("location", "hs_meeting_location"),
        ("text", "hs_meeting_body"),
    ];
    properties.copy_long(fields, &names)?;
    properties.copy(fields, &[("owner", "hubspot_owner_id")])?;
    Ok(properties)
}

/// When something begins; a day does at midnight UTC.
fn instant(moment: &Moment) -> Result<Timestamp> {
    match moment {
        Moment::At(at) => Ok(*at),
        Moment::On(day) => time::parse(&format!("{day}T00:00:00Z"))
            .map_err(|error| Error::invalid("start", error.message)),
    }
}
