//! A start that Step Functions accepted and `begin` did not record: it gets a record here, so that
//! it ends with a receipt.
//!
//! Nothing of the start is evaluated, no expression, no schema and no guardrail. What ended `begin`
//! may lie in them.

use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use crate::{
    bounded_check::{bounded_check, unmapped},
    engine::{Engine, MAX_RACES},
    first_record::{FirstRecord, recorded_start},
    ports::{Host, ObjectStore},
    task_errors::{TaskError, too_many_races},
};
use holdfast_admission::{DIRECT, Envelope, EvaluatedFields, SentApproval, policy_digest};
use holdfast_ids::{
    arn::owner_of,
    digest::canonical,
    keys::{self, ExecutionKey, execution_id},
    names::{check_tenant, check_text},
    trace::TraceId,
};
use holdfast_ledger::{ExecutionRecord, Expect, Ledger, Phase, Put, TenantKey};
use holdfast_task::AdmissionSpec;

/// The members of a start that name its execution. Every other member is skipped as text, however
/// deep it is and whatever half of a character it holds.
#[derive(Deserialize)]
struct StartNames {
    tenant: String,
    idempotency_key: String,
    #[serde(default)]
    trigger: Option<IgnoredAny>,
}

/// A start whose Step Functions execution ended before `begin` recorded it.
#[derive(Debug, Clone, PartialEq)]
pub struct LostStart {
    /// The execution that it would have become.
    pub at: ExecutionKey,
    idempotency_key: String,
    /// The trigger whose mapping made the start, if one did.
    trigger: Option<String>,
    /// The whole start, if it can be read. Without it the input is recorded as `null`.
    envelope: Option<Envelope>,
    /// The limit that ended the mapping after tenant and key, if one did: the start is rejected.
    unmapped: Option<String>,
}

impl LostStart {
    /// Reads the input of a state machine of `workflow`. Returns `None` if the input does not name
    /// its tenant and its idempotency key in literal form: a trigger's mapping would have to be
    /// evaluated.
    pub fn read(input: &str, workflow: &str) -> Option<Self> {
        let names: StartNames = serde_json::from_str(input).ok()?;
        let StartNames {
            tenant,
            idempotency_key,
            trigger,
        } = names;
        check_tenant(&tenant).ok()?;
        let idempotency_key = keys::idempotency_key(&idempotency_key).ok()?;
        if trigger.is_some() {
            return None;
        }
        let envelope: Option<Envelope> = serde_json::from_str(input).ok();
        let at = ExecutionKey {
            execution: execution_id(&tenant, workflow, &idempotency_key),
            tenant,
        };
        Some(Self {
            at,
            idempotency_key,
            trigger: None,
            envelope: envelope.filter(|start| canonical(&start.input).is_ok()),
            unmapped: None,
        })
    }

    /// The start that a trigger's mapping made, for a workflow. `begin` evaluated the mapping
    /// before it failed for another reason.
    pub fn mapped(start: holdfast_admission::Start, workflow: &str) -> Self {
        let at = ExecutionKey {
            execution: execution_id(&start.tenant, workflow, &start.idempotency_key),
            tenant: start.tenant.clone(),
        };
        Self {
            at,
            idempotency_key: start.idempotency_key.clone(),
            trigger: Some(start.trigger.clone()),
            unmapped: start.unmapped,
            envelope: Some(Envelope {
                tenant: start.tenant,
                idempotency_key: start.idempotency_key,
                input: start.input,
                via: start.trigger,
                requested_by: start.requested_by,
                approval: start.approval.map(SentApproval::of),
                request_id: None,
                trace: start.trace,
            }),
        }
    }
}

