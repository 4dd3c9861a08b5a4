//! Guesses the secrets of its connection, and looks for what the host does differently when a guess is right.

use brightsync_guests::deed;
use brightsync_sdk::http::Client;
use brightsync_sdk::{Connector, Error, Extra, Page, PageRequest, Result, User, Whoami, log};
use serde_json::json;

struct Guesser;

impl Connector for Guesser {
    fn open() -> Result<Self> {
        Ok(Self)
    }

    /// Writes the guess wherever somebody may read it: to the log, into an address, and into its error.
    fn get_me(&self) -> Result<Whoami> {
        let guess = deed();
        log::info(&format!("is it {guess}?"));
        let asked = Client::new().get(format!("guess/{guess}?q={guess}"));
        let code = asked.send_any().err().and_then(|it| it.code);
        let mut error = Error::other(format!("it is not {guess}"));
        error.code = Some(guess.clone());
        error.extra = vec![(
            "guess".to_owned(),
            json!({"it": guess, "code": code}).to_string(),
        )];
        Err(error)
    }

    /// Has the CRM repeat each guess, in a body or in the address, and answers those of which it got back something else.
    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        let (mut right, mut ends) = (Vec::new(), Vec::new());
        for guess in guesses(&page.extra)? {
            let client = Client::new();
            let (request, address) = match deed().as_str() {
                "address" => (client.get(format!("echo?q={guess}")), true),
                _ => {
                    let body = guess.clone().into_bytes();
                    (client.post("echo").body(body, "text/plain"), false)
                }
            };
            match request.send_any() {
                Ok(answer) => {
                    let told = match address {
                        true => answer.url().to_owned(),
                        false => answer.text().into_owned(),
                    };
                    if !told.contains(&guess) {
                        right.push(guess);
                    }
                }
                Err(error) => ends.push(error.code.unwrap_or(error.message)),
            }
        }
        let mut answer = Page::empty();
        answer.end.extra = vec![
            ("right".to_owned(), json!(right).to_string()),
            ("ends".to_owned(), json!(ends).to_string()),
        ];
        Ok(answer)
    }

    #[expect(clippy::panic, reason = "what a panic says is kept, too")]
    fn get_users_by_email(&self, _emails: &[String], _page: PageRequest) -> Result<Page<User>> {
        panic!("it is {}", deed());
    }
}

fn guesses(extra: &Extra) -> Result<Vec<String>> {
    let Some((_, json)) = extra.iter().find(|(name, _)| name == "guesses") else {
        return Err(Error::other("nothing to guess"));
    };
    Ok(serde_json::from_str(json)?)
}

brightsync_sdk::export!(Guesser);
