//! The routes of the admin key: faults, the journal of requests, the counts of tokens, and changes on demand.

use axum::body::Body as Stream;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::change::{self, Changed, Script};
use crate::failure::Failure;
use crate::fault::Rule;
use crate::incoming;
use crate::oauth::Counts;
use crate::server::App;

/// Returns the routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/_faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/_requests", get(requests).delete(forget_requests))
        .route("/_counts", get(counts))
        .route("/_changes", post(make_changes))
}

async fn faults(State(app): State<App>) -> Json<Value> {
    Json(json!({"data": app.faults.rules()}))
}

async fn add_fault(
    State(app): State<App>,
    headers: HeaderMap,
    body: Stream,
) -> Result<StatusCode, Failure> {
    let rule: Rule = incoming::read(&headers, body).await?;
    app.faults.add(rule);
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_faults(State(app): State<App>) -> StatusCode {
    app.faults.clear();
    StatusCode::NO_CONTENT
}

async fn requests(State(app): State<App>) -> Json<Value> {
    Json(json!({"data": app.journal.entries()}))
}

async fn forget_requests(State(app): State<App>) -> StatusCode {
    app.journal.take();
    StatusCode::NO_CONTENT
}

async fn counts(State(app): State<App>) -> Json<Counts> {
    Json(app.oauth.counts())
}

async fn make_changes(
    State(app): State<App>,
    headers: HeaderMap,
    body: Stream,
) -> Result<Json<Changed>, Failure> {
    let script: Script = incoming::read(&headers, body).await?;
    Ok(Json(change::run(&app.store, &script).await?))
}
