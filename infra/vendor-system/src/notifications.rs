//! The routes of notifications, which are sent to a team and cannot be recalled.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    answer::Answer,
    calls::Call,
    idempotency::once,
    problem::Problem,
    state::{Effect, EffectKind, World},
};

/// A notification as it was sent.
#[derive(Debug, Serialize)]
pub(crate) struct Notification {
    notification_id: String,
    key: String,
    team: String,
    sent_at: Timestamp,
    /// The whole body, free fields included.
    body: Value,
}

/// Sends a notification, once per key.
pub(crate) fn send(world: &mut World, call: &Call) -> Result<Answer, Problem> {
    call.query.only(&[])?;
    let object = call.object()?;
    let team = text(&object, "team")?;
    text(&object, "message")?;
    let request = Value::Object(object);
    once(world, call, request.clone(), |world, key| {
        let notification = Notification {
            notification_id: format!("notification-{}", world.notifications.len() + 1),
            key: key.to_owned(),
            team,
            sent_at: Timestamp::now(),
            body: request,
        };
        world.commit(Effect {
            team: Some(notification.team.clone()),
            notification_id: Some(notification.notification_id.clone()),
            ..Effect::new(EffectKind::NotificationSent, key, notification.sent_at)
        });
        let body = json!({ "notification_id": notification.notification_id });
        world.notifications.push(notification);
        Answer::new(StatusCode::ACCEPTED, body)
    })
}

/// All notifications, or those of one team or key.
pub(crate) fn list(world: &mut World, call: &Call) -> Result<Answer, Problem> {
    call.query.only(&["team", "key"])?;
    let sent: Vec<_> = world
        .notifications
        .iter()
        .filter(|sent| call.query.admits("team", &[Some(&sent.team)]))
        .filter(|sent| call.query.admits("key", &[Some(&sent.key)]))
        .collect();
    Ok(Answer::ok(json!({ "notifications": sent })))
}

fn text(object: &Map<String, Value>, name: &str) -> Result<String, Problem> {
    let found = object.get(name).and_then(Value::as_str);
    found
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| {
            Problem::unprocessable("a text is missing, or is no text")
                .at(format!("body field `{name}`"))
                .expected("{\"team\": text, \"message\": text, …any other fields…}")
        })
}
