//! What the scenarios do in Zoho CRM, and who comes in.

use serde_json::{Map, Value, json};

use super::email::Email;
use super::{Zoho, record, refusal};
use crate::{
    Access, Answer, Colleague, Company, Crm, Deal, Kind, Logged, Office, Outcome, Person, Refusal,
    Request, Row,
};

impl Crm for Zoho {
    fn office(&mut self) -> &mut Office {
        &mut self.office
    }

    fn access(&self) -> Access {
        self.oauth.access("sign-in")
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let segments = request.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        match path[..] {
            ["oauth", "v2", "auth"] => self.oauth.authorize(&mut self.office, request),
            ["oauth", "v2", "token"] => self.token(request),
            ["oauth", "v2", "token", "revoke"] => Answer::json(200, &json!({"status": "success"})),
            ["crm", "v8", ref path @ ..] => {
                let token = request.credential("Zoho-oauthtoken").unwrap_or_default();
                let is_good = self.office.tokens.iter().any(|it| it == token);
                if !is_good || self.office.revoked {
                    return self.refuse(Refusal::Unauthorized);
                }
                if self.office.lacking && path == ["coql"] {
                    return self.refuse(Refusal::Lacking);
                }
                let path = path.to_vec();
                self.route(request, &path)
            }
            _ => self.violation(format!("nothing is at {}", request.path)),
        }
    }

    fn refuse(&mut self, refused: Refusal) -> Answer {
        let none = json!({});
        match refused {
            Refusal::Unauthorized => refusal(401, "INVALID_TOKEN", "invalid oauth token", &none),
            Refusal::Lacking => refusal(
                401,
                "OAUTH_SCOPE_MISMATCH",
                "invalid oauth scope to access this URL",
                &none,
            ),
            Refusal::Limit => {
                let message = "You have made too many requests within a certain time frame.";
                refusal(429, "TOO_MANY_REQUESTS", message, &none)
            }
            Refusal::Outage => refusal(500, "INTERNAL_ERROR", "Internal Server Error", &none),
        }
    }

