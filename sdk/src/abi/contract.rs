//! The records and variants of the contract, their fields and cases in the order of `wit/`.

use super::list::Element;
use super::{Abi, Argument, Sink, Source, larger};
use crate::bindings::{
    Account, Affiliation, Attachment, Attendee, Contact, ContactPoint, Date, Departure,
    DepartureKind, Detail, Direction, Edit, EmailKey, Error, Extra, ForbiddenKind, Id,
    InvalidField, Json, MeetingKey, Moment, Money, NewAccount, NewContact, NewEmail, NewMeeting,
    Opportunity, OpportunityStatus, Owner, PageEnd, PageRequest, Participant, Party, Patch,
    ReadRequest, Reason, Ref, Scope, Skipped, Timestamp, Token, User, Whoami, Window, Written,
};
use crate::{Change, Page};

macro_rules! records {
    ($($name:ident $(<$of:ident>)? { $($field:ident: $type:ty),* $(,)? })*) => {
        /// The fields of each record, in order.
        #[cfg(test)]
        pub(super) const RECORDS: &[(&str, &[&str])] =
            &[$((stringify!($name), &[$(stringify!($field)),*])),*];

        $(
        impl $(<$of: Element>)? Abi for $name $(<$of>)? {
            const ALIGN: usize = {
                let mut align = 1;
                $(align = larger(align, <$type as Abi>::ALIGN);)*
                align
            };
            const SIZE: usize = {
                let mut size: usize = 0;
                $(size = size.next_multiple_of(<$type as Abi>::ALIGN) + <$type as Abi>::SIZE;)*
                size.next_multiple_of(Self::ALIGN)
            };
            const FLAT: usize = 0 $(+ <$type as Abi>::FLAT)*;

            #[inline(never)]
            fn write(self, to: &mut Sink) {
                to.align(Self::ALIGN);
                $(self.$field.write(to);)*
                to.align(Self::ALIGN);
            }
        }

        impl $(<$of: Element + Argument>)? Argument for $name $(<$of>)? {
            #[inline(never)]
            fn read(from: &mut Source<'_>) -> Self {
                from.align(Self::ALIGN);
                let record = Self { $($field: Argument::read(from)),* };
                from.align(Self::ALIGN);
                record
            }
        }

        impl $(<$of: Element>)? Element for $name $(<$of>)? {}
        )*
    };
}

macro_rules! variants {
    ($($name:ident $(<$of:ident>)? {
        $($number:literal $case:ident $(($payload:ident: $type:ty))?),* $(,)?
    })*) => {
        /// The cases of each variant, in order.
        #[cfg(test)]
        pub(super) const VARIANTS: &[(&str, &[&str])] =
            &[$((stringify!($name), &[$(stringify!($case)),*])),*];

        $(
        impl $(<$of: Element>)? Abi for $name $(<$of>)? {
            const ALIGN: usize = {
                let align = 1;
                $($(let align = larger(align, <$type as Abi>::ALIGN);)?)*
                align
            };
            const SIZE: usize = {
                let size = 0;
                $($(let size = larger(size, <$type as Abi>::SIZE);)?)*
                (Self::ALIGN + size).next_multiple_of(Self::ALIGN)
            };
            const FLAT: usize = {
                let flat = 0;
                $($(let flat = larger(flat, <$type as Abi>::FLAT);)?)*
                1 + flat
            };

            #[inline(never)]
            fn write(self, to: &mut Sink) {
                to.align(Self::ALIGN);
                let start = to.at;
                match self {
                    $(Self::$case $(($payload))? => {
                        to.number(1, $number);
                        to.align(Self::ALIGN);
                        $($payload.write(to);)?
                    })*
                }
                to.finish(start, Self::SIZE);
            }
        }

        impl $(<$of: Element + Argument>)? Argument for $name $(<$of>)? {
            #[inline(never)]
            fn read(from: &mut Source<'_>) -> Self {
                from.align(Self::ALIGN);
                let start = from.at;
                let case = from.number(1);
                from.align(Self::ALIGN);
                let variant = match case {
                    $($number => Self::$case $((<$type as Argument>::read(from)))?,)*
                    // The host has checked it.
                    _ => std::process::abort(),
                };
                from.finish(start, Self::SIZE, Self::FLAT);
                variant
            }
        }

        impl $(<$of: Element>)? Element for $name $(<$of>)? {}
        )*
    };
}

variants! {
    Change<T> { 0 Present(it: T), 1 IdOnly(it: Id), 2 Departed(it: Departure) }
    DepartureKind {
        0 Deleted, 1 Merged(it: Id), 2 Moved(it: Id), 3 Reassigned, 4 Hidden, 5 Unknown,
    }
    Detail { 0 Ids, 1 Full }
    Direction { 0 Incoming, 1 Outgoing }
    Edit { 0 Set(it: Json), 1 Clear, 2 Add(it: Json), 3 Remove(it: Json) }
    ForbiddenKind { 0 ThisRecord, 1 ThisOperation, 2 MissingScope, 3 Unknown }
    Moment { 0 At(it: Timestamp), 1 On(it: Date) }
    OpportunityStatus { 0 Open, 1 Won, 2 Lost, 3 Unknown }
    Owner { 0 Me, 1 User(it: Id), 2 Anyone }
    Reason {
        0 Unauthorized, 1 Forbidden(it: ForbiddenKind), 2 NotFound, 3 Duplicate(it: Vec<Id>),
        4 Stale, 5 Invalid(it: Vec<InvalidField>), 6 RateLimited(it: Option<u64>), 7 Unavailable,
        8 InDoubt(it: Vec<Ref>), 9 CursorExpired, 10 Unsupported, 11 Other,
    }
    Scope {
        0 All, 1 Updated(it: Window), 2 ChangedSince(it: Token), 3 Departed(it: Window),
        4 DepartedSince(it: Token),
    }
}

