//! The contract's new records and patches as values that Tryton writes; it makes no requests.

use std::collections::BTreeMap;

use brightsync_sdk::patch::{Change, Fields, ListEdits};
use brightsync_sdk::{
    Affiliation, ContactPoint, Extra, Id, InvalidField, NewAccount, NewContact, Patch, Result,
    domain, extra,
};
use serde_json::{Map, Value, json};

use crate::api::{Mechanism, Party};
use crate::map;
use crate::setup::{Setup, numbers};

/// The fields that say what a party is; a custom field of such a name would undo that.
const RESERVED: &[&str] = &[
    "name",
    "active",
    "categories",
    "contact_mechanisms",
    "relations",
    "replaced_by",
];

/// What is written of a party, and what of the caller's wish is not.
#[derive(Default)]
pub(crate) struct Values {
    pub(crate) values: Map<String, Value>,
    pub(crate) incomplete: Vec<InvalidField>,
}

/// An address, a number or a web site as it shall be.
#[derive(PartialEq)]
struct Point {
    kind: &'static str,
    value: String,
    name: Option<String>,
}

pub(crate) fn new_account(account: NewAccount) -> Result<Values> {
    let mut values = Values::default();
    values.custom(&account.extra)?;
    values.set("name", account.name);
    values.refuse_owner(account.owner.as_ref());
    let sites = account.domains.iter().map(|it| website(it)).collect();
    values.add_points(sites);
    Ok(values)
}

/// A person, of the category with this id, at companies by the relation type with that id.
pub(crate) fn new_contact(
    contact: NewContact,
    person: i64,
    employment: Option<i64>,
) -> Result<Values> {
    let mut values = Values::default();
    values.custom(&contact.extra)?;
    let name = contact.whole_name();
    for (field, part) in [
        ("given-name", &contact.given_name),
        ("family-name", &contact.family_name),
    ] {
        let kept = |part: &String| name.as_ref().is_some_and(|it| it.contains(part.as_str()));
        if part.as_ref().is_some_and(|it| !kept(it)) {
            values.leave(field, "Tryton keeps whole names only");
        }
    }
    values.set("name", name);
    values.set("categories", json!([["add", [person]]]));
    if contact.title.is_some() {
        values.leave("title", "a party of Tryton has no title");
    }
    values.refuse_owner(contact.owner.as_ref());
    let emails = main_first(contact.emails).into_iter().map(email);
    let phones = main_first(contact.phones).into_iter().map(phone);
    values.add_points(emails.chain(phones).collect());
    let accounts = main_account_first(contact.accounts);
    values.refuse_roles(&accounts);
    match employment {
        Some(kind) => values.employ(&[], &ids(&accounts), kind),
        None if accounts.is_empty() => {}
        None => values.leave("accounts", NO_RELATIONS),
    }
    Ok(values)
}

pub(crate) fn account(patch: &Patch, party: &Party) -> Result<Values> {
    let mut fields = Fields::of(patch)?;
    let mut values = Values::default();
    values.custom_edits(&mut fields)?;
    values.name(fields.value("name")?);
    if let Some(edits) = fields.list::<String>("domains")? {
        let present = map::of_kind(party, &["website"]);
        let sites = present.iter().map(|it| it.value.clone()).collect();
        let same = |a: &String, b: &String| a == b || host(a) == host(b);
        let wanted = edits.apply(sites, same);
        let wanted = wanted.iter().map(|it| website(it)).collect();
        values.set_points(&present, wanted, |a, b| host(a) == host(b));
    }
    values.incomplete.extend(fields.rest());
    Ok(values)
}

/// The edits of a person; `employment` is only asked for if the accounts change.
pub(crate) fn contact(
    patch: &Patch,
    party: &Party,
    setup: &Setup,
    employment: Option<i64>,
) -> Result<Values> {
    let mut fields = Fields::of(patch)?;
    let mut values = Values::default();
    values.custom_edits(&mut fields)?;
    values.name(whole_name(&mut fields, patch)?);
    if let Some(edits) = fields.list("emails")? {
        values.edit_points(party, &["email"], edits, email, same_email);
    }
    if let Some(edits) = fields.list("phones")? {
        values.edit_points(party, &["phone", "mobile"], edits, phone, same_phone);
    }
    if let Some(kind) = employment
        && let Some(edits) = fields.list::<Affiliation>("accounts")?
    {
        let present = map::affiliations(party, setup);
        let wanted = edits.apply(present, |a, b| a.account == b.account);
        values.refuse_roles(&wanted);
        let relations: Vec<(i64, i64)> = map::employments(party, setup)
            .iter()
            .map(|it| (it.id, it.to))
            .collect();
        // Which one is the main one follows from which was linked first.
        if main_account_first(wanted.clone()) != wanted && !relations.is_empty() {
            values.leave(
                "accounts",
                "Tryton has no main company; the first linked counts",
            );
        }
        values.employ(&relations, &ids(&wanted), kind);
    }
    values.incomplete.extend(fields.rest());
    Ok(values)
}

