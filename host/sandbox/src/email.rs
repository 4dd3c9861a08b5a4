//! E-mails that were logged, each message once, told apart by their message ids.

use crate::fold;
use crate::resource::{Access, Duplicates, Filter, Keys, Resource, members, text};
use crate::schema::{Body, Field, Shape};

/// Somebody who wrote, received or attends, known to the CRM or not.
pub(crate) const PARTY: &[Field] = &[
    Field::required("address", Shape::Address),
    Field::optional("name", Shape::Text(200)),
    Field::optional("link", Shape::Link),
];

const ATTACHMENT: &[Field] = &[
    Field::required("name", Shape::Text(255)),
    Field::required("media_type", Shape::Text(127)),
    Field::required("size", Shape::Count),
    Field::optional("content", Shape::Base64),
];

const PARTIES: Shape = Shape::List(&Shape::Object(PARTY), Some("address"));

pub(crate) static EMAIL: Resource = Resource {
    kind: "email",
    path: "emails",
    prefix: "eml",
    fields: &[
        Field::fixed("message_id", Shape::Text(998)),
        Field::optional("thread", Shape::Text(998)),
        Field::required("direction", Shape::OneOf(&["incoming", "outgoing"])),
        Field::required("sent_at", Shape::Time),
        Field::required("subject", Shape::Text(998)),
        Field::required("from", Shape::Object(PARTY)),
        Field::optional("to", PARTIES),
        Field::optional("cc", PARTIES),
        Field::optional("bcc", PARTIES),
        Field::optional("text", Shape::Text(LONGEST_TEXT)),
        Field::optional("html", Shape::Text(LONGEST_TEXT)),
        Field::optional(
            "attachments",
            Shape::List(&Shape::Object(ATTACHMENT), Some("name")),
        ),
        Field::optional("about", Shape::List(&Shape::Link, Some("id"))),
        Field::optional("owner", Shape::Id("user")),
        Field::optional("custom", Shape::Custom),
    ],
    filters: &[
        Filter::equal("message_id", "message_id", fold::message_id),
        Filter::equal("subject", "subject", fold::name),
        Filter::equal("from", "from", fold::address),
        Filter::equal("sent_at", "sent_at", fold::moment),
        Filter::equal("about", "about", fold::exact),
        Filter::equal("thread", "thread", fold::message_id),
    ],
    keys,
    duplicates: Duplicates::AllOf(&["message_id"]),
    access: Access::Write,
};

/// The longest body of a message, in characters; a request has a limit of its own.
pub(crate) const LONGEST_TEXT: usize = 12_000_000;

fn keys(body: &Body) -> Keys {
    let about = members(body, "about", "id").into_iter();
    let mut keys: Keys = about.map(|it| ("about", it.to_owned())).collect();
    keys.extend(text(body, "message_id").map(|it| ("message_id", fold::message_id(it))));
    keys.extend(text(body, "thread").map(|it| ("thread", fold::message_id(it))));
    keys.extend(text(body, "subject").map(|it| ("subject", fold::name(it))));
    keys.extend(text(body, "sent_at").map(|it| ("sent_at", fold::moment(it))));
    let from = body
        .get("from")
        .and_then(|it| it.get("address"))
        .and_then(|it| it.as_str());
    keys.extend(from.map(|it| ("from", fold::address(it))));
    keys
}
