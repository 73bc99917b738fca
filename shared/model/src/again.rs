//! The requests that begin another execution generation: a redrive, a later rollback.

use holdfast_ledger::{ExecutionRecord, Request, RequestTransition, Snapshot, redrive, withdraw};
use holdfast_receipt::ReceiptRef;
use holdfast_task::{AdmissionSpec, StartConditions, StepRef};

use crate::{model::Protocol, records::OWNERS, world::World};

fn request() -> Request {
    Request {
        by: String::new(),
        reason: String::new(),
    }
}

fn gate() -> AdmissionSpec {
    AdmissionSpec {
        workflow: String::new(),
        version: 1,
        definition_digest: String::new(),
        tenants: Vec::new(),
        input_schema: true.into(),
        guardrails: Vec::new(),
        triggers: Vec::new(),
        rules: StartConditions::default(),
        timeout_s: 900,
    }
}

/// The execution with its receipt, without which no request is admitted.
fn with_receipt(world: &World) -> ExecutionRecord {
    ExecutionRecord {
        receipt: Some(ReceiptRef {
            object: String::new(),
            sha256: String::new(),
        }),
        ..(*world.execution).clone()
    }
}

impl Protocol {
    /// Redrives the execution; `None` if the rules refuse it.
    pub(crate) fn redrives(&self, world: &World, another: bool) -> Option<World> {
        let steps = world.record.iter().map(|record| (**record).clone());
        let snapshot = Snapshot::new(with_receipt(world), steps.collect(), 0);
        let declared = [StepRef {
            name: "hold".to_owned(),
            action: String::new(),
            for_each: None,
            last: false,
        }];
        let (owner, now) = (OWNERS[2], world.now());
        let mut next = follows(
            world,
            redrive(&snapshot, &gate(), &declared, &request(), owner, now),
        )?;
        next.redriven_at = next.execution.epoch;
        next.another = another;
        Some(next)
    }

    /// Rolls the execution back after its end; `None` if the rules refuse it.
    pub(crate) fn withdraws(&self, world: &World) -> Option<World> {
        let execution = with_receipt(world);
        follows(
            world,
            withdraw(&execution, &request(), OWNERS[2], world.now()),
        )
    }
}

fn follows(world: &World, decided: RequestTransition) -> Option<World> {
    let RequestTransition::Write(next) = decided else {
        return None;
    };
    Some(World {
        execution: (*next).into(),
        receipt: None,
        committed: (0, 0),
        ..world.clone()
    })
}
