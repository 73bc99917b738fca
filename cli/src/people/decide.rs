//! `holdfast inbox` and `holdfast decide`: the questions that wait for people, and their answers.

use clap::{Args, ValueEnum};
use holdfast_ids::names::{is_execution_id, sanitize};
use holdfast_receipt::Decision;
use serde_json::{Value, json};

use super::{
    find::{self, Candidate, check_prefix, short},
    list,
    options::{ChangeOptions, ListOptions, Reason},
    shape::{DecisionResult, Execution, InboxQuestion, Question},
};
use crate::{
    api::{ApiRequest, Client, ListQuery, typed},
    report::Trouble,
    screen::{Screen, Tone},
    story::none,
    table::{Cell, Table},
};

/// The path of the list of questions.
const QUESTIONS: &str = "/v1/questions";
/// The most questions in which a prefix is looked for.
const MOST: usize = 1000;

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
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    options: ChangeOptions,
}

/// A decision, as an argument.
#[derive(Clone, Copy, ValueEnum)]
enum DecisionArg {
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
    for one in typed::<Vec<InboxQuestion>>(items)? {
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
    Ok(table.render(screen) + "\nholdfast decide ID DECISION --reason TEXT\n")
}

/// Records a decision on the one question that the arguments name.
pub(crate) fn decide(args: &DecideArgs) -> Result<(), Trouble> {
    let client = args.options.read.api.client()?;
    let QuestionMatch {
        execution,
        step,
        client,
    } = waiting(&client, args)?;
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
    args.options
        .confirmation
        .ask(&effect(decision, &found, question))?;
    let path = format!("{}/decision", question.incident);
    let body = json!({
        "decision": decision.name(),
        "reason": args.reason.reason,
        "execution_id": execution,
    });
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

/// The execution that waits, the step if the id names it, and a client for its tenant.
struct QuestionMatch {
    execution: String,
    step: Option<String>,
    client: Client,
}

/// Finds the execution that waits: by its whole id, or by the first digits of its id or of its
/// incident's among the questions.
fn waiting(client: &Client, args: &DecideArgs) -> Result<QuestionMatch, Trouble> {
    check_prefix("execution", &args.id)?;
    let list = ListQuery {
        path: QUESTIONS,
        query: vec![("for", "me".to_owned())],
        member: "questions",
    };
    let direct = QuestionMatch {
        execution: args.id.clone(),
        step: None,
        client: client.for_tenant(None),
    };
    let answer = match list.read(client, MOST) {
        Ok(answer) => answer,
        // An earlier release has no list of questions, and the whole id needs none.
        Err(Trouble::Refused(_)) if is_execution_id(&args.id) => return Ok(direct),
        Err(Trouble::Refused(why)) if why.starts_with("this API has no") => {
            let hint = "holdfast incidents show ID lists executions that wait: \
                        write all 40 digits of one";
            return Err(Trouble::Refused(format!("{why}; {hint}")));
        }
        Err(trouble) => return Err(trouble),
    };
    let all: Vec<InboxQuestion> = typed(&answer["questions"])?;
    let named = |one: &InboxQuestion| {
        let digits = one.execution_id.starts_with(&args.id);
        let step = args.step.as_ref().is_none_or(|step| *step == one.step);
        step && (digits || one.incident_id.starts_with(&args.id))
    };
    let (execution, incident) = (|one: &InboxQuestion| one.execution_id.clone(), &args.id);
    let mut found: Vec<_> = all.into_iter().filter(named).collect();
    if found.is_empty() && is_execution_id(incident) {
        return Ok(direct);
    }
    if found.len() == 1 {
        let one = found.remove(0);
        return Ok(QuestionMatch {
            execution: one.execution_id,
            step: Some(one.step),
            client: client.for_tenant(Some(&one.tenant)),
        });
    }
    let tenant = found.first().map(|one| one.tenant.clone());
    let candidates = found.iter().map(|one| Candidate {
        id: execution(one),
        tenant: None,
        words: format!("{} {}", one.workflow_id, one.step),
    });
    // Several questions of one execution are told apart by its open questions.
    let prefix = match found
        .iter()
        .any(|one| one.execution_id.starts_with(incident))
    {
        true => incident.as_str(),
        false => "",
    };
    let one = find::unique(
        "question",
        prefix,
        candidates.collect(),
        answer["next"].is_null(),
    )?;
    Ok(QuestionMatch {
        execution: one.id,
        step: None,
        client: client.for_tenant(tenant.as_deref()),
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

/// The effect of a decision, in words.
pub(super) fn effect(decision: Decision, found: &Execution, question: &Question) -> String {
    let what = match decision {
        Decision::Retry => "the step is retried, and its earlier attempts no longer count",
        Decision::Skip => "the execution continues without the step",
        Decision::Rollback => "the execution is rolled back",
        Decision::Approve => "the execution continues, once enough people have approved",
        Decision::Reject => "the approval is rejected, and the execution is rolled back",
    };
    let mut text = format!(
        "{}: {what}.\n  execution {} of {}, tenant {}",
        decision.name(),
        sanitize(&found.execution_id),
        sanitize(&found.workflow_id),
        sanitize(&found.tenant)
    );
    if let Some(subject) = &found.subject {
        text.push_str(&format!("\n  subject {}", sanitize(subject)));
    }
    text.push_str(&format!("\n  step {}", sanitize(&question.step)));
    if let Some(message) = &question.message {
        text.push_str(&format!(": {}", sanitize(message)));
    }
    text
}
