//! The routes that every kind of record has: list, search, read, create, patch, delete, restore.

use axum::body::Body as Stream;
use axum::extract::{Extension, Path, State as AppState};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::clock;
use crate::cursor::Page;
use crate::edit;
use crate::failure::Failure;
use crate::incoming;
use crate::merge;
use crate::parameter::Parameters;
use crate::resource::{Access, Duplicates, Resource, text};
use crate::schema::{Body, Check};
use crate::server::App;
use crate::store::{Looked, Row, Selection, Session, State};
use crate::{resource, tombstone};

type Kind = Extension<&'static Resource>;

/// Returns the routes of one kind of record.
pub(crate) fn routes(resource: &'static Resource) -> Router<App> {
    let path = format!("/{}", resource.path);
    let one = format!("{path}/{{id}}");
    let reading = Router::new()
        .route(&path, get(list))
        .route(&format!("{path}/search"), post(search))
        .route(&format!("{path}/departures"), get(tombstone::list))
        .route(&one, get(read));
    let writing = Router::new()
        .route(&path, post(create))
        .route(&one, axum::routing::patch(change).delete(remove))
        .route(&format!("{one}/restore"), post(restore));
    let merging = Router::new().route(&format!("{one}/merge"), post(merge::merge));
    let routes = match resource.access {
        Access::Read => reading,
        Access::Write => reading.merge(writing),
        Access::Merge => reading.merge(writing).merge(merging),
    };
    routes.layer(Extension(resource))
}

/// Returns a record as the API shows it.
pub(crate) fn show(app: &App, resource: &Resource, row: Row) -> Value {
    let mut shown = row.body;
    shown.insert("id".to_owned(), row.id.clone().into());
    shown.insert("version".to_owned(), row.version.to_string().into());
    shown.insert("created_at".to_owned(), clock::format(row.created).into());
    shown.insert("modified_at".to_owned(), clock::format(row.modified).into());
    shown.insert(
        "url".to_owned(),
        format!("{}/app/{}/{}", app.address, resource.path, row.id).into(),
    );
    Value::Object(shown)
}

/// Returns a live record, or the refusal that says what became of it.
pub(crate) async fn live(
    session: &mut Session,
    resource: &Resource,
    id: &str,
) -> Result<Row, Failure> {
    let kind = resource.kind;
    let Some(row) = session.get(resource, id).await? else {
        return Err(Failure::not_found(format!("there is no {kind} {id}")));
    };
    match &row.state {
        State::Live => Ok(row),
        State::Deleted => Err(Failure::new(
            StatusCode::NOT_FOUND,
            "deleted",
            format!("the {kind} {id} was deleted"),
        )),
        State::Merged(survivor) => {
            let message = format!("the {kind} {id} was merged into {survivor}");
            Err(Failure::new(StatusCode::NOT_FOUND, "merged", message)
                .with_existing(vec![survivor.clone()]))
        }
    }
}

/// Refuses when `If-Match` names another version than the record has.
pub(crate) fn match_version(headers: &HeaderMap, row: &Row) -> Result<(), Failure> {
    let Some(wanted) = headers.get(header::IF_MATCH) else {
        return Ok(());
    };
    let wanted = wanted.to_str().unwrap_or_default();
    let current = format!("\"{}\"", row.version);
    if wanted
        .split(',')
        .any(|it| it.trim() == "*" || it.trim() == current)
    {
        Ok(())
    } else {
        Err(Failure::stale(row.version))
    }
}

