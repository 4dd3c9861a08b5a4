//! Reaching what is out of reach.

use brightsync_core::rule::Rule;
use serde_json::json;

use crate::attack::Attack;
use crate::attack::Family::Egress;
use crate::deed::Deed;
use crate::prize::{
    crm_saw, crm_was_asked_more_than, dialled, nothing, victim_saw, victim_was_asked,
};
use crate::scene::{CarvedOut, Scene, ok};
use crate::server::{Answer, Asked};

/// What stands between a connector and an address that is written out, each by itself.
const LITERAL: &[Rule] = &[Rule::PublicLiteral, Rule::DialledLiteral];

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = layers();
    attacks.extend(literals());
    attacks.extend(names());
    attacks.extend(redirects());
    attacks.extend(schemes());
    attacks
}

/// Each layer refuses what all the others would permit.
fn layers() -> Vec<Attack> {
    let open = Scene::open;
    let narrow = |name, deed| {
        Attack::new(
            Egress,
            name,
            &[Rule::GrantedReach],
            deed,
            "denied: not-granted",
            victim_was_asked(),
        )
        .at(Scene {
            granted: vec!["{ origin = \"{victim}\", methods = [\"GET\"], paths = [\"/api/\"] }"],
            ..open()
        })
    };
    vec![
        Attack::new(
            Egress,
            "reach a server that no layer allows",
            &[
                Rule::ManifestHosts,
                Rule::GrantedHosts,
                Rule::Https,
                Rule::PublicLiteral,
                Rule::DialledLiteral,
            ],
            Deed::get("{victim}/x"),
            "denied: not-in-manifest",
            victim_was_asked(),
        ),
        Attack::new(
            Egress,
            "reach a server that its manifest does not name",
            &[Rule::ManifestHosts],
            Deed::get("{victim}/x"),
            "denied: not-in-manifest",
            victim_was_asked(),
        )
        .at(Scene {
            settings: Vec::new(),
            ..open()
        }),
        Attack::new(
            Egress,
            "reach a server that the tenant did not grant",
            &[Rule::GrantedHosts],
            Deed::get("{victim}/x"),
            "denied: not-granted",
            victim_was_asked(),
        )
        .at(Scene {
            granted: Vec::new(),
            ..open()
        }),
        Attack::new(
            Egress,
            "reach more of a host than its manifest names",
            &[Rule::ManifestReach],
            Deed::get("{victim}/admin"),
            "denied: not-in-manifest",
            victim_was_asked(),
        )
        .at(Scene {
            manifest: vec![(
                "origin = \"{elsewhere}\"",
                "origin = \"{elsewhere}\"\npaths = [\"/api/\"]",
            )],
            ..open()
        }),
        narrow(
            "write where the tenant granted reading",
            Deed::order(
                json!({"request": {"method": "POST", "url": "{victim}/api/x", "body": "{}"}}),
            ),
        ),
        narrow(
            "reach a path that begins like the one that was granted",
            Deed::get("{victim}/apix"),
        ),
        narrow(
            "climb out of the path that was granted, in code within code",
            Deed::get("{victim}/api/%252e%252e/admin"),
        ),
        Attack::new(
            Egress,
            "reach a host that the operator denies",
            &[Rule::Ceiling],
            Deed::get("{victim}/x"),
            "denied: not-allowed",
            victim_was_asked(),
        )
        .at(Scene {
            ceiling: toml::from_str("allow = ['*']\ndeny = ['127.0.0.1']").unwrap(),
            ..open()
        }),
        Attack::new(
            Egress,
            "reach a host that the operator does not allow",
            &[Rule::Ceiling],
            Deed::get("{victim}/x"),
            "denied: not-allowed",
            victim_was_asked(),
        )
        .at(Scene {
            ceiling: toml::from_str("allow = ['*.example.com']").unwrap(),
            ..open()
        }),
        Attack::new(
            Egress,
            "reach a private address that the tenant granted, over http",
            &[Rule::Https, Rule::PublicLiteral, Rule::DialledLiteral],
            Deed::get("{victim}/x"),
            "denied: not-https",
            victim_was_asked(),
        )
        .at(Scene {
            carved_out: CarvedOut::Nobody,
            ..open()
        }),
        Attack::new(
            Egress,
            "use the carve-out of another tenant's connection",
            &[Rule::CarveOutOwner],
            Deed::get("{victim}/x"),
            "denied: not-https",
            victim_was_asked(),
        )
        .at(Scene {
            carved_out: CarvedOut::SomebodyElse,
            ..open()
        }),
        Attack::new(
            Egress,
            "have a carved-out name lead to another private address",
            &[Rule::CarvedOutAddress],
            Deed::get("http://crm.internal:{victim-port}/x"),
            "denied: address",
            dialled("127.0.0.9"),
        )
        .at(Scene {
            settings: vec![("elsewhere", "http://crm.internal:{victim-port}")],
            granted: vec!["http://crm.internal:{victim-port}"],
            carved_out: CarvedOut::ByName,
            names: vec!["127.0.0.9".parse().unwrap()],
            ..open()
        }),
    ]
}

