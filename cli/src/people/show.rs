//! `holdfast show`: one execution, with its steps, its questions, and the answers of targets that
//! refused.

use std::fmt::Write;

use clap::Args;
use holdfast_ids::names::{sanitize, step_label};
use serde_json::Value;

use super::{
    find,
    options::ReadOptions,
    shape::{Attempt, Execution, Failure, Question, RecordedDecision, Step, TargetAnswer, Vote},
};
use crate::{
    api::typed,
    report::Trouble,
    screen::{Screen, length, tone_of},
    story::none,
    table::{Cell, Table},
};

/// The execution to show.
#[derive(Args)]
pub(crate) struct ShowArgs {
    /// The execution's id, or its first digits
    execution: String,
    #[command(flatten)]
    options: ReadOptions,
}

/// Shows one execution.
pub(crate) fn show(args: &ShowArgs) -> Result<(), Trouble> {
    let (id, client) = find::execution(&args.options.api.client()?, &args.execution)?;
    let answer = client.execution(&id, "")?.ok_or_else(|| none(&id))?;
    args.options
        .print(&answer, || in_words(&answer, &Screen::stdout()))
}

/// An execution as people read it.
pub(super) fn in_words(answer: &Value, screen: &Screen) -> Result<String, Trouble> {
    let one: Execution = typed(answer)?;
    let mut text = heads(&one, screen);
    text.push_str(&reasons(&one));
    for (member, name) in [("output", "output"), ("output_missing", "no output")] {
        let value = &answer[member];
        let value = value.get("value").unwrap_or(value);
        if !value.is_null() {
            line(&mut text, name, &value.to_string());
        }
    }
    for question in &one.questions {
        line(&mut text, "question", &in_line(question, screen));
        for vote in &question.votes {
            line(&mut text, "vote", &vote_text(vote));
        }
    }
    for effect in one.residual_effects.iter().flatten() {
        let remains = match effect.certain {
            true => "remains",
            false => "may remain",
        };
        let effect = format!(
            "the effect of {} ({}) {remains}",
            effect.step, effect.action
        );
        line(&mut text, "residual", &effect);
    }
    for path in &one.incidents {
        line(
            &mut text,
            "incident",
            path.rsplit('/').next().unwrap_or(path),
        );
    }
    if !one.steps.is_empty() {
        text.push('\n');
        text.push_str(&steps(&one.steps, screen));
    }
    let answers: Vec<_> = one.steps.iter().flat_map(answers).collect();
    for (label, answer) in answers {
        let _ = write!(
            text,
            "\n{} was answered\n{}",
            sanitize(&label),
            answer_lines(answer, "  ")
        );
    }
    Ok(text)
}

/// The lines that say why an execution did not execute.
pub(super) fn reasons(one: &Execution) -> String {
    let mut text = String::new();
    for guardrail in one.guardrails.iter().filter(|one| !one.held) {
        let why = guardrail.message.as_deref().unwrap_or("it did not hold");
        line(
            &mut text,
            "refused by",
            &format!("{}: {why}", guardrail.name),
        );
    }
    // A guardrail that refused is the failure.
    let requested = |failure: &&Failure| text.is_empty() || failure.requested_by.is_some();
    if let Some(failure) = one.failure.as_ref().filter(requested) {
        let by = failure.requested_by.iter();
        let by: String = by.map(|by| format!(", requested by {by}")).collect();
        let reason = failure.reason.iter();
        let reason: String = reason.map(|reason| format!(": {reason}")).collect();
        // A request has no state in which it failed.
        let failure = format!("{} {}{by}{reason}", failure.state, failure.error);
        line(&mut text, "failure", failure.trim_start());
    }
    text
}

/// The lines about the execution itself.
fn heads(one: &Execution, screen: &Screen) -> String {
    let mut text = String::new();
    line(&mut text, "execution", &one.execution_id);
    let tier = one.tier.iter();
    let tier: String = tier.map(|tier| format!(", tier {tier}")).collect();
    let workflow = format!(
        "{} version {}{tier}, tenant {}",
        one.workflow_id, one.workflow_version, one.tenant
    );
    line(&mut text, "workflow", &workflow);
    if let Some(subject) = &one.subject {
        line(&mut text, "subject", subject);
    }
    for field in one.shown.iter().flatten() {
        line(
            &mut text,
            "shown",
            &format!("{}: {}", field.label, field.value),
        );
    }
    let status = screen.paint(&sanitize(&one.status), tone_of(&one.status));
    let generation = match one.generation {
        0 => String::new(),
        generation => format!(", execution generation {generation}"),
    };
    let _ = writeln!(text, "{:<11} {status}{generation}", "status");
    // A redrive or a later rollback ends long after the work.
    let took = one
        .ended_at
        .map_or_else(String::new, |end| match one.generation {
            0 => format!(", took {}", length(end.duration_since(one.started_at))),
            _ => format!(", ended {end}"),
        });
    let by = one.requested_by.iter();
    let by: String = by.map(|by| format!(", requested by {by}")).collect();
    let started = format!(
        "{} ({}), trigger {}{by}{took}",
        one.started_at,
        screen.relative(one.started_at),
        one.trigger
    );
    line(&mut text, "started", &started);
    if let Some(redrive) = &one.redriven {
        let reason = redrive.reason.iter();
        let reason: String = reason.map(|reason| format!(": {reason}")).collect();
        let redrive = format!("{}, requested by {}{reason}", redrive.at, redrive.by);
        line(&mut text, "redriven", &redrive);
    }
    text
}

