//! A whole connector in one short file: every function that BrightSync's users see, for the sandbox CRM, whose REST API is like that of many CRMs.
//!
//! It stands in the order in which a connector is written: the functions, the requests that they make, what the CRM's records mean, and how ours are written.

use brightsync_sdk::prelude::*;
use serde_json::Value;

struct Small(Client);

brightsync_sdk::export!(Small);

impl Connector for Small {
    fn open() -> Result<Self> {
        let client = Client::new().header("Accept", "application/json");
        Ok(Self(client.refine(refine)))
    }

    fn get_me(&self) -> Result<Whoami> {
        self.0.get("users/me").send()?.read(whoami)
    }

    fn get_users_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<User>> {
        self.find("users", "email", emails, page, user)
    }

    fn create_account(&self, new: NewAccount) -> Result<Written> {
        self.create("accounts", write_account(new.into()))
    }

    fn get_account(&self, id: &str) -> Result<Account> {
        self.0.get("accounts").segment(id).send()?.read(account)
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        self.read("accounts", request, account)
    }

    fn get_accounts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Account>> {
        self.find("accounts", "name", &[name], page, account)
    }

    fn get_accounts_by_domain(&self, domain: &str, page: PageRequest) -> Result<Page<Account>> {
        self.find("accounts", "domain", &[domain], page, account)
    }

    fn create_contact(&self, new: NewContact) -> Result<Written> {
        let full_name = new.whole_name();
        let new = NewContact { full_name, ..new };
        self.create("contacts", write_contact(new.into()))
    }

    fn get_contact(&self, id: &str) -> Result<Contact> {
        self.0.get("contacts").segment(id).send()?.read(contact)
    }

    fn update_contact(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update("contacts", id, write_contact(patch.into()))
    }

    fn delete_contact(&self, id: &str) -> Result<()> {
        self.0.delete("contacts").segment(id).send().map(drop)
    }

    fn get_my_contacts(&self, request: ReadRequest) -> Result<Page<Change<Contact>>> {
        self.read("contacts", request, contact)
    }

    fn get_contacts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Contact>> {
        self.find("contacts", "name", &[name], page, contact)
    }

    fn get_contacts_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<Contact>> {
        self.find("contacts", "email", emails, page, contact)
    }

    fn get_contacts_by_email_domain(&self, host: &str, at: PageRequest) -> Result<Page<Contact>> {
        self.find("contacts", "email_domain", &[host], at, contact)
    }

    fn create_email(&self, new: NewEmail) -> Result<Written> {
        // A message without an id is found again by the host's key.
        let id = new.key.message_id.as_ref().unwrap_or(&new.key.key).clone();
        let draft = write_email(new.into()).with("message_id", id);
        self.create("emails", draft)
    }

    fn update_email(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update("emails", id, write_email(patch.into()))
    }

    fn get_opportunities_for_contacts(
        &self,
        contacts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        self.find("opportunities", "contact", contacts, page, opportunity)
    }
}

impl Small {
    fn create(&self, kind: &str, draft: Draft) -> Result<Written> {
        let it = draft.custom_in("custom").finish()?;
        write(self.0.post(kind).json(&it.set), &it.incomplete)
    }

    fn update(&self, kind: &str, id: &str, draft: Draft) -> Result<Written> {
        let it = draft.custom("custom.").finish()?;
        let body = Body::new()
            .with("clear", it.clear)
            .with("set", it.set)
            .with("remove", it.remove)
            .with("add", it.add);
        let request = self.0.patch(kind).segment(id).json(&body);
        write(request.if_match(it.if_version.as_deref()), &it.incomplete)
    }

    /// Looks up records that have one of these values; the body of a search has room for many.
    fn find<T>(
        &self,
        kind: &str,
        name: &str,
        values: &[impl Clone + Into<Value>],
        request: PageRequest,
        map: Reader<T>,
    ) -> Result<Page<T>> {
        if values.is_empty() {
            return Ok(Page::empty());
        }
        let at = Cursor::of(&request, 200)?;
        let filters = Body::new()
            .with(name, values)
            .with("limit", at.size)
            .with_some("cursor", at.place.clone());
        let search = self.0.post(kind).segment("search").json(&filters);
        let answer = search.repeatable().send()?;
        answer.read(|it| page(it, &at, map))
    }

