//! The manifest of connectors that are made for tests.

use brightsync_core::function::{Function, Interface};

/// A manifest that fits every guest: all functions, all recipes, and more hosts than any of them may reach.
pub fn manifest(name: &str) -> String {
    let functions: String = Interface::ALL
        .iter()
        .map(|interface| {
            let names: Vec<_> = Function::ALL
                .iter()
                .filter(|it| it.interface() == *interface)
                .map(|it| it.name())
                .collect();
            format!("{interface} = {names:?}\n")
        })
        .collect();
    let reads = r#"
me = "owner"
owners = ["me", "user", "anyone"]
scopes = ["all", "updated", "changed-since", "departed", "departed-since"]
departures = ["deleted"]
"#;
    format!(
        r#"
[connector]
name = "{name}"
title = "Guest {name}"
version = "1.0.0"
publisher = "Tests"
contract = "0.1"

[settings.site]
kind = "origin"
title = "The CRM"

[settings.elsewhere]
kind = "origin"
title = "A second server"
optional = true

[settings.deed]
kind = "text"
title = "What to do"
optional = true

[http]
base = "{{site}}/"

[[hosts]]
origin = "{{site}}"
why = "the CRM"

[[hosts]]
origin = "{{elsewhere}}"
why = "a second server"

[[hosts]]
origin = "https://crm.example.com"
why = "a name for resolvers to answer"

[auth.bearer]
title = "Token"
kind = "bearer"
audience = ["{{site}}"]

[auth.basic]
title = "User and password"
kind = "basic"
audience = ["{{site}}"]

[auth.key]
title = "Key in a header"
kind = "header"
header = "X-Api-Key"
audience = ["{{site}}"]

[auth.parameter]
title = "Key in the address"
kind = "query"
parameter = "api_token"
audience = ["{{site}}"]

[functions]
{functions}
[reads.contacts]{reads}
[reads.accounts]{reads}"#
    )
}
