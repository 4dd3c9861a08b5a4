//! A person at a browser, for tests that have neither: it opens the page and sends the form, through the socket.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::{Url, form_urlencoded};

/// Why a person did not get to the end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PersonError {
    /// The address does not lead to this server.
    #[error("{address} does not begin with the address of this server")]
    Elsewhere {
        /// The address.
        address: String,
    },
    /// The connection failed.
    #[error("no connection to the sandbox")]
    Connection(#[from] io::Error),
    /// The server showed something else than the page, or than the way back.
    #[error("the sandbox answered {status}: {text}")]
    Unexpected {
        /// The status of the answer.
        status: u16,
        /// The body of the answer.
        text: String,
    },
}

/// An answer, as far as a person looks at it.
struct Seen {
    status: u16,
    location: Option<String>,
    text: String,
}

/// Opens an address of the authorization endpoint, answers the form, and returns where that leads.
pub(crate) async fn answer(
    server: SocketAddr,
    url: &str,
    address: &str,
    fields: &[(&str, &str)],
) -> Result<String, PersonError> {
    let elsewhere = || PersonError::Elsewhere {
        address: address.to_owned(),
    };
    let target = Url::parse(address).map_err(|_| elsewhere())?;
    if target.origin().ascii_serialization() != url {
        return Err(elsewhere());
    }
    let path = target.path();
    let query = target.query().unwrap_or_default();
    let page = send(server, &format!("GET {path}?{query}"), "").await?;
    if let (303, Some(location)) = (page.status, &page.location) {
        // The client is refused, and the person never asked.
        return Ok(location.clone());
    }
    let nonce = page
        .text
        .split_once("name=\"nonce\" value=\"")
        .and_then(|it| Some(it.1.split_once('"')?.0));
    let Some(nonce) = nonce else {
        return Err(page.unexpected());
    };
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("nonce", nonce)
        .extend_pairs(fields)
        .finish();
    let back = send(server, &format!("POST {path}"), &form).await?;
    match (back.status, &back.location) {
        (303, Some(location)) => Ok(location.clone()),
        _ => Err(back.unexpected()),
    }
}

async fn send(server: SocketAddr, request: &str, form: &str) -> Result<Seen, PersonError> {
    let mut stream = TcpStream::connect(server).await?;
    let length = form.len();
    let text = format!(
        "{request} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
    );
    stream.write_all(text.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let answer = String::from_utf8_lossy(&bytes);
    Seen::parse(&answer).ok_or_else(|| PersonError::Connection(io::ErrorKind::UnexpectedEof.into()))
}

impl Seen {
    fn parse(answer: &str) -> Option<Self> {
        let (head, text) = answer.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let location = lines
            .filter_map(|it| it.split_once(": "))
            .find(|it| it.0.eq_ignore_ascii_case("location"))
            .map(|it| it.1.to_owned());
        Some(Self {
            status,
            location,
            text: text.to_owned(),
        })
    }

    fn unexpected(self) -> PersonError {
        PersonError::Unexpected {
            status: self.status,
            text: self.text,
        }
    }
}
