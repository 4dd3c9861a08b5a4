//! The first records of an organisation, the same for the same seed, on every machine and day.

mod name;
pub(crate) mod random;

use serde_json::{Value, json};

use crate::account::ACCOUNT;
use crate::clock;
use crate::contact::CONTACT;
use crate::email::EMAIL;
use crate::fold;
use crate::meeting::MEETING;
use crate::opportunity::OPPORTUNITY;
use crate::options::Options;
use crate::resource::{Resource, text};
use crate::schema::Body;
use crate::store::{New, Session};
use crate::user::USER;
use name::{
    CURRENCIES, FIRST_ACCOUNTS, PEOPLE, PUBLIC_HOSTS, ROLES, STAGES, TITLES, TRADES, WORDS, ZONES,
};
use random::{Random, mix};

/// When the seeded past ends: 2026-01-01T00:00:00Z. It began two years before.
const END: i64 = 1_767_225_600_000;
const DAY: i64 = 24 * 60 * 60 * 1000;
const PAST_DAYS: usize = 730;

/// Fills a new organisation.
pub(crate) async fn fill(session: &mut Session, options: &Options) -> Result<(), sqlx::Error> {
    let mut seed = Seed {
        session,
        random: Random::new(mix(options.seed)),
        new: Vec::new(),
    };
    let users = seed.many(&USER, options.users.max(1), |seed, n| seed.user(n));
    let accounts = seed.many(&ACCOUNT, options.accounts, |seed, n| {
        seed.account(n, &users)
    });
    let contacts = seed.many(&CONTACT, options.contacts, |seed, n| {
        seed.contact(n, &users, &accounts)
    });
    seed.many(&OPPORTUNITY, options.opportunities, |seed, n| {
        seed.opportunity(n, &users, &contacts)
    });
    seed.many(&EMAIL, options.emails, |seed, n| {
        seed.email(n, &users, &contacts)
    });
    seed.many(&MEETING, options.meetings, |seed, n| {
        seed.meeting(n, &users, &contacts)
    });
    let Seed { session, new, .. } = seed;
    session.insert_all(1, &new).await
}

struct Seed<'a> {
    session: &'a mut Session,
    random: Random,
    new: Vec<New>,
}

/// What others need to know of a record that was made.
struct Made {
    id: String,
    body: Body,
}

