//! Users, in HubSpot's words owners, and who the connection is.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::{member, to_token};
use brightsync_sdk::{Page, PageRequest, Reason, Result, User, Whoami, settings};
use serde_json::Value;

use crate::HubSpot;
use crate::link::next;
use crate::site::{OWNER, is_forbidden};

/// What a connection without a user cannot do.
const OF_A_USER: [&str; 2] = ["accounts.get-my-accounts.me", "contacts.get-my-contacts.me"];

impl HubSpot {
    pub(crate) fn whoami(&self) -> Result<Whoami> {
        let site = self.fresh_site()?;
        let user = match settings::get("user-id") {
            Some(id) => self.user_of(id)?,
            None => None,
        };
        let capabilities = match user {
            Some(_) => &[][..],
            None => &OF_A_USER[..],
        };
        Ok(Whoami {
            org_name: settings::get("hub-domain"),
            user: user.map(|user| User {
                timezone: site.timezone,
                ..user
            }),
            capabilities: (capabilities.iter())
                .map(|it| ((*it).to_owned(), "unsupported".to_owned()))
                .collect(),
            ..Whoami::new(site.portal)
        })
    }

    /// The owner that a user is; one who was never given a record may be none, and one of another app may not be seen.
    fn user_of(&self, id: String) -> Result<Option<User>> {
        match self.api.owner_of_user(&id).send() {
            Err(error) if error.reason == Reason::NotFound || is_forbidden(&error) => Ok(None),
            answer => {
                let user = answer?.read(user)?;
                brightsync_sdk::state::set(OWNER, &[id, user.id.clone()])?;
                Ok(Some(user))
            }
        }
    }

    /// Answers one page of users: first those who can log in, then those who no longer can.
    pub(crate) fn users(
        &self,
        page: &PageRequest,
        is_wanted: impl Fn(&User) -> bool,
    ) -> Result<Page<User>> {
        let (archived, after): (bool, Option<String>) = match &page.token {
            Some(token) => (member(token, "archived")?, member(token, "after")?),
            None => (false, None),
        };
        let answer = self.api.owners(archived, after.as_deref()).send()?;
        answer.read(|it| {
            let next = match next(it) {
                Some(after) => Some((archived, Some(after))),
                None if !archived => Some((true, None)),
                None => None,
            };
            let next = next.map(|(archived, after)| {
                to_token(&Body::new().with("archived", archived).with("after", after))
            });
            let owners: Vec<Value> = it.need("results");
            let mut page = Page::read(&owners, "id", user);
            page.items.retain(&is_wanted);
            Ok(page.with_next(next))
        })
    }
}

fn user(it: Object<'_>) -> Result<User> {
    let part = |name: &str| it.get::<String>(name).unwrap_or_default();
    let email = Some(part("email")).filter(|it| !it.is_empty());
    let name = format!("{} {}", part("firstName"), part("lastName"));
    let name = Some(name.trim()).filter(|it| !it.is_empty());
    let name = name.or(email.as_deref()).unwrap_or_default().to_owned();
    Ok(User {
        emails: Vec::from_iter(email),
        active: it.get("archived").map(|archived: bool| !archived),
        extra: it.pick(&settings::wanted_fields("user")),
        ..User::new(it.id("id"), name)
    })
}
