//! Who the caller is: the organisation, and the user if there is one.

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::failure::Failure;
use crate::parameter::Parameters;
use crate::record;
use crate::server::App;
use crate::user::USER;

/// Returns the route.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/users/me", get(me))
}

async fn me(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    address: Uri,
) -> Result<Json<Value>, Failure> {
    Parameters::of_address(&address)?.finish()?;
    let user = match &caller.user {
        Some(id) => {
            let row = record::live(&mut app.store.begin().await?, &USER, id).await?;
            Some(record::show(&app, &USER, row))
        }
        None => None,
    };
    let organisation = &app.store.organisation;
    Ok(Json(json!({
        "organisation": {"id": organisation.id, "name": organisation.name},
        "user": user,
        "scopes": caller.scopes.names(),
    })))
}
