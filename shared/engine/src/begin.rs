//! Begin: reads a start, evaluates admission, and claims the execution for one owner.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    bounded_check::{
        CheckResult, bounded_check, bounded_refusals, bounded_requirements, undecided,
    },
    engine::{Engine, MAX_RACES},
    first_record::{FirstRecord, recorded_approval, recorded_start},
    ports::{Host, ObjectStore},
    requirements::Requirement,
    task_errors::{TaskError, too_many_races},
};
use holdfast_admission::{Start, StartError, check_envelope, read_start};
use holdfast_ids::{
    arn::owner_of,
    digest::{canonical, sha256_hex},
    keys::{ExecutionKey, execution_id},
    names::quoted,
    trace::TraceId,
};
use holdfast_ledger::{
    CountedPut, CounterChange, Duplicate, ExecutionRecord, Expect, Ledger, Phase, Put, Reservation,
    StartTransition, paused, refused_redrive, start,
};
use holdfast_receipt::GuardrailOutcome;
use holdfast_task::{AdmissionSpec, BeginResult, BeginTask, Choices, ErrorName};

/// The result of admission: the execution record to write, and its requirements.
struct Admission {
    execution: ExecutionRecord,
    requirements: Vec<Requirement>,
}

/// Returns the key and the trace of the execution that a task would begin; `None` if the start
/// cannot be read.
pub fn requested_execution(task: &BeginTask) -> Option<(ExecutionKey, TraceId)> {
    Some(execution_and_trace(task, &read(task).ok()?))
}

fn read(task: &BeginTask) -> Result<Start, StartError> {
    let owner = owner_of(&task.owner);
    read_start(&task.start, &task.gate, &task.started_at, owner)
}

fn malformed(reason: String) -> TaskError {
    TaskError::new(ErrorName::Malformed, reason)
}

fn begun_before(stored: &ExecutionRecord) -> TaskError {
    let id = &stored.at.execution;
    let reason = format!("execution {id} already exists for this start");
    TaskError::new(ErrorName::Duplicate, reason)
}

