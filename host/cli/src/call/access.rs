//! What a call may reach, with which credential: shown first, granted then, and never more than the command line says.

use anyhow::Result;
use brightsync_core::address;
use brightsync_core::grant::{CarveOut, Proposal};
use brightsync_core::manifest::Manifest;
use brightsync_core::name::RecipeName;
use brightsync_core::origin::{Origin, Scheme};
use brightsync_runtime::{Credential, Resolve as _, Secret, SystemResolver};

use crate::exit::{Refusal, Usage};
use crate::terminal::Terminal;
use crate::text;

/// The recipe to authenticate with: the named one, or the only one.
pub(super) fn recipe(manifest: &Manifest, named: Option<&str>) -> Result<Option<RecipeName>> {
    let recipes = manifest.recipes();
    let names: Vec<_> = recipes.keys().map(RecipeName::as_str).collect();
    let names = names.join(", ");
    match (named, recipes.len()) {
        (Some("none"), _) | (None, 0) => Ok(None),
        (None, 1) => Ok(recipes.keys().next().cloned()),
        (None, _) => Err(Usage(format!(
            "{} has several ways to authenticate; choose one with --auth: {names}",
            manifest.name()
        ))
        .into()),
        (Some(named), _) => {
            let known = recipes.keys().find(|it| it.as_str() == named);
            let unknown = || {
                Usage(format!(
                    "{} has no way to authenticate that is called {named:?}; it has: {names}",
                    manifest.name()
                ))
            };
            Ok(Some(known.cloned().ok_or_else(unknown)?))
        }
    }
}

/// Shows what is about to be granted.
pub(super) fn show(manifest: &Manifest, proposal: &Proposal, terminal: &Terminal) {
    terminal.note(format!(
        "{} {} by {} may talk to:",
        manifest.name(),
        manifest.version(),
        text::outside(manifest.publisher().as_str())
    ));
    for host in proposal.hosts() {
        let credential = if proposal.audience().contains(host.origin()) {
            ", with the credential"
        } else {
            ""
        };
        let why = text::outside(host.why());
        let requests = match host.reach() {
            reach if reach.is_all() => String::new(),
            reach => format!(", {},", text::outside(&reach.to_string())),
        };
        terminal.note(format!(
            "  {}{requests} for {why}{credential}",
            host.origin()
        ));
    }
}

/// The operator's permissions for those origins that nobody reaches otherwise.
pub(super) async fn carve_outs(proposal: &Proposal, allowed: bool) -> Result<Vec<CarveOut>> {
    let mut carve_outs = Vec::new();
    for host in proposal.hosts() {
        let origin = host.origin();
        let address = match origin.literal() {
            Some(address) => address,
            // Whether a name leads to a private server is found out only for somebody who would allow it; the broker
            // checks every address in any case.
            None if allowed => resolve(origin).await?,
            None if origin.scheme() == Scheme::Https => continue,
            None => return Err(refusal(origin)),
        };
        if origin.scheme() == Scheme::Https && address::classify(address, &[]).is_public() {
            continue;
        }
        if !allowed {
            return Err(refusal(origin));
        }
        let name = match origin.literal() {
            Some(literal) => literal.to_string(),
            None => origin.host().to_string(),
        };
        carve_outs.push(CarveOut::new(
            origin.scheme(),
            &name,
            address,
            origin.port(),
        )?);
    }
    Ok(carve_outs)
}

fn refusal(origin: &Origin) -> anyhow::Error {
    Refusal(format!(
        "{origin} is on plain http or on a private address, which no connector reaches; if it is a server of yours, add --allow-private"
    ))
    .into()
}

/// One address of a name, IPv4 first, since servers on one's own machine often listen there only.
async fn resolve(origin: &Origin) -> Result<std::net::IpAddr> {
    let name = origin.host().to_string();
    let mut found = SystemResolver::default()
        .resolve(&name)
        .await
        .map_err(|problem| {
            anyhow::anyhow!("{name} cannot be looked up: {problem}; check its spelling")
        })?;
    found.sort_by_key(std::net::IpAddr::is_ipv6);
    found
        .first()
        .copied()
        .ok_or_else(|| anyhow::anyhow!("{name} has no address; check its spelling"))
}

