//! What a tenant and an operator allow a connector: grants, ceilings and carve-outs, as plain values.
//!
//! A grant is a list of origins, or of some of their requests, that somebody has agreed to, never a reference to what a manifest
//! asks. [`Proposal`] is what to show to that person; it is another type, so that nothing takes the
//! one for the other.

mod approval;
mod carve_out;
mod ceiling;
mod entry;
mod granted_host;
pub(crate) mod reach;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use approval::Approval;
pub use carve_out::{CarveOut, InvalidCarveOut};
pub use ceiling::{AllowedHosts, Ceiling, HostPattern, InvalidHostPattern};
pub use granted_host::GrantedHost;
pub use reach::{Empty, InvalidPath, PathPrefix, Reach};

use crate::manifest::Manifest;
use crate::name::RecipeName;
use crate::origin::{ExpandError, Origin};
use crate::setting::Settings;

/// What a tenant allows a connector on one connection; the default allows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grant {
    /// The origins that the connector may talk to. Several entries about one origin permit what any of them does.
    pub hosts: BTreeSet<GrantedHost>,
    /// The origins that the credential may go to; those that are no hosts, too, have no effect.
    pub audience: BTreeSet<Origin>,
}

/// What a manifest asks for with one connection's settings: to be shown, and worth nothing by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    hosts: Vec<ProposedHost>,
    audience: BTreeSet<Origin>,
}

/// One origin that a manifest asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProposedHost {
    origin: Origin,
    #[serde(flatten)]
    reach: Reach,
    why: String,
}

impl Proposal {
    /// Computes what would have to be granted for all that a manifest asks; hosts whose optional
    /// settings have no value are left out.
    pub fn of(
        manifest: &Manifest,
        settings: &Settings,
        recipe: Option<&RecipeName>,
    ) -> Result<Self, ExpandError> {
        let mut hosts = Vec::new();
        for host in manifest.hosts() {
            if let Some((origin, reach)) = host.expand(settings)? {
                hosts.push(ProposedHost {
                    origin,
                    reach,
                    why: host.why().to_owned(),
                });
            }
        }
        let mut audience = BTreeSet::new();
        for template in recipe
            .and_then(|name| manifest.recipes().get(name))
            .iter()
            .flat_map(|it| it.audience())
        {
            audience.extend(present(template.expand(settings))?);
        }
        Ok(Self { hosts, audience })
    }

    /// Returns the origins, with the author's reasons, in the order of the manifest.
    pub fn hosts(&self) -> &[ProposedHost] {
        &self.hosts
    }

    /// Returns the origins that the credential would go to.
    pub fn audience(&self) -> &BTreeSet<Origin> {
        &self.audience
    }

    /// Makes the grant of somebody who has seen the whole proposal and said yes to all of it.
    pub fn into_grant_after_consent(self) -> Grant {
        Grant {
            hosts: self
                .hosts
                .into_iter()
                .map(|it| GrantedHost::new(it.origin, it.reach))
                .collect(),
            audience: self.audience,
        }
    }
}

impl ProposedHost {
    /// Returns the origin.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns which requests to it.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Returns what the connector needs it for, in the author's words.
    pub fn why(&self) -> &str {
        &self.why
    }
}

