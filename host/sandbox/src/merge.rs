//! Merging: one record takes over what others have, and whatever referred to them refers to it.

use axum::body::Body as Stream;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde_json::Value;

use crate::failure::Failure;
use crate::incoming;
use crate::parameter::Parameters;
use crate::record;
use crate::reference;
use crate::resource::{self, Resource, text};
use crate::schema::{Body, Check, Field, Shape, identity};
use crate::server::App;
use crate::store::{Row, Session};

/// Merges the records named in `from` into the one of the address.
pub(crate) async fn merge(
    State(app): State<App>,
    Extension(resource): Extension<&'static Resource>,
    Path(id): Path<String>,
    address: Uri,
    headers: HeaderMap,
    body: Stream,
) -> Result<Response, Failure> {
    const FIELDS: &[Field] = &[Field::required("from", Shape::List(&Shape::Text(64), None))];
    Parameters::of_address(&address)?.finish()?;
    let mut check = Check::default();
    let body = check.body(FIELDS, incoming::object(&headers, body).await?);
    let from: Vec<&str> = resource::list(&body, "from")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if from.contains(&id.as_str()) {
        check.fault("from", "invalid", "a record is not merged into itself");
    }
    check.finish()?;
    let mut session = app.store.begin().await?;
    let mut survivor = record::live(&mut session, resource, &id).await?;
    record::match_version(&headers, &survivor)?;
    for other in from {
        let other = record::live(&mut session, resource, other).await?;
        survivor = absorb(&mut session, resource, survivor, other).await?;
    }
    session.commit().await?;
    Ok(record::answer(&app, resource, StatusCode::OK, survivor))
}

/// Lets `survivor` take over `other`, and returns it as it is then.
pub(crate) async fn absorb(
    session: &mut Session,
    resource: &'static Resource,
    mut survivor: Row,
    mut other: Row,
) -> Result<Row, sqlx::Error> {
    fill(resource, &mut survivor.body, &other.body);
    // An account that was the parent of the other one must not become its own.
    reference::replace(resource.fields, &mut survivor.body, &other.id, &survivor.id);
    if text(&survivor.body, "parent") == Some(&survivor.id) {
        survivor.body.remove("parent");
    }
    session.save(resource, &mut survivor, None).await?;
    session
        .remove(resource, &mut other, Some(survivor.id.clone()))
        .await?;
    for &kind in resource::ALL {
        for mut row in session.referring(kind, &other.id).await? {
            reference::replace(kind.fields, &mut row.body, &other.id, &survivor.id);
            session.save(kind, &mut row, None).await?;
        }
    }
    Ok(survivor)
}

/// Takes over what is missing, and the elements of lists.
fn fill(resource: &Resource, body: &mut Body, other: &Body) {
    for field in resource.fields {
        let Some(theirs) = other.get(field.name) else {
            continue;
        };
        let ours = body.entry(field.name).or_insert_with(|| theirs.clone());
        match (&field.shape, ours, theirs) {
            (Shape::List(_, key), Value::Array(ours), Value::Array(theirs)) => {
                for element in theirs {
                    if ours
                        .iter()
                        .any(|it| identity(it, *key) == identity(element, *key))
                    {
                        continue;
                    }
                    let mut element = element.clone();
                    // The survivor's own first address, account or participant stays the first one.
                    if is_primary(&element) && ours.iter().any(is_primary) {
                        demote(&mut element);
                    }
                    ours.push(element);
                }
            }
            (Shape::Custom, Value::Object(ours), Value::Object(theirs)) => {
                for (name, value) in theirs {
                    ours.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
            _ => {}
        }
    }
}

fn is_primary(element: &Value) -> bool {
    element.get("primary").is_some_and(|it| it == true)
}

fn demote(element: &mut Value) {
    if let Some(primary) = element.get_mut("primary") {
        *primary = Value::Bool(false);
    }
}