/// Addresses that are written out, in every spelling that somebody has got by with.
fn literals() -> Vec<Attack> {
    let literal = |name, granted: &'static str, url, address| {
        Attack::new(
            Egress,
            name,
            LITERAL,
            Deed::get(url),
            "denied: not-allowed",
            dialled(address),
        )
        .at(Scene {
            settings: vec![("elsewhere", granted)],
            granted: vec![granted],
            ..Scene::default()
        })
    };
    vec![
        literal(
            "reach this machine",
            "https://127.0.0.1",
            "https://127.0.0.1/",
            "127.0.0.1",
        ),
        literal(
            "reach this machine in decimal",
            "https://127.0.0.1",
            "https://2130706433/",
            "127.0.0.1",
        ),
        literal(
            "reach this machine in octal",
            "https://127.0.0.1",
            "https://0177.0.0.1/",
            "127.0.0.1",
        ),
        literal(
            "reach this machine in hexadecimal",
            "https://127.0.0.1",
            "https://0x7f000001/",
            "127.0.0.1",
        ),
        literal(
            "reach this machine in short",
            "https://127.0.0.1",
            "https://127.1/",
            "127.0.0.1",
        ),
        literal(
            "reach this machine as nowhere",
            "https://0.0.0.0",
            "https://0/",
            "0.0.0.0",
        ),
        literal(
            "reach this machine over IPv6",
            "https://[::1]",
            "https://[0:0::0:1]/",
            "::1",
        ),
        literal(
            "reach this machine, mapped into IPv6",
            "https://[::ffff:127.0.0.1]",
            "https://[::ffff:7f00:1]/",
            "::ffff:127.0.0.1",
        ),
        literal(
            "reach the network behind the host",
            "https://10.0.0.1",
            "https://10.0.0.1/",
            "10.0.0.1",
        ),
        literal(
            "reach a carrier's inner network",
            "https://100.64.0.1",
            "https://100.64.0.1/",
            "100.64.0.1",
        ),
        literal(
            "reach the cloud's metadata",
            "https://169.254.169.254",
            "https://169.254.169.254/latest/",
            "169.254.169.254",
        ),
        literal(
            "reach the cloud's metadata over IPv6",
            "https://[fd00:ec2::254]",
            "https://[fd00:ec2::254]/",
            "fd00:ec2::254",
        ),
        literal(
            "reach the cloud's metadata through NAT64",
            "https://[64:ff9b::a9fe:a9fe]",
            "https://[64:ff9b::169.254.169.254]/",
            "64:ff9b::a9fe:a9fe",
        ),
        literal(
            "reach the network behind the host through 6to4",
            "https://[2002:a00:1::]",
            "https://[2002:a00:1::]/",
            "2002:a00:1::",
        ),
        literal(
            "reach the network behind the host through Teredo",
            "https://[2001:0:a00:1::]",
            "https://[2001:0:a00:1::]/",
            "2001:0:a00:1::",
        ),
        literal(
            "reach everybody at once",
            "https://224.0.0.1",
            "https://224.0.0.1/",
            "224.0.0.1",
        ),
    ]
}

/// Names that lead to where no name should lead.
fn names() -> Vec<Attack> {
    let name = |name, address: &'static str| {
        Attack::new(
            Egress,
            name,
            &[Rule::ResolvedAddress],
            Deed::get("https://crm.example.com/me"),
            "denied: address",
            dialled(address),
        )
        .at(Scene {
            granted: vec!["https://crm.example.com"],
            names: vec![address.parse().unwrap()],
            ..Scene::default()
        })
    };
    vec![
        name("have a name lead to this machine", "127.0.0.1"),
        name(
            "have a name lead to the network behind the host",
            "10.1.2.3",
        ),
        name(
            "have a name lead to the cloud's metadata",
            "169.254.169.254",
        ),
        name("have a name lead to a mapped address", "::ffff:192.168.0.1"),
    ]
}