fn line(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "{name:<11} {}", sanitize(value));
}

/// A question in one line.
fn in_line(question: &Question, screen: &Screen) -> String {
    // An approval whose rule asked no person has an empty message.
    let message = question.message.iter().filter(|text| !text.is_empty());
    let message: String = message.map(|message| format!(": {message}")).collect();
    let end = match &question.decision {
        Some(decision) => decision_text(decision),
        None if question.status == "OPEN" => format!(
            "{}, until {} ({})",
            question.decisions.join(" or "),
            question.until,
            screen.relative(question.until)
        ),
        None => match question.status.as_str() {
            "SKIPPED" => "SKIPPED: its rule asked no person",
            "EXPIRED" => "EXPIRED: no person decided in time",
            "CLOSED" => "CLOSED: the execution stopped waiting before a decision",
            other => other,
        }
        .to_owned(),
    };
    format!("{}{message} [{end}]", question.step)
}

/// A vote in words. It has a line of its own, since the voter's words could look like another vote.
fn vote_text(vote: &Vote) -> String {
    let group = vote.group.iter();
    let group: String = match vote.in_place_of_group {
        true => group
            .map(|group| format!(", in place of {group}"))
            .collect(),
        false => group.map(|group| format!(" of {group}")).collect(),
    };
    let member = vote.acting_for.iter();
    let member: String = member
        .map(|member| format!(", acting for {member}"))
        .collect();
    let decision = RecordedDecision {
        by: format!("{}{group}{member}", vote.decision.by),
        ..vote.decision.clone()
    };
    decision_text(&decision)
}

/// A decision in words.
fn decision_text(decision: &RecordedDecision) -> String {
    let reason = decision.reason.iter();
    let reason: String = reason.map(|reason| format!(" ({reason})")).collect();
    format!("{} by {}{reason}", decision.decision, decision.by)
}

fn steps(steps: &[Step], screen: &Screen) -> String {
    let mut table = Table::new(&[
        "STEP",
        "ACTION",
        "STATUS",
        "ATTEMPTS",
        "UNDOS",
        "STARTED",
        "LAST ERROR",
    ]);
    for step in steps {
        let undos = match step.undo_attempts.len() {
            0 => String::new(),
            count => count.to_string(),
        };
        let mut attempts = step.attempts.iter().chain(&step.undo_attempts);
        let last = attempts.rfind(|attempt| attempt.error.is_some());
        let error = last.map_or(String::new(), |attempt| {
            let outcome = attempt.outcome.as_deref().unwrap_or_default();
            format!(
                "{outcome}: {}",
                attempt.error.as_deref().unwrap_or_default()
            )
        });
        table.row(vec![
            Cell::of(label(step)),
            Cell::of(&step.action),
            Cell::of(&step.status).toned(tone_of(&step.status)),
            Cell::of(step.attempts.len().to_string()),
            Cell::of(undos),
            Cell::of(
                step.started_at
                    .map_or(String::new(), |at| screen.relative(at)),
            ),
            Cell::of(error),
        ]);
    }
    table.render(screen)
}

fn label(step: &Step) -> String {
    step_label(&step.name, step.item.as_deref())
}

/// The kept answers of a step, each with the name of its attempt.
fn answers(step: &Step) -> Vec<(String, &TargetAnswer)> {
    let mut kept = numbered(&step.attempts, "attempt", &label(step));
    kept.extend(numbered(&step.undo_attempts, "undo", &label(step)));
    kept
}

fn numbered<'a>(
    attempts: &'a [Attempt],
    word: &str,
    step: &str,
) -> Vec<(String, &'a TargetAnswer)> {
    let numbered = attempts.iter().zip(1..);
    let kept = numbered.filter_map(|(attempt, number): (_, u32)| {
        Some((format!("{step} {word} {number}"), attempt.answer.as_ref()?))
    });
    kept.collect()
}

/// A target's answer in sanitized lines: the path of the request, then the body.
pub(crate) fn answer_lines(answer: &TargetAnswer, indent: &str) -> String {
    let mut text = format!("{indent}at {}:\n", sanitize(&answer.path));
    let body = match answer.body.as_str() {
        "" => "(no body)",
        body => body,
    };
    for line in body.lines() {
        let _ = writeln!(text, "{indent}  {}", sanitize(line));
    }
    if answer.cut {
        let _ = writeln!(text, "{indent}  … (the answer is longer)");
    }
    text
}
