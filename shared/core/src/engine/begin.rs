//! Begin: reads what started the machine, judges it, and claims the execution for one owner.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Engine, Host, MAX_RACES, ObjectStore, TaskError, too_many_races};
use crate::{
    digest::canonical,
    gate::{self, Start},
    keys::{ExecutionKey, execution_id},
    ledger::{Expect, Ledger, Meta, Phase, Put, Started, start},
    names::quoted,
    task::{BeginResult, BeginTask, error_name},
    trace::TraceId,
};

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Claims an execution and answers what later tasks need.
    ///
    /// Errors: `Malformed` (it is not a start), `Rejected` (the gate said no; the message is JSON with `message` and
    /// `execution`), `Duplicate`, `KeyReused`, `Transient`.
    pub async fn begin(&self, task: &BeginTask) -> Result<BeginResult, TaskError> {
        let malformed = |why: String| TaskError::new(error_name::MALFORMED, why);
        let start_of = gate::read(&task.start, &task.gate, &task.started_at).map_err(malformed)?;
        canonical(&start_of.input).map_err(|error| malformed(format!("input: {error}")))?;
        let asked = self.first_record(task, &start_of).await?;
        for _ in 0..MAX_RACES {
            let stands = match self.ledger.put_meta(&asked, Expect::Absent).await? {
                Put::Done => return self.admitted(&asked, start_of.input),
                Put::Lost(Some(stands)) => *stands,
                Put::Lost(None) => continue,
            };
            return match start(Some(&stands), &asked) {
                Started::Write => continue,
                Started::Resume => {
                    let input = self.unpack(&stands.at, &stands.input).await?;
                    self.admitted(&stands, input)
                }
                Started::Duplicate => {
                    self.ledger
                        .count_duplicate(&asked.at, &asked.workflow)
                        .await?;
                    Err(TaskError::new(
                        error_name::DUPLICATE,
                        format!("execution {} has this start already", stands.at.execution),
                    ))
                }
                Started::KeyReused => {
                    self.ledger
                        .count_duplicate(&asked.at, &asked.workflow)
                        .await?;
                    Err(TaskError::new(
                        error_name::KEY_REUSED,
                        format!(
                            "idempotency key {} belongs to execution {} with another input: send a new key",
                            quoted(&asked.idempotency_key),
                            stands.at.execution
                        ),
                    ))
                }
            };
        }
        Err(too_many_races("the start"))
    }

    async fn first_record(&self, task: &BeginTask, start: &Start) -> Result<Meta, TaskError> {
        let gate = &task.gate;
        let execution = execution_id(&start.tenant, &gate.workflow, &start.idempotency_key);
        let at = ExecutionKey {
            tenant: start.tenant.clone(),
            execution,
        };
        let started_at: Timestamp = task.started_at.parse().unwrap_or_else(|_| self.host.now());
        let timeout = i64::try_from(gate.timeout_s).unwrap_or(i64::MAX / 1_000_000_000);
        let told = start.trace.as_ref().or(task.trace.as_ref());
        let trace = told.map_or_else(|| TraceId::of_execution(&at.execution), TraceId::clone);
        let guardrails = gate::judge(gate, start, &at.execution, &started_at.to_string());
        let rejected = guardrails.iter().any(|outcome| !outcome.held);
        Ok(Meta {
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
            phase: if rejected {
                Phase::Rejected
            } else {
                Phase::Running
            },
            receipt: None,
            previous: None,
            redriven: None,
            at,
        })
    }

    fn admitted(&self, meta: &Meta, input: Value) -> Result<BeginResult, TaskError> {
        if meta.phase == Phase::Rejected {
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
