//! Judges a simulated schedule at rest: the targets say what happened, and every record, receipt,
//! incident and counter must say the same.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use holdfast_engine::receipt_of;
use holdfast_ids::{digest::sha256_hex, keys::ExecutionKey};
use holdfast_ledger::{
    Counter, CounterKind, ENGINE, IncidentStatus, Ledger, Phase, QuestionState, Settlement,
    Snapshot, StepState, WAITING,
};
use holdfast_receipt::{Receipt, ReceiptRef, Status, StepStatus};

use super::{region::Region, weather::Weather};
use crate::{approvals, branches, target::What, world::lock};

/// The violations of one schedule.
#[derive(Default)]
pub(crate) struct Verdict(pub(crate) Vec<String>);

impl Verdict {
    fn add(&mut self, what: String) {
        if !self.0.contains(&what) {
            self.0.push(what);
        }
    }
}

/// Judges what a schedule left behind.
pub(crate) fn judge(region: &Region) -> Verdict {
    let mut verdict = Verdict::default();
    let mut snapshots = Vec::new();
    for (number, at) in region.executions.iter().enumerate() {
        let snapshot = region.world.ledger.snapshot(at).now_or_never();
        let snapshot = snapshot.and_then(Result::ok).flatten();
        let mut found = Judgement {
            region,
            at,
            name: format!("execution {number}"),
            verdict: &mut verdict,
        };
        match &snapshot {
            Some(snapshot) => found.execution(snapshot),
            None => found.absent(),
        }
        snapshots.extend(snapshot);
    }
    once(region, &mut verdict);
    open_incidents(region, &mut verdict);
    counters(region, &snapshots, &mut verdict);
    if let Some(facts) = &region.world.facts {
        let violations = lock(facts).violations();
        violations.into_iter().for_each(|what| verdict.add(what));
    }
    verdict
}

/// The judgement of one execution.
struct Judgement<'a> {
    region: &'a Region,
    at: &'a ExecutionKey,
    name: String,
    verdict: &'a mut Verdict,
}

