//! `brightsync demo`.
use anyhow::Result;
use clap::Args;
use crate::{arguments::Setting, exit::Exit};
/// Demo
#[derive(Debug, Args)]
pub(crate) struct Demo {
    #[arg(long)] pub(crate) json: bool,
}
impl Demo { pub(crate) async fn run(self, _s: &Setting) -> Result<Exit> { Ok(Exit::Success) } }
