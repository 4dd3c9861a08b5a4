//! Reads what a connector can do: its functions, and how it reads whole collections.

use std::collections::BTreeSet;

use toml::Spanned;

use super::Reader;
use crate::function::{Function, Interface};
use crate::manifest::reads::Words;
use crate::manifest::{DepartureKind, Error, Me, OwnerKind, Reads, Requests, ScopeKind, raw};

impl Reader<'_> {
    pub(super) fn functions(
        &self,
        raw: &Spanned<raw::Functions>,
    ) -> Result<BTreeSet<Function>, Error> {
        let mut functions = BTreeSet::new();
        for interface in Interface::ALL.iter().copied() {
            let key = format!("functions.{interface}");
            for name in listed(raw.get_ref(), interface) {
                let function = self
                    .function(interface, name)
                    .map_err(|problem| self.wrong(name, &key, problem))?;
                if !functions.insert(function) {
                    return Err(self.wrong(
                        name,
                        &key,
                        format!("`{function}` is listed twice; remove one"),
                    ));
                }
            }
        }
        if functions.is_empty() {
            return Err(self.wrong(
                raw,
                "functions",
                "no function is listed; list what the connector can do",
            ));
        }
        Ok(functions)
    }

    fn function(&self, interface: Interface, name: &raw::Text) -> Result<Function, String> {
        match name.get_ref().parse::<Function>() {
            Ok(function) if function.interface() == interface => Ok(function),
            Ok(function) => Err(format!(
                "`{function}` belongs to `{}`; move it to that list",
                function.interface()
            )),
            Err(_) => {
                let candidates: Vec<Function> = Function::ALL
                    .iter()
                    .copied()
                    .filter(|it| it.interface() == interface)
                    .collect();
                Err(Function::unknown(name.get_ref(), &candidates).to_string())
            }
        }
    }

    pub(super) fn reads(&self, key: &str, raw: &raw::Reads) -> Result<Reads, Error> {
        let owners: BTreeSet<OwnerKind> = self.words(&raw.owners, &format!("{key}.owners"))?;
        let scopes: BTreeSet<ScopeKind> = self.words(&raw.scopes, &format!("{key}.scopes"))?;
        let me = raw
            .me
            .as_ref()
            .map(|it| self.word::<Me>(it, &format!("{key}.me")))
            .transpose()?;
        if me.is_none() && owners.contains(&OwnerKind::Me) {
            let problem = "\"me\" is listed, but not what it means; add me = \"owner\", \"creator\" or \"visible\"";
            return Err(self.wrong(&raw.owners, format!("{key}.owners"), problem));
        }
        let departures: BTreeSet<DepartureKind> = match &raw.departures {
            Some(departures) => self.words(departures, &format!("{key}.departures"))?,
            None => BTreeSet::new(),
        };
        let only_departures =
            scopes.contains(&ScopeKind::Departed) || scopes.contains(&ScopeKind::DepartedSince);
        if only_departures && departures.is_empty() {
            let problem = "a scope is about departures, but none is named; add departures = [\"deleted\"] or what the CRM tells";
            return Err(self.wrong(&raw.scopes, format!("{key}.scopes"), problem));
        }
        // A page since a token may bring departures along, as Dataverse's delta links do.
        let tells = only_departures || scopes.contains(&ScopeKind::ChangedSince);
        let problem = "no scope tells of departures; add \"departed\", \"departed-since\" or \"changed-since\" to scopes, or remove it";
        if let Some(departures) = raw.departures.as_ref().filter(|_| !tells) {
            return Err(self.wrong(departures, format!("{key}.departures"), problem));
        }
        if let Some(window) = raw.departure_window_days.as_ref().filter(|_| !tells) {
            return Err(self.wrong(window, format!("{key}.departure-window-days"), problem));
        }
        let departure_window_days = raw.departure_window_days.as_ref().map(|it| *it.get_ref());
        let requests_per_1000 = raw.requests_per_1000.as_ref().map(|it| Requests {
            initial: it.initial,
            incremental: it.incremental,
        });
        Ok(Reads {
            me,
            owners,
            scopes,
            departures,
            departure_window_days,
            requests_per_1000,
        })
    }

    fn words<W: Words>(
        &self,
        raw: &Spanned<Vec<raw::Text>>,
        key: &str,
    ) -> Result<BTreeSet<W>, Error> {
        let words = raw
            .get_ref()
            .iter()
            .map(|it| self.word(it, key))
            .collect::<Result<BTreeSet<W>, _>>()?;
        if words.is_empty() {
            let problem = format!("the list is empty; write any of {}", W::ALL.join(", "));
            return Err(self.wrong(raw, key, problem));
        }
        Ok(words)
    }

    pub(super) fn word<W: Words>(&self, text: &raw::Text, key: &str) -> Result<W, Error> {
        text.get_ref().parse().map_err(|()| {
            let problem = format!(
                "{:?} is not known here; write one of {}",
                text.get_ref(),
                W::ALL.join(", ")
            );
            self.wrong(text, key, problem)
        })
    }
}

fn listed(raw: &raw::Functions, interface: Interface) -> &[raw::Text] {
    match interface {
        Interface::Users => &raw.users,
        Interface::Accounts => &raw.accounts,
        Interface::Contacts => &raw.contacts,
        Interface::Emails => &raw.emails,
        Interface::Meetings => &raw.meetings,
        Interface::Opportunities => &raw.opportunities,
    }
}
