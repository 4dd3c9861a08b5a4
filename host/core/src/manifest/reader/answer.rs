//! Reads what a CRM's answers mean.

use toml::Spanned;

use super::Reader;
use crate::header;
use crate::manifest::answer::{Place, Sign};
use crate::manifest::{AnswerRule, Error, Means, raw};

/// The most rules; each answer with their status is looked at for each of them.
const MOST: usize = 32;
/// The longest text that a rule looks for.
const LONGEST: usize = 200;

impl Reader<'_> {
    pub(super) fn answers(&self, raw: &[Spanned<raw::Answer>]) -> Result<Vec<AnswerRule>, Error> {
        if let Some(beyond) = raw.get(MOST) {
            let problem = format!("there are more than {MOST} rules; remove some");
            return Err(self.wrong(beyond, "answers", problem));
        }
        raw.iter()
            .enumerate()
            .map(|(position, it)| self.answer(&format!("answers[{position}]"), it.get_ref()))
            .collect()
    }

    fn answer(&self, key: &str, raw: &raw::Answer) -> Result<AnswerRule, Error> {
        let means: Means = self.word(&raw.means, &format!("{key}.means"))?;
        let status = *raw.status.get_ref();
        // What a success or a broken server says may have been carried out, and what counts as throttled or expired is sent again.
        let may_mean = match means {
            Means::Throttled | Means::Expired => (400..500).contains(&status) || status == 503,
            Means::Unavailable | Means::Final => (400..600).contains(&status),
        };
        if !may_mean {
            let problem = format!(
                "an answer of status {status} may have been carried out, so it cannot mean {means}; only 400 to 499 and 503 can"
            );
            return Err(self.wrong(&raw.status, format!("{key}.status"), problem));
        }
        Ok(AnswerRule {
            status,
            sign: self.sign(key, raw)?,
            means,
        })
    }

    fn sign(&self, key: &str, raw: &raw::Answer) -> Result<Option<Sign>, Error> {
        let (text, whole) = match (&raw.is, &raw.begins) {
            (Some(text), None) => (Some(text), true),
            (None, Some(text)) => (Some(text), false),
            (None, None) => (None, true),
            (Some(_), Some(begins)) => {
                let problem = "`is` and `begins` exclude each other; remove one";
                return Err(self.wrong(begins, format!("{key}.begins"), problem));
            }
        };
        let place = match (&raw.header, &raw.at) {
            (Some(name), None) => Some(Place::Header(self.answer_header(
                name,
                &format!("{key}.header"),
                name.get_ref(),
            )?)),
            (None, Some(pointer)) => Some(Place::Body(self.pointer(key, pointer)?)),
            (None, None) => None,
            (Some(_), Some(at)) => {
                let problem = "`header` and `at` exclude each other; write two rules";
                return Err(self.wrong(at, format!("{key}.at"), problem));
            }
        };
        match (place, text) {
            (None, None) => Ok(None),
            (Some(place), Some(text)) => {
                if text.get_ref().is_empty() || LONGEST < text.get_ref().len() {
                    let problem = format!("write 1 to {LONGEST} bytes to look for");
                    return Err(self.wrong(text, key, problem));
                }
                Ok(Some(Sign {
                    place,
                    text: text.get_ref().clone(),
                    whole,
                }))
            }
            (Some(_), None) => {
                let problem = "it says where to look and not for what; add `is` or `begins`";
                Err(self.wrong(&raw.means, key, problem))
            }
            (None, Some(text)) => {
                let problem = "it says what to look for and not where; add `header`, or `at` with a JSON pointer into the body";
                Err(self.wrong(text, key, problem))
            }
        }
    }

    /// Reads the name of a header of answers; one that carries credentials is nobody's business.
    pub(super) fn answer_header<T>(
        &self,
        at: &Spanned<T>,
        key: &str,
        name: &str,
    ) -> Result<String, Error> {
        if 64 < name.len() || !header::is_token(name) {
            let problem =
                format!("{name:?} is not the name of a header; write letters, digits and hyphens");
            return Err(self.wrong(at, key, problem));
        }
        if header::carries_credential(name) {
            let problem = format!("the header {name:?} carries credentials; use another");
            return Err(self.wrong(at, key, problem));
        }
        Ok(name.to_ascii_lowercase())
    }

    fn pointer(&self, key: &str, pointer: &raw::Text) -> Result<String, Error> {
        let text = pointer.get_ref();
        if text.starts_with('/') && text.len() <= LONGEST {
            return Ok(text.clone());
        }
        let problem =
            format!("{text:?} is no JSON pointer; write it as \"/0/errorCode\" or \"/error/code\"");
        Err(self.wrong(pointer, format!("{key}.at"), problem))
    }
}
