//! The only place where the contract's bindings are generated; the rest of the crate sees the names re-exported here.

mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "connector",
        imports: { default: async | trappable },
        exports: { default: async },
        require_store_data_send: true,
    });
}

pub(crate) use generated::brightsync::crm::{host, http, log, settings, state, types};
pub(crate) use generated::exports::brightsync::crm::{
    accounts, contacts, emails, meetings, opportunities, users,
};
pub(crate) use generated::{Connector, ConnectorPre};
