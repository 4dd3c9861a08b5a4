//! The sandbox's words in the contract's, and back; it makes no requests.

use brightsync_sdk::{
    Account, Affiliation, Attendee, Change, Contact, ContactPoint, Departure, DepartureKind,
    Direction, InvalidField, Moment, Money, NewAccount, NewContact, NewEmail, NewMeeting,
    Opportunity, OpportunityStatus, Participant, Party, Ref, Result, Timestamp, User, Whoami,
    Written, base64, extra, time,
};

use crate::api;

/// What cannot be done without the scope `write`.
const WRITES: &[&str] = &[
    "accounts.create-account",
    "accounts.update-account",
    "accounts.delete-account",
    "contacts.create-contact",
    "contacts.update-contact",
    "contacts.delete-contact",
    "emails.create-email",
    "emails.update-email",
    "emails.delete-email",
    "meetings.create-meeting",
    "meetings.update-meeting",
    "meetings.delete-meeting",
];

/// The kinds of records that the sandbox can link to.
const LINKED: &[&str] = &["account", "contact", "opportunity", "user"];

pub(crate) fn whoami(me: api::Me) -> Whoami {
    let writes = me.scopes.iter().any(|it| it == "write");
    let forbidden = WRITES
        .iter()
        .map(|it| ((*it).to_owned(), "forbidden".to_owned()));
    Whoami {
        org_name: Some(me.organisation.name),
        user: me.user.map(user),
        capabilities: if writes {
            Vec::new()
        } else {
            forbidden.collect()
        },
        ..Whoami::new(me.organisation.id)
    }
}

pub(crate) fn user(it: api::User) -> User {
    User {
        emails: it.emails,
        timezone: it.timezone,
        active: it.active,
        ..User::new(it.id, it.name)
    }
}

pub(crate) fn account(it: api::Account) -> Result<Account> {
    Ok(Account {
        domains: it.domains,
        kind: it.kind,
        parent: it.parent,
        owner: it.owner,
        active: it.active,
        created_at: instant(it.created_at)?,
        modified_at: instant(it.modified_at)?,
        last_activity_at: instant(it.last_activity_at)?,
        version: it.version,
        url: it.url,
        extra: extra::from_map(&it.custom),
        ..Account::new(it.id, it.name)
    })
}

pub(crate) fn new_account(it: NewAccount) -> Result<api::NewAccount> {
    Ok(api::NewAccount {
        name: it.name,
        domains: it.domains,
        owner: it.owner,
        custom: extra::to_map(&it.extra)?,
    })
}

pub(crate) fn contact(it: api::Contact) -> Result<Contact> {
    Ok(Contact {
        full_name: it.full_name,
        given_name: it.given_name,
        family_name: it.family_name,
        emails: main_first(it.emails.into_iter().map(email).collect()),
        phones: main_first(it.phones.into_iter().map(phone).collect()),
        accounts: it.accounts.into_iter().map(affiliation).collect(),
        title: it.title,
        owner: it.owner,
        active: it.active,
        created_at: instant(it.created_at)?,
        modified_at: instant(it.modified_at)?,
        last_activity_at: instant(it.last_activity_at)?,
        version: it.version,
        url: it.url,
        extra: extra::from_map(&it.custom),
        ..Contact::new(Ref::contact(it.id))
    })
}

pub(crate) fn new_contact(it: NewContact) -> Result<api::NewContact> {
    Ok(api::NewContact {
        full_name: it.whole_name(),
        given_name: it.given_name,
        family_name: it.family_name,
        emails: it.emails.into_iter().map(address).collect(),
        phones: it.phones.into_iter().map(number).collect(),
        accounts: it.accounts.into_iter().map(employment).collect(),
        title: it.title,
        owner: it.owner,
        custom: extra::to_map(&it.extra)?,
    })
}

pub(crate) fn opportunity(it: api::Opportunity) -> Result<Opportunity> {
    let status = match it.status.as_str() {
        "open" => OpportunityStatus::Open,
        "won" => OpportunityStatus::Won,
        "lost" => OpportunityStatus::Lost,
        _ => OpportunityStatus::Unknown,
    };
    let participant = |it: api::Participant| Participant {
        contact: it.contact,
        primary: it.primary,
        role: it.role,
    };
    Ok(Opportunity {
        stage: it.stage,
        stage_order: it.stage_order,
        kind: it.kind,
        amount: it.value.map(|it| Money {
            amount: it.amount,
            currency: it.currency,
        }),
        created_at: instant(it.created_at)?,
        closes: it
            .closes
            .map(|it| time::parse_date(&it).map(Moment::On))
            .transpose()?,
        closed: instant(it.closed_at)?.map(Moment::At),
        last_activity_at: instant(it.last_activity_at)?,
        owner: it.owner,
        members: it.members,
        account: it.account,
        participants: it.participants.into_iter().map(participant).collect(),
        url: it.url,
        extra: extra::from_map(&it.custom),
        ..Opportunity::new(it.id, it.name, status)
    })
}

/// The sandbox keeps one id of a message, so a message without one gets the host's key: it can be found all the same.
pub(crate) fn message_id(key: &brightsync_sdk::EmailKey) -> String {
    key.message_id.clone().unwrap_or_else(|| key.key.clone())
}

/// An e-mail to be created, and what of it the sandbox has no room for.
pub(crate) fn new_email(it: NewEmail) -> Result<(api::NewEmail, Vec<InvalidField>)> {
    let mut incomplete = Vec::new();
    let email = api::NewEmail {
        message_id: message_id(&it.key),
        thread: it.thread,
        direction: direction(it.direction),
        sent_at: time::rfc3339(it.key.sent_at),
        subject: it.key.subject,
        from: parties("sender", vec![it.sender], &mut incomplete).pop(),
        to: parties("to", it.to, &mut incomplete),
        cc: parties("cc", it.cc, &mut incomplete),
        bcc: parties("bcc", it.bcc, &mut incomplete),
        text: it.text,
        html: it.html,
        attachments: it.attachments.into_iter().map(attachment).collect(),
        about: links(it.key.about, &mut incomplete),
        owner: it.owner,
        custom: extra::to_map(&it.extra)?,
    };
    Ok((email, incomplete))
}

