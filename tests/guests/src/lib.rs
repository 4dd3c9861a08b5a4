//! What guests share: the smallest connector, of which `get-me` is all there is.

pub mod ask;
pub mod memory;

pub use brightsync_sdk as sdk;

/// Makes a component whose `get-me` is one act: a function without arguments that answers `Result<Whoami>`.
#[macro_export]
macro_rules! get_me {
    ($act:expr) => {
        struct Guest;

        impl $crate::sdk::Connector for Guest {
            fn open() -> $crate::sdk::Result<Self> {
                Ok(Self)
            }

            fn get_me(&self) -> $crate::sdk::Result<$crate::sdk::Whoami> {
                $act()
            }
        }

        brightsync_sdk::export!(Guest);
    };
}

/// The answer of a guest that did what it was made for.
pub fn done() -> sdk::Whoami {
    sdk::Whoami::new("done")
}

/// What the test wants of a guest that can do several things: the connection's setting `deed`.
pub fn deed() -> String {
    sdk::settings::get("deed").unwrap_or_default()
}
