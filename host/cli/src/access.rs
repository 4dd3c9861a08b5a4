//! What a call may reach, with which credential: shown first, granted then, and never more than the command line says.

use std::collections::BTreeSet;

use anyhow::Result;
use brightsync_core::address;
use brightsync_core::grant::{CarveOut, Proposal};
use brightsync_core::manifest::{Manifest, is_secret};
use brightsync_core::name::RecipeName;
use brightsync_core::origin::{ExpandError, Origin, Scheme, Template};
use brightsync_core::setting::{SetBy, Settings};
use brightsync_runtime::{Credential, Resolve as _, Secret, SystemResolver};

use crate::exit::{Refusal, Usage};
use crate::terminal::Terminal;
use crate::text;

/// The recipe to authenticate with: the named one, or the only one.
pub(crate) fn recipe(manifest: &Manifest, named: Option<&str>) -> Result<Option<RecipeName>> {
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

/// Shows what is about to be granted. What the CRM fills in later is shown as the pattern that it has to fit.
pub(crate) fn show(
    manifest: &Manifest,
    settings: &Settings,
    recipe: Option<&RecipeName>,
    terminal: &Terminal,
) -> Result<()> {
    terminal.note(format!(
        "{} {} by {} may talk to:",
        manifest.name(),
        manifest.version(),
        text::outside(manifest.publisher().as_str())
    ));
    let recipe = recipe.and_then(|name| manifest.recipes().get(name));
    let audience = recipe.map(|it| it.audience()).unwrap_or_default();
    let mut places = BTreeSet::new();
    for template in audience {
        places.extend(place(manifest, settings, template)?);
    }
    let mut hosts = BTreeSet::new();
    for host in manifest.hosts() {
        let Some(place) = place(manifest, settings, host.origin())? else {
            continue;
        };
        let credential = if places.contains(&place) {
            ", with the credential"
        } else {
            ""
        };
        let reach = host.expand(settings)?.map(|(_, reach)| reach);
        let requests = match reach {
            Some(reach) if !reach.is_all() => {
                format!(", {},", text::outside(&reach.to_string()))
            }
            Some(_) => String::new(),
            None => format!(", {},", text::outside(&host.requests())),
        };
        let why = text::outside(host.why());
        terminal.note(format!("  {place}{requests} for {why}{credential}"));
        hosts.insert(place);
    }
    for place in places.difference(&hosts) {
        terminal.note(format!(
            "  {place}, only this program itself, to authenticate with the credential"
        ));
    }
    Ok(())
}

/// An origin as it is granted, or the pattern that it will have to fit; none if an optional setting leaves it out.
fn place(
    manifest: &Manifest,
    settings: &Settings,
    template: &Template,
) -> Result<Option<String>, ExpandError> {
    match template.expand(settings) {
        Ok(origin) => Ok(Some(origin.to_string())),
        Err(ExpandError::Missing { setting }) => {
            let declared = manifest.settings().get(&setting);
            let is_told = declared.is_some_and(|it| it.set_by() != SetBy::Tenant);
            Ok(is_told.then(|| format!("{template} (the CRM tells which)")))
        }
        Err(error) => Err(error),
    }
}

/// The operator's permissions for those origins that nobody reaches otherwise: for all, or for those that had one before.
pub(crate) async fn carve_outs(
    proposal: &Proposal,
    all: bool,
    before: &[CarveOut],
) -> Result<Vec<CarveOut>> {
    let hosts = proposal.hosts().iter().map(|it| it.origin());
    let origins: BTreeSet<&Origin> = hosts.chain(proposal.audience()).collect();
    let mut carve_outs = Vec::new();
    for origin in origins {
        let allowed = all || before.iter().any(|it| it.origin() == origin);
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

/// The fields of a recipe, but those that are known: from the environment, or from somebody who is asked.
pub(crate) fn fields(
    manifest: &Manifest,
    name: &RecipeName,
    known: Vec<(String, Secret)>,
    terminal: &Terminal,
) -> Result<Vec<(String, Secret)>> {
    let fields = manifest.recipes().get(name).map(|it| it.fields());
    let mut secrets = known;
    for field in fields.unwrap_or_default() {
        let field = field.as_str();
        if secrets.iter().any(|(it, _)| it == field) {
            continue;
        }
        let variable = variable(field);
        let given = match terminal.variable(&variable) {
            Some(given) => given,
            None => {
                let prompt = format!("{field} for {name}: ");
                let asked = if is_secret(field) {
                    terminal.ask_secret(&prompt)
                } else {
                    terminal.ask(&prompt)
                };
                asked.ok_or_else(|| {
                    Usage(format!(
                        "the credential for {name} lacks its {field}; put it into the variable {variable}"
                    ))
                })??
            }
        };
        secrets.push((field.to_owned(), Secret::new(given)));
    }
    Ok(secrets)
}

/// The credential for a recipe.
pub(crate) fn credential(
    manifest: &Manifest,
    name: RecipeName,
    terminal: &Terminal,
) -> Result<Credential> {
    let fields = fields(manifest, &name, Vec::new(), terminal)?;
    Ok(Credential::new(name, fields))
}

fn variable(field: &str) -> String {
    format!(
        "BRIGHTSYNC_CREDENTIAL_{}",
        field.to_uppercase().replace('-', "_")
    )
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

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
        let found = runtime.block_on(carve_outs(&proposal, allowed, &[]));
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

    /// A CRM that tells with its token where a customer's data is, and whose login is elsewhere.
    const TOLD: &str = r#"
[connector]
name = "told"
title = "Told"
version = "1.0.0"
publisher = "Told Limited"
contract = "0.1"
[settings.instance]
kind = "text"
title = "Instance"
pattern = "[a-z0-9-]+"
set-by = "token-answer"
[settings.archive]
kind = "text"
title = "Archive"
pattern = "[a-z0-9-]+"
optional = true
[http]
base = "https://{instance}.crm.example.com/"
[[hosts]]
origin = "https://{instance}.crm.example.com"
why = "the API"
methods = ["GET"]
[[hosts]]
origin = "https://{archive}.old.example.com"
why = "the archive"
[[hosts]]
origin = "https://files.example.com"
why = "attachments"
[auth.sign-in]
title = "Sign in"
kind = "oauth2"
audience = ["https://{instance}.crm.example.com", "https://login.example.com"]
[auth.sign-in.oauth2]
grant = "authorization-code"
authorize = "https://login.example.com/authorize"
token = "https://login.example.com/token"
[[auth.sign-in.sets]]
setting = "instance"
at = "/instance"
[functions]
users = ["get-me"]
"#;

    #[track_caller]
    fn check_shown(given: &[(&str, &str)], expected: Expect) {
        let manifest = Manifest::parse(TOLD).unwrap();
        let given = given.iter().map(|it| (it.0.to_owned(), it.1.to_owned()));
        let settings = Settings::so_far(&manifest, given.collect()).unwrap();
        let (terminal, captured) = Terminal::captured::<String, String>([]);
        let recipe = "sign-in".parse().unwrap();
        show(&manifest, &settings, Some(&recipe), &terminal).unwrap();
        expected.assert_eq(&captured.err());
    }

    #[test]
    fn consent_is_asked_for_all_servers_also_for_those_that_the_crm_tells_later() {
        check_shown(
            &[],
            expect![[r#"
            told 1.0.0 by Told Limited may talk to:
              https://{instance}.crm.example.com (the CRM tells which), GET, for the API, with the credential
              https://files.example.com for attachments
              https://login.example.com, only this program itself, to authenticate with the credential
        "#]],
        );
        check_shown(
            &[("instance", "eu-1"), ("archive", "a")],
            expect![[r#"
            told 1.0.0 by Told Limited may talk to:
              https://eu-1.crm.example.com, GET, for the API, with the credential
              https://a.old.example.com for the archive
              https://files.example.com for attachments
              https://login.example.com, only this program itself, to authenticate with the credential
        "#]],
        );
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
            fields(&manifest, &"login".parse().unwrap(), Vec::new(), &terminal)
        };
        let user = ("BRIGHTSYNC_CREDENTIAL_USER", "ann");
        let password = ("BRIGHTSYNC_CREDENTIAL_PASSWORD", "hunter2-hunter2");
        let fields = read(&[user, password]).unwrap();
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["user", "password"]);
        let error = read(&[user]).unwrap_err().to_string();
        assert!(error.contains("BRIGHTSYNC_CREDENTIAL_PASSWORD"), "{error}");
    }
}
