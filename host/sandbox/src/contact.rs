//! Contacts: people, with any number of addresses, at any number of accounts.

use crate::fold;
use crate::resource::{Access, Duplicates, Filter, Keys, Resource, members, text};
use crate::schema::{Body, Field, Shape};

const ADDRESS: &[Field] = &[
    Field::required("address", Shape::Address),
    Field::optional("primary", Shape::Bool),
    Field::optional("label", Shape::Text(40)),
];

const PHONE: &[Field] = &[
    Field::required("number", Shape::Text(40)),
    Field::optional("primary", Shape::Bool),
    Field::optional("label", Shape::Text(40)),
];

const AFFILIATION: &[Field] = &[
    Field::required("account", Shape::Id("account")),
    Field::optional("primary", Shape::Bool),
    Field::optional("role", Shape::Text(100)),
];

pub(crate) static CONTACT: Resource = Resource {
    kind: "contact",
    path: "contacts",
    prefix: "con",
    fields: &[
        Field::required("full_name", Shape::Text(200)),
        Field::optional("given_name", Shape::Text(100)),
        Field::optional("family_name", Shape::Text(100)),
        Field::optional(
            "emails",
            Shape::List(&Shape::Object(ADDRESS), Some("address")),
        ),
        Field::optional("phones", Shape::List(&Shape::Object(PHONE), Some("number"))),
        Field::optional(
            "accounts",
            Shape::List(&Shape::Object(AFFILIATION), Some("account")),
        ),
        Field::optional("title", Shape::Text(100)),
        Field::optional("owner", Shape::Id("user")),
        Field::optional("active", Shape::Bool),
        Field::optional("last_activity_at", Shape::Time),
        Field::optional("custom", Shape::Custom),
    ],
    filters: &[
        Filter::equal("name", "name", fold::name),
        Filter::contains("name_contains", "name", fold::name),
        Filter::equal("email", "email", fold::address),
        Filter::equal("email_domain", "email_domain", fold::domain),
        Filter::equal("account", "account", fold::exact),
    ],
    keys,
    duplicates: Duplicates::AnyOf(&["email"]),
    access: Access::Merge,
};

fn keys(body: &Body) -> Keys {
    let mut keys = Keys::new();
    keys.extend(text(body, "full_name").map(|it| ("name", fold::name(it))));
    for address in members(body, "emails", "address") {
        keys.push(("email", fold::address(address)));
        keys.extend(fold::host_of(address).map(|it| ("email_domain", it)));
    }
    keys.extend(
        members(body, "accounts", "account")
            .into_iter()
            .map(|it| ("account", it.to_owned())),
    );
    keys
}
