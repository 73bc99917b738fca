//! Checks what must hold after every run, whatever fault struck it.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use holdfast_audit::{Event, Kind, events_of};
use holdfast_engine::{OUTPUT_FAILED, receipt_of};
use holdfast_ids::digest::sha256_hex;
use holdfast_ledger::{Ledger, Phase, Snapshot, StepRecord, StepState};
use holdfast_receipt::{AttemptOutcome, Receipt, ReceiptRef, Status, StepStatus};
use holdfast_task::Failure;

use crate::{
    approvals, branches,
    plan::DrilledWorkflow,
    run::{RunResult, place_of},
    target::What,
    world::lock,
};

/// Statuses with which a drilled execution may end. Its input is one that no guardrail refuses.
const ENDINGS: [&str; 4] = ["EXECUTED", "ROLLED_BACK", "PARTIALLY_ROLLED_BACK", "FAILED"];

/// The findings of a check.
pub(crate) struct Findings {
    pub(crate) status: Option<String>,
    pub(crate) remaining: BTreeMap<String, u32>,
    pub(crate) receipt: Option<Receipt>,
    pub(crate) violations: Vec<String>,
}

/// Checks what a run left behind.
pub(crate) fn check(deployed: &DrilledWorkflow, left: &RunResult) -> Findings {
    let world = &left.world;
    let snapshot = world
        .ledger
        .snapshot(&place_of(deployed, world))
        .now_or_never();
    let snapshot = snapshot.and_then(Result::ok).flatten();
    let mut found = Findings {
        status: None,
        remaining: remaining(left),
        receipt: None,
        violations: Vec::new(),
    };
    match &snapshot {
        Some(snapshot) => ended(&mut found, left, snapshot, deployed),
        None => found.add("its start was accepted, and it has no record".to_owned()),
    }
    if !left.rests {
        found.add("it never comes to rest".to_owned());
    }
    if left.end.is_none() {
        found.add("its machine never ended".to_owned());
    }
    for what in left.world.target.wrong() {
        found.add(what);
    }
    once(&mut found, deployed, left);
    leases(&mut found, left);
    found
}

impl Findings {
    fn add(&mut self, what: String) {
        self.violations.push(what);
    }
}

/// Returns the number of remaining effects, by the label of the step.
fn remaining(left: &RunResult) -> BTreeMap<String, u32> {
    let labels: BTreeMap<String, String> = left
        .world
        .target
        .done()
        .into_iter()
        .map(|done| (done.key, done.step))
        .collect();
    let mut remaining = BTreeMap::new();
    for (key, count) in left.world.target.remaining() {
        let label = labels.get(&key).cloned().unwrap_or(key);
        *remaining.entry(label).or_default() += count;
    }
    remaining
}

fn ended(found: &mut Findings, left: &RunResult, snapshot: &Snapshot, deployed: &DrilledWorkflow) {
    let execution = &snapshot.execution;
    let Phase::Ended {
        status, failure, ..
    } = &execution.phase
    else {
        return found.add(format!(
            "it has not ended: it is {}",
            execution.phase.name()
        ));
    };
    found.status = Some(status.name().to_owned());
    if !ENDINGS.contains(&status.name()) {
        found.add(format!("{} is no way to end", status.name()));
    }
    for step in &snapshot.steps {
        let open = match step.state {
            StepState::Running { .. } | StepState::Waiting { .. } => true,
            StepState::Undoing { .. } | StepState::UndoWaiting { .. } => true,
            StepState::Unknown
            | StepState::Succeeded
            | StepState::FailedClean
            | StepState::Undone
            | StepState::UndoFailed => false,
        };
        if open {
            found.add(format!("{}: its claim is still open", step.label()));
        }
    }
    let Some(reference) = &execution.receipt else {
        return found.add("it has no receipt".to_owned());
    };
    story(found, snapshot);
    match receipt(left, reference) {
        Err(why) => found.add(why),
        Ok(receipt) => {
            agrees(found, &receipt, snapshot, deployed);
            evaluates(found, &receipt, failure.as_ref());
            output(found, &receipt, deployed);
            let branches = branches::violations(&receipt, deployed);
            branches.into_iter().for_each(|what| found.add(what));
            let approvals = approvals::violations(&receipt);
            approvals.into_iter().for_each(|what| found.add(what));
            residuals(found, &receipt, left, deployed);
            found.receipt = Some(receipt);
        }
    }
}

