//! Accounts: the organisations a company deals with, with the domains they use.

use serde_json::Value;

use crate::fold;
use crate::resource::{Access, Duplicates, Filter, Keys, Resource, list, text};
use crate::schema::{Body, Field, Shape};

pub(crate) static ACCOUNT: Resource = Resource {
    kind: "account",
    path: "accounts",
    prefix: "acc",
    fields: &[
        Field::required("name", Shape::Text(200)),
        Field::optional("domains", Shape::List(&Shape::Domain, None)),
        Field::optional(
            "kind",
            Shape::OneOf(&["customer", "prospect", "partner", "supplier", "competitor"]),
        ),
        Field::optional("parent", Shape::Id("account")),
        Field::optional("owner", Shape::Id("user")),
        Field::optional("active", Shape::Bool),
        Field::optional("last_activity_at", Shape::Time),
        Field::optional("custom", Shape::Custom),
    ],
    filters: &[
        Filter::equal("name", "name", fold::name),
        Filter::contains("name_contains", "name", fold::name),
        Filter::equal("domain", "domain", fold::domain),
        Filter::equal("parent", "parent", fold::exact),
    ],
    keys,
    duplicates: Duplicates::AnyOf(&["domain", "name"]),
    access: Access::Merge,
};

fn keys(body: &Body) -> Keys {
    let domains = list(body, "domains").iter().filter_map(Value::as_str);
    let mut keys: Keys = domains.map(|it| ("domain", fold::domain(it))).collect();
    keys.extend(text(body, "name").map(|it| ("name", fold::name(it))));
    keys.extend(text(body, "parent").map(|it| ("parent", it.to_owned())));
    keys
}
