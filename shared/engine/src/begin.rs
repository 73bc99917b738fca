//! Begin: reads what started the machine, judges it, and claims the execution for one owner.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    engine::{Engine, MAX_RACES},
    ports::{Host, ObjectStore},
    requirements::{Requirement, requirements_of},
    task_errors::{TaskError, too_many_races},
};
use holdfast_admission::{Start, StartScope};
use holdfast_ids::{
    digest::canonical,
    keys::{ExecutionKey, execution_id},
    names::quoted,
    trace::TraceId,
};
use holdfast_ledger::{
    CountedPut, CounterChange, ExecutionRecord, Expect, Ledger, Phase, Put, Reservation,
    StartTransition, paused, refused_redrive, start,
};
use holdfast_receipt::GuardrailOutcome;
use holdfast_task::{BeginResult, BeginTask, ErrorName};

/// A start that was judged: the record that it would write, and what it takes with that.
struct AdmittedStart {
    execution: ExecutionRecord,
    requirements: Vec<Requirement>,
}

/// Which execution a task asks to begin, and in which trace; `None` if it is not a start.
pub fn requested_execution(task: &BeginTask) -> Option<(ExecutionKey, TraceId)> {
    let start = holdfast_admission::read(&task.start, &task.gate, &task.started_at).ok()?;
    Some(execution_and_trace(task, &start))
}

