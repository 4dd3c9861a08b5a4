//! Lifts what connectors answer to reads.

use brightsync_core::crm::account::Account;
use brightsync_core::crm::contact::{Affiliation, Contact, ContactPoint};
use brightsync_core::crm::error::{Error, Forbidden, Reason};
use brightsync_core::crm::opportunity::{Opportunity, Participant, Status};
use brightsync_core::crm::page::{Change, Departure, DepartureKind, Page, PageEnd, Skipped};
use brightsync_core::crm::user::{User, Whoami};
use brightsync_core::crm::write::{InvalidField, Written};
use brightsync_core::crm::{Moment, Money, Ref};

use super::{Breach, Lift, lift_record};
use crate::bindings::{accounts, contacts, opportunities, types, users};

lift_record!(types::Ref => Ref { kind, id });
lift_record!(types::Money => Money { amount, currency });
lift_record!(types::InvalidField => InvalidField { field, code, reason });
lift_record!(types::Error => Error { reason, message, code, extra });
lift_record!(types::Departure => Departure { id, at, how });
lift_record!(types::Skipped => Skipped { id, reason });
lift_record!(types::PageEnd => PageEnd { next, resume, complete_until, skipped, extra });
lift_record!(types::Written => Written { id, version, modified_at, url, also_created, incomplete, extra });

lift_record!(users::User => User { id, name, emails, timezone, active, extra });
lift_record!(users::Whoami => Whoami { org_id, org_name, user, capabilities, extra });

lift_record!(accounts::Account => Account {
    id, name, domains, kind, parent, owner, active, created_at, modified_at, last_activity_at, version, url, extra,
});

lift_record!(contacts::ContactPoint => ContactPoint { value, primary, label });
lift_record!(contacts::Affiliation => Affiliation { account, primary, role });
lift_record!(contacts::Contact => Contact {
    ref_, converted_to, full_name, given_name, family_name, emails, phones, accounts, title, owner, active,
    created_at, modified_at, last_activity_at, version, url, extra,
});

lift_record!(opportunities::Participant => Participant { contact, primary, role });
lift_record!(opportunities::Opportunity => Opportunity {
    id, name, status, stage, stage_order, kind, amount, created_at, closes, closed, last_activity_at, owner,
    members, account, participants, url, extra,
});

lift_record!(users::UserPage => Page<User> { items, end });
lift_record!(accounts::AccountPage => Page<Change<Account>> { items, end });
lift_record!(contacts::ContactPage => Page<Change<Contact>> { items, end });
lift_record!(opportunities::OpportunityPage => Page<Opportunity> { items, end });

impl Lift<Moment> for types::Moment {
    fn lift(self) -> Result<Moment, Breach> {
        Ok(match self {
            Self::At(time) => Moment::At(time),
            Self::On(day) => Moment::On(day),
        })
    }
}

impl Lift<Status> for opportunities::Status {
    fn lift(self) -> Result<Status, Breach> {
        Ok(match self {
            Self::Open => Status::Open,
            Self::Won => Status::Won,
            Self::Lost => Status::Lost,
            Self::Unknown => Status::Unknown,
        })
    }
}

impl Lift<DepartureKind> for types::DepartureKind {
    fn lift(self) -> Result<DepartureKind, Breach> {
        Ok(match self {
            Self::Deleted => DepartureKind::Deleted,
            Self::Merged(id) => DepartureKind::Merged(id.lift()?),
            Self::Moved(id) => DepartureKind::Moved(id.lift()?),
            Self::Reassigned => DepartureKind::Reassigned,
            Self::Hidden => DepartureKind::Hidden,
            Self::Unknown => DepartureKind::Unknown,
        })
    }
}

/// Lifts the entries of a read, which are the same three cases for every kind of record.
macro_rules! lift_change {
    ($wit:path => $record:ty) => {
        impl Lift<Change<$record>> for $wit {
            fn lift(self) -> Result<Change<$record>, Breach> {
                Ok(match self {
                    Self::Present(it) => Change::Present(it.lift()?),
                    Self::IdOnly(id) => Change::IdOnly(id.lift()?),
                    Self::Departed(it) => Change::Departed(it.lift()?),
                })
            }
        }
    };
}

lift_change!(accounts::Change => Account);
lift_change!(contacts::Change => Contact);

impl Lift<Reason> for types::Reason {
    fn lift(self) -> Result<Reason, Breach> {
        Ok(match self {
            Self::Unauthorized => Reason::Unauthorized,
            Self::Forbidden(kind) => Reason::Forbidden(match kind {
                types::ForbiddenKind::ThisRecord => Forbidden::ThisRecord,
                types::ForbiddenKind::ThisOperation => Forbidden::ThisOperation,
                types::ForbiddenKind::MissingScope => Forbidden::MissingScope,
                types::ForbiddenKind::Unknown => Forbidden::Unknown,
            }),
            Self::NotFound => Reason::NotFound,
            Self::Duplicate(ids) => Reason::Duplicate(ids.lift()?),
            Self::Stale => Reason::Stale,
            Self::Invalid(fields) => Reason::Invalid(fields.lift()?),
            Self::RateLimited(wait) => Reason::RateLimited(wait),
            Self::Unavailable => Reason::Unavailable,
            Self::InDoubt(known) => Reason::InDoubt(known.lift()?),
            Self::CursorExpired => Reason::CursorExpired,
            Self::Unsupported => Reason::Unsupported,
            Self::Other => Reason::Other,
        })
    }
}
