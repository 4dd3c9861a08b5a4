//! The route of departures: which records were deleted, merged away or given to another user.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::Uri;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::clock;
use crate::cursor::Page;
use crate::failure::Failure;
use crate::parameter::Parameters;
use crate::record;
use crate::resource::Resource;
use crate::server::App;
use crate::store::{Departure, Left, Wanted};

/// For how long departures are told, in days.
pub(crate) const KEPT_DAYS: i64 = 90;

/// Lists the departures of a kind of record in a window.
pub(crate) async fn list(
    State(app): State<App>,
    Extension(resource): Extension<&'static Resource>,
    Extension(caller): Extension<Caller>,
    address: Uri,
) -> Result<Json<Value>, Failure> {
    let mut parameters = Parameters::of_address(&address)?;
    let name = format!("{}/departures {}", resource.path, parameters.text());
    let page = Page::take(name, &mut parameters)?;
    let owners = record::owners(&mut parameters, &caller)?;
    let Some(since) = parameters.time("since")? else {
        return Err(Failure::bad_request(
            "invalid_parameter",
            "since is missing",
        ));
    };
    let until = parameters.time("until")?;
    let how = parameters.all("how")?;
    let known = ["deleted", "merged", "reassigned"];
    if how.iter().flatten().any(|it| !known.contains(&it.as_str())) {
        let message = format!("how takes any of: {}", known.join(", "));
        return Err(Failure::bad_request("invalid_parameter", message));
    }
    parameters.finish()?;
    let mut session = app.store.begin().await?;
    if since < session.now - KEPT_DAYS * 24 * 60 * 60 * 1000 {
        let message = format!("departures are kept for {KEPT_DAYS} days: read all records instead");
        return Err(Failure::bad_request("window_expired", message));
    }
    let wanted = Wanted {
        since,
        until,
        owners,
        how,
        after: page.after,
        limit: page.limit_and_one(),
    };
    let mut found = session.departures(resource, &wanted).await?;
    let next = page.cut(&mut found, |(number, departure)| (departure.at, *number));
    Ok(Json(json!({
        "data": found.into_iter().map(|it| show(it.1)).collect::<Vec<_>>(),
        "next_cursor": next,
        "as_of": clock::format(session.now),
    })))
}

fn show(departure: Departure) -> Value {
    let how = departure.how.name();
    let (into, to) = match departure.how {
        Left::Deleted => (None, None),
        Left::Merged { into } => (Some(into), None),
        Left::Reassigned { to } => (None, to),
    };
    json!({
        "id": departure.id,
        "at": clock::format(departure.at),
        "how": how,
        "into": into,
        "from_owner": departure.owner,
        "to_owner": to,
    })
}