/// The Step Functions execution that a start had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostOwner {
    /// Its ARN.
    pub arn: String,
    /// ARN of its state machine.
    pub machine: String,
    /// The time of its start, if known.
    pub started_at: Option<Timestamp>,
}

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Records a lost start, unless its execution has a record. Returns the record that exists, or
    /// `None` if the tenant is not registered, so that nothing is recorded.
    ///
    /// It is `Running` without guardrails and reservations, and a recovery ends it `FAILED`. A
    /// start whose mapping met a limit is rejected, as `begin` would have recorded it. Its owner is
    /// the run that ended, not every run of the same name. Nothing of the start was evaluated, so
    /// that no other run may continue with it.
    pub async fn record_lost_start(
        &self,
        lost: &LostStart,
        owner: &LostOwner,
        gate: &AdmissionSpec,
    ) -> Result<Option<ExecutionRecord>, TaskError> {
        if let Some(execution) = self.ledger.read(&lost.at).await? {
            return Ok(Some(execution));
        }
        let tenant = TenantKey(lost.at.tenant.clone());
        if self.ledger.read(&tenant).await?.is_none() {
            return Ok(None);
        }
        let record = self.lost_record(lost, owner, gate).await?;
        match self.ledger.put(&record, Expect::Absent).await? {
            Put::Lost(Some(winner)) => Ok(Some(*winner)),
            _ => Ok(Some(record)),
        }
    }

    /// Gives the record of a lost start that is redriven the fields that people see, of its
    /// recorded `input`. They never change afterwards.
    pub(crate) async fn show_lost_start(
        &self,
        mut stored: ExecutionRecord,
        gate: &AdmissionSpec,
        input: &Value,
    ) -> Result<ExecutionRecord, TaskError> {
        for _ in 0..MAX_RACES {
            let shows = stored.subject.is_some() || !stored.shown.is_empty();
            // Only a lost start has no outcome of a guardrail.
            let lost = stored.redriven.is_some() && stored.guardrails.is_empty();
            if !lost || shows || stored.phase != Phase::Running {
                return Ok(stored);
            }
            let start = recorded_start(&stored, input);
            let (keys, started_at) = (&self.approval_keys, stored.started_at);
            let fields = bounded_check(gate, keys, &start, &stored.at, started_at)?.fields;
            if fields == EvaluatedFields::default() {
                return Ok(stored);
            }
            let next = ExecutionRecord {
                rev: stored.rev + 1,
                subject: fields.subject,
                shown: fields.shown,
                ..stored.clone()
            };
            match self.ledger.put(&next, Expect::Rev(stored.rev)).await? {
                Put::Done => return Ok(next),
                Put::Lost(Some(winner)) => stored = *winner,
                Put::Lost(None) => break,
            }
        }
        Err(too_many_races("the execution record"))
    }

    async fn lost_record(
        &self,
        lost: &LostStart,
        owner: &LostOwner,
        gate: &AdmissionSpec,
    ) -> Result<ExecutionRecord, TaskError> {
        let start = lost.envelope.as_ref();
        let at = lost.at.clone();
        let started_at = owner.started_at.unwrap_or_else(|| self.host.now());
        let fit = |text: &&String| check_text("text", text).is_ok();
        let sent = start.map(|start| start.trigger(owner_of(&owner.arn), &at.execution));
        let input = start.map_or(Value::Null, |start| start.input.clone());
        let first = FirstRecord {
            idempotency_key: lost.idempotency_key.clone(),
            input: self.pack(&at, "input", input).await?,
            trigger: lost
                .trigger
                .clone()
                .or(sent)
                .unwrap_or_else(|| DIRECT.to_owned()),
            requested_by: start
                .and_then(|start| start.requested_by.as_ref())
                .filter(fit)
                .cloned(),
            approval: None,
            trace: start
                .and_then(|start| start.trace.clone())
                .unwrap_or_else(|| TraceId::of_execution(&at.execution)),
            owner: owner.arn.clone(),
            machine: owner.machine.clone(),
            started_at,
            at,
        };
        let record = first.under(gate);
        Ok(match &lost.unmapped {
            None => record,
            Some(why) => ExecutionRecord {
                guardrails: vec![unmapped(why.clone())],
                policy_digest: policy_digest(gate),
                phase: Phase::Rejected,
                ..record
            },
        })
    }
}