/// The companies that a patch may link a person to; none if it leaves them alone.
pub(crate) fn named_accounts(patch: &Patch) -> Result<Option<Vec<Id>>> {
    let edits = Fields::of(patch)?.list::<Affiliation>("accounts")?;
    let then = edits.map(|it| it.apply(Vec::new(), |a, b| a.account == b.account));
    Ok(then.map(|it| it.into_iter().map(|it| it.account).collect()))
}

const NO_RELATIONS: &str =
    "Tryton cannot say who works where without its module party_relationship";

impl Values {
    fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.values.insert(field.to_owned(), value.into());
    }

    fn leave(&mut self, field: &str, reason: &str) {
        self.incomplete.push(InvalidField::new(field, reason));
    }

    fn refuse_owner(&mut self, owner: Option<&Id>) {
        if owner.is_some() {
            self.leave("owner", "a party of Tryton has no owner");
        }
    }

    fn refuse_roles(&mut self, accounts: &[Affiliation]) {
        if accounts.iter().any(|it| it.role.is_some()) {
            self.leave("accounts", "Tryton keeps no role beside a relation");
        }
    }

    fn custom(&mut self, fields: &Extra) -> Result<()> {
        for (name, value) in extra::to_map(fields)? {
            self.custom_field(name, value);
        }
        Ok(())
    }

    fn custom_edits(&mut self, fields: &mut Fields) -> Result<()> {
        for (name, change) in fields.extra()? {
            self.custom_field(name, change.into_option().unwrap_or_default());
        }
        Ok(())
    }

    fn custom_field(&mut self, name: String, value: Value) {
        if RESERVED.contains(&name.as_str()) {
            let reason = "this is no custom field";
            self.leave(&format!("extra.{name}"), reason);
        } else {
            self.values.insert(name, value);
        }
    }

    fn name(&mut self, change: Option<Change<String>>) {
        if let Some(change) = change {
            self.set("name", change.into_option());
        }
    }

    fn add_points(&mut self, points: Vec<Point>) {
        self.set_points(&[], points, |_, _| false);
    }

    fn edit_points(
        &mut self,
        party: &Party,
        kinds: &[&str],
        edits: ListEdits<ContactPoint>,
        point: impl Fn(ContactPoint) -> Point,
        same: fn(&str, &str) -> bool,
    ) {
        let present = map::points(party, kinds);
        let wanted = edits.apply(present, |a, b| same(&a.value, &b.value));
        let wanted = main_first(wanted).into_iter().map(point).collect();
        self.set_points(&map::of_kind(party, kinds), wanted, same);
    }

    /// Makes the points of one type those that are wanted, in their order; what stays the same is left alone.
    fn set_points(
        &mut self,
        present: &[&Mechanism],
        wanted: Vec<Point>,
        same: impl Fn(&str, &str) -> bool,
    ) {
        let mut left: Vec<&Mechanism> = present.to_vec();
        let mut matched: Vec<(Point, Option<&Mechanism>)> = Vec::new();
        for point in wanted {
            let place = left.iter().position(|it| same(&it.value, &point.value));
            let mechanism = place.map(|it| left.remove(it));
            matched.push((point, mechanism));
        }
        let mut steps: Vec<Value> = Vec::new();
        if !left.is_empty() {
            let gone: Vec<i64> = left.iter().map(|it| it.id).collect();
            steps.push(json!(["delete", gone]));
        }
        // Tryton shows new ones last; only if that is not what is wanted does it need numbers.
        let natural: Vec<Option<i64>> = present
            .iter()
            .filter(|it| !left.iter().any(|gone| gone.id == it.id))
            .map(|it| Some(it.id))
            .chain(matched.iter().filter(|it| it.1.is_none()).map(|_| None))
            .collect();
        let order: Vec<Option<i64>> = matched.iter().map(|it| it.1.map(|it| it.id)).collect();
        let numbered = order != natural;
        for (place, (point, mechanism)) in (1_u32..).zip(&matched) {
            let sequence = numbered.then_some(place);
            match mechanism {
                Some(mechanism) => {
                    let changes = point.changes(mechanism, sequence);
                    if !changes.is_empty() {
                        steps.push(json!(["write", [mechanism.id], changes]));
                    }
                }
                None => steps.push(json!(["create", [point.values(sequence)]])),
            }
        }
        self.children("contact_mechanisms", steps);
    }

    /// Makes the companies of a person those that are wanted; `present` has the relations with their companies.
    fn employ(&mut self, present: &[(i64, i64)], wanted: &[i64], kind: i64) {
        let mut steps: Vec<Value> = Vec::new();
        let gone = present.iter().filter(|(_, to)| !wanted.contains(to));
        let gone: Vec<i64> = gone.map(|(id, _)| *id).collect();
        if !gone.is_empty() {
            steps.push(json!(["delete", gone]));
        }
        for to in wanted {
            if !present.iter().any(|(_, it)| it == to) {
                steps.push(json!(["create", [{ "to": to, "type": kind }]]));
            }
        }
        self.children("relations", steps);
    }

    fn children(&mut self, field: &str, steps: Vec<Value>) {
        if steps.is_empty() {
            return;
        }
        match self.values.get_mut(field) {
            Some(Value::Array(before)) => before.extend(steps),
            _ => self.set(field, steps),
        }
    }
}

