//! `holdfast inbox` and `holdfast decide`: the questions that wait for people, and their answers.

use clap::{Args, ValueEnum};
use holdfast_ids::names::sanitize;
use holdfast_receipt::Decision;
use serde_json::{Value, json};

use super::{
    action,
    find::short,
    list,
    options::{ChangeOptions, ListOptions, Reason, short_text},
    question::{QUESTIONS, QuestionMatch, waiting},
    shape::{DecisionResult, Execution, InboxQuestion, Question},
};
use crate::{
    api::{ApiRequest, typed},
    report::Trouble,
    screen::{Screen, Tone},
    story::none,
    table::{Cell, Table},
};

/// The people that the questions are for.
#[derive(Clone, Copy, ValueEnum)]
enum For {
    /// Questions that I may decide now
    Me,
    /// Questions that name one of my groups
    Groups,
    /// All questions of the tenant
    Tenant,
}

/// The questions to list.
#[derive(Args)]
pub(crate) struct InboxArgs {
    /// The people that the questions are for
    #[arg(long = "for", value_enum, default_value_t = For::Me)]
    whose: For,
    #[command(flatten)]
    options: ListOptions,
}

/// The question and its answer.
#[derive(Args)]
pub(crate) struct DecideArgs {
    /// The id of the execution or incident that waits, or its first digits
    id: String,
    /// The decision
    #[arg(value_enum)]
    decision: DecisionArg,
    /// The step that waits, if several of the execution do
    #[arg(long, value_name = "STEP", value_parser = short_text)]
    step: Option<String>,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    options: ChangeOptions,
}

/// A decision, as an argument.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum DecisionArg {
    /// Let the execution continue
    Approve,
    /// Reject: the execution is rolled back
    Reject,
    /// Try the failed step again
    Retry,
    /// Continue without the failed step
    Skip,
    /// Undo the execution
    Rollback,
}

impl From<DecisionArg> for Decision {
    fn from(decision: DecisionArg) -> Self {
        match decision {
            DecisionArg::Approve => Self::Approve,
            DecisionArg::Reject => Self::Reject,
            DecisionArg::Retry => Self::Retry,
            DecisionArg::Skip => Self::Skip,
            DecisionArg::Rollback => Self::Rollback,
        }
    }
}

/// Lists the questions that wait.
pub(crate) fn inbox(args: &InboxArgs) -> Result<(), Trouble> {
    let whose = args.whose.to_possible_value();
    let whose = whose.map_or_else(String::new, |value| value.get_name().to_owned());
    let query = vec![("for", whose)];
    list::print(&args.options, QUESTIONS, query, "questions", questions)
}

pub(super) fn questions(items: &Value, screen: &Screen) -> Result<String, Trouble> {
    let mut table = Table::new(&[
        "ID", "TENANT", "WORKFLOW", "SUBJECT", "STEP", "DECIDE", "VOTES", "UNTIL", "MESSAGE",
    ]);
    // The width of a terminal may cut the column that has them.
    let mut decisions = Vec::new();
    for one in typed::<Vec<InboxQuestion>>(items)? {
        for decision in &one.decisions {
            if !decisions.contains(decision) {
                decisions.push(decision.clone());
            }
        }
        let votes = match one.count {
            Some(count) if count > 1 => format!("{} of {count}", one.votes.unwrap_or(0)),
            _ => String::new(),
        };
        table.row(vec![
            Cell::of(short(&one.execution_id)),
            Cell::of(one.tenant),
            Cell::of(one.workflow_id),
            Cell::of(one.subject.unwrap_or_default()),
            Cell::of(one.step),
            Cell::of(one.decisions.join(", ")),
            Cell::of(votes),
            Cell::of(screen.relative(one.until)).toned(Some(Tone::Waits)),
            Cell::of(one.message.unwrap_or_default()),
        ]);
    }
    let decisions = sanitize(&decisions.join("|"));
    Ok(table.render(screen) + &format!("\nholdfast decide ID {decisions} --reason TEXT\n"))
}

