//! The questions and pauses that hold running executions up.
//!
//! They are derived from open questions and controls: for a list by one query for each tenant on
//! the page, and one read of controls (decision 0096).

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use holdfast_aws::{ExecutionSummary, Window};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    Control, Phase, Question, QuestionState, RUNNING, Scope, Snapshot, paused, shown_status,
};

use crate::api::{
    answer::{OpenQuestion, Pause},
    app::App,
    every_tenant::Entry,
    principal::ListCaller,
    problem::Problem,
};

/// Number of tenants whose questions are read at the same time.
const AT_ONCE: usize = 16;

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
    for question in questions.into_iter().flatten() {
        // The index is older than the record by a moment, and lists a question until it closes.
        let current = generations.get(&question.at) == Some(&question.execution_generation);
        if current && question.state == QuestionState::Open {
            progress.waits(question);
        }
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