impl Point {
    fn values(&self, sequence: Option<u32>) -> Map<String, Value> {
        let mut values = Map::new();
        values.insert("type".to_owned(), self.kind.into());
        values.insert("value".to_owned(), self.value.as_str().into());
        if let Some(name) = &self.name {
            values.insert("name".to_owned(), name.as_str().into());
        }
        if let Some(sequence) = sequence {
            values.insert("sequence".to_owned(), sequence.into());
        }
        values
    }

    fn changes(&self, present: &Mechanism, sequence: Option<u32>) -> Map<String, Value> {
        let mut changes = Map::new();
        if self.kind != present.kind {
            changes.insert("type".to_owned(), self.kind.into());
        }
        if self.value != present.value {
            changes.insert("value".to_owned(), self.value.as_str().into());
        }
        if self.name != present.name.clone().filter(|it| !it.is_empty()) {
            changes.insert("name".to_owned(), self.name.clone().into());
        }
        if let Some(sequence) = sequence
            && present.sequence != Some(i64::from(sequence))
        {
            changes.insert("sequence".to_owned(), sequence.into());
        }
        changes
    }
}

fn email(it: ContactPoint) -> Point {
    Point {
        kind: "email",
        value: it.value,
        name: it.label,
    }
}

/// A number; a mobile one has a type of its own in Tryton.
fn phone(it: ContactPoint) -> Point {
    let mobile = it
        .label
        .as_ref()
        .is_some_and(|it| it.eq_ignore_ascii_case("mobile"));
    Point {
        kind: if mobile { "mobile" } else { "phone" },
        value: it.value,
        name: it.label.filter(|_| !mobile),
    }
}

/// A web site; the web client makes a link of it, for which it must be a whole address.
fn website(domain: &str) -> Point {
    let whole = domain.contains("://");
    Point {
        kind: "website",
        value: if whole {
            domain.to_owned()
        } else {
            format!("https://{domain}")
        },
        name: None,
    }
}

fn host(site: &str) -> String {
    domain::of(site).unwrap_or_else(|| site.to_owned())
}

fn same_email(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Numbers are the same whatever stands between their digits.
fn same_phone(one: &str, other: &str) -> bool {
    let digits = |it: &str| -> String {
        it.chars()
            .filter(|it| it.is_alphanumeric() || *it == '+')
            .collect()
    };
    digits(one) == digits(other)
}

/// Moves the main one to the front; of several the last one counts, since it was added last.
fn main_first(mut points: Vec<ContactPoint>) -> Vec<ContactPoint> {
    if let Some(main) = points.iter().rposition(|it| it.primary) {
        let main = points.remove(main);
        points.insert(0, main);
    }
    points
}

fn main_account_first(mut accounts: Vec<Affiliation>) -> Vec<Affiliation> {
    if let Some(main) = accounts.iter().rposition(|it| it.primary) {
        let main = accounts.remove(main);
        accounts.insert(0, main);
    }
    accounts
}

fn ids(accounts: &[Affiliation]) -> Vec<i64> {
    let accounts: Vec<Id> = accounts.iter().map(|it| it.account.clone()).collect();
    numbers(&accounts)
}

/// The name that a patch sets: the whole one, or both parts of it; one part alone stays among the rest.
fn whole_name(fields: &mut Fields, patch: &Patch) -> Result<Option<Change<String>>> {
    let whole = fields.value("full-name")?;
    let named: BTreeMap<&str, ()> = patch
        .edits
        .iter()
        .map(|(name, _)| (name.as_str(), ()))
        .collect();
    if whole.is_some() || !(named.contains_key("given-name") && named.contains_key("family-name")) {
        return Ok(whole);
    }
    let parts: Vec<String> = [fields.value("given-name")?, fields.value("family-name")?]
        .into_iter()
        .flatten()
        .filter_map(Change::into_option)
        .collect();
    Ok(Some(if parts.is_empty() {
        Change::Clear
    } else {
        Change::Set(parts.join(" "))
    }))
}
