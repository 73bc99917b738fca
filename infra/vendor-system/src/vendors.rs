//! The routes of vendors, which accept any fields.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::{answer::Answer, calls::Call, problem::Problem, state::World};

/// Stores the body's fields under the id: 201 if the vendor is new, else 200.
pub(crate) fn put(world: &mut World, call: &Call) -> Result<Answer, Problem> {
    call.query.only(&[])?;
    let id = call.id();
    let mut vendor = if call.body.is_empty() {
        Map::new()
    } else {
        call.object()?
    };
    let own = Value::from(id);
    if vendor.get("vendor_id").is_some_and(|given| *given != own) {
        return Err(Problem::unprocessable("the body names another vendor")
            .at("body field `vendor_id`")
            .expected(format!("\"{id}\" as in the path, or no such field")));
    }
    vendor.insert("vendor_id".to_owned(), own);
    let body = Value::Object(vendor.clone());
    let status = match world.vendors.insert(id.to_owned(), vendor) {
        None => StatusCode::CREATED,
        Some(_) => StatusCode::OK,
    };
    Ok(Answer::new(status, body))
}

/// The vendor with its fields.
pub(crate) fn get(world: &mut World, call: &Call) -> Result<Answer, Problem> {
    call.query.only(&[])?;
    let id = call.id();
    let vendor = world.vendors.get(id).ok_or_else(|| {
        Problem::missing("no such vendor")
            .at(format!("path id `{id}`"))
            .expected(format!("a vendor that PUT /vendors/{id} has made"))
    })?;
    Ok(Answer::ok(Value::Object(vendor.clone())))
}