records! {
    Page<T> { items: Vec<T>, end: PageEnd }
    Account {
        id: Id, name: String, domains: Vec<String>, kind: Option<String>, parent: Option<Id>,
        owner: Option<Id>, active: Option<bool>, created_at: Option<Timestamp>,
        modified_at: Option<Timestamp>, last_activity_at: Option<Timestamp>,
        version: Option<String>, url: Option<String>, extra: Extra,
    }
    Affiliation { account: Id, primary: bool, role: Option<String> }
    Attachment { name: String, media_type: String, size: u64, content: Option<Vec<u8>> }
    Attendee { party: Party, response: Option<String>, role: Option<String> }
    Contact {
        ref_: Ref, converted_to: Option<Ref>, full_name: Option<String>,
        given_name: Option<String>, family_name: Option<String>, emails: Vec<ContactPoint>,
        phones: Vec<ContactPoint>, accounts: Vec<Affiliation>, title: Option<String>,
        owner: Option<Id>, active: Option<bool>, created_at: Option<Timestamp>,
        modified_at: Option<Timestamp>, last_activity_at: Option<Timestamp>,
        version: Option<String>, url: Option<String>, extra: Extra,
    }
    ContactPoint { value: String, primary: bool, label: Option<String> }
    Departure { id: Id, at: Option<Timestamp>, how: DepartureKind }
    EmailKey {
        key: String, message_id: Option<String>, sent_at: Timestamp, subject: String,
        sender: String, about: Vec<Ref>,
    }
    Error { reason: Reason, message: String, code: Option<String>, extra: Extra }
    InvalidField { field: Option<String>, code: Option<String>, reason: String }
    MeetingKey {
        key: String, ical_uid: String, occurrence: Option<Moment>, start: Moment,
        subject: String, about: Vec<Ref>,
    }
    Money { amount: String, currency: Option<String> }
    NewAccount { name: String, domains: Vec<String>, owner: Option<Id>, extra: Extra }
    NewContact {
        full_name: Option<String>, given_name: Option<String>, family_name: Option<String>,
        emails: Vec<ContactPoint>, phones: Vec<ContactPoint>, accounts: Vec<Affiliation>,
        title: Option<String>, owner: Option<Id>, extra: Extra,
    }
    NewEmail {
        key: EmailKey, thread: Option<String>, direction: Direction, sender: Party,
        to: Vec<Party>, cc: Vec<Party>, bcc: Vec<Party>, text: Option<String>,
        html: Option<String>, attachments: Vec<Attachment>, owner: Option<Id>, extra: Extra,
    }
    NewMeeting {
        key: MeetingKey, end: Moment, timezone: Option<String>, status: String,
        location: Option<String>, text: Option<String>, organiser: Party,
        attendees: Vec<Attendee>, owner: Option<Id>, extra: Extra,
    }
    Opportunity {
        id: Id, name: String, status: OpportunityStatus, stage: Option<String>,
        stage_order: Option<u32>, kind: Option<String>, amount: Option<Money>,
        created_at: Option<Timestamp>, closes: Option<Moment>, closed: Option<Moment>,
        last_activity_at: Option<Timestamp>, owner: Option<Id>, members: Vec<Id>,
        account: Option<Id>, participants: Vec<Participant>, url: Option<String>, extra: Extra,
    }
    PageEnd {
        next: Option<Token>, resume: Option<Token>, complete_until: Option<Timestamp>,
        skipped: Vec<Skipped>, extra: Extra,
    }
    PageRequest { token: Option<Token>, size: u32, extra: Extra }
    Participant { contact: Id, primary: Option<bool>, role: Option<String> }
    Party { address: Option<String>, name: Option<String>, link: Option<Ref>, extra: Extra }
    Patch { edits: Vec<(String, Edit)>, if_version: Option<String> }
    ReadRequest { owner: Owner, scope: Scope, detail: Detail, complete: bool, page: PageRequest }
    Ref { kind: String, id: Id }
    Skipped { id: Option<Id>, reason: String }
    User {
        id: Id, name: String, emails: Vec<String>, timezone: Option<String>,
        active: Option<bool>, extra: Extra,
    }
    Whoami {
        org_id: Id, org_name: Option<String>, user: Option<User>,
        capabilities: Vec<(String, String)>, extra: Extra,
    }
    Window { since: Timestamp, until: Option<Timestamp> }
    Written {
        id: Id, version: Option<String>, modified_at: Option<Timestamp>, url: Option<String>,
        also_created: Vec<Ref>, incomplete: Vec<InvalidField>, extra: Extra,
    }
}
