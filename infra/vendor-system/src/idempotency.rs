//! The rules of idempotency keys, for every route that has an effect.

use std::collections::HashMap;

use serde_json::Value;

use crate::{answer::Answer, calls::Call, problem::Problem, state::World};

/// The longest key, in characters.
const KEY_LIMIT: usize = 255;

/// The first answer to each key. Only answers to effects are kept, since a refusal commits nothing
/// and may be corrected.
#[derive(Debug, Default)]
pub(crate) struct Answers(HashMap<String, KeyHeader>);

#[derive(Debug)]
struct KeyHeader {
    route: &'static str,
    request: Value,
    answer: Answer,
}

/// The idempotency key of `call`, or 400 if the key is missing or malformed.
pub(crate) fn key(call: &Call) -> Result<&str, Problem> {
    let refuse = |what| {
        Err(Problem::bad_request(what)
            .at("header Idempotency-Key")
            .expected(format!(
                "1 to {KEY_LIMIT} visible ASCII characters, the same for every attempt at one effect"
            )))
    };
    match call.key.as_deref() {
        None => refuse("the header is missing"),
        Some(key) if key.is_empty() || key.len() > KEY_LIMIT => {
            refuse("the key has a wrong length")
        }
        Some(key) if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            refuse("the key has characters other than visible ASCII")
        }
        Some(key) => Ok(key),
    }
}

/// Commits `effect` once per key. The same key with the same route and `request` gets the first
/// answer again; with another request it is refused with 422.
pub(crate) fn once(
    world: &mut World,
    call: &Call,
    request: Value,
    effect: impl FnOnce(&mut World, &str) -> Answer,
) -> Result<Answer, Problem> {
    let key = key(call)?;
    let route = call.route.name;
    if let Some(given) = world.answers.0.get(key) {
        if given.route == route && given.request == request {
            return Ok(given.answer.clone().replayed());
        }
        return Err(Problem::unprocessable(format!(
            "the key was first used for another request to {}",
            given.route
        ))
        .at("header Idempotency-Key")
        .expected("the first request again, or a key of its own"));
    }
    let answer = effect(world, key);
    world.answers.0.insert(
        key.to_owned(),
        KeyHeader {
            route,
            request,
            answer: answer.clone(),
        },
    );
    Ok(answer)
}
