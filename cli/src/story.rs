//! `holdfast logs` and `holdfast watch`: an execution's story, one line for each audit event.

use std::{
    collections::{HashMap, HashSet},
    io::{IsTerminal, stdout},
    thread::sleep,
    time::Duration,
};

use holdfast_ids::names::sanitize;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    api::{Client, typed},
    output,
    people::{TargetAnswer, answer_lines, find_execution},
    report::Trouble,
};

/// The time between two reads of an execution that is watched.
const PAUSE: Duration = Duration::from_millis(500);
/// The number of reads after which an unrecorded execution counts as missing.
const PATIENCE: u32 = 20;

/// Prints the story of an execution so far.
pub(crate) fn logs(api: &Client, named: &str) -> Result<(), Trouble> {
    let (id, api) = &find_execution(api, named)?;
    let story = api.execution(id, "/events")?.ok_or_else(|| none(id))?;
    let events = events(&story);
    let began = began(events);
    let answers = answers_to(api, id, events.iter())?;
    events
        .iter()
        .try_for_each(|event| print(event, began, &answers))
}

/// Prints an event, and the answer of the target that the event's attempt met.
fn print(event: &Value, began: Option<Timestamp>, answers: &Answers) -> Result<(), Trouble> {
    output::line(&line_of(event, began))?;
    let answer = failed_attempt(event).and_then(|attempt| answers.get(&attempt));
    match answer {
        Some(answer) => output::text(&answer_lines(answer, ANSWER_INDENT)),
        None => Ok(()),
    }
}

/// An attempt: the step's label, true for the undo, and the number.
type AttemptId = (String, bool, u64);
/// The answers of targets, by the attempts that met them.
type Answers = HashMap<AttemptId, TargetAnswer>;
/// The space before an answer, below the event's type.
const ANSWER_INDENT: &str = "                            ";

/// The failed attempt that an event is about.
fn failed_attempt(event: &Value) -> Option<AttemptId> {
    let of_undo = match text(event, "type") {
        "workflow.step.failed" => false,
        "workflow.step.undo_failed" => true,
        _ => return None,
    };
    let data = &event["data"];
    Some((label(data, "step"), of_undo, data["attempt"].as_u64()?))
}

/// The answers of targets, which events do not have, if one of the events is about a failed
/// attempt. Roles that see no payloads get none.
fn answers_to<'a>(
    api: &Client,
    id: &str,
    mut events: impl Iterator<Item = &'a Value>,
) -> Result<Answers, Trouble> {
    match events.any(|event| failed_attempt(event).is_some()) {
        true => Ok(answers_in(&api.execution(id, "")?.unwrap_or_default())),
        false => Ok(Answers::new()),
    }
}

fn answers_in(execution: &Value) -> Answers {
    let mut answers = Answers::new();
    for step in list(execution, "steps") {
        for (member, of_undo) in [("attempts", false), ("undo_attempts", true)] {
            for (attempt, number) in list(step, member).iter().zip(1..) {
                if let Ok(answer) = typed(&attempt["answer"]) {
                    answers.insert((label(step, "name"), of_undo, number), answer);
                }
            }
        }
    }
    answers
}

/// Prints the story of an execution until its receipt is written. On a terminal, the last line
/// shows the current attempts and questions.
pub(crate) fn watch(api: &Client, named: &str) -> Result<(), Trouble> {
    let (id, api) = &find_execution(api, named)?;
    let live = stdout().is_terminal();
    let (mut seen, mut patience) = (HashSet::new(), PATIENCE);
    loop {
        let Some(story) = api.execution(id, "/events")? else {
            patience = patience.checked_sub(1).ok_or_else(|| none(id))?;
            sleep(PAUSE);
            continue;
        };
        let events = events(&story);
        let began = began(events);
        if live {
            output::text("\r\u{1b}[K")?;
        }
        let is_new = |event: &&Value| seen.insert(text(event, "id").to_owned());
        let new: Vec<_> = events.iter().filter(is_new).collect();
        let answers = answers_to(api, id, new.iter().copied())?;
        new.iter()
            .try_for_each(|event| print(event, began, &answers))?;
        let status = text(&story, "status");
        if is_over(events) {
            if let Some(line) = api.execution(id, "")?.as_ref().and_then(output_of) {
                output::line(&line)?;
            }
            return end(id, status);
        }
        if live {
            let now = Timestamp::now();
            let took = began.map_or(0.0, |began| seconds(began, now));
            let activity = api.execution(id, "")?.map(|one| activity(&one, now));
            let activity = activity.filter(|text| !text.is_empty());
            let activity = activity.map_or_else(String::new, |text| format!(": {text}"));
            output::text(&format!("{status} for {took:.1} s{activity}"))?;
        }
        sleep(PAUSE);
    }
}

