//! The routes of holds: place, find, release, and the tombstones of released keys.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    answer::Answer,
    calls::Call,
    idempotency::{key, once},
    problem::Problem,
    state::{Effect, EffectKind, World},
};

/// The longest hold, in days.
const DAYS_LIMIT: u16 = 365;

/// A hold on payments to a vendor.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Hold {
    pub(crate) hold_id: String,
    pub(crate) vendor_id: String,
    days: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    placed_at: Timestamp,
    /// The idempotency key that placed the hold.
    pub(crate) key: String,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    released_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Active,
    Released,
}

#[derive(Debug, Deserialize)]
struct HoldRequest {
    vendor_id: String,
    days: u16,
    #[serde(default)]
    reason: Option<String>,
}

/// Places a hold once per key, and never under a released key.
pub(crate) fn place(world: &mut World, call: &Call) -> Result<Answer, Problem> {
    call.query.only(&[])?;
    let forward_key = key(call)?;
    let (hold_request, request) = read(call)?;
    if world.tombstones.contains(forward_key) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "the key was released: no hold can be placed under it any more, and none was placed",
        )
        .at("header Idempotency-Key")
        .expected("a new key for a new hold"));
    }
    once(world, call, request, |world, key| {
        let hold = Hold {
            hold_id: format!("hold-{}", world.holds.len() + 1),
            vendor_id: hold_request.vendor_id,
            days: hold_request.days,
            reason: hold_request.reason,
            placed_at: Timestamp::now(),
            key: key.to_owned(),
            status: Status::Active,
            released_at: None,
        };
        world.commit(Effect {
            vendor_id: Some(hold.vendor_id.clone()),
            hold_id: Some(hold.hold_id.clone()),
            days: Some(hold.days),
            ..Effect::new(EffectKind::HoldPlaced, key, hold.placed_at)
        });
        let body = json!({
            "hold_id": hold.hold_id,
            "vendor_id": hold.vendor_id,
            "days": hold.days,
            "placed_at": hold.placed_at,
        });
        world.holds.push(hold);
        Answer::new(StatusCode::CREATED, body)
    })
}

/// Releases the hold that a forward key placed, if any, and makes later requests with that key
/// fail.
pub(crate) fn release(world: &mut World, call: &Call) -> Result<Answer, Problem> {
    call.query.only(&["key"])?;
    let Some(forward_key) = call.query.get("key").filter(|key| !key.is_empty()) else {
        return Err(Problem::bad_request("which hold to release is not said")
            .at("query parameter `key`")
            .expected("the idempotency key that the hold was placed with"));
    };
    let request = json!({ "key": forward_key });
    once(world, call, request, |world, key| {
        world.tombstones.insert(forward_key.to_owned());
        let now = Timestamp::now();
        let active = world
            .holds
            .iter_mut()
            .find(|hold| hold.key == forward_key && hold.status == Status::Active);
        let effect = active.map(|hold| {
            hold.status = Status::Released;
            hold.released_at = Some(now);
            Effect {
                forward_key: Some(forward_key.to_owned()),
                vendor_id: Some(hold.vendor_id.clone()),
                hold_id: Some(hold.hold_id.clone()),
                days: Some(hold.days),
                ..Effect::new(EffectKind::HoldReleased, key, now)
            }
        });
        let body = json!({ "released": effect.is_some() });
        effect.into_iter().for_each(|effect| world.commit(effect));
        Answer::ok(body)
    })
}

/// One hold by its id.
pub(crate) fn get(world: &mut World, call: &Call) -> Result<Answer, Problem> {
    call.query.only(&[])?;
    let id = call.id();
    one(world.holds.iter().find(|hold| hold.hold_id == id)).ok_or_else(|| {
        Problem::missing("no such hold")
            .at(format!("path id `{id}`"))
            .expected("a hold_id that POST /holds answered")
    })
}

/// Finds the hold that `key` placed, released or not; without `key`, all holds or those of one
/// vendor.
pub(crate) fn find(world: &mut World, call: &Call) -> Result<Answer, Problem> {
    call.query.only(&["key", "vendor_id"])?;
    let of_vendor = |hold: &&Hold| call.query.admits("vendor_id", &[Some(&hold.vendor_id)]);
    let mut holds = world.holds.iter().filter(of_vendor);
    match call.query.get("key") {
        Some(key) => one(holds.find(|hold| hold.key == key)).ok_or_else(|| {
            Problem::missing("no hold was placed with the key")
                .at("query parameter `key`")
                .expected("the idempotency key of a POST /holds that took effect")
        }),
        None => Ok(Answer::ok(json!({ "holds": holds.collect::<Vec<_>>() }))),
    }
}

fn one(hold: Option<&Hold>) -> Option<Answer> {
    hold.map(|hold| Answer::ok(json!(hold)))
}

/// The body of a POST, and the same as JSON for the comparison with a later one.
fn read(call: &Call) -> Result<(HoldRequest, serde_json::Value), Problem> {
    let right = format!(
        "{{\"vendor_id\": text, \"days\": 1 to {DAYS_LIMIT}, \"reason\": text or left out}} and nothing else"
    );
    let object = call.object()?;
    let unknown: Vec<_> = object
        .keys()
        .filter(|name| !matches!(name.as_str(), "vendor_id" | "days" | "reason"))
        .map(|name| format!("`{name}`"))
        .collect();
    if !unknown.is_empty() {
        return Err(Problem::unprocessable("unknown fields")
            .at(format!("body fields {}", unknown.join(", ")))
            .expected(right));
    }
    let request = serde_json::Value::Object(object);
    let hold_request = HoldRequest::deserialize(&request).map_err(|error| {
        Problem::unprocessable(error.to_string())
            .at("body")
            .expected(right.clone())
    })?;
    let wrong = if hold_request.vendor_id.is_empty() {
        Some("vendor_id")
    } else if !(1..=DAYS_LIMIT).contains(&hold_request.days) {
        Some("days")
    } else {
        None
    };
    match wrong {
        Some(field) => Err(Problem::unprocessable("value out of range")
            .at(format!("body field `{field}`"))
            .expected(right)),
        None => Ok((hold_request, request)),
    }
}
