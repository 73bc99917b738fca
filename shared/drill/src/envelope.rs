//! The state machine's input of a start: as the drill sends it, or in a measured run as the API
//! does.

use holdfast_ids::trace::TraceId;
use serde_json::{Value, json};

use crate::{
    plan::DrilledWorkflow,
    signed_approval::{REQUESTER, approval_of},
    world::World,
};

/// The actor of a measured start: 36 characters, as the subject of most issuers has.
const ACTOR: &str = "01997a2e-7d42-7b43-9c51-2f6f0d6a0001";
/// The id of the API's request for a measured start.
const REQUEST: &str = "01997a2e-7d42-7b43-9c51-2f6f0d6a0002";
/// The header of X-Ray in the API's invocation, whose root is the trace of a measured start.
const XRAY: &str = "Root=1-68da84f0-bd862e3fe1be46a994272793;Sampled=1";

/// Returns the idempotency key of a measured run: a UUID, as the API advises.
pub(crate) fn measured_key(number: usize) -> String {
    format!("01997a2e-7d42-7b43-9c51-{number:012x}")
}

/// Returns the input of the start.
pub(crate) fn envelope(deployed: &DrilledWorkflow, world: &World) -> Value {
    let key = &world.idempotency_key;
    let mut start = json!({
        "tenant": deployed.tenant, "idempotency_key": key, "input": deployed.input,
    });
    let approval = approval_of(&deployed.gate, &deployed.tenant, &deployed.input, key);
    if let Some(approval) = approval {
        start["requested_by"] = json!(REQUESTER);
        start["approval"] = json!(approval);
    }
    if world.meter.is_some() {
        start["via"] = json!("api");
        start["requested_by"] = json!(ACTOR);
        start["request_id"] = json!(REQUEST);
        start["trace"] = json!(TraceId::from_xray(XRAY));
    }
    start
}

#[cfg(test)]
mod tests {
    use std::{rc::Rc, sync::Arc, time::Duration};

    use futures_util::FutureExt;
    use holdfast_ledger::Ledger;
    use holdfast_workflow::definition::{self, Environment};

    use super::*;
    use crate::{
        RunInputs,
        run::place_of,
        survey::{Stage, play},
    };

    const WORKFLOW: &str = "
workflow: WF-HOLD
version: 1
tier: TIER
input: { type: object }
steps:
  - { name: hold, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }
";

    #[test]
    fn a_measured_record_has_what_a_start_by_the_api_writes_into_it() {
        for tier in ["standard", "express"] {
            let registry = holdfast_steps::registry();
            let known = Environment {
                actions: &registry.infos().collect::<Vec<_>>(),
                parameters: &["VendorSystemUrl".to_owned()],
            };
            let definition = definition::read(&WORKFLOW.replace("TIER", tier), &known).unwrap();
            let actions: Vec<_> = registry.infos().cloned().collect();
            let sample = RunInputs::default();
            let deployed = DrilledWorkflow::new(&definition, "hold.yaml", &actions, &sample);
            let deployed = Arc::new(deployed.unwrap());
            let stage = Stage {
                measures: Some(Duration::from_millis(100)),
                key: Some(measured_key(7)),
                ..Stage::default()
            };
            let (left, _) = play(&deployed, &Rc::default(), &[], stage);
            let at = place_of(&deployed, &left.world);
            let record = left.world.ledger.read(&at).now_or_never().unwrap();
            let record = record.unwrap().expect("a record");
            assert_eq!(record.trigger, "api", "{tier}");
            assert_eq!(record.requested_by.map_or(0, |by| by.len()), 36, "{tier}");
            assert_eq!(record.idempotency_key.len(), 36, "{tier}");
            assert_ne!(record.trace, TraceId::of_execution(&at.execution), "{tier}");
            // Step Functions writes milliseconds.
            assert_eq!(record.started_at.to_string().len(), 24, "{tier}");
        }
    }
}