    /// Reads an owner's records: all, those that changed in a window, or those that left in it.
    fn read<T>(&self, kind: &str, request: ReadRequest, map: Reader<T>) -> Result<Page<Change<T>>> {
        let window = request.scope.window()?;
        let at = Cursor::of(&request.page, 200)?.within(window);
        let owner = request.owner.into_id("me");
        let departed = matches!(request.scope, Scope::Departed(_));
        let list = self.0.get(kind);
        let list = match (departed, &owner) {
            (false, _) => list.query_window("updated_since", "updated_until", window),
            (true, Some(_)) => departures(list, window),
            // What somebody else got has not left everybody's records.
            (true, None) => departures(list, window).query_each("how", ["deleted", "merged"]),
        };
        let answer = list
            .query_some("owner", owner)
            .query("limit", at.size)
            .query_some("cursor", at.place.as_ref())
            .send()?;
        answer.read(|it| {
            page(it, &at, |it| match departed {
                true => Ok(Change::Departed(departure(it))),
                false => Change::read(it, "id", request.detail, map),
            })
        })
    }
}

fn departures(list: Request, window: Option<Window>) -> Request {
    let departures = list.segment("departures");
    departures.query_window("since", "until", window)
}

fn write(request: Request, incomplete: &[InvalidField]) -> Result<Written> {
    request.send()?.read(|it| {
        Ok(Written {
            version: it.get("version"),
            modified_at: it.time("modified_at"),
            url: it.get("url"),
            incomplete: incomplete.to_vec(),
            ..Written::new(it.id("id"))
        })
    })
}

fn page<T>(it: Object<'_>, at: &Cursor, map: impl Fn(Object<'_>) -> Result<T>) -> Result<Page<T>> {
    let end = at.end(it.get("next_cursor"), it.need_time("as_of"));
    Ok(Page::read(it.items("data"), "id", map).with_end(end))
}

/// Says what the CRM says in the body of a refusal.
fn refine(response: &Response, error: Error) -> Error {
    response.refine(error, |it, error| {
        it.need_object("error", |it| refusal(it, error))
    })
}

fn refusal(it: Object<'_>, error: Error) -> Error {
    let code: String = it.need("code");
    let reason = match code.as_str() {
        "window_expired" | "invalid_cursor" => Reason::CursorExpired,
        "no_user" => Reason::Unsupported,
        _ => error.reason,
    };
    Error::new(reason, it.need::<String>("message"))
        .with_code(code)
        .with_existing(it.list("existing"))
        .with_fields(it.each("fields", invalid))
}

fn invalid(it: Object<'_>) -> InvalidField {
    let place: String = it.need("field");
    InvalidField::at(&place, "custom.", it.need::<String>("message"))
}

fn whoami(it: Object<'_>) -> Result<Whoami> {
    let (id, org_name) = it.need_object("organisation", |it| (it.id("id"), it.get("name")));
    Ok(Whoami {
        org_name,
        user: it.object("user", user).transpose()?,
        ..Whoami::new(id)
    })
}

fn user(it: Object<'_>) -> Result<User> {
    Ok(User {
        emails: it.list("emails"),
        timezone: it.get("timezone"),
        active: it.get("active"),
        ..User::new(it.id("id"), it.need::<String>("name"))
    })
}

fn account(it: Object<'_>) -> Result<Account> {
    Ok(Account {
        domains: it.list("domains"),
        kind: it.get("kind"),
        owner: it.get("owner"),
        active: it.get("active"),
        created_at: it.time("created_at"),
        modified_at: it.time("modified_at"),
        version: it.get("version"),
        url: it.get("url"),
        extra: it.extra("custom"),
        ..Account::new(it.id("id"), it.need::<String>("name"))
    })
}