fn execution_and_trace(task: &BeginTask, start: &Start) -> (ExecutionKey, TraceId) {
    let at = ExecutionKey {
        tenant: start.tenant.clone(),
        execution: execution_id(&start.tenant, &task.gate.workflow, &start.idempotency_key),
    };
    let received = start.trace.as_ref().or(task.trace.as_ref());
    let trace = received.map_or_else(|| TraceId::of_execution(&at.execution), TraceId::clone);
    (at, trace)
}

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Claims an execution and returns what later tasks need.
    ///
    /// Errors: `Malformed`, `Rejected` (the message is JSON with `message` and `execution`),
    /// `Duplicate`, `KeyReused`, `Transient`.
    pub async fn begin(&self, task: &BeginTask) -> Result<BeginResult, TaskError> {
        let received = read(task).map_err(|error| match error {
            StartError::Malformed(reason) => malformed(reason),
            StartError::Shortage(shortage) => undecided(shortage),
        })?;
        canonical(&received.input).map_err(|error| malformed(format!("input: {error}")))?;
        let mut admission = self.first_record(task, &received).await?;
        for _ in 0..MAX_RACES {
            let stored = match self.claim_start(&mut admission).await? {
                Put::Done => {
                    return self.admitted(&admission.execution, received.input, Choices::new());
                }
                Put::Lost(Some(stored)) => *stored,
                Put::Lost(None) => continue,
            };
            let first = &admission.execution;
            return match start(Some(&stored), first) {
                StartTransition::Write => continue,
                StartTransition::Resume => {
                    let stored = self.check_definition(stored, task).await?;
                    let input = self.unpack(&stored.at, &stored.input).await?;
                    let stored = self.show_lost_start(stored, &task.gate, &input).await?;
                    let stored = self.reserve_again(stored, task, &input).await?;
                    let choices = self.choices_again(&stored, task).await?;
                    self.admitted(&stored, input, choices)
                }
                StartTransition::Rerun => Err(begun_before(&stored)),
                StartTransition::Duplicate => {
                    self.ledger
                        .count_duplicate(&first.at, &first.workflow, &duplicate(first))
                        .await?;
                    Err(begun_before(&stored))
                }
                StartTransition::KeyReused => {
                    self.ledger
                        .count_duplicate(&first.at, &first.workflow, &duplicate(first))
                        .await?;
                    Err(TaskError::new(
                        ErrorName::KeyReused,
                        format!(
                            "idempotency key {} belongs to execution {} with another input: send a new key",
                            quoted(&first.idempotency_key),
                            stored.at.execution
                        ),
                    ))
                }
            };
        }
        Err(too_many_races("the start"))
    }

    async fn first_record(&self, task: &BeginTask, start: &Start) -> Result<Admission, TaskError> {
        let gate = &task.gate;
        let (at, trace) = execution_and_trace(task, start);
        let started_at: Timestamp = task.started_at.parse().unwrap_or_else(|_| self.host.now());
        let CheckResult {
            outcomes: guardrails,
            requirements,
            fields,
        } = self.evaluate(gate, start, &at, started_at).await?;
        let rejected = guardrails.iter().any(|outcome| !outcome.held);
        let first = FirstRecord {
            idempotency_key: start.idempotency_key.clone(),
            input: self.pack(&at, "input", start.input.clone()).await?,
            trigger: start.trigger.clone(),
            requested_by: start.requested_by.clone(),
            approval: recorded_approval(start, &guardrails),
            trace,
            owner: owner_of(&task.owner).to_owned(),
            machine: task.machine.clone(),
            started_at,
            at,
        };
        let execution = ExecutionRecord {
            guardrails,
            policy_digest: holdfast_admission::policy_digest(gate),
            reservations: reservations(&requirements),
            subject: fields.subject,
            shown: fields.shown,
            ..first.under(gate)
        };
        let mut admission = Admission {
            execution,
            requirements,
        };
        if rejected {
            admission.reject(&[]);
        }
        Ok(admission)
    }

    /// Evaluates the admission of a start.
    async fn evaluate(
        &self,
        gate: &AdmissionSpec,
        start: &Start,
        at: &ExecutionKey,
        started_at: Timestamp,
    ) -> Result<CheckResult, TaskError> {
        let mut guardrails = Vec::new();
        // A control rejects only a new start. An execution that has begun waits before its next
        // step.
        let (begun, controls) = self.ledger.phase_and_controls(at, &gate.workflow).await?;
        // A redrive continues with the recorded input, which an earlier release may have accepted.
        if begun.is_none() {
            guardrails.extend(self.check_tenant(&at.tenant).await?);
            check_envelope(start).map_err(|why| malformed(why.into()))?;
        }
        let pause = paused(&controls).filter(|control| control.refuses(&gate.rules));
        if let (None, Some(control)) = (&begun, pause) {
            guardrails.push(holdfast_admission::outcome("paused", Err(control.says())));
        }
        let mut checked = bounded_check(gate, &self.approval_keys, start, at, started_at)?;
        guardrails.append(&mut checked.outcomes);
        let rejected = guardrails.iter().any(|outcome| !outcome.held);
        for requirement in &checked.requirements {
            // A rejected start takes nothing: its requirements are only compared with the counters.
            let change = &requirement.change;
            let held = !rejected || change.fits(self.ledger.count(&change.counter).await?);
            guardrails.push(requirement.outcome(held));
        }
        checked.outcomes = guardrails;
        Ok(checked)
    }

    /// Checks the tenant of a new start against the registry. A closed tenant breaks a guardrail. A
    /// start of an unknown one is malformed, so that it leaves no record, metric or digest under a
    /// name that its sender made up.
    async fn check_tenant(&self, tenant: &str) -> Result<Option<GuardrailOutcome>, TaskError> {
        let registered = self.ledger.registration(tenant).await?;
        let registered = registered.ok_or_else(|| TaskError::unregistered(tenant))?;
        let refusal = registered.refusal();
        Ok(refusal.map(|why| holdfast_admission::outcome("closed", Err(why))))
    }

    /// Records a start together with its counter changes. A refused change turns it into a rejected
    /// start.
    async fn claim_start(
        &self,
        admission: &mut Admission,
    ) -> Result<Put<ExecutionRecord>, TaskError> {
        loop {
            let changes = admission.changes();
            if changes.is_empty() {
                return Ok(self
                    .ledger
                    .put(&admission.execution, Expect::Absent)
                    .await?);
            }
            match self
                .put_with_counters(&admission.execution, Expect::Absent, &changes)
                .await?
            {
                CountedPut::Done => return Ok(Put::Done),
                CountedPut::Lost(stored) => return Ok(Put::Lost(stored)),
                CountedPut::Refused(places) => admission.reject(&places),
            }
        }
    }

    /// Takes the reservations of a redrive again, which the earlier end returned. If a counter
    /// refuses, the redrive ends.
    async fn reserve_again(
        &self,
        mut stored: ExecutionRecord,
        task: &BeginTask,
        input: &Value,
    ) -> Result<ExecutionRecord, TaskError> {
        let Some(redriven) = &stored.redriven else {
            return Ok(stored);
        };
        let recorded = recorded_start(&stored, input);
        let (requirements, mut broken) =
            bounded_requirements(&task.gate, &recorded, &stored, redriven.at)?;
        if stored.guardrails.is_empty() {
            broken.extend(bounded_refusals(
                &task.gate,
                &self.approval_keys,
                &recorded,
                &stored.at,
                redriven.at,
            )?);
        }
        for _ in 0..MAX_RACES {
            let missing: Vec<_> = requirements
                .iter()
                .filter(|requirement| requirement.missing_in(&stored))
                .collect();
            // Only a budget without a reservation needs its amount again.
            let held =
                |no: &GuardrailOutcome| stored.reservations.iter().any(|hold| hold.name == no.name);
            let broken: Vec<_> = broken.iter().filter(|no| !held(no)).cloned().collect();
            let nothing = missing.is_empty() && broken.is_empty();
            if nothing || stored.phase != Phase::Running {
                return Ok(stored);
            }
            let changes: Vec<_> = missing
                .iter()
                .map(|requirement| requirement.change.clone())
                .collect();
            let mut next = ExecutionRecord {
                rev: stored.rev + 1,
                ..stored.clone()
            };
            next.reservations.extend(
                missing
                    .iter()
                    .filter_map(|requirement| requirement.change.reservation()),
            );
            next.decided(missing.iter().map(|requirement| requirement.outcome(true)));
            let expect = Expect::Rev(stored.rev);
            let counted = match broken.is_empty() {
                true => self.put_with_counters(&next, expect, &changes).await?,
                false => CountedPut::Refused(Vec::new()),
            };
            let put = match counted {
                CountedPut::Done => return Ok(next),
                CountedPut::Lost(winner) => Put::Lost(winner),
                CountedPut::Refused(places) => {
                    let no = places.iter().filter_map(|n| missing.get(*n));
                    let no = no
                        .map(|requirement| requirement.outcome(false))
                        .chain(broken);
                    next = refused_redrive(&stored, no, self.host.now());
                    self.ledger.put(&next, expect).await?
                }
            };
            match put {
                Put::Done => return Ok(next),
                Put::Lost(Some(winner)) => stored = *winner,
                Put::Lost(None) => break,
            }
        }
        Err(too_many_races("the execution record"))
    }

    fn admitted(
        &self,
        execution: &ExecutionRecord,
        input: Value,
        choices: Choices,
    ) -> Result<BeginResult, TaskError> {
        if execution.phase != Phase::Running {
            let broken = || execution.guardrails.iter().filter(|outcome| !outcome.held);
            let violations: Vec<_> = broken()
                .map(|no| format!("{}: {}", no.name, no.message.as_deref().unwrap_or("no")))
                .collect();
            let guardrails: Vec<_> = broken().map(|no| &no.name).collect();
            // The state machine reads the execution from the message, so that it finishes a
            // rejected start like any other. The log reads the names of the guardrails.
            let message = json!({ "message": violations.join("; "), "guardrails": guardrails,
                "execution": execution.reference() });
            return Err(TaskError::new(ErrorName::Rejected, message.to_string()));
        }
        Ok(BeginResult {
            execution: execution.reference(),
            input,
            choices,
        })
    }
}