fn receipt(left: &RunResult, reference: &ReceiptRef) -> Result<Receipt, String> {
    let bytes = left.world.receipts.read(&reference.object);
    let bytes = bytes.ok_or("its receipt is gone")?;
    if sha256_hex(&bytes) != reference.sha256 {
        return Err("its receipt is not the one that is recorded".to_owned());
    }
    serde_json::from_slice(&bytes).map_err(|error| format!("its receipt cannot be read: {error}"))
}

/// Checks that the receipt says what the ledger says.
fn agrees(
    found: &mut Findings,
    receipt: &Receipt,
    snapshot: &Snapshot,
    deployed: &DrilledWorkflow,
) {
    let now = match receipt_of(snapshot, &deployed.refs, receipt.incident.clone()) {
        Ok(now) => now,
        Err(error) => return found.add(format!("the ledger yields no receipt: {error}")),
    };
    if receipt.status != now.status {
        found.add(format!(
            "the receipt says {}, the ledger {}",
            receipt.status.name(),
            now.status.name()
        ));
    }
    let ledger: BTreeMap<String, &str> = now
        .steps
        .iter()
        .map(|step| (step.label(), step.status.name()))
        .collect();
    for step in &receipt.steps {
        let label = step.label();
        let recorded = ledger.get(&label).copied().unwrap_or("nothing");
        if recorded != step.status.name() {
            found.add(format!(
                "{label}: the receipt says {}, the ledger {recorded}",
                step.status.name()
            ));
        }
    }
    if now.steps.len() != receipt.steps.len() {
        found.add("the receipt and the ledger list different steps".to_owned());
    }
}

/// Checks that no expression fails. Without a fault none does, so one that fails now reads what a
/// skipped or failed step lacks.
fn evaluates(found: &mut Findings, receipt: &Receipt, failure: Option<&Failure>) {
    if let Some(failure) = failure
        && failure.error == "States.QueryEvaluationError"
    {
        let Failure { state, cause, .. } = failure;
        found.add(format!("an expression of {state} fails: {cause}"));
    }
    if receipt.output_missing.as_deref() == Some(OUTPUT_FAILED) {
        found.add("an expression of its output fails".to_owned());
    }
}

/// Checks that an executed execution has the output that its definition declares, or says why not.
fn output(found: &mut Findings, receipt: &Receipt, deployed: &DrilledWorkflow) {
    let declared = deployed.refs.iter().any(|step| step.output);
    let said = receipt.output_sha256.is_some() != receipt.output_missing.is_some();
    if said != (declared && receipt.status == Status::Executed) {
        found.add("its receipt has an output without a success, or none and no reason".to_owned());
    }
}

/// Checks that the receipt lists every remaining effect, and that each certain one remains.
fn residuals(
    found: &mut Findings,
    receipt: &Receipt,
    left: &RunResult,
    deployed: &DrilledWorkflow,
) {
    let remaining = left.world.target.remaining();
    let executed = receipt.status == Status::Executed;
    let succeeded = receipt
        .steps
        .iter()
        .filter(|step| executed && step.status == StepStatus::Success)
        .filter(|step| !deployed.reads(&step.name));
    let succeeded: Vec<&str> = succeeded
        .filter_map(|step| step.idempotency_key.as_deref())
        .collect();
    let residual = |key: &str| {
        receipt
            .residual_effects
            .iter()
            .find(|one| one.idempotency_key == key)
    };
    let calls = left.world.target.done();
    for done in &calls {
        let remains = remaining.contains_key(&done.key);
        if remains && residual(&done.key).is_none() && !succeeded.contains(&&*done.key) {
            let what = format!(
                "{}: its effect remains, and the receipt does not say so",
                done.step
            );
            if !found.violations.contains(&what) {
                found.add(what);
            }
        }
    }
    for key in remaining.keys() {
        if !calls.iter().any(|done| done.key == *key) {
            found.add(format!(
                "an effect remains under the key {key:?}, and no call has that key: does its step send call.key?"
            ));
        }
    }
    for key in succeeded {
        if !remaining.contains_key(key) {
            found.add(format!(
                "{key}: the receipt says SUCCESS, and no effect remains"
            ));
        }
    }
    for one in receipt.residual_effects.iter().filter(|one| one.certain) {
        if !remaining.contains_key(&one.idempotency_key) {
            found.add(format!(
                "{}: the receipt is certain that its effect remains, and none does",
                one.step
            ));
        }
    }
}