/// The output of an execution, or the reason why it is missing, as the API shows it to this role.
fn output_of(execution: &Value) -> Option<String> {
    let value = &execution["output"]["value"];
    let line = match execution["output_missing"].as_str() {
        Some(why) => format!("no output: {why}"),
        None if value.is_null() => return None,
        None => format!("output: {value}"),
    };
    Some(sanitize(&line))
}

/// True if the receipt of the last generation is written. Events about its incidents can follow.
fn is_over(events: &[Value]) -> bool {
    let generation = |event: &Value| event["data"]["generation"].as_u64();
    let last = events.iter().filter_map(generation).max();
    events.iter().any(|event| {
        text(event, "type") == "workflow.receipt.generated" && generation(event) == last
    })
}

/// The current activity of an execution: its running attempts and its open questions.
fn activity(execution: &Value, now: Timestamp) -> String {
    let attempt = |step: &Value| {
        let (word, member) = match text(step, "status") {
            "RUNNING" => ("attempt", "attempts"),
            "UNDOING" => ("undo", "undo_attempts"),
            _ => return None,
        };
        let attempts = list(step, member);
        let since = text(attempts.last()?, "started_at").parse().ok()?;
        let (name, number, took) = (label(step, "name"), attempts.len(), seconds(since, now));
        Some(format!("{name} {word} {number} for {took:.1} s"))
    };
    let question = |question: &Value| {
        let open = text(question, "status") == "OPEN";
        open.then(|| {
            format!(
                "{} waits for a decision until {}",
                text(question, "step"),
                text(question, "until")
            )
        })
    };
    let steps = list(execution, "steps").iter().filter_map(attempt);
    let questions = list(execution, "questions").iter().filter_map(question);
    let all: Vec<_> = steps.chain(questions).collect();
    sanitize(&all.join("; "))
}

/// The name of a step, with the item key if it has one.
fn label(of: &Value, name: &str) -> String {
    match of["item"].as_str() {
        Some(item) => format!("{}[{item}]", text(of, name)),
        None => text(of, name).to_owned(),
    }
}

/// The end of an execution as the command's own: only EXECUTED is a success.
pub(crate) fn end(id: &str, status: &str) -> Result<(), Trouble> {
    match status {
        "EXECUTED" => Ok(()),
        _ => Err(Trouble::Other(format!(
            "execution {} ended {}",
            sanitize(id),
            sanitize(status)
        ))),
    }
}

pub(crate) fn none(id: &str) -> Trouble {
    Trouble::Refused(format!(
        "this token reaches no execution {id}: check the id, and the tenant, which --tenant or the \
         token names"
    ))
}

fn list<'a>(of: &'a Value, member: &str) -> &'a [Value] {
    of[member].as_array().map_or(&[], Vec::as_slice)
}

