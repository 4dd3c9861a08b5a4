//! The contract's new records and patches as values that Tryton writes; it makes no requests.

use brightsync_sdk::json::Body;
use brightsync_sdk::patch::{Change, Fields, ListEdits};
use brightsync_sdk::{
    Affiliation, ContactPoint, Extra, Id, InvalidField, NewAccount, NewContact, Patch, Result,
    domain, extra,
};
use serde_json::Value;

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

const NO_RELATIONS: &str =
    "Tryton cannot say who works where without its module party_relationship";

/// What is written of a party, and what of the caller's wish is not.
pub(crate) type Draft = (Body, Vec<InvalidField>);

#[derive(Default)]
struct Values {
    values: Body,
    mechanisms: Vec<Value>,
    relations: Vec<Value>,
    incomplete: Vec<InvalidField>,
}

/// An address, a number or a web site as it shall be.
struct Point {
    kind: &'static str,
    value: String,
    name: Option<String>,
}

pub(crate) fn new_account(account: NewAccount) -> Result<Draft> {
    let mut values = Values::default();
    values.custom(&account.extra)?;
    values.values.set("name", account.name.into());
    values.refuse_owner(account.owner.as_ref());
    values.set_points(
        &[],
        account.domains.into_iter().map(website).collect(),
        |_, _| false,
    );
    Ok(values.finish())
}

/// A person, of the category with this id, at companies by the relation type with that id.
pub(crate) fn new_contact(
    contact: NewContact,
    person: i64,
    employment: Option<i64>,
) -> Result<Draft> {
    let mut values = Values::default();
    values.custom(&contact.extra)?;
    let name = contact.whole_name();
    for (field, part) in [
        ("given-name", &contact.given_name),
        ("family-name", &contact.family_name),
    ] {
        let whole = name.as_deref().unwrap_or_default();
        if part.as_ref().is_some_and(|it| !whole.contains(it.as_str())) {
            values.leave(field, "Tryton keeps whole names only");
        }
    }
    values.values.set("name", name.into());
    let person = step("add", vec![person]);
    values.values.set("categories", vec![person].into());
    if contact.title.is_some() {
        values.leave("title", "a party of Tryton has no title");
    }
    values.refuse_owner(contact.owner.as_ref());
    let emails = ContactPoint::main_first(contact.emails);
    let phones = ContactPoint::main_first(contact.phones);
    let emails = emails.into_iter().map(email);
    let points = emails.chain(phones.into_iter().map(phone));
    values.set_points(&[], points.collect(), |_, _| false);
    let accounts = Affiliation::main_first(contact.accounts);
    values.refuse_roles(&accounts);
    match employment {
        Some(kind) => values.employ(&[], &ids(&accounts), kind),
        None if accounts.is_empty() => {}
        None => values.leave("accounts", NO_RELATIONS),
    }
    Ok(values.finish())
}

pub(crate) fn account(patch: &Patch, party: &Party) -> Result<Draft> {
    let mut fields = Fields::from(patch);
    let mut values = Values::default();
    values.custom_edits(&mut fields)?;
    values.name(fields.value("name")?);
    if let Some(edits) = fields.list::<String>("domains")? {
        let present = map::of_kind(party, &["website"]);
        let sites = present.iter().map(|it| it.value.clone()).collect();
        let wanted = edits.apply(sites, |a, b| a == b || same_host(a, b));
        let wanted = wanted.into_iter().map(website).collect();
        values.set_points(&present, wanted, same_host);
    }
    values.incomplete.extend(fields.rest());
    Ok(values.finish())
}

/// The edits of a person; `employment` is only asked for if the accounts change.
pub(crate) fn contact(
    patch: &Patch,
    party: &Party,
    setup: &Setup,
    employment: Option<i64>,
) -> Result<Draft> {
    let mut fields = Fields::from(patch);
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
        let relations = map::employments(party, setup);
        // Which one is the main one follows from which was linked first.
        let main = wanted.iter().rposition(|it| it.primary).unwrap_or(0);
        if 0 < main && !relations.is_empty() {
            let reason = "Tryton has no main company; the first linked counts";
            values.leave("accounts", reason);
        }
        values.employ(&relations, &ids(&wanted), kind);
    }
    values.incomplete.extend(fields.rest());
    Ok(values.finish())
}

/// The companies that a patch may link a person to; none if it leaves them alone.
pub(crate) fn named_accounts(patch: &Patch) -> Result<Option<Vec<Id>>> {
    let edits = Fields::from(patch).list::<Affiliation>("accounts")?;
    let then = edits.map(|it| it.apply(Vec::new(), |a, b| a.account == b.account));
    Ok(then.map(|it| it.into_iter().map(|it| it.account).collect()))
}