impl Admission {
    /// The counter changes that are written together with the record.
    fn changes(&self) -> Vec<CounterChange> {
        match self.execution.phase {
            Phase::Running => self
                .requirements
                .iter()
                .map(|requirement| requirement.change.clone())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Rejects the start and drops its reservations; the counters refused the requirements at
    /// `places`.
    fn reject(&mut self, places: &[usize]) {
        let no = places.iter().filter_map(|n| self.requirements.get(*n));
        self.execution
            .decided(no.map(|requirement| requirement.outcome(false)));
        self.execution.phase = Phase::Rejected;
        self.execution.reservations.clear();
    }
}

impl Requirement {
    fn missing_in(&self, execution: &ExecutionRecord) -> bool {
        let same = |hold: &Reservation| {
            hold.kind == self.change.counter.kind && hold.name == self.change.counter.name
        };
        self.change.reservation().is_some() && !execution.reservations.iter().any(same)
    }
}

fn reservations(requirements: &[Requirement]) -> Vec<Reservation> {
    requirements
        .iter()
        .filter_map(|requirement| requirement.change.reservation())
        .collect()
}

/// The refused repeat that the Step Functions execution `first.owner` is. Its start is its time,
/// so that a repeated invocation counts the same request.
fn duplicate(first: &ExecutionRecord) -> Duplicate {
    let mut id = sha256_hex(first.owner.as_bytes());
    id.truncate(16);
    let at = first.started_at;
    Duplicate { id, at }
}
