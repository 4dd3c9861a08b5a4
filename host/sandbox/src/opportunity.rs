//! Opportunities: possible sales, with the contacts who take part in them.

use crate::fold;
use crate::resource::{Access, Duplicates, Filter, Keys, Resource, members, text};
use crate::schema::{Body, Field, Shape};

const AMOUNT: &[Field] = &[
    Field::required("amount", Shape::Decimal),
    Field::optional("currency", Shape::Currency),
];

const PARTICIPANT: &[Field] = &[
    Field::required("contact", Shape::Id("contact")),
    Field::optional("primary", Shape::Bool),
    Field::optional("role", Shape::Text(100)),
];

pub(crate) static OPPORTUNITY: Resource = Resource {
    kind: "opportunity",
    path: "opportunities",
    prefix: "opp",
    fields: &[
        Field::required("name", Shape::Text(200)),
        Field::required("status", Shape::OneOf(&["open", "won", "lost"])),
        Field::optional("stage", Shape::Text(60)),
        Field::optional("stage_order", Shape::Count),
        Field::optional("kind", Shape::Text(60)),
        Field::optional("value", Shape::Object(AMOUNT)),
        Field::optional("closes", Shape::Date),
        Field::optional("closed_at", Shape::Time),
        Field::optional("owner", Shape::Id("user")),
        Field::optional("members", Shape::List(&Shape::Id("user"), None)),
        Field::optional("account", Shape::Id("account")),
        Field::optional(
            "participants",
            Shape::List(&Shape::Object(PARTICIPANT), Some("contact")),
        ),
        Field::optional("last_activity_at", Shape::Time),
        Field::optional("custom", Shape::Custom),
    ],
    filters: &[
        Filter::equal("contact", "contact", fold::exact),
        Filter::equal("account", "account", fold::exact),
        Filter::equal("status", "status", fold::exact),
        Filter::equal("name", "name", fold::name),
    ],
    keys,
    duplicates: Duplicates::Distinct,
    access: Access::Write,
};

fn keys(body: &Body) -> Keys {
    let contacts = members(body, "participants", "contact").into_iter();
    let mut keys: Keys = contacts.map(|it| ("contact", it.to_owned())).collect();
    keys.extend(text(body, "account").map(|it| ("account", it.to_owned())));
    keys.extend(text(body, "status").map(|it| ("status", it.to_owned())));
    keys.extend(text(body, "name").map(|it| ("name", fold::name(it))));
    keys
}