/// Records a decision on the one question that the arguments name.
pub(crate) fn decide(args: &DecideArgs) -> Result<(), Trouble> {
    let client = args.options.read.api.client()?;
    let QuestionMatch {
        execution,
        step,
        tenant,
    } = waiting(&client, &args.id, args.step.as_deref())?;
    let client = client.for_tenant(tenant.as_deref());
    let answer = client.execution(&execution, "")?;
    let found: Execution = typed(&answer.ok_or_else(|| none(&execution))?)?;
    let step = step.as_deref().or(args.step.as_deref());
    let question = one_open(&found, step)?;
    let decision = Decision::from(args.decision);
    if !question.decisions.iter().any(|one| one == decision.name()) {
        return Err(Trouble::Usage(format!(
            "step {} does not take {}: it takes {}",
            sanitize(&question.step),
            decision.name(),
            sanitize(&question.decisions.join(", "))
        )));
    }
    args.options.confirmation.ask_about(|| {
        let wanted = ("decide", Some((question.step.as_str(), decision.name())));
        let would = action::foreseen(&client, &execution, wanted, words(decision))?;
        let shown = question_in_lines(&found, question);
        Ok(format!("{}:\n{shown}\n{would}", decision.name()))
    })?;
    let path = format!("{}/decision", question.incident);
    let mut body = json!({
        "decision": decision.name(),
        "reason": args.reason.reason,
        "execution_id": execution,
    });
    if let Some(read) = &question.shown_sha256 {
        // The decision counts for no question but the one that the confirmation has shown.
        body["shown_sha256"] = json!(read);
    }
    let answer = client.done(ApiRequest::post(&path, body))?;
    args.options.read.print(&answer, || {
        let done: DecisionResult = typed(&answer)?;
        let before = match done.replayed {
            true => " (recorded before)",
            false => "",
        };
        Ok(sanitize(&format!(
            "{} recorded for step {} of execution {}{before}",
            done.decision, done.step, done.execution_id
        )) + "\n")
    })
}

/// The one open question of an execution, or of its step.
fn one_open<'a>(found: &'a Execution, step: Option<&str>) -> Result<&'a Question, Trouble> {
    let open = found.questions.iter().filter(|one| one.status == "OPEN");
    let named = open.filter(|one| step.is_none_or(|step| step == one.step));
    let named: Vec<_> = named.collect();
    match named.as_slice() {
        [one] => Ok(one),
        [] => Err(Trouble::Refused(format!(
            "execution {} has no open question{}; it is {}",
            sanitize(&found.execution_id),
            step.map_or(String::new(), |step| format!(" of step {}", sanitize(step))),
            sanitize(&found.status)
        ))),
        several => {
            let steps: Vec<_> = several.iter().map(|one| sanitize(&one.step)).collect();
            Err(Trouble::Usage(format!(
                "several steps wait: {}; name one by --step",
                steps.join(", ")
            )))
        }
    }
}

/// The effect of a decision in general.
fn words(decision: Decision) -> &'static str {
    match decision {
        Decision::Retry => "The step is tried again, and its earlier attempts no longer count.",
        Decision::Skip => "The execution continues without the step.",
        Decision::Rollback => "The execution is rolled back.",
        Decision::Approve => "The execution continues, once enough people have approved.",
        Decision::Reject => "The approval is rejected: the execution is rolled back, and ends.",
    }
}

/// The execution and the question that a decision is about.
pub(super) fn question_in_lines(found: &Execution, question: &Question) -> String {
    let mut text = format!(
        "  execution {} of {}, tenant {}",
        sanitize(&found.execution_id),
        sanitize(&found.workflow_id),
        sanitize(&found.tenant)
    );
    if let Some(subject) = &found.subject {
        text.push_str(&format!("\n  subject {}", sanitize(subject)));
    }
    for field in found.shown.iter().flatten() {
        let (label, value) = (sanitize(&field.label), sanitize(&field.value));
        text.push_str(&format!("\n  {label}: {value}"));
    }
    text.push_str(&format!("\n  step {}", sanitize(&question.step)));
    if let Some(message) = &question.message {
        text.push_str(&format!(": {}", sanitize(message)));
    }
    text
}
