//! The page of a record for a person with a browser, where the `url` of a record leads.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Html;
use axum::routing::get;

use crate::failure::Failure;
use crate::record;
use crate::resource;
use crate::server::App;

/// Returns the route.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/app/{path}/{id}", get(page))
}

async fn page(
    State(app): State<App>,
    Path((path, id)): Path<(String, String)>,
) -> Result<Html<String>, Failure> {
    let Some(resource) = resource::ALL.iter().find(|it| it.path == path) else {
        return Err(Failure::not_found(format!("there are no {path}")));
    };
    let row = record::live(&mut app.store.begin().await?, resource, &id).await?;
    let shown = record::show(&app, resource, row);
    let title = ["full_name", "name", "subject"]
        .iter()
        .find_map(|it| shown.get(it)?.as_str())
        .unwrap_or(&id);
    let title = escape(title);
    let text = escape(&serde_json::to_string_pretty(&shown).unwrap_or_default());
    Ok(Html(format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n<h1>{title}</h1>\n<pre>{text}</pre>\n"
    )))
}

/// Writes a text so that HTML shows it as it is.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
