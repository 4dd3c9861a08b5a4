//! From a component to code: once for each component, one at a time, under limits, and never while a call is served.
//!
//! A compiler that is fed hostile input is the largest piece of code that an attacker can reach without a grant.
//! With a [`Worker`] it runs in a process of its own, which has no secrets, no environment and hard limits of processor time, memory and time.

mod store;
mod worker;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use wasmtime::Engine;
use wasmtime::component::Component;

pub(crate) use self::store::Store;
pub use self::store::{Digest, OpenError};
pub use self::worker::{Worker, serve};
use crate::engine;
use crate::metrics::Jobs;

/// Compiles components, and remembers which do not compile.
pub(crate) struct Compiler {
    store: Option<Arc<Store>>,
    worker: Option<Worker>,
    failed: Mutex<HashMap<Digest, CompileError>>,
    jobs: Jobs,
}

/// A component that does not become code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The compiler says why.
    #[error("the compiler does not take it: {0}")]
    Refused(String),
    /// It takes more than a component may; its author has to make it smaller or simpler.
    #[error("compiling it takes more than {0}")]
    Limit(&'static str),
    /// The compiler failed, and left these words.
    #[error("the compiler failed: {0}")]
    Failed(String),
    /// The process that compiles cannot be started or talked to; the same load may work later.
    #[error("the process that compiles does not work: {0}")]
    Worker(String),
}

impl CompileError {
    /// The kind of failure as one stable word.
    fn kind(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Limit(_) => "limit",
            Self::Failed(_) => "failed",
            Self::Worker(_) => "worker",
        }
    }
}

impl Compiler {
    pub(crate) fn new(store: Option<Store>, worker: Option<Worker>, jobs: Jobs) -> Self {
        Self {
            store: store.map(Arc::new),
            worker,
            failed: Mutex::default(),
            jobs,
        }
    }

    /// The code of a component: kept from before, or compiled now.
    pub(crate) async fn component(
        &self,
        bytes: Vec<u8>,
        digest: Digest,
        engine: &Engine,
    ) -> Result<Component, CompileError> {
        let job = self.jobs.begin();
        // The lock is held while compiling: one job at a time, and two loads of one component compile it once.
        let mut failed = self.failed.lock().await;
        if let Some(problem) = failed.get(&digest) {
            job.end("remembered");
            return Err(problem.clone());
        }
        let kept = self.kept(digest, engine).await;
        if let Some(component) = kept {
            job.end("kept");
            return Ok(component);
        }
        let code = match &self.worker {
            Some(worker) => worker.compile(&bytes).await,
            None => here(engine.clone(), bytes).await,
        };
        let result = match code {
            Ok(code) => self.keep(code, digest, engine).await,
            Err(problem) => Err(problem),
        };
        job.end(match &result {
            Ok(_) => "compiled",
            Err(problem) => problem.kind(),
        });
        // What is the component's fault is the same next time.
        if let Err(problem) = &result
            && !matches!(problem, CompileError::Worker(_))
        {
            failed.insert(digest, problem.clone());
        }
        result
    }

    async fn kept(&self, digest: Digest, engine: &Engine) -> Option<Component> {
        let (store, engine) = (self.store.clone()?, engine.clone());
        let load = move || {
            let code = store.get(digest)?;
            engine::deserialize(&engine, &code)
                .inspect_err(|problem| {
                    tracing::warn!(%digest, problem = %format!("{problem:#}"), "compiled code is not used");
                })
                .ok()
        };
        tokio::task::spawn_blocking(load).await.ok().flatten()
    }

    async fn keep(
        &self,
        code: Vec<u8>,
        digest: Digest,
        engine: &Engine,
    ) -> Result<Component, CompileError> {
        let (store, engine) = (self.store.clone(), engine.clone());
        let keep = move || {
            let component = engine::deserialize(&engine, &code)
                .map_err(|problem| CompileError::Failed(format!("{problem:#}")))?;
            if let Some(store) = &store
                && let Err(problem) = store.put(digest, &code)
            {
                tracing::warn!(%digest, %problem, "compiled code cannot be kept; it is compiled again at the next start");
            }
            Ok(component)
        };
        let kept = tokio::task::spawn_blocking(keep).await;
        kept.unwrap_or_else(|_| Err(CompileError::Failed("it panicked".to_owned())))
    }
}

/// Compiles in this process, which is for development: a component that takes for ever takes a thread for ever.
async fn here(engine: Engine, bytes: Vec<u8>) -> Result<Vec<u8>, CompileError> {
    let compile = move || {
        engine
            .precompile_component(&bytes)
            .map_err(|problem| CompileError::Refused(format!("{problem:#}")))
    };
    let compiled = tokio::task::spawn_blocking(compile).await;
    compiled.unwrap_or_else(|_| Err(CompileError::Failed("it panicked".to_owned())))
}
