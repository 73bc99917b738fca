//! The questions and pauses that hold running executions up.
//!
//! They are derived from open questions and controls: for a list by one query for each tenant on
//! the page, one read of controls (decision 0096), and one read for each question that may not be
//! linked yet (decision 0148).

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use holdfast_aws::{DynamoLedger, ExecutionSummary, SystemHost, Window};
use holdfast_engine::Host;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    Control, Ledger, LedgerError, Link, Phase, Question, QuestionState, RUNNING, Scope, Snapshot,
    paused, shown_status,
};
use jiff::SignedDuration;

use crate::api::{
    answer::{OpenQuestion, Pause},
    app::App,
    every_tenant::Entry,
    principal::ListCaller,
    problem::Problem,
};

/// Number of tenants, or of links, that are read at the same time.
const AT_ONCE: usize = 32;

/// The time after the entry of a question's state in which its link may not be recorded yet. It
/// takes longer only if the function that asks fails or is late, and then the step fails soon.
const LINKED_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// Returns whether an open question is read and answered by its incident. It is recorded a moment
/// before the incident and the link to it (docs/protocol.md, rule 8).
async fn is_linked(ledger: &DynamoLedger, question: &Question) -> Result<bool, LedgerError> {
    Ok(is_old(question) || ledger.read_link(&Link::asking(question)).await?.is_some())
}

/// Returns whether a question needs no look at its link.
fn is_old(question: &Question) -> bool {
    let age = SystemHost.now().duration_since(question.entered);
    question.state != QuestionState::Open || age > LINKED_AFTER
}

/// The questions without the open ones that no client could answer yet.
pub(crate) async fn linked(
    ledger: &DynamoLedger,
    questions: Vec<Question>,
) -> Result<Vec<Question>, LedgerError> {
    let looks = questions.into_iter().map(|question| async move {
        let linked = is_linked(ledger, &question).await?;
        Ok(linked.then_some(question))
    });
    gathered(looks.collect()).await
}

/// The questions that looks give, a few looks at a time, in their order.
async fn gathered<E>(
    looks: Vec<impl Future<Output = Result<Option<Question>, E>>>,
) -> Result<Vec<Question>, E> {
    let found = stream::iter(looks).buffered(AT_ONCE);
    found
        .try_filter_map(|one| async { Ok(one) })
        .try_collect()
        .await
}

/// [`linked`] for the questions of a list. The session for every tenant's lists reaches no
/// incident, so that each tenant's own session looks.
pub(crate) async fn linked_in(
    app: &App,
    caller: &ListCaller,
    questions: Vec<Question>,
) -> Result<Vec<Question>, Problem> {
    if caller.tenant.is_some() {
        return Ok(linked(&caller.ledger, questions).await?);
    }
    let looks = questions.into_iter().map(|question| async move {
        if is_old(&question) {
            return Ok(Some(question));
        }
        let stores = app.tenants.on_behalf_of(&question.at.tenant);
        let stores = stores.map_err(Problem::misconfigured)?;
        let linked = is_linked(&stores.ledger, &question).await?;
        Ok::<_, Problem>(linked.then_some(question))
    });
    gathered(looks.collect()).await
}

/// The questions and pauses that hold executions up. An execution that does not run, or that
/// nothing holds up, has no entry.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    waiting: BTreeMap<ExecutionKey, Question>,
    paused: BTreeMap<ExecutionKey, Control>,
}

