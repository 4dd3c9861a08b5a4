//! A scene in a CRM of the cloud: its stand-in, and a connection to it by one of the recipes of the connector's manifest.

use brightsync_core::component::{SECTION, embed};
use brightsync_core::grant::{Approval, CarveOut};
use brightsync_core::manifest::Manifest;
use brightsync_core::origin::Scheme;
use brightsync_crms::{Colleague, Company, Crm, Deal, Kind, Logged, Person, StandIn, Trouble};
use brightsync_runtime::{Connecting, ConnectionKey, ConnectionOptions, Secret, Vault};
use futures::future::{BoxFuture, FutureExt as _, ready};
use toml::{Table, Value};

use super::{Restricted, Scene};
use crate::customer::Customer;
use crate::world::{World, bytes};

/// A stand-in, and a connection to it.
pub struct Cloud<C> {
    stand_in: StandIn<C>,
    customer: Customer,
    manifest: Manifest,
}

impl<C: Crm> Cloud<C> {
    /// Starts a stand-in and connects a customer, as a person would.
    ///
    /// The connector is the one that ships. Of its manifest the addresses lead to the stand-in, and the rates are lifted: the stand-in's clock stands still.
    pub async fn open(crm: C, connector: &str) -> Self {
        Self::open_with(crm, &bytes(connector)).await
    }

    /// Likewise with a component of the connector that is not the one of today.
    pub async fn open_with(crm: C, component: &[u8]) -> Self {
        let stand_in = StandIn::start(crm).await.expect("a port is free");
        let shipped = embedded(component);
        let led = led(&shipped);
        let component = embed(component, &led).expect("a component takes a manifest");

        let clock = stand_in.clock();
        let vault = Vault::in_memory().expect("a vault in memory");
        let world = World::with(|it| it.clock(clock).vault(vault));
        let loaded = world.host.load(component).await;
        loaded.unwrap_or_else(|error| panic!("{error:?}\n{led}"));
        let manifest = Manifest::parse(&led).expect("it has just been loaded");
        let options = connect(&world, &stand_in, &manifest).await;
        let connection = world.host.connect(key(), options);
        Self {
            stand_in,
            customer: Customer { world, connection },
            manifest: Manifest::parse(&shipped).expect("a shipped manifest is sound"),
        }
    }

    /// The stand-in's own words, for what only this CRM has.
    pub fn stand_in(&self) -> &StandIn<C> {
        &self.stand_in
    }
}

fn key() -> ConnectionKey {
    ConnectionKey::new("acme", "crm").expect("two names")
}

/// The manifest in a component.
pub(super) fn shipped(component: &[u8]) -> Manifest {
    Manifest::parse(&embedded(component)).expect("a shipped manifest is sound")
}

/// The text of the manifest in a component: it is the last section, behind its name.
fn embedded(component: &[u8]) -> String {
    let name = SECTION.as_bytes();
    let place = component.windows(name.len()).rposition(|it| it == name);
    let place = place.expect("a connector has a manifest") + name.len();
    let text = component.get(place..).unwrap_or_default().to_vec();
    String::from_utf8(text).expect("a manifest is a text")
}