/// The credential for a recipe: from the environment, or from somebody who is asked.
pub(super) fn credential(
    manifest: &Manifest,
    name: RecipeName,
    terminal: &Terminal,
) -> Result<Credential> {
    let fields = manifest.recipes().get(&name).map(|it| it.fields());
    let mut secrets = Vec::new();
    for field in fields.unwrap_or_default() {
        let variable = variable(field.as_str());
        let secret = match terminal.variable(&variable) {
            Some(secret) => secret,
            None => match terminal.ask_secret(&format!("{field} for {name}: ")) {
                Some(asked) => asked?,
                None => {
                    return Err(Usage(format!(
                        "the credential for {name} lacks its {field}; put it into the variable {variable}"
                    ))
                    .into());
                }
            },
        };
        secrets.push((field.to_string(), Secret::new(secret)));
    }
    Ok(Credential::new(name, secrets))
}

fn variable(field: &str) -> String {
    format!(
        "BRIGHTSYNC_CREDENTIAL_{}",
        field.to_uppercase().replace('-', "_")
    )
}

#[cfg(test)]
mod tests {
    use brightsync_core::setting::Settings;

    use super::*;

    const TWO: &str = r#"
[connector]
name = "two"
title = "Two"
version = "1.0.0"
publisher = "Two Limited"
contract = "0.1"
[settings.site]
kind = "origin"
title = "Site"
[http]
base = "{site}/"
[[hosts]]
origin = "{site}"
why = "the API"
[auth.key]
title = "Key"
kind = "header"
header = "X-Key"
audience = ["{site}"]
[auth.login]
title = "Login"
kind = "basic"
audience = ["{site}"]
[functions]
users = ["get-me"]
"#;

    #[track_caller]
    fn check(site: &str, allowed: bool, expected: Result<&[&str], &str>) {
        let manifest = Manifest::parse(TWO).unwrap();
        let given = [("site".to_owned(), site.to_owned())].into();
        let settings = Settings::check(&manifest, given).unwrap();
        let proposal = Proposal::of(&manifest, &settings, None).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let found = runtime.block_on(carve_outs(&proposal, allowed));
        let found = found.map(|all| {
            let text = |it: &CarveOut| format!("{} at {}", it.origin(), it.address());
            all.iter().map(text).collect::<Vec<_>>()
        });
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, expected) => panic!("{found:?} is not {expected:?}"),
        }
    }

    #[test]
    fn a_private_server_is_carved_out_only_if_that_is_asked_for() {
        check("http://127.0.0.1:4000", false, Err("add --allow-private"));
        check("https://10.0.0.1", false, Err("add --allow-private"));
        check("http://crm.example.com", false, Err("add --allow-private"));
        check(
            "http://127.0.0.1:4000",
            true,
            Ok(&["http://127.0.0.1:4000 at 127.0.0.1"]),
        );
        check(
            "http://localhost:4000",
            true,
            Ok(&["http://localhost:4000 at 127.0.0.1"]),
        );
        check("https://8.8.8.8", true, Ok(&[]));
        check("https://crm.example.com", false, Ok(&[]));
    }

    #[test]
    fn one_of_several_recipes_has_to_be_chosen() {
        let manifest = Manifest::parse(TWO).unwrap();
        let text = |named| recipe(&manifest, named).map_err(|it| it.to_string());
        assert_eq!(text(Some("login")), Ok(Some("login".parse().unwrap())));
        assert_eq!(text(Some("none")), Ok(None));
        assert!(text(None).unwrap_err().contains("key, login"));
        assert!(text(Some("token")).unwrap_err().contains("key, login"));
    }

    #[test]
    fn a_credential_comes_from_the_environment_and_names_what_it_lacks() {
        let manifest = Manifest::parse(TWO).unwrap();
        let read = |variables: &[(&str, &str)]| {
            let (terminal, _) = Terminal::captured(variables.iter().copied());
            credential(&manifest, "login".parse().unwrap(), &terminal)
        };
        let user = ("BRIGHTSYNC_CREDENTIAL_USER", "ann");
        let password = ("BRIGHTSYNC_CREDENTIAL_PASSWORD", "hunter2-hunter2");
        assert_eq!(read(&[user, password]).unwrap().recipe().as_str(), "login");
        let error = read(&[user]).unwrap_err().to_string();
        assert!(error.contains("BRIGHTSYNC_CREDENTIAL_PASSWORD"), "{error}");
    }
}
