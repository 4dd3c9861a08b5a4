//! The authorization endpoint: a page on which a person logs in and allows, or does not.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use url::Url;

use crate::oauth::authorize::{Asked, Trouble};
use crate::oauth::form::{Form, Media};
use crate::oauth::ledger::{Code, Used};
use crate::oauth::refusal::private;
use crate::page::escape;
use crate::server::App;

/// How long a code lives, in milliseconds.
const CODE_LIVES: i64 = 60_000;
/// How long a person may look at the page, in milliseconds.
const PATIENCE: i64 = 10 * 60_000;

/// A page that is being looked at.
pub(crate) struct Pending {
    asked: Asked,
    expires: i64,
}

/// Shows the page.
pub(crate) async fn ask(State(app): State<App>, address: Uri) -> Response {
    let query = address.query().unwrap_or_default();
    match app.oauth.with(|it| Asked::parse(it, query)) {
        Ok(asked) => page(&app, asked, StatusCode::OK, None),
        Err(Trouble::Page(message)) => trouble(StatusCode::BAD_REQUEST, message),
        Err(Trouble::Back(back, error, description)) => {
            private(back.refuse(&app.address, error, description))
        }
    }
}

/// Takes the answer of the person.
pub(crate) async fn decide(
    State(app): State<App>,
    address: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if !is_own(&headers) {
        let message = "This answer comes from a page of another site.";
        return trouble(StatusCode::FORBIDDEN, message);
    }
    let form = match Form::of_body(address.query(), &headers, body).await {
        Ok((form, Media::Form)) => form,
        Ok((_, Media::Json)) | Err(_) => {
            return trouble(StatusCode::BAD_REQUEST, "The answer is not a form.");
        }
    };
    let nonce = form.get("nonce").unwrap_or_default().to_owned();
    let now = app.clock.now();
    let pending = app.pages(|it| it.remove(&nonce));
    let Some(Pending { asked, .. }) = pending.filter(|it| now < it.expires) else {
        let message = "This page was answered already, or is too old: go back to the program that sent you here, and begin again.";
        return trouble(StatusCode::BAD_REQUEST, message);
    };
    match form.get("decision") {
        Some("allow") => {}
        Some("deny") => {
            let message = "the person did not allow it";
            return private(asked.back.refuse(&app.address, "access_denied", message));
        }
        _ => return trouble(StatusCode::BAD_REQUEST, "The answer is neither yes nor no."),
    }
    let (email, password) = (form.get("email"), form.get("password"));
    let login = email
        .zip(password)
        .and_then(|it| app.credentials.login(it.0, it.1));
    let Some(login) = login else {
        let message = "There is no user with this address and password.";
        return page(&app, asked, StatusCode::FORBIDDEN, Some(message));
    };
    let code = app.secrets.make("code");
    let granted = Code {
        client: asked.client.id.clone(),
        user: login.id.clone(),
        scopes: asked.scopes,
        redirect_uri: asked.back.address.clone(),
        challenge: asked.challenge.clone(),
        expires: now + CODE_LIVES,
        used: Used::Not,
    };
    app.oauth.with(|it| it.codes.insert(code.clone(), granted));
    let mut parameters = vec![("code", code.as_str())];
    if asked.client.client.callback_extras {
        parameters.extend([("location", "eu"), ("accounts-server", &app.address)]);
    }
    private(asked.back.answer(&app.address, &parameters))
}

/// Tells whether the form was on a page of this server; a browser says so, other clients need not.
fn is_own(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    host.is_some_and(|it| origin == format!("http://{it}").as_str())
}

fn page(app: &App, asked: Asked, status: StatusCode, problem: Option<&str>) -> Response {
    let nonce = app.secrets.make("nonce");
    let name = escape(&asked.client.client.name);
    let organisation = escape(&app.store.organisation.name);
    let scopes: String = asked
        .scopes
        .names()
        .iter()
        .map(|it| format!("<li>{it}</li>"))
        .collect();
    let target = target(&asked.back.address);
    let shown = escape(&target);
    let hint = escape(asked.hint.as_deref().unwrap_or_default());
    let problem = problem.map_or_else(String::new, |it| format!("<p role=\"alert\">{it}</p>\n"));
    let html = format!(
        "<!doctype html>\n\
         <html lang=\"en\"><meta charset=\"utf-8\"><title>Allow {name}?</title>\n\
         <h1>Allow {name} to use {organisation}?</h1>\n\
         {problem}<p>It asks for:</p>\n<ul>{scopes}</ul>\n\
         <p>Afterwards you go to {shown}.</p>\n\
         <form method=\"post\" action=\"/oauth/authorize\">\n\
         <input type=\"hidden\" name=\"nonce\" value=\"{nonce}\">\n\
         <p><label>Address <input name=\"email\" type=\"email\" autocomplete=\"username\" value=\"{hint}\"></label></p>\n\
         <p><label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\"></label></p>\n\
         <p><button name=\"decision\" value=\"allow\">Allow</button> <button name=\"decision\" value=\"deny\">Deny</button></p>\n\
         </form>\n"
    );
    let pending = Pending {
        asked,
        expires: app.clock.now() + PATIENCE,
    };
    app.pages(|it| it.insert(nonce, pending));
    guarded((status, Html(html)), &target)
}

fn trouble(status: StatusCode, message: &str) -> Response {
    let message = escape(message);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>This does not work</title>\n<h1>This does not work</h1>\n<p>{message}</p>\n"
    );
    guarded((status, Html(html)), "")
}

/// A page that no other site can frame, and that runs and loads nothing.
fn guarded(page: impl IntoResponse, target: &str) -> Response {
    let mut response = private(page);
    // Browsers hold the redirect after a form against `form-action` too, so it names the target.
    let policy = format!(
        "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {target}"
    );
    let policy = HeaderValue::try_from(policy.trim_end())
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // With `no-referrer` a browser would hide the origin of the form as well.
    let referrer = HeaderValue::from_static("same-origin");
    headers.insert(header::REFERRER_POLICY, referrer);
    response
}

/// Returns the origin of an address, or its scheme if it is an app's own.
fn target(address: &str) -> String {
    Url::parse(address).map_or_else(
        |_| String::new(),
        |it| match it.origin() {
            origin @ url::Origin::Tuple(..) => origin.ascii_serialization(),
            url::Origin::Opaque(_) => format!("{}:", it.scheme()),
        },
    )
}
