//! Takes as much as it gets: memory, handles, room on standard error, answers without measure.

use std::io::Write as _;

use brightsync_guests::{deed, done};
use brightsync_sdk::{Connector, Page, PageRequest, Result, User, Whoami, log};

struct Hoarder;

impl Connector for Hoarder {
    fn open() -> Result<Self> {
        Ok(Self)
    }

    fn get_me(&self) -> Result<Whoami> {
        match deed().as_str() {
            "grow" => {
                let mut held = Vec::new();
                loop {
                    held.push(std::hint::black_box(vec![1_u8; 1 << 20]));
                }
            }
            "pass much" => log::info(&"x".repeat(100_000_000)),
            "handles" => handles(),
            "standard error" => shout(),
            "long answer" => {
                return Ok(Whoami {
                    org_name: Some("x".repeat(100_000_000)),
                    ..done()
                });
            }
            _ => {}
        }
        Ok(done())
    }

    /// As many records as are asked for, with no regard to what a page may hold.
    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        let user = |n: u32| User::new(n.to_string(), "Somebody");
        Ok(Page::last((0..page.size).map(user).collect()))
    }
}

/// Writes a megabyte, with an end that would clear a terminal.
fn shout() {
    let line = [b'x'; 1023];
    let mut out = std::io::stderr().lock();
    for _ in 0..1024 {
        let _written = out.write_all(&line);
        let _written = out.write_all(b"\n");
    }
    let _written = out.write_all("the end\u{1b}[2J\u{202e}".as_bytes());
    std::process::abort();
}

/// Takes one timer after the other and gives none back.
#[cfg(target_family = "wasm")]
fn handles() {
    #[link(wasm_import_module = "wasi:clocks/monotonic-clock@0.2.6")]
    #[expect(
        unsafe_code,
        reason = "the standard library takes no timer without giving it back"
    )]
    unsafe extern "C" {
        #[link_name = "subscribe-duration"]
        safe fn subscribe_duration(nanoseconds: u64) -> i32;
    }
    loop {
        std::hint::black_box(subscribe_duration(1));
    }
}

#[cfg(not(target_family = "wasm"))]
fn handles() {}

brightsync_sdk::export!(Hoarder);
