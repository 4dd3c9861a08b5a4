//! From a name to addresses, each of which is checked at the moment of dialling.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use brightsync_core::address::{self, Class, Nat64};
use brightsync_core::rule;
use futures::future::BoxFuture;
use hickory_resolver::TokioResolver;
use tokio::sync::OnceCell;

use super::dial;

/// Answers the addresses of a name. It decides nothing: what it answers is checked before it is dialled.
pub trait Resolve: Send + Sync {
    /// The addresses of a host name, in A-label form, without a trailing dot. An error is a text for the log.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>>;
}

/// Asks the name servers that the system is configured with.
#[derive(Default)]
pub struct SystemResolver(OnceCell<TokioResolver>);

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
        Box::pin(async move {
            let resolver = self
                .0
                .get_or_try_init(|| async { TokioResolver::builder_tokio()?.build() })
                .await
                .map_err(|error| format!("the system's resolver cannot be used: {error}"))?;
            // The dot keeps search domains of this machine out of it.
            let found = resolver
                .lookup_ip(format!("{name}."))
                .await
                .map_err(|error| error.to_string())?;
            Ok(found.iter().collect())
        })
    }
}

/// The resolver of one transport: it answers the network stack only addresses that may be dialled.
pub(super) struct Checked {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) rule: Rule,
}

/// Which addresses may be dialled.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    /// Public ones, in a network whose own NAT64 translators have these prefixes.
    Public(Arc<[Nat64]>),
    /// Exactly this one, by the operator's carve-out.
    Only(IpAddr),
}

/// A name has no address that may be dialled.
#[derive(Debug, thiserror::Error)]
#[error("{name} resolves to {found} only, which may not be reached")]
pub(super) struct NoAddress {
    name: String,
    found: String,
}

impl Rule {
    pub(super) fn permits(&self, address: IpAddr) -> bool {
        match self {
            Self::Public(_) => {
                let is_public = self.class(address).is_public();
                !rule::Rule::ResolvedAddress.refuses(!is_public)
            }
            Self::Only(one) => !rule::Rule::CarvedOutAddress.refuses(address != *one),
        }
    }

    fn class(&self, address: IpAddr) -> Class {
        match self {
            Self::Public(nat64) => address::classify(address, nat64),
            Self::Only(_) => address::classify(address, &[]),
        }
    }
}

impl reqwest::dns::Resolve for Checked {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let (resolver, rule) = (self.resolver.clone(), self.rule.clone());
        Box::pin(async move {
            let found = dial::resolving(resolver.resolve(name.as_str())).await?;
            let permitted: Vec<_> = found
                .iter()
                .filter(|address| rule.permits(**address))
                .filter(|address| super::transport::may_dial(**address))
                // Port 0 stands for the port of the request.
                .map(|address| SocketAddr::new(*address, 0))
                .collect();
            if permitted.is_empty() && !found.is_empty() {
                let mut classes: Vec<_> = found.iter().map(|it| rule.class(*it).as_str()).collect();
                classes.dedup();
                return Err(NoAddress {
                    name: name.as_str().to_owned(),
                    found: classes.join(", "),
                }
                .into());
            }
            Ok(Box::new(permitted.into_iter()) as reqwest::dns::Addrs)
        })
    }
}