fn execution_and_trace(task: &BeginTask, start: &Start) -> (ExecutionKey, TraceId) {
    let at = ExecutionKey {
        tenant: start.tenant.clone(),
        execution: execution_id(&start.tenant, &task.gate.workflow, &start.idempotency_key),
    };
    let told = start.trace.as_ref().or(task.trace.as_ref());
    let trace = told.map_or_else(|| TraceId::of_execution(&at.execution), TraceId::clone);
    (at, trace)
}

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Claims an execution and answers what later tasks need.
    ///
    /// Errors: `Malformed` (it is not a start), `Rejected` (the gate said no; the message is JSON
    /// with `message` and `execution`), `Duplicate`, `KeyReused`, `Transient`.
    pub async fn begin(&self, task: &BeginTask) -> Result<BeginResult, TaskError> {
        let malformed = |why: String| TaskError::new(ErrorName::Malformed, why);
        let start_of = holdfast_admission::read(&task.start, &task.gate, &task.started_at)
            .map_err(malformed)?;
        canonical(&start_of.input).map_err(|error| malformed(format!("input: {error}")))?;
        let mut asked = self.first_record(task, &start_of).await?;
        for _ in 0..MAX_RACES {
            let stands = match self.claim_start(&mut asked).await? {
                Put::Done => return self.admitted(&asked.execution, start_of.input),
                Put::Lost(Some(stands)) => *stands,
                Put::Lost(None) => continue,
            };
            let first = &asked.execution;
            return match start(Some(&stands), first) {
                StartTransition::Write => continue,
                StartTransition::Resume => {
                    let input = self.unpack(&stands.at, &stands.input).await?;
                    let stands = self.reserve_again(stands, task, &input).await?;
                    self.admitted(&stands, input)
                }
                StartTransition::Duplicate => {
                    self.ledger
                        .count_duplicate(&first.at, &first.workflow)
                        .await?;
                    Err(TaskError::new(
                        ErrorName::Duplicate,
                        format!("execution {} has this start already", stands.at.execution),
                    ))
                }
                StartTransition::KeyReused => {
                    self.ledger
                        .count_duplicate(&first.at, &first.workflow)
                        .await?;
                    Err(TaskError::new(
                        ErrorName::KeyReused,
                        format!(
                            "idempotency key {} belongs to execution {} with another input: send a new key",
                            quoted(&first.idempotency_key),
                            stands.at.execution
                        ),
                    ))
                }
            };
        }
        Err(too_many_races("the start"))
    }

    async fn first_record(
        &self,
        task: &BeginTask,
        start: &Start,
    ) -> Result<AdmittedStart, TaskError> {
        let gate = &task.gate;
        let (at, trace) = execution_and_trace(task, start);
        let started_at: Timestamp = task.started_at.parse().unwrap_or_else(|_| self.host.now());
        let timeout = i64::try_from(gate.timeout_s).unwrap_or(i64::MAX / 1_000_000_000);
        let seen = StartScope::of(gate, start, &at.execution, started_at);
        let mut guardrails = Vec::new();
        // Only a start is refused: what has begun before goes on, to wait before its next step.
        let (begun, controls) = self
            .ledger
            .execution_and_controls(&at, &gate.workflow)
            .await?;
        let pause = paused(&controls).filter(|control| control.refuses(&gate.rules));
        if let (None, Some(control)) = (&begun, pause) {
            guardrails.push(holdfast_admission::outcome("paused", Err(control.says())));
        }
        guardrails.extend(holdfast_admission::judge(gate, start, &seen, started_at));
        let fits = !guardrails
            .iter()
            .any(|one| one.name == "input" && !one.held);
        let (requirements, broken) = match fits {
            true => requirements_of(gate, &at.tenant, &seen, start.approval.as_ref(), started_at),
            false => Default::default(),
        };
        guardrails.extend(broken);
        let rejected = guardrails.iter().any(|outcome| !outcome.held);
        for one in &requirements {
            // What a start that is rejected anyway would have taken is only looked at.
            let held = !rejected
                || one
                    .change
                    .fits(self.ledger.count(&one.change.counter).await?);
            guardrails.push(one.outcome(held));
        }
        let execution = ExecutionRecord {
            rev: 1,
            workflow: gate.workflow.clone(),
            version: gate.version,
            definition_digest: gate.definition_digest.clone(),
            idempotency_key: start.idempotency_key.clone(),
            input: self.pack(&at, "input", start.input.clone()).await?,
            trigger: start.trigger.clone(),
            requested_by: start.requested_by.clone(),
            trace,
            origin: task.owner.clone(),
            owner: task.owner.clone(),
            machine: task.machine.clone(),
            epoch: 1,
            generation: 0,
            started_at,
            deadline: started_at
                .saturating_add(SignedDuration::from_secs(timeout))
                .unwrap_or(Timestamp::MAX),
            guardrails,
            policy_digest: holdfast_admission::policy_digest(gate),
            approval: start.approval.clone(),
            holds: holds(&requirements),
            phase: Phase::Running,
            receipt: None,
            previous: None,
            redriven: None,
            at,
        };
        let mut asked = AdmittedStart {
            execution,
            requirements,
        };
        if rejected {
            asked.reject(&[]);
        }
        Ok(asked)
    }

    /// Records a start with what it takes; what does not fit turns it into a rejected one.
    async fn claim_start(
        &self,
        asked: &mut AdmittedStart,
    ) -> Result<Put<ExecutionRecord>, TaskError> {
        loop {
            let changes = asked.changes();
            if changes.is_empty() {
                return Ok(self.ledger.put(&asked.execution, Expect::Absent).await?);
            }
            match self
                .put_with_counters(&asked.execution, Expect::Absent, &changes)
                .await?
            {
                CountedPut::Done => return Ok(Put::Done),
                CountedPut::Lost(stands) => return Ok(Put::Lost(stands)),
                CountedPut::Refused(places) => asked.reject(&places),
            }
        }
    }

    /// A redrive takes anew what the end before it gave back. If there is not enough, it goes no
    /// further.
    async fn reserve_again(
        &self,
        mut stands: ExecutionRecord,
        task: &BeginTask,
        input: &Value,
    ) -> Result<ExecutionRecord, TaskError> {
        let Some(redriven) = &stands.redriven else {
            return Ok(stands);
        };
        let recorded = Start {
            tenant: stands.at.tenant.clone(),
            idempotency_key: stands.idempotency_key.clone(),
            input: input.clone(),
            trigger: stands.trigger.clone(),
            requested_by: stands.requested_by.clone(),
            approval: stands.approval.clone(),
            trace: None,
        };
        let seen = StartScope::of(
            &task.gate,
            &recorded,
            &stands.at.execution,
            stands.started_at,
        );
        let (requirements, broken) =
            requirements_of(&task.gate, &stands.at.tenant, &seen, None, redriven.at);
        for _ in 0..MAX_RACES {
            let missing: Vec<_> = requirements
                .iter()
                .filter(|one| one.missing_in(&stands))
                .collect();
            // An amount that cannot be told, of a budget that it does not draw on yet.
            let held = |no: &GuardrailOutcome| stands.holds.iter().any(|hold| hold.name == no.name);
            let broken: Vec<_> = broken.iter().filter(|no| !held(no)).cloned().collect();
            let nothing = missing.is_empty() && broken.is_empty();
            if nothing || stands.phase != Phase::Running {
                return Ok(stands);
            }
            let changes: Vec<_> = missing.iter().map(|one| one.change.clone()).collect();
            let mut next = ExecutionRecord {
                rev: stands.rev + 1,
                ..stands.clone()
            };
            next.holds
                .extend(missing.iter().filter_map(|one| one.change.hold()));
            next.decided(missing.iter().map(|one| one.outcome(true)));
            let expect = Expect::Rev(stands.rev);
            let drawn = match broken.is_empty() {
                true => self.put_with_counters(&next, expect, &changes).await?,
                false => CountedPut::Refused(Vec::new()),
            };
            let put = match drawn {
                CountedPut::Done => return Ok(next),
                CountedPut::Lost(winner) => Put::Lost(winner),
                CountedPut::Refused(places) => {
                    let no = places.iter().filter_map(|n| missing.get(*n));
                    let no = no.map(|one| one.outcome(false)).chain(broken);
                    next = refused_redrive(&stands, no, self.host.now());
                    self.ledger.put(&next, expect).await?
                }
            };
            match put {
                Put::Done => return Ok(next),
                Put::Lost(Some(winner)) => stands = *winner,
                Put::Lost(None) => break,
            }
        }
        Err(too_many_races("the execution's record"))
    }

    fn admitted(
        &self,
        execution: &ExecutionRecord,
        input: Value,
    ) -> Result<BeginResult, TaskError> {
        if execution.phase != Phase::Running {
            let said: Vec<_> = execution
                .guardrails
                .iter()
                .filter(|outcome| !outcome.held)
                .map(|no| format!("{}: {}", no.name, no.message.as_deref().unwrap_or("no")))
                .collect();
            // The machine reads the execution from here: a rejected start is finished like any
            // other.
            let message = json!({ "message": said.join("; "), "execution": execution.reference() });
            return Err(TaskError::new(ErrorName::Rejected, message.to_string()));
        }
        Ok(BeginResult {
            execution: execution.reference(),
            input,
        })
    }
}

impl AdmittedStart {
    /// What is taken together with its record.
    fn changes(&self) -> Vec<CounterChange> {
        match self.execution.phase {
            Phase::Running => self
                .requirements
                .iter()
                .map(|one| one.change.clone())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// It is rejected and holds nothing; what it requirements at these places is not there.
    fn reject(&mut self, places: &[usize]) {
        let no = places.iter().filter_map(|n| self.requirements.get(*n));
        self.execution.decided(no.map(|one| one.outcome(false)));
        self.execution.phase = Phase::Rejected;
        self.execution.holds.clear();
    }
}

impl Requirement {
    fn missing_in(&self, execution: &ExecutionRecord) -> bool {
        let same = |hold: &Reservation| {
            hold.kind == self.change.counter.kind && hold.name == self.change.counter.name
        };
        self.change.hold().is_some() && !execution.holds.iter().any(same)
    }
}

fn holds(requirements: &[Requirement]) -> Vec<Reservation> {
    requirements
        .iter()
        .filter_map(|one| one.change.hold())
        .collect()
}