/// Answers with one record, its version in `ETag` too.
pub(crate) fn answer(app: &App, resource: &Resource, status: StatusCode, row: Row) -> Response {
    let tag = format!("\"{}\"", row.version);
    let location = format!("/{}/{}", resource.path, row.id);
    let mut response = (status, Json(show(app, resource, row))).into_response();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    if status == StatusCode::CREATED
        && let Ok(location) = HeaderValue::from_str(&location)
    {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Resolves `owner`: ids of users, and `me`.
pub(crate) fn owners(
    parameters: &mut Parameters,
    caller: &Caller,
) -> Result<Option<Vec<String>>, Failure> {
    let Some(owners) = parameters.all("owner")? else {
        return Ok(None);
    };
    let resolve = |owner: String| match (owner.as_str(), &caller.user) {
        ("me", Some(user)) => Ok(user.clone()),
        ("me", None) => {
            let message = "owner=me needs a user, and this key belongs to the organisation";
            Err(Failure::bad_request("no_user", message))
        }
        _ => Ok(owner),
    };
    owners
        .into_iter()
        .map(resolve)
        .collect::<Result<_, _>>()
        .map(Some)
}

async fn list(
    AppState(app): AppState<App>,
    Extension(resource): Kind,
    Extension(caller): Extension<Caller>,
    address: Uri,
) -> Result<Json<Value>, Failure> {
    page(&app, resource, &caller, Parameters::of_address(&address)?).await
}

async fn search(
    AppState(app): AppState<App>,
    Extension(resource): Kind,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Stream,
) -> Result<Json<Value>, Failure> {
    page(
        &app,
        resource,
        &caller,
        Parameters::of_body(incoming::object(&headers, body).await?)?,
    )
    .await
}

async fn page(
    app: &App,
    resource: &Resource,
    caller: &Caller,
    mut parameters: Parameters,
) -> Result<Json<Value>, Failure> {
    let list = format!("{} {}", resource.path, parameters.text());
    let page = Page::take(list, &mut parameters)?;
    let ids_only = parameters
        .word("view", &["full", "ids"])?
        .is_some_and(|it| it == "ids");
    let mut selection = Selection {
        ids: parameters.all("id")?,
        owners: owners(&mut parameters, caller)?,
        since: parameters.time("updated_since")?,
        until: parameters.time("updated_until")?,
        looked: Vec::new(),
        after: page.after,
        limit: Some(page.limit_and_one()),
    };
    for filter in resource.filters {
        if let Some(values) = parameters.all(filter.name)? {
            let values = values.iter().map(|it| (filter.fold)(it)).collect();
            selection.looked.push(Looked {
                key: filter.key,
                matching: filter.matching,
                values,
            });
        }
    }
    parameters.finish()?;
    let mut session = app.store.begin().await?;
    let mut found = session.select(resource, &selection).await?;
    let next = page.cut(&mut found, |row| selection.position(row));
    let shown = found.into_iter().map(|row| match ids_only {
        true => json!({
            "id": row.id,
            "version": row.version.to_string(),
            "modified_at": clock::format(row.modified),
        }),
        false => show(app, resource, row),
    });
    Ok(Json(json!({
        "data": shown.collect::<Vec<_>>(),
        "next_cursor": next,
        "as_of": clock::format(session.now),
    })))
}

async fn read(
    AppState(app): AppState<App>,
    Extension(resource): Kind,
    Path(id): Path<String>,
    address: Uri,
) -> Result<Response, Failure> {
    Parameters::of_address(&address)?.finish()?;
    let mut session = app.store.begin().await?;
    let row = live(&mut session, resource, &id).await?;
    Ok(answer(&app, resource, StatusCode::OK, row))
}

async fn create(
    AppState(app): AppState<App>,
    Extension(resource): Kind,
    Extension(caller): Extension<Caller>,
    address: Uri,
    headers: HeaderMap,
    body: Stream,
) -> Result<Response, Failure> {
    let mut parameters = Parameters::of_address(&address)?;
    let allowed = match resource.duplicates {
        Duplicates::AnyOf(_) => parameters
            .word("duplicates", &["refuse", "allow"])?
            .is_some_and(|it| it == "allow"),
        Duplicates::Distinct | Duplicates::AllOf(_) => false,
    };
    parameters.finish()?;
    let mut check = Check::default();
    let mut body = check.body(resource.fields, incoming::object(&headers, body).await?);
    if let Some(user) = caller.user {
        body.entry("owner").or_insert(Value::String(user));
    }
    let mut session = app.store.begin().await?;
    refer(&mut session, check).await?;
    if !allowed {
        let existing = duplicates(&mut session, resource, &body).await?;
        if !existing.is_empty() {
            return Err(Failure::duplicate(existing));
        }
    }
    let row = session.insert(resource, body).await?;
    session.commit().await?;
    Ok(answer(&app, resource, StatusCode::CREATED, row))
}

async fn change(
    AppState(app): AppState<App>,
    Extension(resource): Kind,
    Path(id): Path<String>,
    address: Uri,
    headers: HeaderMap,
    body: Stream,
) -> Result<Response, Failure> {
    Parameters::of_address(&address)?.finish()?;
    let patch = incoming::object(&headers, body).await?;
    let mut session = app.store.begin().await?;
    let mut row = live(&mut session, resource, &id).await?;
    match_version(&headers, &row)?;
    let before = row.body.clone();
    let check = edit::apply(resource, &mut row.body, patch)?;
    refer(&mut session, check).await?;
    // A patch that changes nothing leaves the version and the time alone, so that it wakes nobody.
    if row.body != before {
        session
            .save(resource, &mut row, text(&before, "owner"))
            .await?;
    }
    session.commit().await?;
    Ok(answer(&app, resource, StatusCode::OK, row))
}

async fn remove(
    AppState(app): AppState<App>,
    Extension(resource): Kind,
    Path(id): Path<String>,
    address: Uri,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    Parameters::of_address(&address)?.finish()?;
    let mut session = app.store.begin().await?;
    let mut row = live(&mut session, resource, &id).await?;
    match_version(&headers, &row)?;
    session.remove(resource, &mut row, None).await?;
    session.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn restore(
    AppState(app): AppState<App>,
    Extension(resource): Kind,
    Path(id): Path<String>,
    address: Uri,
) -> Result<Response, Failure> {
    Parameters::of_address(&address)?.finish()?;
    let mut session = app.store.begin().await?;
    let Some(mut row) = session
        .get(resource, &id)
        .await?
        .filter(|it| it.state == State::Deleted)
    else {
        return Err(Failure::not_found(format!(
            "there is no deleted {} {id}",
            resource.kind
        )));
    };
    row.state = State::Live;
    session.save(resource, &mut row, None).await?;
    session.commit().await?;
    Ok(answer(&app, resource, StatusCode::OK, row))
}

/// Ends a check: refuses what was wrong in itself, and what names a record that is not there.
async fn refer(session: &mut Session, mut check: Check) -> Result<(), Failure> {
    let references = std::mem::take(&mut check.references);
    let ids: Vec<&str> = references.iter().map(|it| it.2.as_str()).collect();
    let existing = if ids.is_empty() {
        Vec::new()
    } else {
        session.existing(&ids).await?
    };
    for (field, kind, id) in references {
        if !existing.iter().any(|it| it.0 == kind && it.1 == id) {
            check.fault(
                &field,
                "unknown_reference",
                format!("there is no {kind} {id}"),
            );
        }
    }
    check.finish()
}

async fn duplicates(
    session: &mut Session,
    resource: &Resource,
    body: &Body,
) -> Result<Vec<String>, Failure> {
    let keys = (resource.keys)(body);
    let looked = |name: &&'static str| {
        let values: Vec<String> = keys
            .iter()
            .filter(|it| it.0 == *name)
            .map(|it| it.1.clone())
            .collect();
        (!values.is_empty()).then_some(Looked {
            key: name,
            matching: resource::Matching::Equal,
            values,
        })
    };
    let searches: Vec<Vec<Looked>> = match &resource.duplicates {
        Duplicates::Distinct => Vec::new(),
        Duplicates::AnyOf(names) => names.iter().filter_map(looked).map(|it| vec![it]).collect(),
        Duplicates::AllOf(names) => names
            .iter()
            .map(looked)
            .collect::<Option<_>>()
            .into_iter()
            .collect(),
    };
    let mut existing = Vec::new();
    for looked in searches {
        let selection = Selection {
            looked,
            ..Selection::default()
        };
        for row in session.select(resource, &selection).await? {
            if !existing.contains(&row.id) {
                existing.push(row.id);
            }
        }
    }
    Ok(existing)
}
