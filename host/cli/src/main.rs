//! The program `brightsync`; everything that it does is in the library beside it.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let terminal = brightsync::Terminal::of_this_process();
    brightsync::run(std::env::args_os(), &terminal).await.into()
}
