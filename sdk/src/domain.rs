//! Internet domains of what CRMs keep in web site and e-mail fields.

/// The host of a web site or an e-mail address in lower case, without `www.`; none if there is none.
///
/// The host normalises further (IDNA) and compares every match again, so this only has to be good enough to search by.
///
/// ```
/// use brightsync_sdk::domain;
///
/// assert_eq!(domain::of("https://www.Example.com:443/about"), Some("example.com".to_owned()));
/// assert_eq!(domain::of("Ann <ann@mail.example.com>"), Some("mail.example.com".to_owned()));
/// assert_eq!(domain::of("n/a"), None);
/// ```
pub fn of(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let text = text
        .split_once("://")
        .map_or(text.as_str(), |(_, rest)| rest);
    let host = text.split(['/', '?', '#']).next().unwrap_or(text);
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = host
        .split(':')
        .next()
        .unwrap_or(host)
        .trim_end_matches(['>', '.']);
    let host = host.strip_prefix("www.").unwrap_or(host);
    let whole = host.contains('.')
        && host.split('.').all(|label| !label.is_empty())
        && host
            .chars()
            .all(|it| it.is_alphanumeric() || matches!(it, '-' | '.'));
    whole.then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(super::of(text).as_deref(), expected);
    }

    #[test]
    fn what_people_type_into_a_web_site_field_is_read() {
        check("example.com", Some("example.com"));
        check(" HTTP://WWW.EXAMPLE.COM./ ", Some("example.com"));
        check(
            "https://user:pass@shop.example.com:8443?x=1",
            Some("shop.example.com"),
        );
        check("ann@example.com", Some("example.com"));
        check("müller.example", Some("müller.example"));
    }

    #[test]
    fn what_is_no_domain_is_none() {
        check("", None);
        check("none", None);
        check("www.", None);
        check("a..b", None);
        check("see our brochure.", None);
    }
}
