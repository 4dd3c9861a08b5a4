//! The rules that hold a hostile connector, each by its name, so that every one can be shown to do something.
//!
//! A check asks its rule: [`Rule::refuses`]. That is the condition itself, and nothing else, in every build that anybody
//! runs. Only a build with the feature `weaken`, which no member of the workspace enables, can switch rules off; it exists
//! to see each attack succeed without the rules that stop it.

use std::fmt;

macro_rules! rules {
    ($($name:ident: $text:literal,)*) => {
        /// A rule that holds a hostile connector.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $text] $name,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Says what holds.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

rules! {
    // Where a request may go.
    ManifestHosts: "only to hosts that the manifest names",
    GrantedHosts: "only to hosts that the tenant granted",
    ManifestReach: "only with methods and paths that the manifest names",
    GrantedReach: "only with methods and paths that the tenant granted",
    Ceiling: "only to hosts that the operator allows and does not deny",
    Https: "only over https, but for carve-outs",
    PublicLiteral: "an address that is written out is a public one",
    DialledLiteral: "an address that is written out is looked at again when it is dialled",
    ResolvedAddress: "a name is dialled at public addresses only",
    CarvedOutAddress: "a carve-out is dialled at its one address, whatever a resolver says",
    CarveOutOwner: "a carve-out is one connection's",
    RedirectCount: "so many redirects are followed and no more",
    RedirectLoop: "a redirect does not lead back",
    RedirectUserInfo: "a redirect does not lead to an address with a user name in it",
    RedirectHeaders: "what a connector said in headers stays behind at a redirect",
    RedirectMethod: "a write is not sent again because of a redirect",

    // What a request may be.
    Characters: "an address has only characters that everybody reads alike",
    UserInfo: "an address has no user name in it",
    DialledUserInfo: "an address that is about to be dialled has no user name in it",
    PlainHost: "a host is written in plain letters",
    PlainPath: "a path does not climb",
    BelowBase: "a relative address stays below the base",
    MethodOverride: "no other method behind the method",
    CredentialParameter: "no credential in the query",
    RecipeParameter: "the recipe's own parameter is the host's",
    HeaderValue: "a header's value is printable ASCII",
    HostHeader: "headers that frame, route or vouch for a request are the host's",
    CredentialHeader: "no credential in a header",
    RecipeHeader: "the recipe's own header is the host's",
    ByteRange: "no bytes out of the middle of an answer",
    RepeatedHeader: "no header twice",
    ReadBody: "no body with GET and HEAD",
    RequestSize: "address, headers and body have a largest size",

    // Where the credential goes, and who shares what.
    Audience: "the credential goes only where its recipe says",
    GrantedAudience: "the credential goes only where the tenant granted it",
    TokenAudience: "the host sends secrets only to endpoints that the recipe names and the tenant granted",
    RecipeEndpoint: "a connector does not ask for its recipe's endpoints",
    LearnedSetting: "an answer sets only what the manifest says, as it says",
    PoolOwner: "network connections are one connection's",
    StateOwner: "kept values are one connection's",
    Suspension: "what is suspended is not served",

    // What comes back.
    AnswerHeader: "only headers on the list are passed on",
    AnswerLocation: "only a place on the same server is passed on",
    OneEnd: "an answer says once where it ends",
    AnswerHeaderSize: "the headers of an answer have a largest size",
    FirstByte: "an answer begins in time",
    Silence: "an answer goes on in time",
    AnswerTime: "an answer ends in time",
    AnswerSize: "an answer has a largest size",
    AnswerPackedSize: "a packed answer has a largest size",
    AnswerRatio: "an answer does not unpack to hundreds of times its size",
    BytesIn: "all answers of a call together have a largest size",
    Redaction: "the connection's secrets are cut out of answers",
    RedactedPlace: "what the manifest marks is cut out of answers",
    RedactedText: "the connection's secrets are cut out of logs, errors and reports",
    Guessing: "a connection on which secrets are found again and again is suspended",
    QuotaClaim: "what a CRM says of its limits is believed for a while only",
    QuotaForAll: "what a CRM says to one tenant does not hold up the others for long",
    BlindRepeat: "a write whose answer was lost is not sent again",
    RepeatsPerCall: "a call repeats its requests so often and no more",
    Breaker: "a server that fails again and again is left alone",

    // What a call may use.
    GuestTime: "computing has an end",
    WallTime: "a call has an end",
    Memory: "memory has an end",
    Tables: "tables have an end",
    Stack: "the stack has an end",
    Handles: "handles have an end",
    HostCalls: "calls of the host have an end",
    ResultSize: "what is passed to the host has a largest size",
    Requests: "requests of a call have an end",
    BytesOut: "bytes that a call sends have an end",
    SideBySide: "requests side by side have an end",
    LogLines: "log lines have an end",
    LogText: "a log line cannot steer a terminal or forge another line",
    RandomBytes: "random bytes at once have an end",
    StateSize: "kept values have an end",
    Share: "one tenant does not take all places",

    // What a connector answers.
    Id: "an id is a short line of text",
    Token: "a page's token is a short line of text",
    Extra: "what is called JSON is JSON",
    Match: "a record that was not asked for is dropped",
    PageLoop: "a read does not go in a circle",
    Pages: "a read has an end",
    InDoubt: "a write without an answer is in doubt, whatever a connector says of it",

    // What is loaded.
    ComponentSize: "a component has a largest size, in all its parts",
    OneManifest: "a component has one manifest",
    OutermostManifest: "the manifest is that of the whole",
    Pattern: "a setting is what its pattern says, whole",
    RegisteredDomain: "a host that differs per customer has a fixed registered domain",
    Approval: "a version that may do something else waits until it is approved",
    CodeSeal: "compiled code bears this installation's seal",
}

impl Rule {
    /// Says whether something is refused by this rule: that it goes against it, and that the rule is in force.
    #[must_use]
    #[inline]
    pub fn refuses(self, goes_against: bool) -> bool {
        goes_against && self.holds()
    }

    /// Says whether the rule is in force, which it always is.
    #[cfg(not(feature = "weaken"))]
    #[must_use]
    #[inline]
    pub const fn holds(self) -> bool {
        true
    }

    /// Says whether the rule is in force: it is, unless somebody has switched it off.
    #[cfg(feature = "weaken")]
    #[must_use]
    pub fn holds(self) -> bool {
        !weaken::is_off(self)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(feature = "weaken")]
pub mod weaken {
    //! Switches rules off, for all of the process.

    use std::net::IpAddr;
    use std::sync::{Mutex, PoisonError};

    use super::Rule;

    /// Stands in every program in which rules can be switched off, and in no other.
    pub const MARK: &str = "in this program the rules that hold connectors can be switched off";

    #[derive(Default)]
    struct Switches {
        off: Vec<Rule>,
        dialled: Vec<IpAddr>,
    }

    static SWITCHES: Mutex<Switches> = Mutex::new(Switches {
        off: Vec::new(),
        dialled: Vec::new(),
    });

    /// Keeps rules off until it is dropped.
    #[must_use]
    pub struct Off(());

    /// Switches these rules off, and all others on; and forgets what was dialled.
    pub fn off(rules: &[Rule]) -> Off {
        with(|it| {
            *it = Switches {
                off: rules.to_vec(),
                dialled: Vec::new(),
            };
        });
        Off(())
    }

    impl Drop for Off {
        fn drop(&mut self) {
            with(|it| it.off.clear());
        }
    }

    /// Notes that an address is about to be dialled, and says whether it may be: nothing leaves this machine in such a program.
    pub fn dial(address: IpAddr) -> bool {
        with(|it| it.dialled.push(address));
        match address {
            IpAddr::V4(it) => it.is_loopback() || it.is_unspecified(),
            IpAddr::V6(it) => {
                it.is_loopback() || it.to_ipv4_mapped().is_some_and(|it| it.is_loopback())
            }
        }
    }

    /// What was dialled since rules were last switched off.
    pub fn dialled() -> Vec<IpAddr> {
        with(|it| it.dialled.clone())
    }

    pub(super) fn is_off(rule: Rule) -> bool {
        with(|it| it.off.contains(&rule))
    }

    fn with<T>(act: impl FnOnce(&mut Switches) -> T) -> T {
        act(&mut SWITCHES.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