impl Seed<'_> {
    fn many(
        &mut self,
        resource: &'static Resource,
        count: u32,
        mut make: impl FnMut(&mut Self, u32) -> Value,
    ) -> Vec<Made> {
        let mut made: Vec<Made> = Vec::new();
        for number in 0..count {
            let Value::Object(mut body) = make(self, number) else {
                continue;
            };
            // Every tenth account belongs to the one before it.
            if resource.kind == "account"
                && (number == 4 || number % 10 == 9)
                && let Some(parent) = made.last()
            {
                body.insert("parent".to_owned(), parent.id.clone().into());
            }
            let record = i64::try_from(self.new.len())
                .unwrap_or(i64::MAX)
                .saturating_add(1);
            let id = self.session.id(resource, record);
            let created = END - self.span(PAST_DAYS);
            let modified = created + self.span(PAST_DAYS).min(END - created);
            made.push(Made {
                id: id.clone(),
                body: body.clone(),
            });
            self.new.push(New {
                resource,
                id,
                created,
                modified,
                body,
            });
        }
        made
    }

    fn user(&mut self, number: u32) -> Value {
        let (given, family) = self.person();
        let zone = self.one(ZONES);
        // The last of several users has left the company.
        let active = number == 0 || number % 5 != 4;
        json!({
            "name": full_name(given, family),
            "emails": [format!("user{number}@crm.example"), format!("{}@crm.example", local(given, family, number))],
            "timezone": zone,
            "active": active,
        })
    }

    fn account(&mut self, number: u32, users: &[Made]) -> Value {
        let first = usize::try_from(number)
            .ok()
            .and_then(|it| FIRST_ACCOUNTS.get(it));
        let (name, domains) = match first {
            Some((name, domains)) => (
                (*name).to_owned(),
                domains.iter().map(|it| (*it).to_owned()).collect(),
            ),
            None => {
                let (word, trade) = (self.one(WORDS), self.one(TRADES));
                let stem = format!("{}-{}", word.to_lowercase(), trade.to_lowercase());
                let mut domains = vec![format!("{stem}-{number}.example")];
                if self.random.chance(20) {
                    domains.push(format!("{stem}-{number}.shop.example"));
                }
                (format!("{word} {trade} {number}"), domains)
            }
        };
        let kind = self.one(&[
            "customer",
            "customer",
            "prospect",
            "prospect",
            "partner",
            "supplier",
            "competitor",
        ]);
        let tier = self.one(&["gold", "silver", "bronze"]);
        json!({
            "name": name,
            "domains": domains,
            "kind": kind,
            "owner": self.id_of(users),
            "active": !self.random.chance(5),
            "custom": {"tier": tier, "seats": self.random.next() % 500},
        })
    }

    fn contact(&mut self, number: u32, users: &[Made], accounts: &[Made]) -> Value {
        let (given, family) = self.person();
        let local = local(given, family, number);
        let personal = self.random.chance(6);
        let account = if personal {
            None
        } else {
            self.random.pick(accounts)
        };
        let host = match account {
            Some(account) => {
                let domains = crate::resource::list(&account.body, "domains");
                self.random
                    .pick(domains)
                    .and_then(Value::as_str)
                    .unwrap_or("example.com")
            }
            None => self.one(PUBLIC_HOSTS),
        };
        let mut emails =
            vec![json!({"address": format!("{local}@{host}"), "primary": true, "label": "work"})];
        if self.random.chance(15) {
            let other = format!("invented.{local}@{}", self.one(PUBLIC_HOSTS));
            emails.push(json!({"address": other, "primary": false, "label": "home"}));
        }
        // A switchboard's address, which several people have.
        if account.is_some() && self.random.chance(2) {
            emails.push(json!({"address": format!("office@{host}"), "primary": false}));
        }
        let mut affiliations: Vec<Value> = account
            .iter()
            .map(|it| json!({"account": it.id, "primary": true, "role": "Employee"}))
            .collect();
        if self.random.chance(4)
            && let Some(second) = self.random.pick(accounts)
            && account.is_none_or(|it| it.id != second.id)
        {
            affiliations.push(json!({"account": second.id, "primary": false, "role": "Adviser"}));
        }
        let mut body = json!({
            "full_name": full_name(given, family),
            "given_name": given,
            "family_name": family,
            "emails": emails,
            "phones": [{"number": format!("+1 555 01{:02} {number:04}", self.random.next() % 100), "primary": true}],
            "accounts": affiliations,
            "title": self.one(TITLES),
            "owner": self.id_of(users),
            "active": !self.random.chance(3),
            "custom": {"newsletter": self.random.chance(40), "score": self.random.next() % 100},
        });
        // Some have no address at all.
        if self.random.chance(2)
            && let Some(body) = body.as_object_mut()
        {
            body.remove("emails");
        }
        body
    }

    fn opportunity(&mut self, number: u32, users: &[Made], contacts: &[Made]) -> Value {
        let order = self.random.below(STAGES.len()).unwrap_or_default();
        let (stage, status) = STAGES.get(order).copied().unwrap_or(("Qualified", "open"));
        let currency = self.one(CURRENCIES);
        let cents = if currency == "JPY" {
            String::new()
        } else {
            format!(".{:02}", self.random.next() % 100)
        };
        let main = self.random.pick(contacts);
        let account = main.and_then(|it| {
            crate::resource::members(&it.body, "accounts", "account")
                .first()
                .copied()
        });
        let mut participants: Vec<Value> = main
            .iter()
            .map(|it| json!({"contact": it.id, "primary": true, "role": "Decision maker"}))
            .collect();
        if self.random.chance(60)
            && let Some(second) = self.random.pick(contacts)
            && main.is_none_or(|it| it.id != second.id)
        {
            participants
                .push(json!({"contact": second.id, "primary": false, "role": self.one(ROLES)}));
        }
        let (day, owner) = (END - self.span(300), self.id_of(users));
        let mut body = json!({
            "name": format!("{} {number}", self.one(TRADES)),
            "status": status,
            "stage": stage,
            "stage_order": order + 1,
            "kind": self.one(&["New business", "Renewal", "Extension"]),
            "value": {"amount": format!("{}{cents}", 500 + self.random.next() % 250_000), "currency": currency},
            "closes": clock::format(day + 400 * DAY).chars().take(10).collect::<String>(),
            "owner": owner.clone(),
            "members": [owner],
            "participants": participants,
        });
        if let Some(body) = body.as_object_mut() {
            body.extend(account.map(|it| ("account".to_owned(), it.into())));
            if status != "open" {
                body.insert("closed_at".to_owned(), clock::format(day).into());
            }
        }
        body
    }

    fn email(&mut self, number: u32, users: &[Made], contacts: &[Made]) -> Value {
        let (owner, ours) = self.ours(users);
        let theirs = self.theirs(contacts);
        let incoming = self.random.chance(50);
        let (from, to) = if incoming {
            (&theirs, &ours)
        } else {
            (&ours, &theirs)
        };
        let about: Vec<&Value> = theirs.get("link").into_iter().collect();
        json!({
            "message_id": format!("{number}.{:x}@mail.example", self.random.next()),
            "direction": if incoming { "incoming" } else { "outgoing" },
            "sent_at": clock::format(END - self.span(200)),
            "subject": format!("Re: {} – order {number}", self.one(TRADES)),
            "from": from,
            "to": [to],
            "text": "Good morning,\n\nplease find the details below.\n",
            "about": about,
            "owner": owner,
        })
    }

    fn meeting(&mut self, number: u32, users: &[Made], contacts: &[Made]) -> Value {
        let (owner, organiser) = self.ours(users);
        let theirs = self.theirs(contacts);
        let about: Vec<&Value> = theirs.get("link").into_iter().collect();
        let start = (END - self.span(200)) / 1_800_000 * 1_800_000;
        let mut attendee = theirs.clone();
        if let Some(attendee) = attendee.as_object_mut() {
            attendee.insert(
                "response".to_owned(),
                self.one(&["accepted", "declined", "tentative", "none"])
                    .into(),
            );
        }
        let mut body = json!({
            "ical_uid": format!("{}-{:x}@calendar.example", number / 3, self.random.next() % 7),
            "subject": format!("Talk about {}", self.one(TRADES)),
            "start": clock::format(start),
            "end": clock::format(start + 3_600_000),
            "timezone": self.one(ZONES),
            "status": self.one(&["confirmed", "confirmed", "tentative", "cancelled"]),
            "location": "Room 3",
            "organiser": organiser,
            "attendees": [attendee],
            "about": about,
            "owner": owner,
        });
        // Every third meeting stands alone; the others are occurrences of a series.
        if !number.is_multiple_of(3)
            && let Some(body) = body.as_object_mut()
        {
            body.insert("occurrence".to_owned(), clock::format(start).into());
        }
        body
    }

    fn ours(&mut self, users: &[Made]) -> (Option<String>, Value) {
        let Some(user) = self.random.pick(users) else {
            return (None, Value::Null);
        };
        let address = crate::resource::list(&user.body, "emails").first();
        let party = json!({
            "address": address,
            "name": text(&user.body, "name"),
            "link": {"kind": "user", "id": user.id},
        });
        (Some(user.id.clone()), party)
    }

    fn theirs(&mut self, contacts: &[Made]) -> Value {
        let address = |it: &Made| {
            crate::resource::members(&it.body, "emails", "address")
                .first()
                .map(|it| (*it).to_owned())
        };
        let contact = self
            .random
            .pick(contacts)
            .and_then(|it| Some((it, address(it)?)));
        match contact {
            Some((contact, address)) => json!({
                "address": address,
                "name": text(&contact.body, "full_name"),
                "link": {"kind": "contact", "id": contact.id},
            }),
            None => json!({"address": "stranger@example.net"}),
        }
    }

    fn person(&mut self) -> (&'static str, &'static str) {
        // Half of the people have names of the first list.
        let people = if self.random.chance(50) {
            PEOPLE.first()
        } else {
            self.random.pick(PEOPLE)
        };
        people.map_or(("Ada", "Archer"), |(given, family)| {
            (self.one(given), self.one(family))
        })
    }

    fn one<T: Copy + Default>(&mut self, from: &[T]) -> T {
        self.random.pick(from).copied().unwrap_or_default()
    }

    fn id_of(&mut self, made: &[Made]) -> Option<String> {
        self.random.pick(made).map(|it| it.id.clone())
    }

    /// Returns a time span of less than so many days, in milliseconds.
    fn span(&mut self, days: usize) -> i64 {
        let days = self
            .random
            .below(days)
            .and_then(|it| i64::try_from(it).ok())
            .unwrap_or_default();
        let rest = self
            .random
            .below(86_400_000)
            .and_then(|it| i64::try_from(it).ok())
            .unwrap_or_default();
        days * DAY + rest
    }
}

fn full_name(given: &str, family: &str) -> String {
    // Chinese, Japanese and Korean names begin with the family name.
    let eastern = given
        .chars()
        .any(|it| matches!(it, '\u{3040}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'));
    if eastern {
        format!("{family} {given}")
    } else {
        format!("{given} {family}")
    }
}

/// Returns the local part of an address: in ASCII, and another one for every number.
fn local(given: &str, family: &str, number: u32) -> String {
    let part = |name: &str| -> String {
        fold::name(name)
            .chars()
            .filter(|it| it.is_ascii_alphanumeric() || matches!(it, '\'' | '-'))
            .collect()
    };
    let (given, family) = (part(given), part(family));
    if given.is_empty() || family.is_empty() {
        format!("person{number}")
    } else {
        format!("{given}.{family}{number}")
    }
}
