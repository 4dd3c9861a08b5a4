//! The account in the words that the scenarios have for all CRMs.

use serde_json::Value;

use super::{HubSpot, Object, refusal};
use crate::{
    Access, Answer, Colleague, Company, Crm, Deal, Kind, Logged, Office, Outcome, Person, Refusal,
    Request,
};

impl Crm for HubSpot {
    fn office(&mut self) -> &mut Office {
        &mut self.office
    }

    fn access(&self) -> Access {
        self.oauth.access("sign-in")
    }

    fn answer(&mut self, request: &Request) -> Answer {
        match self.serve(request) {
            Ok(answer) => answer,
            Err(refused) => refused.answer(&mut self.office, request),
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> Answer {
        match refusal {
            Refusal::Unauthorized => refusal::error(
                401,
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found.",
            ),
            Refusal::Lacking => refusal::error(
                403,
                "MISSING_SCOPES",
                "This app hasn't been granted all required scopes to make this call.",
            ),
            Refusal::Limit => refusal::limited(),
            Refusal::Outage => Answer::html(503, "Service Unavailable"),
        }
    }

    fn lacks(&self) -> &'static str {
        refusal::LACKING
    }

    fn me(&self) -> String {
        self.owners[0].id.clone()
    }

    fn add_user(&mut self, user: &Colleague) -> String {
        self.hire(&user.name, &user.email)
    }

    fn add_company(&mut self, company: &Company) -> String {
        let owner = company.owner.clone().unwrap_or_else(|| self.me());
        let domain = company.domain.clone().unwrap_or_default();
        self.put(
            Object::Company,
            &[
                ("name", &company.name),
                ("domain", &domain),
                ("hubspot_owner_id", &owner),
            ],
        )
    }

    fn add_person(&mut self, person: &Person) -> String {
        let owner = person.owner.clone().unwrap_or_else(|| self.me());
        let email = person.email.clone().unwrap_or_default().to_lowercase();
        let id = self.put(
            Object::Contact,
            &[
                ("firstname", &person.given),
                ("lastname", &person.family),
                ("email", &email),
                ("hubspot_owner_id", &owner),
            ],
        );
        self.derive(Object::Contact, &id);
        if let Some(company) = &person.company {
            self.link((Object::Contact, &id), (Object::Company, company), 279);
        }
        id
    }

    fn add_deal(&mut self, deal: &Deal) -> String {
        let stage = match deal.outcome {
            Outcome::Open => "appointmentscheduled",
            Outcome::Won => "closedwon",
            Outcome::Lost => "closedlost",
        };
        let owner = self.me();
        let id = self.put(
            Object::Deal,
            &[
                ("dealname", &deal.name),
                ("amount", &deal.amount),
                ("pipeline", "default"),
                ("dealstage", stage),
                ("closedate", "2026-03-31T00:00:00.000Z"),
                ("hubspot_owner_id", &owner),
            ],
        );
        self.derive(Object::Deal, &id);
        if let Some(company) = &deal.company {
            self.link((Object::Deal, &id), (Object::Company, company), 341);
        }
        if let Some(person) = &deal.person {
            self.link((Object::Deal, &id), (Object::Contact, person), 3);
        }
        id
    }

    fn rename(&mut self, person: &str, family: &str) {
        self.edit(person, "lastname", family);
    }

    fn give(&mut self, person: &str, owner: &str) {
        self.edit(person, "hubspot_owner_id", owner);
    }

    fn remove(&mut self, kind: Kind, id: &str) {
        self.archive(object(kind), id);
    }

    fn ids(&self, kind: Kind) -> Vec<String> {
        let rows = self.tables[&object(kind)].after(None);
        let live = rows.filter(|it| it.deleted.is_none());
        live.map(|it| it.id.clone()).collect()
    }

    fn logged(&self, kind: Kind) -> Vec<Logged> {
        let object = object(kind);
        let (subject, body): (_, &[&str]) = match object {
            Object::Email => ("hs_email_subject", &["hs_email_html", "hs_email_text"]),
            _ => ("hs_meeting_title", &["hs_meeting_body"]),
        };
        let rows = self.tables[&object].after(None);
        let rows = rows.filter(|it| it.deleted.is_none());
        rows.map(|row| {
            let bodies = body.iter().map(|it| row.text(it));
            let kinds = [Object::Contact, Object::Company, Object::Deal];
            let about = kinds
                .into_iter()
                .flat_map(|to| self.linked(object, &row.id, to));
            Logged {
                id: row.id.clone(),
                subject: row.text(subject).to_owned(),
                body: bodies
                    .filter(|it| !it.is_empty())
                    .collect::<Vec<_>>()
                    .join("\n"),
                about: about.map(|it| it.0.clone()).collect(),
            }
        })
        .collect()
    }
}

impl HubSpot {
    /// Changes a person as a colleague in the office would.
    pub fn edit(&mut self, person: &str, property: &str, value: &str) {
        let (now, lag) = (self.office.now, self.office.lag);
        self.table(Object::Contact).change(person, now, lag, |row| {
            row.fields.insert(property.to_owned(), Value::from(value));
        });
        self.derive(Object::Contact, person);
    }
}

fn object(kind: Kind) -> Object {
    match kind {
        Kind::Company => Object::Company,
        Kind::Person => Object::Contact,
        Kind::Email => Object::Email,
        Kind::Meeting => Object::Meeting,
    }
}