fn events(story: &Value) -> &[Value] {
    list(story, "events")
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

fn time(event: &Value) -> Option<Timestamp> {
    text(event, "time").parse().ok()
}

fn began(events: &[Value]) -> Option<Timestamp> {
    events.iter().filter_map(time).min()
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// One event as a line: time, time since the start, type, step, details, actor.
fn line_of(event: &Value, began: Option<Timestamp>) -> String {
    let at = time(event).unwrap_or(Timestamp::UNIX_EPOCH);
    let since = began.map_or(0.0, |began| seconds(began, at));
    let kind = text(event, "type");
    let what = kind.strip_prefix("workflow.").unwrap_or(kind);
    let data = &event["data"];
    let mut line = format!(
        "{}  {since:>8.3} s  {what:<20}",
        at.strftime("%H:%M:%S%.3f")
    );
    let step = label(data, "step");
    if !step.is_empty() {
        line.push_str(&format!("  {step}"));
    }
    let detail = |member: &str| match &data[member] {
        Value::Null => None,
        Value::String(text) => Some(format!("{member} {text}")),
        other => Some(format!("{member} {other}")),
    };
    let details: Vec<_> = [
        "attempt",
        "outcome",
        "duration_ms",
        "decision",
        "status",
        "error",
        "trigger",
        "guardrails",
        "sha256",
    ]
    .into_iter()
    .filter_map(detail)
    .collect();
    if !details.is_empty() {
        line.push_str(&format!("  {}", details.join(", ")));
    }
    // Every event has the subject, and the first of a generation shows it.
    if let (Some(subject), Some(_)) = (event["workflowsubject"].as_str(), data.get("trigger")) {
        line.push_str(&format!("  of {subject}"));
    }
    if let Some(actor) = event["actor"].as_str() {
        line.push_str(&format!("  by {actor}"));
    }
    // Texts of callers and targets must not act on the terminal.
    sanitize(line.trim_end())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_activity_names_running_attempts_and_open_questions() {
        let attempt = |at: &str, ended: Value| json!({ "started_at": at, "ended_at": ended });
        let execution = json!({
            "steps": [
                { "name": "told", "status": "SUCCESS", "attempts": [attempt("2026-11-24T12:00:00Z", json!("x"))] },
                { "name": "hold", "item": "v-\u{1b}1", "status": "RUNNING", "attempts": [
                    attempt("2026-11-24T12:00:00Z", json!("2026-11-24T12:00:01Z")),
                    attempt("2026-11-24T12:00:02Z", Value::Null),
                ] },
                { "name": "pay", "status": "UNDOING", "undo_attempts": [attempt("2026-11-24T12:00:03Z", Value::Null)] },
            ],
            "questions": [
                { "step": "agreed", "status": "OPEN", "until": "2026-11-24T13:00:00Z" },
                { "step": "before", "status": "DECIDED", "until": "2026-11-24T13:00:00Z" },
            ],
        });
        let now = "2026-11-24T12:00:03.5Z".parse().expect("a time");
        assert_eq!(
            activity(&execution, now),
            "hold[v-\u{fffd}1] attempt 2 for 1.5 s; pay undo 1 for 0.5 s; \
             agreed waits for a decision until 2026-11-24T13:00:00Z"
        );
    }

    #[test]
    fn the_output_is_one_sanitized_line_and_a_missing_one_has_its_reason() {
        let shown = |execution: Value| output_of(&execution);
        let value = json!({ "output": { "value": { "id": "o-\u{202e}1" }, "sha256": "5e" } });
        assert_eq!(
            shown(value).as_deref(),
            Some("output: {\"id\":\"o-\u{fffd}1\"}")
        );
        let missing = json!({ "output_missing": "it has 9000 bytes" });
        assert_eq!(
            shown(missing).as_deref(),
            Some("no output: it has 9000 bytes")
        );
        assert_eq!(shown(json!({ "steps": [] })), None);
    }

    #[test]
    fn an_execution_is_over_although_its_incident_was_resolved_later() {
        let events = |kinds: &[&str]| -> Vec<Value> {
            kinds.iter().map(|kind| json!({ "type": kind })).collect()
        };
        let ended = ["workflow.completed", "workflow.receipt.generated"];
        assert!(!is_over(&events(&ended[..1])));
        assert!(is_over(&events(&ended)));
        let since = [&ended[..], &["workflow.incident.resolved"]].concat();
        assert!(is_over(&events(&since)));
    }

    #[test]
    fn a_redriven_execution_is_over_once_its_last_generation_has_a_receipt() {
        let event = |kind: &str, generation: u64| json!({ "type": kind, "data": { "generation": generation } });
        let mut events = vec![
            event("workflow.started", 0),
            event("workflow.receipt.generated", 0),
            event("workflow.started", 1),
        ];
        assert!(!is_over(&events));
        events.push(event("workflow.receipt.generated", 1));
        assert!(is_over(&events));
    }

    #[test]
    fn a_failed_attempt_has_the_answer_of_its_target() {
        let answer = json!({ "path": "/holds", "body": "{\"detail\": \"no\u{1b}[2J\"}\nline 2", "cut": true });
        let execution = json!({ "steps": [
            { "name": "hold", "item": "v-1", "attempts": [{}, { "answer": answer }] },
            { "name": "told", "attempts": [{ "answer": null }], "undo_attempts": [{ "answer": answer }] },
        ] });
        let answers = answers_in(&execution);
        let event = |kind: &str, data: Value| json!({ "type": kind, "data": data });
        let failed = event(
            "workflow.step.failed",
            json!({ "step": "hold", "item": "v-1", "attempt": 2 }),
        );
        let id = failed_attempt(&failed).expect("a failed attempt");
        insta::assert_snapshot!(answer_lines(&answers[&id], ""), @r#"
        at /holds:
          {"detail": "no�[2J"}
          line 2
          … (the answer is longer)
        "#);
        let undo = event(
            "workflow.step.undo_failed",
            json!({ "step": "told", "attempt": 1 }),
        );
        assert!(answers.contains_key(&failed_attempt(&undo).expect("a failed undo")));
        assert_eq!((answers.len(), failed_attempt(&json!({}))), (2, None));
    }

    #[test]
    fn an_event_is_one_sanitized_line() {
        let event = json!({
            "type": "workflow.step.failed",
            "time": "2026-11-24T12:00:01.25Z",
            "actor": "zoe\u{1b}[2J\u{202e}",
            "data": { "step": "hold", "item": "v-1", "attempt": 2, "outcome": "unknown" },
        });
        let began = "2026-11-24T12:00:00Z".parse().ok();
        assert_eq!(
            line_of(&event, began),
            "12:00:01.250     1.250 s  step.failed           hold[v-1]  \
             attempt 2, outcome unknown  by zoe\u{fffd}[2J\u{fffd}"
        );
    }
}
