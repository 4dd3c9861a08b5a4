//! Goes around the host: it opens a connection of its own, for which it imports WASI's sockets.

use std::net::TcpStream;

use brightsync_guests::done;
use brightsync_sdk::{Error, Result, Whoami};

fn act() -> Result<Whoami> {
    match TcpStream::connect("127.0.0.1:80") {
        Ok(_) => Ok(done()),
        Err(error) => Err(Error::unavailable(error.to_string())),
    }
}

brightsync_guests::get_me!(act);
