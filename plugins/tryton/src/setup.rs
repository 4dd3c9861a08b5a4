//! How this connection's Tryton is set up: what tells people from companies, and what else differs.

use brightsync_sdk::{Error, Id, Result, settings};

/// What a party is.
///
/// Tryton has one model for both. A category tells them apart because it is what Tryton has for sorting parties, any
/// user may give one to a party, and a company that nobody sorted is then what most parties are: a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A party without the category of people.
    Account,
    /// A party with it.
    Contact,
}

pub(crate) struct Setup {
    /// The category of people.
    pub(crate) person: String,
    /// The relation type that says where somebody works; none without the module for it.
    pub(crate) employment: Option<String>,
    /// What this database is, for all its users alike.
    pub(crate) home: String,
    /// Where the web client shows this database, if it does.
    web: Option<String>,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Contact => "contact",
        }
    }
}

impl Setup {
    pub(crate) fn open() -> Result<Self> {
        let site = settings::required("site")?;
        let site = site.trim_end_matches('/');
        let database = settings::required("database")?;
        let yes = |name: &str| settings::get(name).as_deref() == Some("yes");
        let text =
            |name: &str, default: &str| settings::get(name).unwrap_or_else(|| default.to_owned());
        let no_relations = settings::get("relationships").as_deref() == Some("no");
        Ok(Self {
            person: text("person-category", "Person"),
            employment: (!no_relations).then(|| text("employment", "Employee of")),
            home: format!("{site}/{database}"),
            web: yes("web-client").then(|| format!("{site}/#{database}/model")),
        })
    }

    /// Where a human sees a record.
    pub(crate) fn link(&self, model: &str, id: i64) -> Option<String> {
        let web = self.web.as_ref()?;
        Some(format!("{web}/{model}/{id}"))
    }

    /// The fields of a party that the contract has a place for.
    pub(crate) fn fields(&self) -> Vec<&'static str> {
        let mut fields = vec![
            "name",
            "active",
            "replaced_by",
            "create_date",
            "last_modified_at",
            "categories.name",
            "contact_mechanisms.type",
            "contact_mechanisms.value",
            "contact_mechanisms.name",
            "contact_mechanisms.sequence",
            "contact_mechanisms.last_modified_at",
        ];
        if self.employment.is_some() {
            fields.extend(["relations.to", "relations.type.name"]);
        }
        fields
    }
}

/// Reads an id; a text that Tryton would read in another way names no record.
pub(crate) fn number(id: &str) -> Result<i64> {
    id.parse()
        .ok()
        .filter(|it: &i64| *it > 0 && it.to_string() == id)
        .ok_or_else(|| Error::not_found(format!("no record of Tryton has the id {id:?}")))
}

/// Reads those of the ids that can be ids of Tryton.
pub(crate) fn numbers(ids: &[Id]) -> Vec<i64> {
    ids.iter().filter_map(|it| number(it).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[track_caller]
    fn check(id: &str, expected: Option<i64>) {
        assert_eq!(number(id).ok(), expected, "{id:?}");
    }

    #[test]
    fn only_the_one_spelling_of_a_number_is_an_id() {
        check("17", Some(17));
        for id in [
            "",
            "0",
            "-1",
            "+1",
            "017",
            "1 ",
            "abc",
            "1/../2",
            "99999999999999999999",
        ] {
            check(id, None);
        }
    }
}
