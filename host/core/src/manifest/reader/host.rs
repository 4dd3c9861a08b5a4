//! Reads which servers a connector asks to talk to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use toml::Spanned;

use super::super::host::HostPath;
use super::{Reader, text};
use crate::manifest::{Error, Host, raw};
use crate::name::SettingName;
use crate::origin::Template;
use crate::request::Method;
use crate::setting::Setting;

impl Reader<'_> {
    pub(super) fn hosts(
        &self,
        raw: &Spanned<Vec<raw::Host>>,
        settings: &BTreeMap<SettingName, Setting>,
    ) -> Result<Vec<Host>, Error> {
        let mut hosts: Vec<Host> = Vec::new();
        for (position, host) in raw.get_ref().iter().enumerate() {
            let host = self.host(&format!("hosts[{position}]"), host, settings, &hosts)?;
            hosts.push(host);
        }
        if hosts.is_empty() {
            return Err(self.wrong(
                raw,
                "hosts",
                "no host is listed; add [[hosts]] with origin and why",
            ));
        }
        Ok(hosts)
    }

    fn host(
        &self,
        place: &str,
        raw: &raw::Host,
        settings: &BTreeMap<SettingName, Setting>,
        others: &[Host],
    ) -> Result<Host, Error> {
        let key = format!("{place}.origin");
        let origin = Template::parse(raw.origin.get_ref())
            .map_err(|error| self.wrong(&raw.origin, &key, error))?;
        self.placeholders(&raw.origin, &key, &origin, settings)?;
        let method = |text: &str| text.parse::<Method>().map_err(|it| it.to_string());
        let host = Host {
            methods: self.list(raw.methods.as_ref(), &format!("{place}.methods"), method)?,
            paths: self.list(
                raw.paths.as_ref(),
                &format!("{place}.paths"),
                HostPath::parse,
            )?,
            why: self.prose(&raw.why, &format!("{place}.why"), text::SENTENCE)?,
            origin,
        };
        for name in host
            .paths
            .iter()
            .flatten()
            .flat_map(|it| it.template().settings())
        {
            if let Some(paths) = &raw.paths {
                self.plain_setting(paths, &format!("{place}.paths"), name, settings)?;
            }
        }
        // Twice makes sense for different requests only, and beside all of them nothing is different.
        let is_twice = |it: &Host| {
            let same = it.methods == host.methods && it.paths == host.paths;
            it.origin == host.origin && (same || it.is_all() || host.is_all())
        };
        if others.iter().any(is_twice) {
            let problem = format!("\"{}\" is listed twice; remove one", host.origin);
            return Err(self.wrong(&raw.origin, key, problem));
        }
        Ok(host)
    }

    /// Reads a list that narrows a host; without it, nothing is narrowed.
    fn list<T: Ord>(
        &self,
        raw: Option<&Spanned<Vec<raw::Text>>>,
        key: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<BTreeSet<T>>, Error> {
        let Some(raw) = raw else {
            return Ok(None);
        };
        let mut list = BTreeSet::new();
        for (position, text) in raw.get_ref().iter().enumerate() {
            let wrong =
                |problem: &dyn Display| self.wrong(text, format!("{key}[{position}]"), problem);
            let value = read(text.get_ref()).map_err(|problem| wrong(&problem))?;
            if !list.insert(value) {
                let problem = format!("{:?} is listed twice; remove one", text.get_ref());
                return Err(wrong(&problem));
            }
        }
        if list.is_empty() {
            let problem = "nothing is listed, so no request would be left; list some, or remove it for all of them";
            return Err(self.wrong(raw, key, problem));
        }
        Ok(Some(list))
    }
}
