//! Opens a page in the browser of the person at the terminal.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use url::Url;

use crate::terminal::Terminal;

/// Opens a page, if somebody sits here who can see it. Answers whether a browser was started.
pub(super) fn open(address: &Url, terminal: &Terminal) -> bool {
    let named = terminal.variable("BROWSER");
    let can_show = cfg!(any(target_os = "macos", windows))
        || named.is_some()
        || ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"]
            .iter()
            .any(|it| terminal.variable(it).is_some());
    if !terminal.is_attended() || !can_show {
        return false;
    }
    let variables = std::env::vars_os().map(|(name, _)| name);
    let mut commands = commands(address, named.as_deref(), variables);
    commands.iter_mut().any(|it| it.spawn().is_ok())
}

/// What to try, one after the other. None of it sees this program's variables, in which keys and credentials may be.
fn commands(
    address: &Url,
    named: Option<&str>,
    variables: impl Iterator<Item = OsString>,
) -> Vec<Command> {
    let mut commands: Vec<_> = match named {
        Some(named) => named.split(':').filter_map(|it| of(it, address)).collect(),
        None => open::commands(address.as_str()),
    };
    let own: Vec<_> = variables
        .filter(|it| it.to_string_lossy().starts_with("BRIGHTSYNC_"))
        .collect();
    for command in &mut commands {
        for name in &own {
            command.env_remove(name);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
    }
    commands
}

/// One entry of `BROWSER`: words, in which `%s` stands for the address, or which it follows.
fn of(entry: &str, address: &Url) -> Option<Command> {
    let mut words = entry.split_whitespace();
    let mut command = Command::new(words.next()?);
    let mut has_place = false;
    for word in words {
        has_place |= word.contains("%s");
        command.arg(word.replace("%s", address.as_str()));
    }
    if !has_place {
        command.arg(address.as_str());
    }
    Some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_browsers_are_tried_in_their_order() {
        let address = Url::parse("https://crm.example/authorize?a=b").unwrap();
        let text = |it: &Command| {
            let words = std::iter::once(it.get_program()).chain(it.get_args());
            let words: Vec<_> = words.map(|it| it.to_string_lossy()).collect();
            words.join(" ")
        };
        let found: Vec<_> = commands(&address, Some("fox:lynx --at %s -x::"), std::iter::empty())
            .iter()
            .map(text)
            .collect();
        assert_eq!(
            found,
            [
                "fox https://crm.example/authorize?a=b",
                "lynx --at https://crm.example/authorize?a=b -x",
            ]
        );
    }

    #[test]
    fn no_browser_sees_a_key_or_a_credential() {
        let address = Url::parse("https://crm.example/").unwrap();
        let variables = ["HOME", "BRIGHTSYNC_VAULT_KEYS", "BRIGHTSYNC_CREDENTIAL_KEY"];
        for named in [Some("fox"), None] {
            let commands = commands(&address, named, variables.into_iter().map(OsString::from));
            assert!(!commands.is_empty());
            for command in commands {
                let removed: Vec<_> = command.get_envs().filter(|(_, it)| it.is_none()).collect();
                let removed: Vec<_> = removed.iter().map(|(name, _)| name.to_str()).collect();
                let expected = ["BRIGHTSYNC_CREDENTIAL_KEY", "BRIGHTSYNC_VAULT_KEYS"];
                assert_eq!(removed, expected.map(Some), "{command:?}");
            }
        }
    }

    #[test]
    fn nobody_is_shown_a_page_who_does_not_sit_there() {
        let (terminal, _) = Terminal::captured([("BROWSER", "true"), ("DISPLAY", ":0")]);
        assert!(!open(
            &Url::parse("https://crm.example/").unwrap(),
            &terminal
        ));
    }
}
