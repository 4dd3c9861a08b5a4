//! A redirect leads to one place by every reader's understanding, never down to http, and ends.

use std::collections::HashSet;

use arbitrary::{Result, Unstructured};
use brightsync_core::origin::Origin;
use brightsync_core::redirect::{Asked, Trail};
use brightsync_core::request::{Ask, Base, Caps, Method, Reserved, check as check_request};
use url::Url;

use crate::address::assert_dialled;

const RESERVED: Reserved<'static> = Reserved {
    headers: &[],
    parameters: &["own_token"],
};

/// Panics if a property of redirects does not hold.
pub fn check(data: &[u8]) {
    let _ran_out = followed(&mut Unstructured::new(data));
}

fn followed(input: &mut Unstructured<'_>) -> Result<()> {
    const PIECES: [&str; 30] = [
        "https://",
        "http://",
        "HTTP:",
        "https:",
        "//",
        "/",
        "\\",
        "..",
        "%2e%2e",
        "?",
        "&",
        "=",
        "#",
        "@",
        "user:word@",
        "evil.example",
        "x.example",
        ":80",
        ":443",
        "own_token",
        "own%5ftoken",
        "OWN_TOKEN",
        "=secret",
        "javascript:",
        "file:",
        "\t",
        "\n",
        "a",
        "b",
        "[::1]",
    ];
    const MOST: u32 = 3;
    let mut url = Url::parse(input.choose(&[
        "https://x.example/a?b=c",
        "http://127.0.0.1:8080/a/",
        "https://x.example/a?own_token=secret",
    ])?)
    .unwrap();
    let mut method = *input.choose(&[Method::Get, Method::Head, Method::Post, Method::Put])?;
    let mut trail = Trail::new(MOST);
    let mut been = HashSet::new();
    let mut steps = 0;
    loop {
        let is_repeatable = input.arbitrary()?;
        let status = *input.choose(&[301, 302, 303, 307, 308, 200, 304, 300])?;
        let location = super::text(input, &PIECES, 6)?;
        let twice = input.ratio(1_u8, 16)?;
        let locations = [location.as_bytes(), b"/elsewhere"];
        let locations = &locations[..1 + usize::from(twice)];
        let asked = Asked {
            method,
            url: &url,
            is_repeatable,
        };
        let next = trail.follow(asked, status, locations.iter().copied(), &RESERVED);
        let Ok(Some(next)) = next else {
            return Ok(());
        };
        been.insert((method, url.clone()));
        assert!(!twice && (301..=308).contains(&status), "{status}");
        // What is sent again may be sent again; what is not is read only.
        assert!(is_repeatable || next.method.is_safe(), "{:?}", next.method);
        assert!(!next.keeps_body || (is_repeatable && next.method == method));
        assert!(!been.contains(&(next.method, next.url.clone())), "a circle");
        // No credential in the address, and none of its kind of name.
        assert_eq!((next.url.username(), next.url.password()), ("", None));
        assert!(
            next.url
                .query_pairs()
                .all(|(name, _)| !name.eq_ignore_ascii_case("own_token"))
        );
        assert_eq!(next.url.fragment(), None);
        let is_downgrade = url.scheme() == "https" && next.url.scheme() != "https";
        assert!(!is_downgrade, "{location}");
        // Every reader goes to the same place, if it is one at all.
        if let Ok(origin) = Origin::of(&next.url) {
            let dialled: http::Uri = next.url.as_str().parse().expect("the client reads it");
            assert_dialled(&origin, &dialled);
        }
        // The whole order looks at it again, and what it lets pass is this very address.
        let base = Base::parse("https://x.example/").unwrap();
        let ask = Ask {
            method: next.method.as_str(),
            url: next.url.as_str(),
            headers: &[],
            body_len: None,
        };
        if let Ok(checked) = check_request(ask, &base, &RESERVED, &Caps::default()) {
            assert_eq!(checked.url, next.url);
        }
        steps += 1;
        assert!(steps <= MOST, "it goes on for ever");
        (url, method) = (next.url, next.method);
    }
}