impl Judgement<'_> {
    fn add(&mut self, what: impl AsRef<str>) {
        self.verdict
            .add(format!("{}: {}", self.name, what.as_ref()));
    }

    fn absent(&mut self) {
        if self.region.accepted.borrow().contains(self.at) {
            self.add("its start was accepted, and it has no record");
        }
        let done = self.region.world.target.done();
        if done.iter().any(|done| done.execution == self.at.execution) {
            self.add("a target was called for it, and it has no record");
        }
    }

    fn execution(&mut self, snapshot: &Snapshot) {
        let execution = &snapshot.execution;
        let Phase::Ended { status, .. } = &execution.phase else {
            return self.add(format!("it does not end: it is {}", execution.phase.name()));
        };
        for step in &snapshot.steps {
            if let StepState::Running { .. }
            | StepState::Waiting { .. }
            | StepState::Undoing { .. }
            | StepState::UndoWaiting { .. } = step.state
            {
                self.add(format!("{}: its record is still open", step.label()));
            }
        }
        for question in &snapshot.questions {
            if question.state == QuestionState::Open {
                self.add(format!("{}: its question is still open", question.step));
            }
        }
        let Some(reference) = &execution.receipt else {
            return self.add("it has no receipt");
        };
        let late = self.region.world.weather.as_ref().map(Weather::late);
        if late.is_some_and(|late| late.contains(&self.at.execution)) {
            self.add("it comes to rest later than 30 minutes after the last disturbance");
        }
        let checked = execution.policy_digest.is_some() || execution.redrive().is_some();
        if *status == Status::Executed && !checked {
            self.add("it executed, and its admission was not evaluated");
        }
        match self.receipt(reference) {
            Err(why) => self.add(why),
            Ok(receipt) => {
                if receipt.status != *status {
                    self.add("its receipt has another status than its record");
                }
                self.agrees(&receipt, snapshot);
                self.effects(&receipt);
                self.incidents(&receipt);
                self.chain(&receipt);
            }
        }
    }

    fn receipt(&self, reference: &ReceiptRef) -> Result<Receipt, String> {
        let bytes = self.region.world.receipts.read(&reference.object);
        let bytes = bytes.ok_or("its receipt is gone")?;
        if sha256_hex(&bytes) != reference.sha256 {
            return Err("its receipt is not the one that is recorded".to_owned());
        }
        serde_json::from_slice(&bytes).map_err(|error| format!("its receipt: {error}"))
    }

    /// Checks that the receipt has the ledger's records.
    fn agrees(&mut self, receipt: &Receipt, snapshot: &Snapshot) {
        let version = snapshot.execution.version;
        let mut versions = self.region.versions.all.iter();
        let Some(version) = versions.find(|one| one.gate.version == version) else {
            return self.add(format!("no version {version} is known"));
        };
        let branches = branches::violations(receipt, version);
        branches.into_iter().for_each(|what| self.add(what));
        let approvals = approvals::violations(receipt);
        approvals.into_iter().for_each(|what| self.add(what));
        if receipt.definition_digest != version.gate.definition_digest {
            self.add("its receipt has another definition than its record");
        }
        let origin = snapshot.execution.origin();
        let ran = self.region.versions_of(origin);
        if ran
            .iter()
            .any(|ran| receipt.definition_digest != ran.gate.definition_digest)
        {
            self.add("its receipt has another definition than the one that ran");
        }
        let now = match receipt_of(snapshot, &version.refs, receipt.incident.clone()) {
            Ok(now) => now,
            Err(why) => return self.add(format!("the ledger yields no receipt: {why}")),
        };
        let ledger: BTreeMap<_, _> = now.steps.iter().map(|one| (one.label(), one)).collect();
        for step in &receipt.steps {
            let label = step.label();
            let recorded = ledger.get(&label).map(|step| step.status.name());
            if recorded != Some(step.status.name()) {
                self.add(format!(
                    "{label}: its receipt says {}, the ledger {}",
                    step.status.name(),
                    recorded.unwrap_or("nothing")
                ));
            } else if ledger.get(&label).map(|step| &step.idempotency_key)
                != Some(&step.idempotency_key)
            {
                self.add(format!(
                    "{label}: its receipt has another key than the ledger"
                ));
            }
        }
        if now.steps.len() != receipt.steps.len() {
            self.add("its receipt and the ledger list different steps");
        }
        if now.residual_effects != receipt.residual_effects {
            self.add("its receipt and the ledger list different residual effects");
        }
    }

    /// Checks that the receipt has each effect that remains, and each certain one remains.
    fn effects(&mut self, receipt: &Receipt) {
        let remaining = self.region.world.target.remaining();
        let executed = receipt.status == Status::Executed;
        let succeeded = |key: &str| {
            let mut steps = receipt.steps.iter();
            executed
                && steps.any(|step| {
                    step.status == StepStatus::Success
                        && step.idempotency_key.as_deref() == Some(key)
                })
        };
        let residual = |key: &str| {
            let mut residuals = receipt.residual_effects.iter();
            residuals.any(|one| one.idempotency_key == key)
        };
        let done = self.region.world.target.done();
        let own = done.iter().filter(|one| one.execution == self.at.execution);
        let mut silent = BTreeSet::new();
        for done in own {
            let key = done.key.as_str();
            if remaining.contains_key(key) && !succeeded(key) && !residual(key) {
                silent.insert(format!(
                    "{}: its effect remains, and the receipt ({}) does not say so",
                    done.step,
                    receipt.status.name()
                ));
            }
        }
        silent.into_iter().for_each(|what| self.add(what));
        let read = |key: &str| {
            let mut events = done.iter();
            events.any(|one| one.key == key && one.what == What::Read)
        };
        for step in &receipt.steps {
            let key = step.idempotency_key.as_deref().unwrap_or_default();
            let remains = remaining.contains_key(key) || read(key);
            if executed && step.status == StepStatus::Success && !remains {
                self.add(format!(
                    "{}: its receipt says SUCCESS, and no effect remains",
                    step.name
                ));
            }
        }
        for one in receipt.residual_effects.iter().filter(|one| one.certain) {
            if !remaining.contains_key(&one.idempotency_key) {
                self.add(format!(
                    "{}: no effect remains that the receipt is certain of",
                    one.step
                ));
            }
        }
    }

    /// Checks that an incident names what remains, and that no question's incident stays open.
    fn incidents(&mut self, receipt: &Receipt) {
        let incidents = self.region.world.ledger.incidents(&self.at.tenant);
        let mut named = BTreeSet::new();
        for (incident, links) in &incidents {
            let own = links
                .iter()
                .filter(|link| link.execution == self.at.execution);
            for link in own {
                if link.generation == receipt.generation {
                    named.extend(link.stands.iter().cloned());
                }
                if link.status == WAITING {
                    self.add("its link to an incident still says WAITING");
                }
            }
            if incident.error == "Approval"
                && incident.execution == self.at.execution
                && incident.status != IncidentStatus::Resolved
            {
                self.add("the incident of its approval stays open");
            }
        }
        for one in &receipt.residual_effects {
            if !named.contains(&one.step) {
                self.add(format!(
                    "{}: no incident names the effect that may remain",
                    one.step
                ));
            }
        }
    }

    /// Checks that the receipts of all generations follow each other.
    fn chain(&mut self, last: &Receipt) {
        let mut generation = last.generation;
        let mut previous = last.previous_receipt.clone();
        while generation > 0 {
            let Some(reference) = previous else {
                return self.add(format!("receipt {generation} names no receipt before it"));
            };
            let reference = ReceiptRef {
                object: reference.object,
                sha256: reference.sha256,
            };
            match self.receipt(&reference) {
                Err(why) => return self.add(format!("before receipt {generation}: {why}")),
                Ok(receipt) if receipt.generation + 1 != generation => {
                    return self.add(format!("receipt {generation} does not follow on its own"));
                }
                Ok(receipt) => previous = receipt.previous_receipt,
            }
            generation -= 1;
        }
        if previous.is_some() {
            self.add("its first receipt names one before it");
        }
    }
}

