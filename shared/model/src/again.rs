//! The requests that begin another execution generation: a redrive, a later rollback.

use holdfast_ledger::{Request, RequestTransition, withdraw};
use holdfast_task::{AdmissionSpec, ShownFields, StartConditions, StepRef};

use crate::{
    model::Protocol,
    records::{OWNERS, STEP, action},
    world::{Change, World},
};

pub(crate) fn request() -> Request {
    Request {
        by: String::new(),
        reason: String::new(),
    }
}

pub(crate) fn admission() -> AdmissionSpec {
    AdmissionSpec {
        workflow: String::new(),
        version: 1,
        description: None,
        definition_digest: String::new(),
        tenants: Vec::new(),
        input_schema: true.into(),
        guardrails: Vec::new(),
        triggers: Vec::new(),
        rules: StartConditions::default(),
        fields: ShownFields::default(),
        timeout_s: 900,
        tier: holdfast_task::Tier::Standard,
    }
}

/// The step as the definition of a redrive declares it.
fn declared(change: Change) -> StepRef {
    StepRef {
        name: STEP.to_owned(),
        action: action(change),
        for_each: None,
        approvals: Vec::new(),
        output: false,
        branches: Vec::new(),
        last: true,
    }
}

impl Protocol {
    /// Redrives the execution; `None` if the rules refuse it.
    pub(crate) fn redrives(&self, world: &World, change: Change) -> Option<World> {
        let snapshot = world.snapshot();
        let (declared, owner, now) = ([declared(change)], OWNERS[2], world.now());
        let redriven =
            (self.rules.redrive)(&snapshot, &admission(), &declared, &request(), owner, now);
        let mut next = follows(world, redriven)?;
        next.redriven_at = next.execution.epoch;
        next.change = change;
        Some(next)
    }

    /// Rolls the execution back after its end; `None` if the rules refuse it.
    pub(crate) fn withdraws(&self, world: &World) -> Option<World> {
        let withdrawn = withdraw(&world.execution, &request(), OWNERS[2], world.now());
        follows(world, withdrawn)
    }
}

fn follows(world: &World, decision: RequestTransition) -> Option<World> {
    let RequestTransition::Write(next) = decision else {
        return None;
    };
    Some(World {
        execution: (*next).into(),
        receipt: None,
        ..world.clone()
    })
}
