//! Runs attacks, one after the other, each in an arena of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::arena::{Arena, Log};
use crate::attack::Attack;

/// The course of attacks: where compiled code is kept, and who attacks.
pub struct Course {
    guest: Arc<Vec<u8>>,
    // Attacks change what is in it.
    data: tempfile::TempDir,
}

/// What came of an attack.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// How it ended.
    pub end: String,
    /// What the attacker got.
    pub got: Option<String>,
    /// Whether a neighbour on the same host was served afterwards, with the same connector.
    pub neighbour: bool,
    /// How long it took.
    #[serde(skip)]
    pub took: Duration,
}

impl Course {
    /// A course for the hostile connector, a component without a manifest.
    ///
    /// # Errors
    ///
    /// If there is no room for temporary files.
    pub fn new(guest: Vec<u8>) -> std::io::Result<Self> {
        Ok(Self {
            guest: Arc::new(guest),
            data: tempfile::tempdir()?,
        })
    }
}

impl Outcome {
    /// Whether the attack ended as it has to, and nothing was got, and nobody else was harmed.
    pub fn held(&self, attack: &Attack) -> bool {
        self.end.starts_with(attack.end) && self.got.is_none() && self.neighbour
    }
}

/// Runs one attack, in a thread of its own that hears what is logged.
///
/// # Panics
///
/// If the attack itself cannot be made: then nothing is known of how it would have ended.
pub fn run(course: &Course, attack: &Attack) -> Outcome {
    let log = Log::default();
    let act = || {
        let listener = tracing_subscriber::registry().with(log.clone());
        tracing::subscriber::with_default(listener, || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(act(course, attack, &log))
        })
    };
    let outcome = std::thread::scope(|scope| scope.spawn(act).join());
    outcome.unwrap_or_else(|_| panic!("the attack to {} could not be made", attack.name))
}

async fn act(course: &Course, attack: &Attack, log: &Log) -> Outcome {
    let arena = Arena::new(&attack.scene, &course.guest, course.data.path(), log);
    let started = Instant::now();
    let mut told = attack.deed.act(&arena).await;
    let took = started.elapsed();
    told.report = arena.reports();
    let got = (attack.prize)(&told, &arena);
    // What was refused is not there to serve anybody.
    let is_served = !attack.scene.is_lonely && !arena.host.connectors().is_empty();
    let neighbour = !is_served || arena.neighbour().get_me().await.is_ok();
    Outcome {
        end: told.end,
        got,
        neighbour,
        took,
    }
}
