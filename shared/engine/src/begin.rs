//! Begin: reads what started the machine, judges it, and claims the execution for one owner.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Engine, Host, MAX_RACES, ObjectStore, TaskError, too_many_races};
use crate::draws::{Wanted, wanted};
use holdfast_admission::{Seen, Start};
use holdfast_ids::{
    digest::canonical,
    keys::{ExecutionKey, execution_id},
    names::quoted,
    trace::TraceId,
};
use holdfast_ledger::{
    Draw, Drawn, Expect, Hold, Ledger, LedgerError, Meta, Phase, Put, Started, paused,
    refused_again, start,
};
use holdfast_receipt::GuardrailOutcome;
use holdfast_task::{BeginResult, BeginTask, error_name};

/// A write that met another one's counters is sent again this often before the machine is asked to try again.
const CROWDED_TRIES: u32 = 6;

/// A start that was judged: the record that it would write, and what it takes with that.
struct Asked {
    meta: Meta,
    wanted: Vec<Wanted>,
}

/// Which execution a task asks to begin, and in which trace; `None` if it is not a start.
pub fn asked_for(task: &BeginTask) -> Option<(ExecutionKey, TraceId)> {
    let start = holdfast_admission::read(&task.start, &task.gate, &task.started_at).ok()?;
    Some(place(task, &start))
}

