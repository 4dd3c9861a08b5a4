//! E-mails that are logged in the CRM.

use serde::{Deserialize, Serialize};

use super::{Extra, Id, Party, Ref, Timestamp};

/// Which way a message went, seen from the CRM's users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Somebody outside sent it.
    Incoming,
    /// One of the CRM's users sent it.
    Outgoing,
}

/// A file that came with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Attachment {
    /// The file name.
    pub name: String,
    /// The media type.
    pub media_type: String,
    /// The size in bytes.
    pub size: u64,
    /// The bytes.
    #[serde(default, with = "base64_text")]
    pub content: Option<Vec<u8>>,
}

/// Everything by which a logged e-mail may be found again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EmailKey {
    /// The host's own key of the message.
    pub key: String,
    /// The `Message-ID` without angle brackets.
    pub message_id: Option<String>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The subject.
    pub subject: String,
    /// The sender's address.
    pub sender: String,
    /// The records that it is logged with.
    #[serde(default)]
    pub about: Vec<Ref>,
}

/// An e-mail to be logged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NewEmail {
    /// What it is found by.
    pub key: EmailKey,
    /// The `Message-ID` of the first message of its thread.
    pub thread: Option<String>,
    /// Which way it went.
    pub direction: Direction,
    /// Who sent it.
    pub sender: Party,
    /// To whom.
    #[serde(default)]
    pub to: Vec<Party>,
    /// To whom in copy.
    #[serde(default)]
    pub cc: Vec<Party>,
    /// To whom in blind copy.
    #[serde(default)]
    pub bcc: Vec<Party>,
    /// The body as plain text.
    pub text: Option<String>,
    /// The body as HTML.
    pub html: Option<String>,
    /// What was attached.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// The user in whose name it is logged.
    pub owner: Option<Id>,
    /// Custom fields to set.
    #[serde(default)]
    pub extra: Extra,
}

/// Bytes as base64 text (RFC 4648, section 4), none as null.
mod base64_text {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes
            .as_ref()
            .map(|it| STANDARD.encode(it))
            .serialize(serializer)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|it| STANDARD.decode(it).map_err(D::Error::custom))
            .transpose()
    }
}