impl Values {
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
            self.custom_field(&name, value);
        }
        Ok(())
    }

    fn custom_edits(&mut self, fields: &mut Fields) -> Result<()> {
        for (name, change) in fields.extra()? {
            self.custom_field(&name, change.into());
        }
        Ok(())
    }

    fn custom_field(&mut self, name: &str, value: Value) {
        if RESERVED.contains(&name) {
            self.leave(&format!("extra.{name}"), "this is no custom field");
        } else {
            self.values.set(name, value);
        }
    }

    fn name(&mut self, change: Option<Change<String>>) {
        if let Some(change) = change {
            self.values.set("name", change.into());
        }
    }

    fn edit_points(
        &mut self,
        party: &Party,
        kinds: &[&str],
        edits: ListEdits<ContactPoint>,
        point: fn(ContactPoint) -> Point,
        same: fn(&str, &str) -> bool,
    ) {
        let present = map::points(party, kinds);
        let wanted = edits.apply(present, |a, b| same(&a.value, &b.value));
        let wanted = ContactPoint::main_first(wanted).into_iter().map(point);
        self.set_points(&map::of_kind(party, kinds), wanted.collect(), same);
    }

    /// Makes the points of one type those that are wanted, in their order; what stays the same is left alone.
    fn set_points(
        &mut self,
        present: &[&Mechanism],
        wanted: Vec<Point>,
        same: fn(&str, &str) -> bool,
    ) {
        let mut left = present.to_vec();
        let mut matched: Vec<(Point, Option<&Mechanism>)> = Vec::new();
        for point in wanted {
            let place = left.iter().position(|it| same(&it.value, &point.value));
            let mechanism = place.map(|it| left.remove(it));
            matched.push((point, mechanism));
        }
        let gone: Vec<i64> = left.iter().map(|it| it.id).collect();
        if !gone.is_empty() {
            self.mechanisms.push(step("delete", gone.as_slice()));
        }
        // Tryton shows new ones last; only if that is not what is wanted does it need numbers.
        let mut kept = present
            .iter()
            .map(|it| it.id)
            .filter(|it| !gone.contains(it));
        let numbered = matched
            .iter()
            .any(|(_, mechanism)| mechanism.map(|it| it.id) != kept.next());
        for (place, (point, mechanism)) in (1..).zip(&matched) {
            let values = point.changes(*mechanism, numbered.then_some(place));
            match mechanism {
                Some(_) if values.is_empty() => {}
                Some(mechanism) => {
                    let ids = vec![mechanism.id].into();
                    let write: Vec<Value> = vec!["write".into(), ids, values.into()];
                    self.mechanisms.push(write.into());
                }
                None => self.mechanisms.push(step("create", vec![values])),
            }
        }
    }

    /// Makes the companies of a person those that are wanted; `present` has the relations with their companies.
    fn employ(&mut self, present: &[(i64, i64)], wanted: &[i64], kind: i64) {
        let gone = present.iter().filter(|(_, to)| !wanted.contains(to));
        let gone: Vec<i64> = gone.map(|(id, _)| *id).collect();
        if !gone.is_empty() {
            self.relations.push(step("delete", gone));
        }
        for to in wanted {
            if !present.iter().any(|(_, it)| it == to) {
                let relation = Body::new().with("to", *to).with("type", kind);
                self.relations.push(step("create", vec![relation]));
            }
        }
    }

    fn finish(mut self) -> Draft {
        for (field, steps) in [
            ("contact_mechanisms", self.mechanisms),
            ("relations", self.relations),
        ] {
            if !steps.is_empty() {
                self.values.set(field, steps.into());
            }
        }
        (self.values, self.incomplete)
    }
}

impl Point {
    /// What is to be written of it; all of it if it is not there yet.
    fn changes(&self, present: Option<&Mechanism>, sequence: Option<i64>) -> Body {
        let mut changes = Body::new();
        if present.is_none_or(|it| it.kind != self.kind) {
            changes.set("type", self.kind.into());
        }
        if present.is_none_or(|it| it.value != self.value) {
            changes.set("value", self.value.as_str().into());
        }
        let name = present.and_then(|it| it.name.as_ref());
        if self.name.as_ref() != name.filter(|it| !it.is_empty()) {
            changes.set("name", self.name.as_deref().into());
        }
        if sequence.is_some() && sequence != present.and_then(|it| it.sequence) {
            changes.set("sequence", sequence.into());
        }
        changes
    }
}

/// One of the steps in which Tryton changes what belongs to a record.
fn step(verb: &str, what: impl Into<Value>) -> Value {
    vec![verb.into(), what.into()].into()
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
fn website(domain: String) -> Point {
    let value = if domain.contains("://") {
        domain
    } else {
        format!("https://{domain}")
    };
    Point {
        kind: "website",
        value,
        name: None,
    }
}

fn same_host(one: &str, other: &str) -> bool {
    let host = |it: &str| domain::of(it).unwrap_or_else(|| it.to_owned());
    host(one) == host(other)
}

fn same_email(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Numbers are the same whatever stands between their digits.
fn same_phone(one: &str, other: &str) -> bool {
    let is_digit = |it: &char| it.is_alphanumeric() || *it == '+';
    let other = other.chars().filter(is_digit);
    one.chars().filter(is_digit).eq(other)
}

fn ids(accounts: &[Affiliation]) -> Vec<i64> {
    let accounts: Vec<Id> = accounts.iter().map(|it| it.account.clone()).collect();
    numbers(&accounts)
}

/// The name that a patch sets: the whole one, or both parts of it; one part alone stays among the rest.
fn whole_name(fields: &mut Fields, patch: &Patch) -> Result<Option<Change<String>>> {
    let whole = fields.value("full-name")?;
    let named = |name: &str| patch.edits.iter().any(|it| it.0 == name);
    if whole.is_some() || !(named("given-name") && named("family-name")) {
        return Ok(whole);
    }
    let mut parts = Vec::new();
    for part in ["given-name", "family-name"] {
        let part = fields.value::<String>(part)?;
        parts.extend(part.and_then(Change::into_option));
    }
    Ok(Some(match parts.is_empty() {
        true => Change::Clear,
        false => Change::Set(parts.join(" ")),
    }))
}
