//! The account that a connection belongs to: what is the same for all of its records.

use brightsync_sdk::json::Object;
use brightsync_sdk::{Error, ForbiddenKind, Id, Owner, Reason, Result, settings, state};
use serde_json::Value;

use crate::HubSpot;
use crate::api::Kind;

/// Where what was read of the account is kept, and the owner that the connected user is.
const ACCOUNT: &str = "account";
pub(crate) const OWNER: &str = "owner";

/// What is known of an account.
#[derive(Debug, Default)]
pub(crate) struct Site {
    pub(crate) portal: Id,
    /// The host of the web page, which is another one in each data centre.
    ui: String,
    pub(crate) timezone: Option<String>,
    pub(crate) currency: Option<String>,
}

impl Site {
    pub(crate) fn read(it: Object<'_>) -> Result<Self> {
        Ok(Self {
            portal: it.id("portalId"),
            ui: it
                .get("uiDomain")
                .unwrap_or_else(|| "app.hubspot.com".to_owned()),
            timezone: it.get("timeZone"),
            currency: it.get("companyCurrency"),
        })
    }

    /// Returns where a human sees a record: HubSpot says it of some, of the rest it is known.
    pub(crate) fn url(&self, record: Object<'_>, kind: &Kind, id: &str) -> Option<String> {
        let Self { portal, ui, .. } = self;
        let known = || {
            format!(
                "https://{ui}/contacts/{portal}/record/{}/{id}",
                kind.type_id
            )
        };
        let told: Option<String> = record.get("url");
        told.or_else(|| (!ui.is_empty()).then(known))
    }
}

impl HubSpot {
    /// The account, as it was when it was last asked for; nothing is known of one that may not be read.
    pub(crate) fn site(&self) -> Result<&Site> {
        if let Some(site) = self.site.get() {
            return Ok(site);
        }
        let kept: Option<Value> = state::get(ACCOUNT);
        let site = match kept.map(|it| Object::read(&it, Site::read)) {
            Some(Ok(site)) => site,
            Some(Err(_)) | None => match self.fresh_site() {
                Err(error) if is_forbidden(&error) => Site::default(),
                site => site?,
            },
        };
        Ok(self.site.get_or_init(|| site))
    }

    /// Asks for the account.
    pub(crate) fn fresh_site(&self) -> Result<Site> {
        let details = self.api.details().send()?.value()?;
        let site = Object::read(&details, Site::read)?;
        state::set(ACCOUNT, &details)?;
        Ok(site)
    }

    /// The id of the owner whose records a read is about; none for everybody's.
    pub(crate) fn owner(&self, owner: Owner) -> Result<Option<Id>> {
        match owner {
            Owner::Anyone => Ok(None),
            Owner::User(id) => Ok(Some(id)),
            Owner::Me => self.me().map(Some),
        }
    }

    fn me(&self) -> Result<Id> {
        let nobody = || {
            Error::unsupported(
                "this connection belongs to a HubSpot account and to none of its users",
            )
        };
        let user = settings::get("user-id").ok_or_else(nobody)?;
        match state::get::<Vec<String>>(OWNER).as_deref() {
            Some([of, owner]) if *of == user => Ok(owner.clone()),
            _ => {
                let owner = self.api.owner_of_user(&user).send()?;
                let owner = owner.read(|it| Ok(it.id("id")))?;
                state::set(OWNER, &[user, owner.clone()])?;
                Ok(owner)
            }
        }
    }
}

pub(crate) fn is_forbidden(error: &Error) -> bool {
    matches!(
        error.reason,
        Reason::Forbidden(ForbiddenKind::MissingScope | ForbiddenKind::Unknown)
    )
}
