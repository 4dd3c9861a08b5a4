//! The program `brightsync`; everything that it does is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    // This program is also the process that compiles connectors.
    brightsync_runtime::compile::serve();
    // Credentials and keys are in its memory from here on.
    let kept_out = brightsync_runtime::vault::keep_out_of_core_dumps();
    run(kept_out.err())
}

#[tokio::main]
async fn run(unprotected: Option<std::io::Error>) -> ExitCode {
    let terminal = brightsync::Terminal::of_this_process();
    if let Some(error) = unprotected {
        terminal.warn(format!(
            "the system may write secrets down if this program crashes: core dumps cannot be turned off: {error}"
        ));
    }
    brightsync::run(std::env::args_os(), &terminal).await.into()
}
