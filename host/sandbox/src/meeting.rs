//! Meetings, each occurrence of a series once, told apart by iCalendar uid and occurrence.

use crate::email::{LONGEST_TEXT, PARTY};
use crate::fold;
use crate::resource::{Access, Duplicates, Filter, Keys, Resource, members, text};
use crate::schema::{Body, Field, Shape};

const ATTENDEE: &[Field] = &[
    Field::required("address", Shape::Address),
    Field::optional("name", Shape::Text(200)),
    Field::optional("link", Shape::Link),
    Field::optional(
        "response",
        Shape::OneOf(&["accepted", "declined", "tentative", "none"]),
    ),
    Field::optional(
        "role",
        Shape::OneOf(&["chair", "required", "optional", "none"]),
    ),
];

pub(crate) static MEETING: Resource = Resource {
    kind: "meeting",
    path: "meetings",
    prefix: "mtg",
    fields: &[
        Field::fixed("ical_uid", Shape::Text(998)),
        Field::fixed("occurrence", Shape::Moment),
        Field::required("subject", Shape::Text(998)),
        Field::required("start", Shape::Moment),
        Field::required("end", Shape::Moment),
        Field::optional("timezone", Shape::Text(64)),
        Field::required(
            "status",
            Shape::OneOf(&["confirmed", "tentative", "cancelled"]),
        ),
        Field::optional("location", Shape::Text(1000)),
        Field::optional("text", Shape::Text(LONGEST_TEXT)),
        Field::optional("organiser", Shape::Object(PARTY)),
        Field::optional(
            "attendees",
            Shape::List(&Shape::Object(ATTENDEE), Some("address")),
        ),
        Field::optional("about", Shape::List(&Shape::Link, Some("id"))),
        Field::optional("owner", Shape::Id("user")),
        Field::optional("custom", Shape::Custom),
    ],
    filters: &[
        Filter::equal("ical_uid", "ical_uid", fold::exact),
        Filter::equal("occurrence", "occurrence", fold::moment),
        Filter::equal("subject", "subject", fold::name),
        Filter::equal("start", "start", fold::moment),
        Filter::equal("about", "about", fold::exact),
    ],
    keys,
    duplicates: Duplicates::AllOf(&["ical_uid", "occurrence"]),
    access: Access::Write,
};

/// What `occurrence` finds the meetings by that stand for no occurrence of a series.
const SINGLE: &str = "none";

fn keys(body: &Body) -> Keys {
    let about = members(body, "about", "id").into_iter();
    let mut keys: Keys = about.map(|it| ("about", it.to_owned())).collect();
    if let Some(uid) = text(body, "ical_uid") {
        keys.push(("ical_uid", uid.to_owned()));
        let occurrence = text(body, "occurrence").map_or_else(|| SINGLE.to_owned(), fold::moment);
        keys.push(("occurrence", occurrence));
    }
    keys.extend(text(body, "subject").map(|it| ("subject", fold::name(it))));
    keys.extend(text(body, "start").map(|it| ("start", fold::moment(it))));
    keys
}