/// A meeting to be created, and what of it the sandbox has no room for.
pub(crate) fn new_meeting(it: NewMeeting) -> Result<(api::NewMeeting, Vec<InvalidField>)> {
    let mut incomplete = Vec::new();
    let meeting = api::NewMeeting {
        ical_uid: it.key.ical_uid,
        occurrence: it.key.occurrence.as_ref().map(time::moment),
        subject: it.key.subject,
        start: time::moment(&it.key.start),
        end: time::moment(&it.end),
        timezone: it.timezone,
        status: it.status,
        location: it.location,
        text: it.text,
        organiser: parties("organiser", vec![it.organiser], &mut incomplete).pop(),
        attendees: kept("attendees", it.attendees, attendee, &mut incomplete),
        about: links(it.key.about, &mut incomplete),
        owner: it.owner,
        custom: extra::to_map(&it.extra)?,
    };
    Ok((meeting, incomplete))
}

pub(crate) fn departure<T>(it: api::Departure) -> Result<Change<T>> {
    let how = match (it.how.as_str(), it.into) {
        ("deleted", _) => DepartureKind::Deleted,
        ("merged", Some(survivor)) => DepartureKind::Merged(survivor),
        ("reassigned", _) => DepartureKind::Reassigned,
        _ => DepartureKind::Unknown,
    };
    Ok(Change::Departed(Departure {
        id: it.id,
        at: Some(time::parse(&it.at)?),
        how,
    }))
}

pub(crate) fn written(it: api::Stub, incomplete: Vec<InvalidField>) -> Result<Written> {
    Ok(Written {
        version: it.version,
        modified_at: instant(it.modified_at)?,
        url: it.url,
        incomplete,
        ..Written::new(it.id)
    })
}

pub(crate) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Incoming => "incoming",
        Direction::Outgoing => "outgoing",
    }
}

pub(crate) fn address(it: ContactPoint) -> api::Address {
    api::Address {
        address: it.value,
        primary: it.primary,
        label: it.label,
    }
}

pub(crate) fn number(it: ContactPoint) -> api::Phone {
    api::Phone {
        number: it.value,
        primary: it.primary,
        label: it.label,
    }
}

pub(crate) fn employment(it: Affiliation) -> api::Affiliation {
    api::Affiliation {
        account: it.account,
        primary: it.primary,
        role: it.role,
    }
}

/// A party, if it has what the sandbox asks of one: an address.
pub(crate) fn party(it: Party) -> Option<api::Party> {
    let link = it.link.and_then(link);
    Some(api::Party {
        address: it.address?,
        name: it.name,
        link,
        response: None,
        role: None,
    })
}

pub(crate) fn attendee(it: Attendee) -> Option<api::Party> {
    // The sandbox has no word for a room, and calls an answer that is awaited none.
    let word = |it: String| {
        if matches!(it.as_str(), "needs-action" | "resource") {
            "none".to_owned()
        } else {
            it
        }
    };
    Some(api::Party {
        response: it.response.map(word),
        role: it.role.map(word),
        ..party(it.party)?
    })
}

pub(crate) fn link(it: Ref) -> Option<api::Link> {
    LINKED.contains(&it.kind.as_str()).then_some(api::Link {
        kind: it.kind,
        id: it.id,
    })
}

/// Maps what the sandbox can keep, and says of which field something is left out.
pub(crate) fn kept<T, U>(
    field: &str,
    list: Vec<T>,
    map: impl Fn(T) -> Option<U>,
    incomplete: &mut Vec<InvalidField>,
) -> Vec<U> {
    let length = list.len();
    let kept: Vec<U> = list.into_iter().filter_map(map).collect();
    if kept.len() < length {
        let reason = format!(
            "{} of {length} have no place in the sandbox",
            length - kept.len()
        );
        incomplete.push(InvalidField::new(field, reason));
    }
    kept
}

fn parties(field: &str, list: Vec<Party>, incomplete: &mut Vec<InvalidField>) -> Vec<api::Party> {
    kept(field, list, party, incomplete)
}

fn links(list: Vec<Ref>, incomplete: &mut Vec<InvalidField>) -> Vec<api::Link> {
    kept("about", list, link, incomplete)
}

fn attachment(it: brightsync_sdk::Attachment) -> api::Attachment {
    let content = it.content.map(|bytes| base64::encode(&bytes));
    api::Attachment {
        name: it.name,
        media_type: it.media_type,
        size: it.size,
        content,
    }
}

fn email(it: api::Address) -> ContactPoint {
    ContactPoint {
        value: it.address,
        primary: it.primary,
        label: it.label,
    }
}

fn phone(it: api::Phone) -> ContactPoint {
    ContactPoint {
        value: it.number,
        primary: it.primary,
        label: it.label,
    }
}

fn affiliation(it: api::Affiliation) -> Affiliation {
    Affiliation {
        account: it.account,
        primary: it.primary,
        role: it.role,
    }
}

/// The sandbox marks the main one wherever it stands; the contract wants it first.
fn main_first(mut points: Vec<ContactPoint>) -> Vec<ContactPoint> {
    points.sort_by_key(|it| !it.primary);
    points
}

fn instant(text: Option<String>) -> Result<Option<Timestamp>> {
    text.map(|it| time::parse(&it)).transpose()
}
