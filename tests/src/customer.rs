//! A customer's connection to a CRM through a real connector: every function by its name, with the contract's JSON.

use brightsync_core::crm::error::Reason;
use brightsync_core::grant::CarveOut;
use brightsync_core::origin::Scheme;
use brightsync_runtime::{Connection, JsonCallError};
use serde_json::{Value, json};

use crate::world::{Account, World, bytes, origin};

/// A host of its own with one connector and one connection.
pub struct Customer {
    /// The host.
    pub world: World,
    /// The connection.
    pub connection: Connection,
}

impl Customer {
    /// Connects through a connector to a CRM on the loopback, whose address may have a path.
    pub async fn connect(
        connector: &str,
        site: &str,
        recipe: &str,
        fields: &[(&str, &str)],
        settings: &[(&str, &str)],
    ) -> Self {
        let bytes = bytes(connector);
        Self::connect_with(connector, bytes, site, recipe, fields, settings).await
    }

    /// Connects like this through a connector with these bytes, with a host that lives by the CRM's time.
    pub async fn at_time(
        connector: &str,
        bytes: &[u8],
        site: &str,
        clock: impl Fn() -> i64 + Send + Sync + 'static,
        (recipe, fields): (&str, &[(&str, &str)]),
        settings: &[(&str, &str)],
    ) -> Self {
        let world = World::with(|it| it.clock(clock));
        let bytes = bytes.to_vec();
        Self::in_world(world, connector, bytes, site, (recipe, fields), settings).await
    }

    /// Connects through a connector with these bytes, for a guest that got a manifest.
    pub async fn connect_with(
        connector: &str,
        bytes: Vec<u8>,
        site: &str,
        recipe: &str,
        fields: &[(&str, &str)],
        settings: &[(&str, &str)],
    ) -> Self {
        let fields = (recipe, fields);
        Self::in_world(World::new(), connector, bytes, site, fields, settings).await
    }

    async fn in_world(
        world: World,
        connector: &str,
        bytes: Vec<u8>,
        site: &str,
        (recipe, fields): (&str, &[(&str, &str)]),
        settings: &[(&str, &str)],
    ) -> Self {
        let loaded = world.host.load(bytes).await;
        loaded.expect("the connector loads");
        let authority_end = site
            .match_indices('/')
            .nth(2)
            .map_or(site.len(), |(at, _)| at);
        let address = origin(site.get(..authority_end).unwrap_or(site));
        let mut account = Account::default()
            .set("site", site)
            .grant(&address.to_string())
            .trust(&address.to_string())
            .credential(recipe, fields);
        for (name, value) in settings {
            account = account.set(name, value);
        }
        let ip = "127.0.0.1".parse().expect("an address");
        account.carve_outs.push(
            CarveOut::new(Scheme::Http, "127.0.0.1", ip, address.port()).expect("a carve-out"),
        );
        let connection = world.connect("acme", connector, account);
        Self { world, connection }
    }

    /// Calls a function.
    pub async fn call(&self, function: &str, arguments: Value) -> Result<Value, JsonCallError> {
        let Value::Object(arguments) = arguments else {
            panic!("arguments have names: {arguments}");
        };
        let function = function.parse().expect("a function of the contract");
        self.connection.call_json(function, arguments).await
    }

    /// Calls a function that has to answer.
    pub async fn ask(&self, function: &str, arguments: Value) -> Value {
        let answer = self.call(function, arguments).await;
        answer.unwrap_or_else(|error| panic!("{function}: {error:?}\n{}", self.world.story()))
    }

    /// Calls a function that has to end with the connector's own error.
    pub async fn refused(&self, function: &str, arguments: Value) -> Reason {
        let error = self.call(function, arguments).await;
        let Err(JsonCallError::Call(error)) = error else {
            panic!("{function} was not refused: {error:?}");
        };
        let error = error.connector_error().expect("an error of the connector");
        error.reason.clone()
    }

    /// Asks for all pages of a list, and answers all items.
    pub async fn all(&self, function: &str, arguments: &Value, size: u32) -> Vec<Value> {
        let mut items = Vec::new();
        let mut page = json!({"size": size});
        loop {
            let mut arguments = arguments.clone();
            let place = match arguments.get_mut("request") {
                Some(request) => request,
                None => &mut arguments,
            };
            if let Some(place) = place.as_object_mut() {
                place.insert("page".to_owned(), page.clone());
            }
            let answer = self.ask(function, arguments).await;
            let found = answer.pointer("/items").and_then(Value::as_array);
            items.extend(found.expect("a list").iter().cloned());
            match answer.pointer("/end/next") {
                None | Some(Value::Null) => return items,
                Some(token) => page = json!({"size": size, "token": token}),
            }
        }
    }
}

/// The record of an entry of a list.
pub fn present(change: &Value) -> &Value {
    change.get("present").expect("a record that is there")
}