/// Signs in by the recipe that the stand-in knows, in a browser that agrees to everything if the recipe asks for one.
async fn connect<C: Crm>(
    world: &World,
    stand_in: &StandIn<C>,
    manifest: &Manifest,
) -> ConnectionOptions {
    let (access, settings) = {
        let crm = stand_in.crm();
        (crm.access(), crm.settings())
    };
    let (ip, port) = (stand_in.address().ip(), stand_in.address().port());
    let leave = CarveOut::new(Scheme::Http, &ip.to_string(), ip, port).expect("a carve-out");
    world.host.carve_out(key(), leave);
    let site = ("stand-in", format!("http://{}", stand_in.address()));
    let settings = settings.into_iter().chain([site]);
    let recipe = access.recipe.parse().expect("the name of a recipe");
    let known = manifest.recipes().get(&recipe);
    let known = known.unwrap_or_else(|| panic!("the manifest has no recipe {recipe}"));
    let by_browser = known.needs_browser();
    let connecting = Connecting {
        key: key(),
        connector: manifest.name().clone(),
        recipe,
        settings: settings
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        fields: access
            .fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Secret::new(value)))
            .collect(),
        approved: Approval::after_consent_to(manifest),
    };
    let connected = if by_browser {
        let redirect = "http://127.0.0.1:7/callback";
        let begun = world.host.authorize(connecting, redirect).await;
        let begun = begun.unwrap_or_else(|error| panic!("{error}"));
        let page = stand_in.browse(begun.url.as_str());
        let sent_to = page.headers.iter().find(|(name, _)| name == "location");
        let (_, sent_to) = sent_to.unwrap_or_else(|| panic!("nobody is sent back: {page:?}"));
        let query = sent_to.split_once('?').map_or("", |(_, query)| query);
        world.host.finish(&key(), query).await
    } else {
        world.host.connect_account(connecting).await
    };
    let connected = connected.unwrap_or_else(|error| {
        let seen = stand_in.crm().office().seen().to_vec();
        panic!("{error}; seen: {seen:#?}")
    });
    ConnectionOptions {
        connector: manifest.name().clone(),
        settings: connected.settings,
        wanted_fields: Default::default(),
        credential: Some(connected.credential),
        grant: connected.grant,
        approved: connected.approved,
        organisation: None,
    }
}

/// The manifest with every address led to the stand-in, and without rates.
fn led(manifest: &str) -> String {
    let mut table: Table = manifest.parse().expect("a manifest is TOML");
    each(&mut table, &["http"], |http| lead(http, &["base"]));
    each(&mut table, &["hosts"], |host| lead(host, &["origin"]));
    if let Some(Value::Array(hosts)) = table.get_mut("hosts") {
        let mut seen = Vec::new();
        hosts.retain(|it| {
            let origin = it.get("origin").cloned();
            let new = !seen.contains(&origin);
            seen.push(origin);
            new
        });
    }
    if let Some(Value::Table(recipes)) = table.get_mut("auth") {
        for (_, recipe) in recipes.iter_mut() {
            let Value::Table(recipe) = recipe else {
                continue;
            };
            lead(recipe, &["audience"]);
            let endpoints = ["authorize", "token", "revoke"];
            each(recipe, &["oauth2"], |it| lead(it, &endpoints));
            each(recipe, &["identify"], |it| lead(it, &["url"]));
            each(recipe, &["login", "request"], |it| lead(it, &["url"]));
        }
    }
    let settings = table
        .entry("settings")
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(settings) = settings {
        let site = [("kind", "origin"), ("title", "The stand-in")];
        let site = site.map(|(name, value)| (name.to_owned(), Value::from(value)));
        settings.insert("stand-in".to_owned(), Value::Table(Table::from_iter(site)));
    }
    each(&mut table, &["limits"], lift);
    // A header tells of a window that is not there any more.
    each(&mut table, &["limits", "told"], |told| {
        told.remove("window-seconds");
    });
    if let Some(Value::Table(limits)) = table.get_mut("limits")
        && let Some(Value::Table(buckets)) = limits.get_mut("buckets")
    {
        for (_, bucket) in buckets.iter_mut() {
            if let Value::Table(bucket) = bucket {
                lift(bucket);
            }
        }
    }
    table.to_string()
}

/// Acts on the tables at a path.
fn each(table: &mut Table, path: &[&str], mut act: impl FnMut(&mut Table)) {
    fn go(table: &mut Table, path: &[&str], act: &mut dyn FnMut(&mut Table)) {
        let Some((first, rest)) = path.split_first() else {
            return act(table);
        };
        match table.get_mut(*first) {
            Some(Value::Table(it)) => go(it, rest, act),
            Some(Value::Array(list)) => {
                for it in list {
                    if let Value::Table(it) = it {
                        go(it, rest, act);
                    }
                }
            }
            _ => {}
        }
    }
    go(table, path, &mut act);
}

/// Leads the addresses of these members to the stand-in.
fn lead(table: &mut Table, members: &[&str]) {
    for member in members {
        match table.get_mut(*member) {
            Some(Value::String(address)) => *address = led_address(address),
            Some(Value::Array(addresses)) => {
                let all = addresses.iter().filter_map(Value::as_str).map(led_address);
                let mut all: Vec<String> = all.collect();
                all.dedup();
                *addresses = all.into_iter().map(Value::from).collect();
            }
            _ => {}
        }
    }
}

