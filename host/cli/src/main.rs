//! The program `brightsync`; everything that it does is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    // This program is also the process that compiles connectors.
    brightsync_runtime::compile::serve();
    run()
}

#[tokio::main]
async fn run() -> ExitCode {
    let terminal = brightsync::Terminal::of_this_process();
    brightsync::run(std::env::args_os(), &terminal).await.into()
}