/// Checks that the audit events, by their sequence, are a story: a start, what happened, one end,
/// its receipt.
fn story(found: &mut Findings, snapshot: &Snapshot) {
    let execution = &snapshot.execution;
    let events = events_of(snapshot);
    let kinds: Vec<Kind> = events.iter().map(|event| event.kind()).collect();
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let names = names.join(", ");
    let ends = [Kind::Completed, Kind::ReceiptGenerated];
    if execution.generation == 0 && kinds.first() != Some(&Kind::Started) {
        found.add(format!(
            "its audit events do not begin with a start: {names}"
        ));
    }
    let place = |kind| kinds.iter().position(|one| *one == kind);
    let Some(end) = place(Kind::Completed) else {
        return found.add(format!("no audit event reports its end: {names}"));
    };
    let late = |event: &&Event| {
        // A step that began too late did nothing, and may report that after the end.
        let outcome = event.data.step().and_then(|step| step.outcome);
        let halted = outcome == Some(AttemptOutcome::Halted);
        !ends.contains(&event.kind()) && event.kind() != Kind::DuplicatePrevented && !halted
    };
    for event in events[end..].iter().filter(late) {
        found.add(format!("{} is reported after its end", event.kind().name()));
    }
    match place(Kind::ReceiptGenerated) {
        Some(receipt) if receipt > end => {}
        _ => found.add(format!(
            "no audit event reports its receipt after its end: {names}"
        )),
    }
}

/// Checks that no effect happens twice. Only a step that is not idempotent may repeat its effect,
/// and only after a person decided to retry it.
fn once(found: &mut Findings, deployed: &DrilledWorkflow, left: &RunResult) {
    let mut remaining: BTreeMap<String, u32> = BTreeMap::new();
    for done in left.world.target.done() {
        let count = remaining.entry(done.key.clone()).or_default();
        match done.what {
            What::Effect => *count += 1,
            What::Undone => *count = count.saturating_sub(1),
            What::Read | What::Repeated | What::Refused | What::NothingToUndo => {}
        }
        let step = done.step.split('[').next().unwrap_or_default();
        let known = deployed.steps.iter().find(|known| known.name == step);
        let allowed = lock(&left.world.retried)
            .iter()
            .any(|retried| retried == step);
        let once = known.is_none_or(|known| known.idempotent) || !allowed;
        if *count > 1 && once {
            let what = format!("{}: its effect happened twice", done.step);
            if !found.violations.contains(&what) {
                found.add(what);
            }
        }
    }
}

/// Checks that no step is undone while an attempt at it may act.
fn leases(found: &mut Findings, left: &RunResult) {
    let mut last: BTreeMap<String, StepRecord> = BTreeMap::new();
    for (at, record) in lock(&left.world.history).iter() {
        let label = record.label();
        if let (Some(before), StepState::Undoing { .. }) = (last.get(&label), &record.state)
            && let StepState::Running { lease_until, .. } = before.state
            && *at < lease_until
        {
            found.add(format!(
                "{label}: its undo began at {at}, before the lease ended at {lease_until}"
            ));
        }
        last.insert(label, record.clone());
    }
    for done in left.world.target.done() {
        let undoes = matches!(done.what, What::Undone | What::NothingToUndo);
        let history = lock(&left.world.history);
        let claimed = history.iter().any(|(at, record)| {
            record.key == done.key
                && *at <= done.at
                && matches!(record.state, StepState::Undoing { .. })
        });
        if undoes && !claimed {
            found.add(format!("{}: it was undone without a claim", done.step));
        }
    }
}