fn contact(it: Object<'_>) -> Result<Contact> {
    Ok(Contact {
        full_name: it.get("full_name"),
        given_name: it.get("given_name"),
        family_name: it.get("family_name"),
        emails: points(it, "emails", "address"),
        phones: points(it, "phones", "number"),
        accounts: it.list("accounts"),
        title: it.get("title"),
        owner: it.get("owner"),
        active: it.get("active"),
        created_at: it.time("created_at"),
        modified_at: it.time("modified_at"),
        version: it.get("version"),
        url: it.get("url"),
        extra: it.extra("custom"),
        ..Contact::new(Ref::contact(it.id("id")))
    })
}

fn points(it: Object<'_>, list: &str, value: &str) -> Vec<ContactPoint> {
    ContactPoint::main_first(it.each(list, |it| ContactPoint {
        value: it.need(value),
        primary: it.get("primary").unwrap_or_default(),
        label: it.get("label"),
    }))
}

fn opportunity(it: Object<'_>) -> Result<Opportunity> {
    Ok(Opportunity {
        stage: it.get("stage"),
        amount: it.get("value"),
        created_at: it.time("created_at"),
        closes: it.moment("closes"),
        closed: it.moment("closed_at"),
        owner: it.get("owner"),
        members: it.list("members"),
        account: it.get("account"),
        participants: it.list("participants"),
        url: it.get("url"),
        extra: it.extra("custom"),
        ..Opportunity::new(it.id("id"), it.need::<String>("name"), it.need("status"))
    })
}

fn departure(it: Object<'_>) -> Departure {
    Departure {
        id: it.id("id"),
        at: it.time("at"),
        how: match it.need::<String>("how").as_str() {
            "deleted" => DepartureKind::Deleted,
            "merged" => DepartureKind::Merged(it.id("into")),
            "reassigned" => DepartureKind::Reassigned,
            _ => DepartureKind::Unknown,
        },
    }
}

fn write_account(draft: Draft) -> Draft {
    let draft = draft.same_texts(&["name", "owner"]);
    draft.list("domains", "domains", "", Some::<String>)
}

fn write_contact(draft: Draft) -> Draft {
    draft
        .same_texts(&["full-name", "given-name", "family-name", "title", "owner"])
        .list("emails", "emails", "address", |it| point("address", it))
        .list("phones", "phones", "number", |it| point("number", it))
        .list("accounts", "accounts", "account", Some::<Affiliation>)
}

fn write_email(draft: Draft) -> Draft {
    draft
        .same_texts(&["thread", "subject", "text", "html", "owner"])
        .value("direction", "direction", Some::<Direction>)
        .value("sent-at", "sent_at", |it| Some(time::rfc3339(it)))
        .value("sender", "from", party)
        .list("to", "to", "address", party)
        .list("cc", "cc", "address", party)
        .list("bcc", "bcc", "address", party)
        .list("about", "about", "id", link)
        .attachments("attachments", attachment)
}

fn point(name: &str, it: ContactPoint) -> Option<Body> {
    let body = Body::new().with(name, it.value);
    let body = body.with("primary", it.primary);
    Some(body.with_some("label", it.label))
}

/// This CRM has no place for somebody without an address.
fn party(it: Party) -> Option<Party> {
    it.address.as_ref()?;
    let link = it.link.and_then(link);
    Some(Party { link, ..it })
}

/// Nor for links to other kinds of records.
fn link(it: Ref) -> Option<Ref> {
    let linked = ["account", "contact", "opportunity", "user"];
    linked.contains(&it.kind.as_str()).then_some(it)
}

fn attachment(it: Attachment) -> Option<Value> {
    let body = Body::new()
        .with("name", it.name)
        .with("media_type", it.media_type)
        .with("size", it.size);
    let content = it.content.map(|bytes| base64::encode(&bytes));
    Some(body.with_some("content", content).into())
}
