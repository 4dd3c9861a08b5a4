//! The revocation endpoint (RFC 7009).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use crate::oauth::authenticate;
use crate::oauth::form::{Form, Media};
use crate::oauth::ledger::Ledger;
use crate::oauth::refusal::{Refusal, private};
use crate::server::App;

/// Ends a token; with a refresh token all that hangs on it.
pub(crate) async fn revoke(
    State(app): State<App>,
    address: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let (form, media) = Form::of_body(address.query(), &headers, body).await?;
    app.oauth.with(|it| end(it, &headers, &form, media))?;
    Ok(private(StatusCode::OK))
}

fn end(ledger: &mut Ledger, headers: &HeaderMap, form: &Form, media: Media) -> Result<(), Refusal> {
    let client = authenticate::some_client(ledger, headers, form, media)?;
    let token = form.need("token", "token is missing")?.to_owned();
    let refresh = ledger.refresh.get(&token).map(|it| it.family);
    let access = ledger.access.get(&token).map(|it| it.family);
    let Some(family) = refresh.or(access) else {
        // Section 2.2: the client wanted it gone, and it is not there.
        return Ok(());
    };
    let owner = ledger.any_family(family).map(|it| it.client.id.as_str());
    if owner != Some(client.id.as_str()) {
        let message = "the token was issued to another client";
        return Err(Refusal::new("unauthorized_client", message));
    }
    if refresh.is_some() {
        ledger.revoke(family);
    } else if let Some(access) = ledger.access.get_mut(&token) {
        access.revoked = true;
    }
    Ok(())
}
