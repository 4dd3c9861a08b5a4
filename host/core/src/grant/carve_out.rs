//! An operator's permission to reach one server on a private address or in the clear.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::origin::{self, Origin, Scheme};

/// Permits one connection to reach one exact place that nobody may reach otherwise.
///
/// Whoever keeps it keeps it with the one connection that it is for. It grants nothing: the origin
/// has to be asked for, granted and below the ceiling like any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Typed", into = "Typed")]
pub struct CarveOut {
    origin: Origin,
    // Invariant: equal to the host, if that is a literal.
    address: IpAddr,
}

/// Tells why something is no carve-out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidCarveOut {
    /// Scheme, host and port make no origin.
    #[error("the carve-out's host and port are no server: {0}")]
    Origin(origin::Error),
    /// The host is a literal address, but another one than `address`.
    #[error(
        "the carve-out's host is the literal {host}, but its address is {address}; write the same in both"
    )]
    Differs {
        /// The literal.
        host: IpAddr,
        /// The address.
        address: IpAddr,
    },
    /// The address is not that of one machine.
    #[error(
        "{address} is not the address of one machine; write the address that the server listens on"
    )]
    NotOneMachine {
        /// The address.
        address: IpAddr,
    },
}

impl CarveOut {
    /// Makes a carve-out; `host` is a name or a literal, `address` is what gets dialled for it.
    pub fn new(
        scheme: Scheme,
        host: &str,
        address: IpAddr,
        port: u16,
    ) -> Result<Self, InvalidCarveOut> {
        let origin = Origin::new(scheme, host, port).map_err(InvalidCarveOut::Origin)?;
        if let Some(host) = origin.literal().filter(|literal| *literal != address) {
            return Err(InvalidCarveOut::Differs { host, address });
        }
        let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
        if address.is_unspecified() || address.is_multicast() || broadcast {
            return Err(InvalidCarveOut::NotOneMachine { address });
        }
        Ok(Self { origin, address })
    }

    /// Returns the one origin that it is about.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the one address to dial for it, whatever a resolver says.
    pub fn address(&self) -> IpAddr {
        self.address
    }
}

/// A carve-out as it stands in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    scheme: Scheme,
    host: String,
    address: IpAddr,
    port: u16,
}

impl TryFrom<Typed> for CarveOut {
    type Error = InvalidCarveOut;

    fn try_from(typed: Typed) -> Result<Self, InvalidCarveOut> {
        Self::new(typed.scheme, &typed.host, typed.address, typed.port)
    }
}

impl From<CarveOut> for Typed {
    fn from(carve_out: CarveOut) -> Self {
        let origin = carve_out.origin;
        let host = origin
            .literal()
            .map_or_else(|| origin.host().to_string(), |literal| literal.to_string());
        Self {
            scheme: origin.scheme(),
            host,
            address: carve_out.address,
            port: origin.port(),
        }
    }
}
