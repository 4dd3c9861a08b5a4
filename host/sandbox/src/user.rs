//! Users: the people who own records; the API only reads them.

use serde_json::Value;

use crate::fold;
use crate::resource::{Access, Duplicates, Filter, Keys, Resource, list, text};
use crate::schema::{Body, Field, Shape};

pub(crate) static USER: Resource = Resource {
    kind: "user",
    path: "users",
    prefix: "usr",
    fields: &[
        Field::required("name", Shape::Text(200)),
        Field::required("emails", Shape::List(&Shape::Address, None)),
        Field::optional("timezone", Shape::Text(64)),
        Field::optional("active", Shape::Bool),
    ],
    filters: &[
        Filter::equal("email", "email", fold::address),
        Filter::equal("name", "name", fold::name),
    ],
    keys,
    duplicates: Duplicates::Distinct,
    access: Access::Read,
};

fn keys(body: &Body) -> Keys {
    let emails = list(body, "emails").iter().filter_map(Value::as_str);
    let mut keys: Keys = emails.map(|it| ("email", fold::address(it))).collect();
    keys.extend(text(body, "name").map(|it| ("name", fold::name(it))));
    keys
}