fn place(task: &BeginTask, start: &Start) -> (ExecutionKey, TraceId) {
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
    /// Errors: `Malformed` (it is not a start), `Rejected` (the gate said no; the message is JSON with `message` and
    /// `execution`), `Duplicate`, `KeyReused`, `Transient`.
    pub async fn begin(&self, task: &BeginTask) -> Result<BeginResult, TaskError> {
        let malformed = |why: String| TaskError::new(error_name::MALFORMED, why);
        let start_of = holdfast_admission::read(&task.start, &task.gate, &task.started_at)
            .map_err(malformed)?;
        canonical(&start_of.input).map_err(|error| malformed(format!("input: {error}")))?;
        let mut asked = self.first_record(task, &start_of).await?;
        for _ in 0..MAX_RACES {
            let stands = match self.claim_start(&mut asked).await? {
                Put::Done => return self.admitted(&asked.meta, start_of.input),
                Put::Lost(Some(stands)) => *stands,
                Put::Lost(None) => continue,
            };
            let first = &asked.meta;
            return match start(Some(&stands), first) {
                Started::Write => continue,
                Started::Resume => {
                    let input = self.unpack(&stands.at, &stands.input).await?;
                    let stands = self.hold_again(stands, task, &input).await?;
                    self.admitted(&stands, input)
                }
                Started::Duplicate => {
                    self.ledger
                        .count_duplicate(&first.at, &first.workflow)
                        .await?;
                    Err(TaskError::new(
                        error_name::DUPLICATE,
                        format!("execution {} has this start already", stands.at.execution),
                    ))
                }
                Started::KeyReused => {
                    self.ledger
                        .count_duplicate(&first.at, &first.workflow)
                        .await?;
                    Err(TaskError::new(
                        error_name::KEY_REUSED,
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

    async fn first_record(&self, task: &BeginTask, start: &Start) -> Result<Asked, TaskError> {
        let gate = &task.gate;
        let (at, trace) = place(task, start);
        let started_at: Timestamp = task.started_at.parse().unwrap_or_else(|_| self.host.now());
        let timeout = i64::try_from(gate.timeout_s).unwrap_or(i64::MAX / 1_000_000_000);
        let seen = Seen::of(gate, start, &at.execution, started_at);
        let mut guardrails = Vec::new();
        // Only a start is refused: what has begun before goes on, to wait before its next step.
        let (begun, controls) = self.ledger.standing(&at, &gate.workflow).await?;
        let pause = paused(&controls).filter(|control| control.refuses(&gate.rules));
        if let (None, Some(control)) = (&begun, pause) {
            guardrails.push(holdfast_admission::outcome("paused", Err(control.says())));
        }
        guardrails.extend(holdfast_admission::judge(gate, start, &seen, started_at));
        let fits = !guardrails
            .iter()
            .any(|one| one.name == "input" && !one.held);
        let (wanted, broken) = match fits {
            true => wanted(gate, &at.tenant, &seen, start.approval.as_ref(), started_at),
            false => Default::default(),
        };
        guardrails.extend(broken);
        let rejected = guardrails.iter().any(|outcome| !outcome.held);
        for one in &wanted {
            // What a start that is rejected anyway would have taken is only looked at.
            let held = !rejected || one.draw.fits(self.ledger.counted(&one.draw.counter).await?);
            guardrails.push(one.outcome(held));
        }
        let meta = Meta {
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
            holds: holds(&wanted),
            phase: Phase::Running,
            receipt: None,
            previous: None,
            redriven: None,
            at,
        };
        let mut asked = Asked { meta, wanted };
        if rejected {
            asked.reject(&[]);
        }
        Ok(asked)
    }

    /// Records a start with what it takes; what does not fit turns it into a rejected one.
    async fn claim_start(&self, asked: &mut Asked) -> Result<Put<Meta>, TaskError> {
        loop {
            let draws = asked.draws();
            if draws.is_empty() {
                return Ok(self.ledger.put_meta(&asked.meta, Expect::Absent).await?);
            }
            match self.draw(&asked.meta, Expect::Absent, &draws).await? {
                Drawn::Done => return Ok(Put::Done),
                Drawn::Lost(stands) => return Ok(Put::Lost(stands)),
                Drawn::Refused(places) => asked.reject(&places),
            }
        }
    }

    /// A redrive takes anew what the end before it gave back. If there is not enough, it goes no further.
    async fn hold_again(
        &self,
        mut stands: Meta,
        task: &BeginTask,
        input: &Value,
    ) -> Result<Meta, TaskError> {
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
        let seen = Seen::of(
            &task.gate,
            &recorded,
            &stands.at.execution,
            stands.started_at,
        );
        let (wanted, broken) = wanted(&task.gate, &stands.at.tenant, &seen, None, redriven.at);
        for _ in 0..MAX_RACES {
            let missing: Vec<_> = wanted
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
            let draws: Vec<_> = missing.iter().map(|one| one.draw.clone()).collect();
            let mut next = Meta {
                rev: stands.rev + 1,
                ..stands.clone()
            };
            next.holds
                .extend(missing.iter().filter_map(|one| one.draw.hold()));
            next.decided(missing.iter().map(|one| one.outcome(true)));
            let expect = Expect::Rev(stands.rev);
            let drawn = match broken.is_empty() {
                true => self.draw(&next, expect, &draws).await?,
                false => Drawn::Refused(Vec::new()),
            };
            let put = match drawn {
                Drawn::Done => return Ok(next),
                Drawn::Lost(winner) => Put::Lost(winner),
                Drawn::Refused(places) => {
                    let no = places.iter().filter_map(|n| missing.get(*n));
                    let no = no.map(|one| one.outcome(false)).chain(broken);
                    next = refused_again(&stands, no, self.host.now());
                    self.ledger.put_meta(&next, expect).await?
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

    /// A write that draws on counters: others may draw on them at the same moment, and then none of them gets through.
    pub(super) async fn draw(
        &self,
        meta: &Meta,
        expect: Expect,
        draws: &[Draw],
    ) -> Result<Drawn, LedgerError> {
        // Executions that meet once must not meet at every try: their ids spread them.
        let spread = meta.at.execution.get(..4);
        let spread = spread.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let mut wait = Duration::from_millis(10 + spread.unwrap_or_default() % 90);
        for _ in 1..CROWDED_TRIES {
            match self.ledger.put_meta_drawing(meta, expect, draws).await {
                Err(LedgerError::Unavailable(_)) => self.host.sleep(wait).await,
                answer => return answer,
            }
            wait *= 2;
        }
        self.ledger.put_meta_drawing(meta, expect, draws).await
    }

    fn admitted(&self, meta: &Meta, input: Value) -> Result<BeginResult, TaskError> {
        if meta.phase != Phase::Running {
            let said: Vec<_> = meta
                .guardrails
                .iter()
                .filter(|outcome| !outcome.held)
                .map(|no| format!("{}: {}", no.name, no.message.as_deref().unwrap_or("no")))
                .collect();
            // The machine reads the execution from here: a rejected start is finished like any other.
            let message = json!({ "message": said.join("; "), "execution": meta.reference() });
            return Err(TaskError::new(error_name::REJECTED, message.to_string()));
        }
        Ok(BeginResult {
            execution: meta.reference(),
            input,
        })
    }
}

impl Asked {
    /// What is taken together with its record.
    fn draws(&self) -> Vec<Draw> {
        match self.meta.phase {
            Phase::Running => self.wanted.iter().map(|one| one.draw.clone()).collect(),
            _ => Vec::new(),
        }
    }

    /// It is rejected and holds nothing; what it wanted at these places is not there.
    fn reject(&mut self, places: &[usize]) {
        let no = places.iter().filter_map(|n| self.wanted.get(*n));
        self.meta.decided(no.map(|one| one.outcome(false)));
        self.meta.phase = Phase::Rejected;
        self.meta.holds.clear();
    }
}

impl Wanted {
    fn missing_in(&self, meta: &Meta) -> bool {
        let same = |hold: &Hold| {
            hold.kind == self.draw.counter.kind && hold.name == self.draw.counter.name
        };
        self.draw.hold().is_some() && !meta.holds.iter().any(same)
    }
}

fn holds(wanted: &[Wanted]) -> Vec<Hold> {
    wanted.iter().filter_map(|one| one.draw.hold()).collect()
}
