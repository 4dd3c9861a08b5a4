//! The functions that connectors import, in one place: the real host's when compiled to a component, the scripted one's in native tests.

#[cfg(target_family = "wasm")]
pub(crate) use crate::bindings::{
    host::{now, random},
    http::{send, send_all},
    log::write,
    settings::{get as setting, wanted_fields},
    state::{get as recall, set as keep},
};
#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::testing::current::{
    keep, now, random, recall, send, send_all, setting, wanted_fields, write,
};