/// Takes an origin whose optional setting is not set for one that is not asked for.
pub(crate) fn present(
    expanded: Result<Origin, ExpandError>,
) -> Result<Option<Origin>, ExpandError> {
    match expanded {
        Ok(origin) => Ok(Some(origin)),
        Err(ExpandError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::{CarveOut, Ceiling, Grant};

    #[track_caller]
    fn check<T: serde::Serialize + serde::de::DeserializeOwned>(text: &str, expected: Expect) {
        let result = match toml::from_str::<T>(text) {
            Ok(value) => serde_json::to_string(&value).unwrap(),
            Err(error) => error.message().to_owned(),
        };
        expected.assert_eq(&result);
    }

    #[test]
    fn an_empty_grant_is_empty() {
        check::<Grant>("", expect![[r#"{"hosts":[],"audience":[]}"#]]);
        assert_eq!(toml::from_str::<Grant>("").unwrap(), Grant::default());
    }

    #[test]
    fn a_grant_lists_origins_and_nothing_wider() {
        check::<Grant>(
            "hosts = ['https://A.example:443']\naudience = ['https://a.example']",
            expect![[r#"{"hosts":["https://a.example"],"audience":["https://a.example"]}"#]],
        );
        check::<Grant>(
            "hosts = ['*']",
            expect![[r#""*" is not an address; write it as https://host or https://host:port"#]],
        );
        check::<Grant>(
            "hosts = ['https://*.example.com']",
            expect![[
                r#""*.example.com" is not a host name that can be looked up; check its spelling"#
            ]],
        );
        check::<Grant>(
            "hosts = ['{site}']",
            expect![[
                r#""{site}" is not an address; write it as https://host or https://host:port"#
            ]],
        );
        check::<Grant>(
            "hosts = '*'",
            expect![[r#"invalid type: string "*", expected a sequence"#]],
        );
        check::<Grant>(
            "hosts = ['https://a.example/api']",
            expect![[
                r#""https://a.example/api" goes on behind the host; remove the path, `?` and `#`"#
            ]],
        );
        check::<Grant>(
            "manifest = true",
            expect!["unknown field `manifest`, expected `hosts` or `audience`"],
        );
    }

    #[test]
    fn an_entry_of_a_grant_may_be_narrowed_to_methods_and_paths() {
        check::<Grant>(
            "hosts = ['https://a.example', { origin = 'https://b.example', methods = ['GET', 'POST'], paths = ['/api/v4/'] }]",
            expect![[
                r#"{"hosts":["https://a.example",{"origin":"https://b.example","methods":["GET","POST"],"paths":["/api/v4"]}],"audience":[]}"#
            ]],
        );
        check::<Grant>(
            "hosts = [{ origin = 'https://b.example' }]",
            expect![[r#"{"hosts":["https://b.example"],"audience":[]}"#]],
        );
        check::<Grant>(
            "hosts = [{ origin = 'https://b.example', methods = [] }]",
            expect![
                "`methods` is empty, so that no request is left; list some, or remove it for all"
            ],
        );
        check::<Grant>(
            "hosts = [{ origin = 'https://b.example', methods = ['get'] }]",
            expect![[
                r#"the method "get" is not allowed; use GET, HEAD, POST, PUT, PATCH or DELETE, in capitals"#
            ]],
        );
        check::<Grant>(
            "hosts = [{ origin = 'https://b.example', paths = ['/api/*'] }]",
            expect![[
                r#""/api/*" is no path that everybody reads the same way; write it as in "/api/v4/", which is for all below it, without `*`, `?` and dots"#
            ]],
        );
        check::<Grant>(
            "hosts = [{ origin = 'https://b.example', path = ['/api'] }]",
            expect!["unknown field `path`, expected one of `origin`, `methods`, `paths`"],
        );
        check::<Ceiling>(
            "allow = ['a.example', { host = '*.example.com', methods = ['GET'] }]",
            expect![[
                r#"{"allow":["a.example",{"host":"*.example.com","methods":["GET"]}],"deny":[]}"#
            ]],
        );
    }

    #[test]
    fn a_ceiling_has_to_say_what_it_allows() {
        check::<Ceiling>("", expect!["missing field `allow`"]);
        check::<Ceiling>("deny = ['a.example']", expect!["missing field `allow`"]);
        check::<Ceiling>("allow = ['*']", expect![[r#"{"allow":["*"],"deny":[]}"#]]);
        check::<Ceiling>(
            "allow = ['*.Example.com', 'a.example', '10.1.2.3', '[::1]']",
            expect![[r#"{"allow":["*.example.com","a.example","10.1.2.3","[::1]"],"deny":[]}"#]],
        );
        for bad in [
            "*.1.2.3.4",
            "a.*.b",
            "**",
            "",
            "*.",
            "https://a.example",
            "a.example:1",
            "a/b",
            "*.*",
        ] {
            assert!(
                toml::from_str::<Ceiling>(&format!("allow = ['{bad}']")).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_carve_out_is_one_exact_place() {
        let text = |host: &str, address: &str, port: &str| {
            format!("scheme = 'http'\nhost = '{host}'\naddress = '{address}'\nport = {port}")
        };
        check::<CarveOut>(
            &text("crm.internal", "10.0.0.7", "8080"),
            expect![[
                r#"{"scheme":"http","host":"crm.internal","address":"10.0.0.7","port":8080}"#
            ]],
        );
        check::<CarveOut>(
            &text("127.0.0.1", "127.0.0.1", "8080"),
            expect![[r#"{"scheme":"http","host":"127.0.0.1","address":"127.0.0.1","port":8080}"#]],
        );
        check::<CarveOut>(
            &text("::1", "::1", "8080"),
            expect![[r#"{"scheme":"http","host":"::1","address":"::1","port":8080}"#]],
        );
        check::<CarveOut>(
            &text("127.0.0.1", "127.0.0.2", "8080"),
            expect![
                "the carve-out's host is the literal 127.0.0.1, but its address is 127.0.0.2; write the same in both"
            ],
        );
        check::<CarveOut>(
            &text("*.internal", "10.0.0.7", "8080"),
            expect![[
                r#"the carve-out's host and port are no server: "*.internal" is not a host name that can be looked up; check its spelling"#
            ]],
        );
        check::<CarveOut>(
            &text("crm.internal", "10.0.0.0/8", "8080"),
            expect!["invalid IP address syntax"],
        );
        check::<CarveOut>(
            &text("crm.internal", "10.0.0.7", "0"),
            expect![
                "the carve-out's host and port are no server: port 0 cannot be reached; write the port of the server"
            ],
        );
        check::<CarveOut>(
            &text("crm.internal", "0.0.0.0", "80"),
            expect![
                "0.0.0.0 is not the address of one machine; write the address that the server listens on"
            ],
        );
        check::<CarveOut>(
            &text("crm.internal", "224.0.0.1", "80"),
            expect![
                "224.0.0.1 is not the address of one machine; write the address that the server listens on"
            ],
        );
        check::<CarveOut>(
            "scheme = 'http'\nhost = 'crm.internal'\nport = 1",
            expect!["missing field `address`"],
        );
    }
}