fn led_address(address: &str) -> String {
    let path = match address.strip_prefix("https://") {
        Some(rest) => rest.find('/').and_then(|at| rest.get(at..)),
        None => address.split_once('}').map(|(_, path)| path),
    };
    format!("{{stand-in}}{}", path.unwrap_or_default())
}

/// Lifts the rates of a limit, and keeps everything else of it.
fn lift(limit: &mut Table) {
    if limit.contains_key("back-off-seconds") {
        limit.insert("back-off-seconds".to_owned(), Value::from(1));
    }
    for rate in ["per-second", "per-ten-seconds", "per-day", "windows"] {
        if limit.remove(rate).is_some() && rate == "windows" {
            limit.remove("largest-cost");
            // A bucket that limits nothing would be refused.
            limit.entry("concurrent").or_insert(Value::from(1_000));
        }
    }
}

impl<C: Crm> Scene for Cloud<C> {
    fn customer(&self) -> &Customer {
        &self.customer
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn me(&self) -> BoxFuture<'_, String> {
        ready(self.stand_in.crm().me()).boxed()
    }

    fn now(&self) -> i64 {
        self.stand_in.crm().office().now
    }

    fn pass(&self, milliseconds: i64) {
        self.stand_in.crm().office().pass(milliseconds);
    }

    fn fall_behind(&self, milliseconds: i64) {
        self.stand_in.crm().office().lag = milliseconds;
    }

    fn trouble(&self, times: u32, trouble: Trouble) {
        self.stand_in.crm().office().trouble(0, times, trouble);
    }

    fn calm(&self) {
        self.stand_in.crm().office().end_troubles();
    }

    fn revoke(&self) {
        self.stand_in.crm().office().revoked = true;
    }

    fn restrict(&self) -> Restricted {
        let mut crm = self.stand_in.crm();
        crm.office().lacking = true;
        Restricted::reading(crm.lacks())
    }

    fn violations(&self) -> Vec<String> {
        self.stand_in.crm().office().violations().to_vec()
    }

    fn add_user(&self, user: Colleague) -> BoxFuture<'_, String> {
        ready(self.stand_in.crm().add_user(&user)).boxed()
    }

    fn add_companies(&self, companies: Vec<Company>) -> BoxFuture<'_, Vec<String>> {
        self.each(companies, C::add_company)
    }

    fn add_people(&self, people: Vec<Person>) -> BoxFuture<'_, Vec<String>> {
        self.each(people, C::add_person)
    }

    fn add_deals(&self, deals: Vec<Deal>) -> BoxFuture<'_, Vec<String>> {
        self.each(deals, C::add_deal)
    }

    fn rename<'a>(&'a self, people: &'a [String], family: &'a str) -> BoxFuture<'a, ()> {
        self.each(people, |crm, id| crm.rename(id, family))
            .map(drop)
            .boxed()
    }

    fn give<'a>(&'a self, people: &'a [String], owner: &'a str) -> BoxFuture<'a, ()> {
        self.each(people, |crm, id| crm.give(id, owner))
            .map(drop)
            .boxed()
    }

    fn remove<'a>(&'a self, kind: Kind, ids: &'a [String]) -> BoxFuture<'a, ()> {
        self.each(ids, |crm, id| crm.remove(kind, id))
            .map(drop)
            .boxed()
    }

    fn people(&self) -> BoxFuture<'_, Vec<String>> {
        ready(self.stand_in.crm().ids(Kind::Person)).boxed()
    }

    fn logged(&self, kind: Kind) -> BoxFuture<'_, Vec<Logged>> {
        ready(self.stand_in.crm().logged(kind)).boxed()
    }
}

impl<C: Crm> Cloud<C> {
    /// Does something with each of several things, at one moment.
    fn each<T, R: Send + 'static>(
        &self,
        things: impl AsRef<[T]>,
        act: impl Fn(&mut C, &T) -> R,
    ) -> BoxFuture<'static, Vec<R>> {
        let mut crm = self.stand_in.crm();
        let done: Vec<R> = things.as_ref().iter().map(|it| act(&mut crm, it)).collect();
        ready(done).boxed()
    }
}