impl Progress {
    /// The status of an execution whose record says `status`.
    pub(crate) fn status<'a>(&self, at: &ExecutionKey, status: &'a str) -> &'a str {
        let (waits, paused) = (self.waiting.contains_key(at), self.paused.contains_key(at));
        shown_status(status, waits, paused)
    }

    /// The question for which the execution waits.
    pub(crate) fn waiting(&mut self, at: &ExecutionKey) -> Option<OpenQuestion> {
        let question = self.waiting.remove(at)?;
        let approvers = question.approvers;
        Some(OpenQuestion {
            step: question.step,
            kind: question.kind,
            until: question.until,
            count: approvers.as_ref().map_or(1, |approvers| approvers.count),
            by: approvers.map(|approvers| approvers.by).unwrap_or_default(),
            votes: question.votes.len(),
            incident: format!("/v1/incidents/{}", question.incident),
        })
    }

    /// The control that pauses the execution. Without `payloads` it has no reason.
    pub(crate) fn paused(&mut self, at: &ExecutionKey, payloads: bool) -> Option<Pause> {
        let control = self.paused.remove(at)?;
        Some(Pause {
            scope: control.scope.name(),
            running_executions: control.running_executions,
            reason: payloads.then_some(control.reason),
            since: control.at,
            by: control.by,
        })
    }

    /// Records an open question of a running execution. The first to expire is shown.
    fn waits(&mut self, question: Question) {
        let at = question.at.clone();
        let shown = self.waiting.entry(at).or_insert_with(|| question.clone());
        if (question.until, &question.step) < (shown.until, &shown.step) {
            *shown = question;
        }
    }

    /// Records the pause of a running execution, if one of these controls pauses it.
    fn pauses(&mut self, at: &ExecutionKey, workflow: &str, controls: &[Control]) {
        let scopes = Scope::around(&at.tenant, workflow);
        let around = controls.iter();
        let around = around.filter(|control| scopes.contains(&control.scope));
        let around: Vec<_> = around.cloned().collect();
        if let Some(control) = paused(&around) {
            self.paused.insert(at.clone(), control.clone());
        }
    }
}

/// The question or the pause that holds one execution up.
pub(crate) async fn progress_of(app: &App, snapshot: &Snapshot) -> Result<Progress, Problem> {
    let mut progress = Progress::default();
    let execution = &snapshot.execution;
    if execution.phase != Phase::Running {
        return Ok(progress);
    }
    let open = snapshot.questions.iter();
    for question in open.filter(|question| question.waits(execution)) {
        progress.waits(question.clone());
    }
    let scopes = Scope::around(&execution.at.tenant, &execution.workflow);
    let controls = app.tenants.controls().controls_of(scopes).await?;
    progress.pauses(&execution.at, &execution.workflow, &controls);
    Ok(progress)
}

/// The questions and pauses that hold the executions of a page up. A page without a running
/// execution needs no read.
pub(crate) async fn progress_of_list(
    app: &App,
    caller: &ListCaller,
    page: &[Entry<ExecutionSummary>],
) -> Result<Progress, Problem> {
    let mut running: BTreeMap<&str, Vec<&ExecutionSummary>> = BTreeMap::new();
    for Entry { tenant, value, .. } in page {
        if value.shown.status == RUNNING {
            running.entry(tenant).or_default().push(value);
        }
    }
    let mut progress = Progress::default();
    if running.is_empty() {
        return Ok(progress);
    }
    let reads = running.iter().map(|(tenant, executions)| {
        let began = executions
            .iter()
            .map(|execution| execution.shown.started_at);
        let window = Window {
            from: began.clone().min(),
            until: began.max(),
            after: None,
        };
        let (ledger, tenant) = (caller.ledger.clone(), (*tenant).to_owned());
        async move { ledger.questions_within(&tenant, &window).await }
    });
    let reads: Vec<_> = reads.collect();
    let questions: Vec<Vec<Question>> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    let executions = || running.values().flatten();
    let generations: BTreeMap<_, _> = executions()
        .map(|execution| (&execution.at, execution.shown.generation))
        .collect();
    let open = questions.into_iter().flatten().filter(|question| {
        // The index is older than the record by a moment, and lists a question until it closes.
        let current = generations.get(&question.at) == Some(&question.execution_generation);
        current && question.state == QuestionState::Open
    });
    for question in linked_in(app, caller, open.collect()).await? {
        progress.waits(question);
    }
    let scopes = executions().flat_map(|execution| {
        let ExecutionKey { tenant, .. } = &execution.at;
        Scope::around(tenant, &execution.shown.workflow)
    });
    let scopes: BTreeSet<_> = scopes.collect();
    let controls = app.tenants.controls().controls_of(scopes).await?;
    for execution in executions() {
        progress.pauses(&execution.at, &execution.shown.workflow, &controls);
    }
    Ok(progress)
}
