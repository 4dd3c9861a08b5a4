//! Errors: a reason that the host acts on, and a sentence for a human.

use crate::{Error, Extra, ForbiddenKind, Id, InvalidField, Reason, Ref};

/// What nearly every function of this crate and of a connector answers.
pub type Result<T> = std::result::Result<T, Error>;

/// Constructors: one for each reason, and then whatever else is known.
///
/// ```
/// use brightsync_sdk::{Error, Reason};
///
/// let error = Error::rate_limited(Some(2_000), "the CRM allows 100 requests a minute").with_code("LIMIT");
/// assert_eq!(error.reason, Reason::RateLimited(Some(2_000)));
/// ```
impl Error {
    /// Makes an error of any reason.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            code: None,
            extra: Extra::new(),
        }
    }

    /// The CRM did not accept the credential: the user must reconnect.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(Reason::Unauthorized, message)
    }

    /// The credential was accepted, but does not allow this.
    pub fn forbidden(kind: ForbiddenKind, message: impl Into<String>) -> Self {
        Self::new(Reason::Forbidden(kind), message)
    }

    /// There is no such record, or none that this connection may see.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Reason::NotFound, message)
    }

    /// The CRM refused to create a second record like these, if it names them.
    pub fn duplicate(existing: Vec<Id>, message: impl Into<String>) -> Self {
        Self::new(Reason::Duplicate(existing), message)
    }

    /// The record has changed since the version that the caller named.
    pub fn stale(message: impl Into<String>) -> Self {
        Self::new(Reason::Stale, message)
    }

    /// The value of one field cannot be accepted; the field as the contract names it, such as `given-name`.
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        let field = InvalidField::new(field, reason);
        let message = field.to_string();
        Self::new(Reason::Invalid(vec![field]), message)
    }

    /// The CRM's rate limit was hit: milliseconds to wait, if it said so.
    pub fn rate_limited(wait: Option<u64>, message: impl Into<String>) -> Self {
        Self::new(Reason::RateLimited(wait), message)
    }

    /// The CRM is down or failing; the same call may work later.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Reason::Unavailable, message)
    }

    /// The write may or may not have been carried out; the references name what is known to exist of it.
    pub fn in_doubt(created: Vec<Ref>, message: impl Into<String>) -> Self {
        Self::new(Reason::InDoubt(created), message)
    }

    /// The page token or change token is no longer accepted: the caller starts the read again.
    pub fn cursor_expired(message: impl Into<String>) -> Self {
        Self::new(Reason::CursorExpired, message)
    }

    /// This CRM, or this edition of it, cannot do this.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(Reason::Unsupported, message)
    }

    /// None of the other reasons.
    pub fn other(message: impl Into<String>) -> Self {
        Self::new(Reason::Other, message)
    }

    /// Names the records that are there already, if the reason is a duplicate.
    #[must_use]
    pub fn with_existing(mut self, ids: Vec<Id>) -> Self {
        if let Reason::Duplicate(existing) = &mut self.reason {
            *existing = ids;
        }
        self
    }

    /// Names what is wrong with which field, if the reason is that, and the CRM says anything.
    #[must_use]
    pub fn with_fields(mut self, wrong: Vec<InvalidField>) -> Self {
        if let Reason::Invalid(fields) = &mut self.reason
            && !wrong.is_empty()
        {
            *fields = wrong;
        }
        self
    }

    /// Adds the CRM's own code for it.
    #[must_use]
    pub fn with_code(self, code: impl Into<String>) -> Self {
        Self {
            code: Some(code.into()),
            ..self
        }
    }

    /// Adds something else that helps to explain it.
    #[must_use]
    pub fn with_extra(mut self, name: impl Into<String>, value: &serde_json::Value) -> Self {
        self.extra.push((name.into(), crate::json::text(value)));
        self
    }
}

impl InvalidField {
    /// Names a field of the contract (`given-name`, or `extra.NAME` for a custom field) and what is wrong with it.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            code: None,
            reason: reason.into(),
        }
    }

    /// Names a field by where the CRM's JSON has it, such as `full_name` or `emails[0].address`, where its names differ from the contract's in having `_` for `-`; custom fields have this before their names.
    ///
    /// ```
    /// use brightsync_sdk::InvalidField;
    ///
    /// let field = |place| InvalidField::at(place, "custom.", "no").field.unwrap_or_default();
    /// assert_eq!(field("full_name"), "full-name");
    /// assert_eq!(field("emails[0].address"), "emails");
    /// assert_eq!(field("custom.vip_tier"), "extra.vip_tier");
    /// ```
    pub fn at(place: &str, custom: &str, reason: impl Into<String>) -> Self {
        let end = |it: char| matches!(it, '[' | '.');
        let field = match place.strip_prefix(custom).filter(|_| !custom.is_empty()) {
            Some(name) => format!("extra.{name}"),
            None => place.split(end).next().unwrap_or(place).replace('_', "-"),
        };
        Self::new(field, reason)
    }

    /// Says that so many elements of a field have no place in this CRM; none if it has a place for all.
    pub fn without_place(field: &str, count: usize) -> Option<Self> {
        let reason = || format!("this CRM has no place for {count} of it");
        (0 < count).then(|| Self::new(field, reason()))
    }

    /// Says that something is wrong with a field that the CRM does not name.
    pub fn unnamed(reason: impl Into<String>) -> Self {
        Self {
            field: None,
            code: None,
            reason: reason.into(),
        }
    }
}

impl std::fmt::Display for InvalidField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::other(format!("some JSON is not as expected: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Error, InvalidField, Reason};

    #[test]
    fn what_a_crm_says_goes_where_it_belongs() {
        let refine = |error: Error| {
            let fields = vec![InvalidField::new("name", "is missing")];
            error
                .with_existing(vec!["7".to_owned()])
                .with_fields(fields)
        };
        let duplicate = refine(Error::duplicate(Vec::new(), "it is there"));
        assert_eq!(duplicate.reason, Reason::Duplicate(vec!["7".to_owned()]));
        let invalid = refine(Error::invalid("title", "no"));
        let fields = vec![InvalidField::new("name", "is missing")];
        assert_eq!(invalid.reason, Reason::Invalid(fields));
        assert_eq!(refine(Error::stale("no")).reason, Reason::Stale);
        let unnamed = Error::invalid("title", "no");
        assert_eq!(unnamed.clone().with_fields(Vec::new()), unnamed);
    }
}