    fn lacks(&self) -> &'static str {
        "ZohoCRM.coql.READ"
    }

    fn me(&self) -> String {
        let id = self.users.first().and_then(|it| it["id"].as_str());
        id.unwrap_or_default().to_owned()
    }

    fn add_user(&mut self, user: &Colleague) -> String {
        let id = self.fresh_id();
        self.users.push(json!({
            "id": id, "full_name": user.name, "email": user.email, "status": "active",
            "time_zone": "Europe/Berlin", "zuid": "20061000002", "confirm": true,
        }));
        id
    }

    fn add_company(&mut self, company: &Company) -> String {
        let mut fields = json!({"Account_Name": company.name, "Website": company.domain});
        own(&mut fields, company.owner.as_deref());
        self.put("Accounts", fields)
    }

    fn add_person(&mut self, person: &Person) -> String {
        let mut fields = json!({
            "First_Name": person.given, "Last_Name": person.family, "Email": person.email,
            "Full_Name": format!("{} {}", person.given, person.family),
        });
        if let Some(company) = &person.company {
            fields["Account_Name"] = json!({ "id": company });
        }
        own(&mut fields, person.owner.as_deref());
        self.put("Contacts", fields)
    }

    fn add_deal(&mut self, deal: &Deal) -> String {
        let (stage, probability) = match deal.outcome {
            Outcome::Open => ("Qualification", 10),
            Outcome::Won => ("Signed", 100),
            Outcome::Lost => ("Gone Cold", 0),
        };
        let amount: Value = serde_json::from_str(&deal.amount).unwrap_or_default();
        let mut fields = json!({
            "Deal_Name": deal.name, "Stage": stage, "Probability": probability, "Amount": amount,
            "Closing_Date": "2026-02-28", "Pipeline": "Standard",
        });
        if let Some(company) = &deal.company {
            fields["Account_Name"] = json!({ "id": company });
        }
        if let Some(person) = &deal.person {
            fields["Contact_Name"] = json!({ "id": person });
        }
        self.put("Deals", fields)
    }

    fn rename(&mut self, person: &str, family: &str) {
        let now = self.now();
        self.table("Contacts").change(person, now, 0, |row| {
            row.fields.insert("Last_Name".to_owned(), family.into());
            record::whole_name(&mut row.fields);
        });
    }

    fn give(&mut self, person: &str, owner: &str) {
        let now = self.now();
        self.table("Contacts").change(person, now, 0, |row| {
            row.fields
                .insert("Owner".to_owned(), json!({ "id": owner }));
        });
    }

    fn remove(&mut self, kind: Kind, id: &str) {
        match kind {
            Kind::Company => self.bin("Accounts", id),
            Kind::Person => self.bin("Contacts", id),
            Kind::Meeting => self.bin("Events", id),
            // Nobody can.
            Kind::Email => false,
        };
    }

    fn ids(&self, kind: Kind) -> Vec<String> {
        let module = match kind {
            Kind::Company => "Accounts",
            Kind::Person => "Contacts",
            Kind::Meeting => "Events",
            Kind::Email => return self.emails.iter().map(|it| it.message.clone()).collect(),
        };
        let rows = self
            .tables
            .get(module)
            .into_iter()
            .flat_map(|it| it.after(None));
        let live = rows.filter(|it| it.deleted.is_none());
        live.map(|it| it.id.clone()).collect()
    }

    fn logged(&self, kind: Kind) -> Vec<Logged> {
        let rows = |module| {
            let rows = self
                .tables
                .get(module)
                .into_iter()
                .flat_map(|it| it.after(None));
            rows.filter(|it: &&Row| it.deleted.is_none())
        };
        match kind {
            Kind::Email => {
                let notes = rows("Notes").map(|it| Logged {
                    id: it.id.clone(),
                    subject: it.text("Note_Title").to_owned(),
                    body: it.text("Note_Content").to_owned(),
                    about: linked(&it.fields, "Parent_Id"),
                });
                self.emails.iter().map(Email::logged).chain(notes).collect()
            }
            Kind::Meeting => {
                let meeting = |it: &Row| {
                    let mut about = linked(&it.fields, "Who_Id");
                    about.extend(linked(&it.fields, "What_Id"));
                    let people = it.fields.get("Participants").and_then(Value::as_array);
                    let people = people.into_iter().flatten();
                    about.extend(
                        people.filter_map(|it| Some(it["participant"].as_str()?.to_owned())),
                    );
                    Logged {
                        id: it.id.clone(),
                        subject: it.text("Event_Title").to_owned(),
                        body: it.text("Description").to_owned(),
                        about,
                    }
                };
                rows("Events").map(meeting).collect()
            }
            Kind::Company | Kind::Person => Vec::new(),
        }
    }
}

impl Zoho {
    /// Answers a token request; refusals come with status 200.
    fn token(&mut self, request: &Request) -> Answer {
        match self.oauth.token(&mut self.office, request) {
            Ok(issued) => {
                let mut members = issued.members;
                members.insert("api_domain".to_owned(), "https://www.zohoapis.eu".into());
                Answer::json(200, &Value::Object(members))
            }
            Err(refused) => {
                let error = refused.value();
                let error = match error["error"].as_str() {
                    Some("invalid_grant") => "invalid_code",
                    Some(other) => other,
                    None => "invalid_request",
                };
                Answer::json(200, &json!({ "error": error }))
            }
        }
    }
}

fn own(fields: &mut Value, owner: Option<&str>) {
    if let Some(owner) = owner {
        fields["Owner"] = json!({ "id": owner });
    }
}

fn linked(fields: &Map<String, Value>, name: &str) -> Vec<String> {
    let id = fields.get(name).and_then(|it| it["id"].as_str());
    id.map(str::to_owned).into_iter().collect()
}
