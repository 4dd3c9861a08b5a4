//! What is done in an attack.

use std::error::Error as _;
use std::sync::Arc;

use brightsync_core::crm::page::{PageRequest, ReadRequest};
use brightsync_runtime::CallError;
use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use crate::arena::Arena;
use crate::told::Told;

/// Something that an attack does by itself.
type Act = Arc<dyn for<'a> Fn(&'a Arena) -> BoxFuture<'a, Told> + Send + Sync>;

/// What is done.
#[derive(Clone)]
pub(crate) enum Deed {
    /// The connector obeys these orders, in one call.
    Orders(Value),
    /// It is asked who the user is.
    Me,
    /// It is asked for all of the user's accounts, page after page.
    Read,
    /// It is asked for contacts by an address.
    Lookup,
    /// A component is loaded, made from the connector and its manifest.
    Load(fn(&Arena) -> Vec<u8>),
    /// Something of its own.
    Other(Act),
}

impl Deed {
    /// The connector obeys one order.
    pub(crate) fn order(order: Value) -> Self {
        Self::Orders(Value::from(vec![order]))
    }

    /// The connector asks for an address.
    pub(crate) fn get(url: &str) -> Self {
        Self::order(serde_json::json!({"request": {"url": url}}))
    }

    /// The connector makes a request with a header.
    pub(crate) fn header(name: &str, value: &str) -> Self {
        Self::order(serde_json::json!({"request": {"url": "me", "headers": [[name, value]]}}))
    }

    /// Something of its own.
    pub(crate) fn other(
        act: impl for<'a> Fn(&'a Arena) -> BoxFuture<'a, Told> + Send + Sync + 'static,
    ) -> Self {
        Self::Other(Arc::new(act))
    }

    /// Does it.
    pub(crate) async fn act(&self, arena: &Arena) -> Told {
        if let Self::Load(make) = self {
            return load(arena, make(arena)).await;
        }
        arena.load().await;
        let mallory = arena.mallory();
        match self {
            Self::Orders(orders) => arena.order(&mallory, orders).await,
            Self::Me => told(mallory.get_me().await),
            Self::Read => {
                // Where nothing else ends it, this does.
                let pages = mallory.my_accounts(ReadRequest::default()).take(100);
                told(
                    pages
                        .try_fold(0, |count, _| async move { Ok(count + 1) })
                        .await,
                )
            }
            Self::Lookup => {
                let asked = vec!["ann@example.com".to_owned()];
                let found = mallory.get_contacts_by_email(asked, PageRequest::default());
                match found.await {
                    Ok(page) if page.items.is_empty() => Told::ended("nothing found"),
                    other => told(other),
                }
            }
            Self::Other(act) => act(arena).await,
            Self::Load(_) => Told::default(),
        }
    }
}

/// Loads a component.
async fn load(arena: &Arena, component: Vec<u8>) -> Told {
    match arena.host.load(component).await {
        Ok(_) => Told::done("loaded"),
        Err(error) => {
            let mut text = error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string);
            text = text.replace("the component cannot be loaded: ", "");
            Told::ended(format!("not loaded: {text}"))
        }
    }
}

/// How a call ended.
pub(crate) fn told<T: std::fmt::Debug>(result: Result<T, CallError>) -> Told {
    match result {
        Ok(answer) => {
            let mut told = Told::done("answer");
            told.learned = format!("{answer:?}");
            told
        }
        Err(error) => Told::failed(&error),
    }
}