/// Checks that an incident is open if some execution that met it came to no good end, and resolved
/// otherwise. One that a person resolved is not judged.
fn open_incidents(region: &Region, verdict: &mut Verdict) {
    let tenants: BTreeSet<_> = region.executions.iter().map(|at| &at.tenant).collect();
    for (incident, links) in tenants
        .into_iter()
        .flat_map(|tenant| region.world.ledger.incidents(tenant))
    {
        let mut settlement = Settlement::default();
        let unsettled = links.into_iter().any(|link| settlement.add(link).is_some());
        let unsettled = unsettled || settlement.finish().is_some();
        let open = incident.status != IncidentStatus::Resolved;
        if open && !unsettled {
            verdict.add("incident: it is open, and every execution has settled it".to_owned());
        }
        let last = incident.handled.last();
        let by_engine = last.is_some_and(|last| last.by == ENGINE);
        if !open && unsettled && by_engine {
            verdict.add("incident: it is resolved, and an execution has not settled it".to_owned());
        }
    }
}

/// Checks that no effect happens twice. Only a step that is not idempotent may repeat its effect,
/// and only after a person decided to retry it.
fn once(region: &Region, verdict: &mut Verdict) {
    let mut remaining: BTreeMap<&str, u32> = BTreeMap::new();
    let done = region.world.target.done();
    let mut actions: BTreeMap<&str, &str> = BTreeMap::new();
    for done in &done {
        let action = actions.entry(&done.key).or_insert(&done.action);
        if *action != done.action {
            verdict.add(format!("{}: two actions have the same key", done.step));
        }
        let count = remaining.entry(&done.key).or_default();
        match done.what {
            What::Effect => *count += 1,
            What::Undone => *count = count.saturating_sub(1),
            What::Read | What::Repeated | What::Refused | What::NothingToUndo => {}
        }
        let step = done.step.split('[').next().unwrap_or_default();
        let retried = region.retried.borrow();
        let allowed = retried
            .iter()
            .any(|(execution, retried)| *execution == done.execution && retried == step);
        if *count > 1 && !(done.repeatable && allowed) {
            verdict.add(format!("{}: its effect happened twice", done.step));
        }
    }
}

/// Checks that the counters have what the executions hold, and that ended ones hold nothing that
/// they must give back.
fn counters(region: &Region, snapshots: &[Snapshot], verdict: &mut Verdict) {
    let mut held: BTreeMap<Counter, i64> = BTreeMap::new();
    for snapshot in snapshots {
        let execution = &snapshot.execution;
        let Phase::Ended { status, .. } = &execution.phase else {
            continue;
        };
        for one in &execution.reservations {
            let keeps = matches!(status, Status::Executed | Status::PartiallyRolledBack);
            if one.kind == CounterKind::Open || !keeps {
                verdict.add(format!(
                    "{} holds {} after its end",
                    status.name(),
                    one.name
                ));
            }
            let counter = Counter {
                tenant: execution.at.tenant.clone(),
                kind: one.kind,
                name: one.name.clone(),
                period: one.period.clone(),
            };
            *held.entry(counter).or_default() += one.amount;
        }
    }
    for (counter, count) in region.world.ledger.counts() {
        let given_back = matches!(counter.kind, CounterKind::Budget | CounterKind::Open);
        let expected = held.get(&counter).copied().unwrap_or_default();
        if given_back && count != expected {
            verdict.add(format!(
                "{} of {}: it counts {count}, and the executions hold {expected}",
                counter.kind.name(),
                counter.name
            ));
        }
    }
}