/// Answers that point elsewhere.
fn redirects() -> Vec<Attack> {
    let to = |location: &'static str| {
        move |asked: &Asked| match asked.line.as_str() {
            "GET /me" => Answer::text(302, "").with("location", location),
            _ => ok(),
        }
    };
    let numbered = |asked: &Asked| {
        let number: u32 = asked.line.trim_start_matches("GET /").parse().unwrap_or(0);
        Answer::text(302, "").with("location", &format!("/{}", number + 1))
    };
    let back = |asked: &Asked| {
        let other = if asked.line == "GET /a" { "/b" } else { "/a" };
        Answer::text(302, "").with("location", other)
    };
    let moved = |asked: &Asked| match asked.line.as_str() {
        "POST /first" => Answer::text(307, "").with("location", "/second"),
        _ => ok(),
    };
    vec![
        Attack::new(
            Egress,
            "be redirected to a server that the tenant did not grant",
            &[Rule::GrantedHosts],
            Deed::get("me"),
            "denied: not-granted",
            victim_was_asked(),
        )
        .at(Scene {
            granted: Vec::new(),
            ..Scene::open()
        }
        .with_crm(to("{victim}/x"))),
        Attack::new(
            Egress,
            "be redirected to the cloud's metadata",
            &[
                Rule::ManifestHosts,
                Rule::GrantedHosts,
                Rule::Https,
                Rule::PublicLiteral,
                Rule::DialledLiteral,
            ],
            Deed::get("me"),
            "denied: not-in-manifest",
            dialled("169.254.169.254"),
        )
        .at(Scene::crm(to("http://169.254.169.254/latest/"))),
        Attack::new(
            Egress,
            "be redirected with a password in the address",
            &[
                Rule::RedirectUserInfo,
                Rule::UserInfo,
                Rule::DialledUserInfo,
            ],
            Deed::get("me"),
            "denied: redirect-user-info",
            crm_saw(|it| it.line == "GET /stolen"),
        )
        .at(Scene::crm(|asked| {
            let host = asked.header("host").unwrap_or_default();
            match asked.line.as_str() {
                "GET /me" => Answer::text(302, "")
                    .with("location", &format!("http://root:toor@{host}/stolen")),
                _ => ok(),
            }
        })),
        Attack::new(
            Egress,
            "be redirected to a file",
            &[],
            Deed::get("me"),
            "denied: redirect-scheme",
            nothing(),
        )
        .at(Scene::crm(to("file:///etc/passwd"))),
        Attack::new(
            Egress,
            "be redirected on and on",
            &[Rule::RedirectCount],
            Deed::get("1"),
            "denied: too-many-redirects",
            crm_was_asked_more_than(4),
        )
        .at(Scene::crm(numbered).limited(|it| it.requests = 20)),
        Attack::new(
            Egress,
            "be redirected in a circle",
            &[Rule::RedirectLoop, Rule::RedirectCount],
            Deed::get("a"),
            "denied: redirect-loop",
            crm_was_asked_more_than(4),
        )
        .at(Scene::crm(back).limited(|it| it.requests = 20)),
        Attack::new(
            Egress,
            "have a write made again somewhere else",
            &[Rule::RedirectMethod],
            Deed::order(
                serde_json::json!({"request": {"method": "POST", "url": "first", "body": "{}"}}),
            ),
            "status 307",
            crm_saw(|it| it.line == "POST /second"),
        )
        .at(Scene::crm(moved)),
        Attack::new(
            Egress,
            "have its headers carried to another server",
            &[Rule::RedirectHeaders],
            Deed::header("X-Note", "what the customer said"),
            "status 200",
            victim_saw(|it| it.header("x-note").is_some()),
        )
        .at(Scene::open().with_crm(to("{victim}/x"))),
    ]
}

/// What is not HTTP at all.
fn schemes() -> Vec<Attack> {
    let refused = |name, url| {
        Attack::new(
            Egress,
            name,
            &[],
            Deed::get(url),
            "denied: address",
            nothing(),
        )
    };
    vec![
        refused("read a file", "file:///etc/passwd"),
        refused("speak FTP", "ftp://127.0.0.1/"),
        refused(
            "speak to a cache by way of gopher",
            "gopher://127.0.0.1:6379/_FLUSHALL",
        ),
        refused("name a host without a scheme", "//127.0.0.1/"),
    ]
}
