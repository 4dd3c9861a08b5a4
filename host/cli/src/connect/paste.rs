//! What a person pastes where the browser is on another machine: the address that it was sent to, or the code in it.

use url::form_urlencoded::{self, Serializer};

use super::callback::has_state;

/// Makes a callback's query of it, or says what is wrong. What was pasted is not repeated, since a code is secret.
pub(super) fn query(pasted: &str, state: &str) -> Result<String, &'static str> {
    let pasted = pasted.trim();
    let query = match pasted.split_once('?') {
        Some((_, query)) => query.split('#').next().unwrap_or_default(),
        None if pasted.starts_with("code=") || pasted.starts_with("error=") => pasted,
        None if pasted.is_empty() => return Err("nothing was pasted; paste the whole address"),
        None if pasted.contains("://") || pasted.contains(char::is_whitespace) => {
            return Err("there is no code in this; paste the whole address, from http to its end");
        }
        None => return Ok(of_code(pasted, state)),
    };
    let has = |name: &str| form_urlencoded::parse(query.as_bytes()).any(|(it, _)| it == name);
    if !has("code") && !has("error") {
        return Err(
            "there is no code in this address; paste the one that the browser was sent to after you agreed",
        );
    }
    if !has_state(query, state) {
        return Err(
            "this address is of another attempt; open the address above, and paste the one that the browser is sent to then",
        );
    }
    Ok(query.to_owned())
}

/// A bare code: whoever pastes it means this attempt. Out of an address it is encoded.
fn of_code(pasted: &str, state: &str) -> String {
    let text = format!("code={}", pasted.replace('+', "%2B"));
    let decoded = form_urlencoded::parse(text.as_bytes()).next();
    let code = decoded
        .map(|(_, code)| code.into_owned())
        .unwrap_or_default();
    Serializer::new(String::new())
        .append_pair("code", &code)
        .append_pair("state", state)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pasted: &str, expected: Result<&str, &str>) {
        match (query(pasted, "S"), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{pasted}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{pasted}: {error}"),
            (found, _) => panic!("{pasted}: {found:?}"),
        }
    }

    #[test]
    fn an_address_or_a_bare_code_will_do() {
        check(
            " http://127.0.0.1:7/callback?code=a%2Fb&state=S&iss=x#f\n",
            Ok("code=a%2Fb&state=S&iss=x"),
        );
        check(
            "http://127.0.0.1:7/callback?error=access_denied&state=S",
            Ok("error=access_denied&state=S"),
        );
        check("code=1&state=S", Ok("code=1&state=S"));
        check("4/0A-b_c+d", Ok("code=4%2F0A-b_c%2Bd&state=S"));
        check("4%2F0A", Ok("code=4%2F0A&state=S"));
    }

    #[test]
    fn another_address_is_told_apart_without_repeating_it() {
        check("", Err("nothing was pasted"));
        check("https://crm.example/login", Err("no code in this"));
        check("I do not know", Err("no code in this"));
        // The page where the person agrees has the state as well.
        check(
            "https://crm.example/authorize?client_id=1&state=S",
            Err("after you agreed"),
        );
        check(
            "http://127.0.0.1:7/callback?code=1&state=T",
            Err("another attempt"),
        );
        check("code=1", Err("another attempt"));
        check("code=1&state=S&state=S", Err("another attempt"));
    }
}
