//! The spans of a change: those of the new record that the old record did not have.

use std::collections::HashSet;

use holdfast_ids::{
    keys::{ExecutionKey, item_digest, undo_key},
    trace::SpanId,
};
use holdfast_ledger::{
    Attempt, ExecutionRecord, Phase, Question, QuestionState, StepRecord, unwound_since,
};
use holdfast_receipt::{AttemptOutcome, Status};
use holdfast_task::{ErrorName, QuestionKind};
use jiff::Timestamp;

use super::{Attribute, Span, SpanKind};
use crate::{
    measurement::ended,
    origin::Origin,
    record::Record,
    target::{target_of, undo_target_of},
};

/// The spans that ended with a change from `old` to `new`.
pub fn spans(old: Option<&Record>, new: &Record, origin: &Origin) -> Vec<Span> {
    match (old, new) {
        (Some(Record::Step(old)), Record::Step(new)) => of_step(Some(old), new, origin),
        (None, Record::Step(new)) => of_step(None, new, origin),
        _ => {
            let before = old.map_or_else(Vec::new, |old| of_record(old, origin));
            let before: HashSet<_> = before.iter().map(|span| &span.id).collect();
            let mut spans = of_record(new, origin);
            spans.retain(|span| !before.contains(&span.id));
            spans
        }
    }
}

fn of_record(record: &Record, origin: &Origin) -> Vec<Span> {
    match record {
        Record::Execution(execution) => {
            let past = execution.past.iter();
            let past = past.filter_map(|past| of_generation(&execution.as_of(past)));
            past.chain(of_generation(execution)).collect()
        }
        Record::Question(question) => of_question(question, origin),
        _ => Vec::new(),
    }
}

/// The span of an execution generation.
fn generation_span(at: &ExecutionKey, generation: u32) -> SpanId {
    let parts = [&*at.tenant, &*at.execution, &generation.to_string()];
    SpanId::of("span.execution", &parts)
}

/// A span about an execution, with the attributes that every span has.
fn span(
    (origin, at): (&Origin, &ExecutionKey),
    id: SpanId,
    parent: Option<SpanId>,
    name: String,
    (start, end): (Timestamp, Timestamp),
) -> Span {
    let about = &origin.about;
    let mut attributes: Vec<(&str, Attribute)> = vec![
        ("holdfast.tenant", about.tenant.as_str().into()),
        ("holdfast.workflow", about.workflow.as_str().into()),
        ("holdfast.execution", at.execution.as_str().into()),
    ];
    let version = about.version.map(Attribute::from);
    attributes.extend(version.map(|version| ("holdfast.workflow.version", version)));
    Span {
        trace: origin.trace.clone(),
        id,
        parent,
        name,
        kind: SpanKind::Internal,
        start,
        // Two functions with different clocks may have written them.
        end: end.max(start),
        attributes,
        error: None,
    }
}

/// The span of an ended execution generation. A later generation is a part of the first one.
fn of_generation(execution: &ExecutionRecord) -> Option<Span> {
    let Phase::Ended {
        status,
        at,
        failure,
    } = &execution.phase
    else {
        return None;
    };
    let (origin, generation) = (Origin::of(execution), execution.generation);
    let start = match (execution.redrive(), generation) {
        (Some(redrive), _) => redrive.at,
        (None, 0) => execution.started_at,
        // A rollback that was requested after the end.
        (None, _) => unwound_since(execution),
    };
    let parent = (generation > 0).then(|| generation_span(&execution.at, 0));
    let id = generation_span(&execution.at, generation);
    let name = format!("execution {}", execution.workflow);
    let mut span = span((&origin, &execution.at), id, parent, name, (start, *at));
    let error = failure.as_ref().map(|failure| failure.error.as_str());
    // As for the success rate, a rollback on request is no failure.
    let withdrawn = error.is_some_and(|error| error.parse() == Ok(ErrorName::Withdrawn));
    if *status != Status::Executed && !withdrawn {
        span.error = Some(error.unwrap_or(status.name()).to_owned());
    }
    span.attributes.extend([
        ("holdfast.generation", generation.into()),
        ("holdfast.status", status.name().into()),
        ("holdfast.trigger", execution.trigger.as_str().into()),
    ]);
    Some(span)
}

/// The spans of the attempts, forward and at the undo, that ended with a change.
fn of_step(old: Option<&StepRecord>, new: &StepRecord, origin: &Origin) -> Vec<Span> {
    let (before, undone_before) = old.map_or((&[][..], &[][..]), |old| {
        (&old.attempts[..], &old.undo_attempts[..])
    });
    // An attempt that was lost belongs to the generation that claimed it, not to the next one.
    let generation = |number: usize, before: &[Attempt]| match old {
        Some(old) if number <= before.len() => old.execution_generation,
        _ => new.execution_generation,
    };
    let mut spans = Vec::new();
    for (number, attempt, outcome, at) in ended(before, &new.attempts) {
        let (key, action) = new.call_of(number);
        let target = target_of(new, action);
        let call = (key.to_owned(), action, target, number);
        let in_generation = generation(number, before);
        spans.push(of_attempt(
            (new, origin),
            "step",
            call,
            in_generation,
            attempt,
            (outcome, at),
        ));
    }
    for (number, attempt, outcome, at) in ended(undone_before, &new.undo_attempts) {
        let (key, action) = new.undo_call_of(number);
        let target = undo_target_of(new, action);
        let call = (undo_key(key), action, target, number);
        let in_generation = generation(number, undone_before);
        spans.push(of_attempt(
            (new, origin),
            "undo",
            call,
            in_generation,
            attempt,
            (outcome, at),
        ));
    }
    spans
}

