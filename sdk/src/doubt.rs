//! Writes of which nobody knows whether they were carried out: look for the record before it is written again.

use crate::{Reason, Result};

/// Settles a write that ended in doubt.
///
/// An answer that gets lost on its way leaves a record behind that nobody was told of.
/// The host does not repeat such a write, since that would make a second record; but a connector that can find the record again knows what became of it:
///
/// ```
/// use brightsync_sdk::http::Client;
/// use brightsync_sdk::testing::{Exchange, Failure};
/// use brightsync_sdk::{OrFind, Result, Written};
/// use serde_json::json;
///
/// #[derive(serde::Deserialize)]
/// struct Person {
///     id: String,
/// }
///
/// fn create(client: &Client, email: &str) -> Result<Written> {
///     let body = json!({ "email": email });
///     let created: Result<Person> = client.post("people").json(&body).send().and_then(|it| it.json());
///     let person = created.or_find(|| {
///         let found: Vec<Person> = client.get("people").query("email", email).send()?.json()?;
///         Ok(found.into_iter().next())
///     })?;
///     Ok(Written::new(person.id))
/// }
///
/// let client = Client::new();
/// let written = Exchange::new()
///     .expect(client.post("people").json(&json!({"email": "ann@example.com"})))
///     .fail(Failure::NoAnswer("the connection was closed".to_owned()))
///     .expect(client.get("people").query("email", "ann@example.com"))
///     .answer(200, json!([{"id": "7"}]))
///     .run(|| create(&client, "ann@example.com"));
/// assert_eq!(written.unwrap().id, "7");
/// ```
pub trait OrFind<T> {
    /// Looks for the record if the write ended in doubt, and answers it; in every other case, answers what the write did.
    ///
    /// If nothing is found the write stays in doubt, since many a CRM finds a record only a while after it was written; so it does if the search does not work.
    /// It is the host's to look again later, and the connector must not write a second time.
    fn or_find(self, find: impl FnOnce() -> Result<Option<T>>) -> Result<T>;
}

impl<T> OrFind<T> for Result<T> {
    fn or_find(self, find: impl FnOnce() -> Result<Option<T>>) -> Self {
        match self {
            Err(mut error) if matches!(error.reason, Reason::InDoubt(_)) => match find() {
                Ok(Some(found)) => Ok(found),
                Ok(None) => Err(error),
                Err(problem) => {
                    error.message = format!(
                        "{}; it was looked for, and: {}",
                        error.message, problem.message
                    );
                    Err(error)
                }
            },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn lost() -> Result<u8> {
        Err(Error::in_doubt(Vec::new(), "no answer came"))
    }

    #[test]
    fn what_is_found_is_the_answer() {
        assert_eq!(lost().or_find(|| Ok(Some(7))), Ok(7));
    }

    #[test]
    fn what_is_not_found_stays_in_doubt() {
        assert_eq!(lost().or_find(|| Ok(None)), lost());
        let error = lost()
            .or_find(|| Err(Error::unavailable("the CRM is down")))
            .unwrap_err();
        assert_eq!(error.reason, Reason::InDoubt(Vec::new()));
        assert_eq!(
            error.message,
            "no answer came; it was looked for, and: the CRM is down"
        );
    }

    #[test]
    fn without_doubt_nothing_is_looked_for() {
        let look = || -> Result<Option<u8>> { panic!("nothing is in doubt") };
        assert_eq!(Ok(7).or_find(look), Ok(7));
        let refused: Result<u8> = Err(Error::stale("changed"));
        assert_eq!(refused.clone().or_find(look), refused);
    }
}