fn of_attempt(
    (step, origin): (&StepRecord, &Origin),
    verb: &str,
    (key, action, target, number): (String, &str, String, usize),
    generation: u32,
    attempt: &Attempt,
    (outcome, at): (AttemptOutcome, Timestamp),
) -> Span {
    let number = number as u32;
    let id = SpanId::of_attempt(&key, number);
    let parent = Some(generation_span(&step.at, generation));
    let name = format!("{verb} {}", step.step);
    let mut span = span(
        (origin, &step.at),
        id,
        parent,
        name,
        (attempt.started_at, at),
    );
    span.kind = SpanKind::Client;
    span.attributes.extend([
        ("holdfast.step", step.step.as_str().into()),
        ("holdfast.attempt", number.into()),
        ("holdfast.action", action.into()),
        ("holdfast.outcome", outcome.name().into()),
    ]);
    if target != action {
        span.attributes.extend(server(&target));
    }
    // The item's key comes from an input.
    let item = step.item.as_deref().map(|item| item_digest(&step.at, item));
    let item = item.map(|item| ("holdfast.item", item.as_str().into()));
    span.attributes.extend(item);
    // A halted attempt did nothing, as it should.
    let failed = !matches!(outcome, AttemptOutcome::Succeeded | AttemptOutcome::Halted);
    span.error = failed.then(|| outcome.name().to_owned());
    span
}

/// The attributes of a host, with its port if the host has one, as OpenTelemetry names them
/// (opentelemetry.io/docs/specs/semconv/registry/attributes/server).
fn server(host: &str) -> impl Iterator<Item = (&'static str, Attribute)> {
    let parts = host.rsplit_once(':');
    let parts = parts.and_then(|(address, port)| Some((address, port.parse::<u16>().ok()?)));
    let (address, port) = parts.map_or((host, None), |(address, port)| (address, Some(port)));
    let address = address.trim_start_matches('[').trim_end_matches(']');
    let port = port.map(|port| ("server.port", u32::from(port).into()));
    std::iter::once(("server.address", address.into())).chain(port)
}

/// The spans of an answered question: the wait, and each decision within it.
fn of_question(question: &Question, origin: &Origin) -> Vec<Span> {
    let wait = wait_span(question);
    let mut spans: Vec<_> = decisions(question)
        .map(|(at, by, decision)| {
            let (entered, at_text) = (question.entered.to_string(), at.to_string());
            let parts = [
                &*question.at.tenant,
                &*question.at.execution,
                &*question.step,
                &*entered,
                &*at_text,
                by,
            ];
            let id = SpanId::of("span.decision", &parts);
            let name = format!("decide {}", question.step);
            let mut span = span(
                (origin, &question.at),
                id,
                Some(wait.clone()),
                name,
                (at, at),
            );
            span.attributes.extend([
                ("holdfast.step", question.step.as_str().into()),
                ("holdfast.decision", decision.into()),
            ]);
            span
        })
        .collect();
    let (at, outcome) = match &question.state {
        QuestionState::Ruled { ruling, .. } => (ruling.at, ruling.decision.name()),
        QuestionState::Expired { at, closed: true } => (*at, "closed"),
        QuestionState::Expired { at, .. } => (*at, "expired"),
        // No person was asked, or none has decided.
        QuestionState::Skipped { .. } | QuestionState::Open => return spans,
    };
    let kind = match question.kind {
        QuestionKind::Approval => "approval",
        QuestionKind::Escalation => "escalation",
    };
    let parent = Some(generation_span(&question.at, question.execution_generation));
    let name = format!("wait {}", question.step);
    let times = (question.entered, at);
    let mut waited = span((origin, &question.at), wait, parent, name, times);
    waited.attributes.extend([
        ("holdfast.step", question.step.as_str().into()),
        ("holdfast.question", kind.into()),
        ("holdfast.outcome", outcome.into()),
    ]);
    let expired = matches!(question.state, QuestionState::Expired { closed: false, .. });
    waited.error = expired.then(|| outcome.to_owned());
    spans.push(waited);
    spans
}

fn wait_span(question: &Question) -> SpanId {
    let (at, entered) = (&question.at, question.entered.to_string());
    SpanId::of(
        "span.wait",
        &[&at.tenant, &at.execution, &question.step, &entered],
    )
}

/// The decisions on a question, each with its time and its person. Of an approval that is each
/// vote, and the last vote is the ruling. A question of an earlier version has no votes.
fn decisions(question: &Question) -> impl Iterator<Item = (Timestamp, &str, &'static str)> {
    let votes = question.votes.iter();
    let votes = votes.map(|vote| (vote.at, vote.by.as_str(), vote.decision.name()));
    let ruling = question.ruling().filter(|_| question.votes.is_empty());
    let ruling = ruling.map(|ruling| (ruling.at, ruling.by.as_str(), ruling.decision.name()));
    votes.chain(ruling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_address_and_a_port() {
        for (host, address, port) in [
            ("api.example.com", "api.example.com", None),
            ("127.0.0.1:4600", "127.0.0.1", Some(4600)),
            ("[::1]:4600", "::1", Some(4600)),
            ("[::1]", "::1", None),
        ] {
            let expected = [
                Some(("server.address", Attribute::from(address))),
                port.map(|port: u32| ("server.port", Attribute::from(port))),
            ];
            let found: Vec<_> = server(host).collect();
            assert_eq!(
                found,
                expected.into_iter().flatten().collect::<Vec<_>>(),
                "{host}"
            );
        }
    }
}
