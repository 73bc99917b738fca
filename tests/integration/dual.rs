//! The same faults in the drill and on the deployed stack must end alike, with the same residual
//! effects.

use std::{collections::BTreeMap, fs, path::PathBuf};

use futures_util::{StreamExt, stream};
use holdfast_action::ActionInfo;
use holdfast_drill::{Drill, Scenario, Settings};
use holdfast_tests::{DELAY, Stack, unique};
use holdfast_workflow::{
    compile::template_parameters,
    definition::{Environment, read},
};
use serde_json::{Value, json};

use crate::hold;

const FILE: &str = "workflows/delay-vendor-payments-acme.yaml";
const HOLD: &str = "POST /holds";
const NOTIFY: &str = "POST /notifications";
const RELEASE: &str = "DELETE /holds";

/// A fault of the vendor system: its route, how often it occurs, and its kind.
struct Wrong(&'static str, u32, Value);

/// Scenarios of the drill, and the equivalent faults of the vendor system.
fn scenarios() -> Vec<(&'static str, Vec<Wrong>)> {
    const ALWAYS: u32 = 99;
    let busy = || json!({ "status": 429 });
    let no = || json!({ "status": 400 });
    let unheard = || json!({ "drop": "after_commit" });
    let unsent = || json!({ "drop": "before_commit" });
    let later = || json!({ "status": 429, "retry_after_s": 2 });
    let refused = || Wrong(NOTIFY, 1, no());
    vec![
        ("no-fault", vec![]),
        (
            "apply_vendor_hold/transient-once",
            vec![Wrong(HOLD, 1, busy())],
        ),
        (
            "apply_vendor_hold/transient-always",
            vec![Wrong(HOLD, ALWAYS, busy())],
        ),
        (
            "apply_vendor_hold/asks-to-wait",
            vec![Wrong(HOLD, 1, later())],
        ),
        ("apply_vendor_hold/permanent", vec![Wrong(HOLD, 1, no())]),
        (
            "apply_vendor_hold/lost-answer",
            vec![Wrong(HOLD, 1, unheard())],
        ),
        (
            "apply_vendor_hold/lost-answer-always",
            vec![Wrong(HOLD, ALWAYS, unheard())],
        ),
        (
            "apply_vendor_hold/timeout-before-effect",
            vec![Wrong(HOLD, 1, unsent())],
        ),
        (
            "notify_ap_team/transient-once",
            vec![Wrong(NOTIFY, 1, busy())],
        ),
        (
            "notify_ap_team/transient-always",
            vec![Wrong(NOTIFY, ALWAYS, busy())],
        ),
        ("notify_ap_team/permanent", vec![refused()]),
        (
            "notify_ap_team/lost-answer",
            vec![Wrong(NOTIFY, 1, unheard())],
        ),
        (
            "notify_ap_team/lost-answer-always",
            vec![Wrong(NOTIFY, ALWAYS, unheard())],
        ),
        (
            "notify_ap_team/timeout-before-effect",
            vec![Wrong(NOTIFY, 1, unsent())],
        ),
        (
            "notify_ap_team/permanent+apply_vendor_hold.undo/transient-once",
            vec![refused(), Wrong(RELEASE, 1, busy())],
        ),
        (
            "notify_ap_team/permanent+apply_vendor_hold.undo/permanent",
            vec![refused(), Wrong(RELEASE, 1, no())],
        ),
        (
            "notify_ap_team/permanent+apply_vendor_hold.undo/lost-answer",
            vec![refused(), Wrong(RELEASE, 1, unheard())],
        ),
        (
            "notify_ap_team/permanent+apply_vendor_hold.undo/lost-answer-always",
            vec![refused(), Wrong(RELEASE, ALWAYS, unheard())],
        ),
        (
            "notify_ap_team/permanent+apply_vendor_hold.undo/transient-always",
            vec![refused(), Wrong(RELEASE, ALWAYS, busy())],
        ),
        (
            "apply_vendor_hold/lost-answer+notify_ap_team/permanent",
            vec![Wrong(HOLD, 1, unheard()), refused()],
        ),
    ]
}

/// The end of an execution: its status, the number of remaining effects of each step, and the
/// residual effects of its receipt, with their certainty.
#[derive(Debug, PartialEq)]
struct ComparedEnd {
    status: String,
    remaining: BTreeMap<String, u32>,
    residual: Vec<(String, bool)>,
}

fn drilled(drill: &Drill, name: &str) -> ComparedEnd {
    let scenario: Scenario = name.parse().expect(name);
    let outcome = drill.run(&scenario).expect(name);
    assert!(outcome.struck, "{name} did not occur");
    assert!(
        outcome.violations.is_empty(),
        "{name}: {:?}",
        outcome.violations
    );
    let receipt = outcome.receipt.expect("a receipt");
    let residual = receipt.residual_effects.iter();
    ComparedEnd {
        status: receipt.status.name().to_owned(),
        remaining: outcome
            .remaining
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect(),
        residual: residual
            .map(|one| (one.step.clone(), one.certain))
            .collect(),
    }
}

async fn deployed(stack: &Stack, wrong: &[Wrong]) -> ComparedEnd {
    let vendor = unique("vendor");
    for Wrong(route, count, kind) in wrong {
        let by = if *route == NOTIFY {
            "match"
        } else {
            "vendor_id"
        };
        let fault = json!({ "route": route, "count": count, "kind": kind, by: vendor });
        stack.vendor.plan(fault).await;
    }
    let id = stack
        .api
        .started(DELAY, &unique("dual"), &hold(&vendor))
        .await;
    let (_, receipt) = stack.api.finished(&id).await;
    let mut counts = BTreeMap::new();
    for effect in stack.vendor.effects_on(&vendor).await {
        let count: &mut i32 = counts.entry("apply_vendor_hold".to_owned()).or_default();
        *count += if effect == "hold_placed" { 1 } else { -1 };
    }
    let key = receipt["steps"][1]["idempotency_key"]
        .as_str()
        .unwrap_or("none");
    let notices = stack.vendor.effects(&format!("key={key}")).await.len();
    counts.insert("notify_ap_team".to_owned(), notices as i32);
    let residual = receipt["residual_effects"]
        .as_array()
        .expect("a list")
        .iter();
    ComparedEnd {
        status: receipt["status"].as_str().expect("a status").to_owned(),
        remaining: counts
            .into_iter()
            .filter(|(_, count)| *count != 0)
            .map(|(step, count)| (step, u32::try_from(count).expect("none is undone twice")))
            .collect(),
        residual: residual
            .map(|one| {
                (
                    one["step"].as_str().expect("a step").to_owned(),
                    one["certain"] == true,
                )
            })
            .collect(),
    }
}

#[tokio::test]
async fn drill_and_stack_end_the_same() {
    let stack = &Stack::from_env().await;
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = |path: &str| fs::read_to_string(root.join(path)).expect(path);
    let registry = holdfast_steps::registry();
    let actions: Vec<ActionInfo> = registry.infos().cloned().collect();
    let known = Environment {
        actions: &actions.iter().collect::<Vec<_>>(),
        parameters: &template_parameters(&file("template.yaml")),
    };
    let definition = read(&file(FILE), &known).expect("it ships");
    let settings = Settings::default();
    let drill = Drill::new(&definition, FILE, &actions, None, settings).expect("it executes");
    let ends = stream::iter(scenarios())
        .map(|(name, wrong)| async move { (name, deployed(stack, &wrong).await) });
    let ends: Vec<_> = ends.buffer_unordered(20).collect().await;
    let mut differ = Vec::new();
    for (name, on_the_stack) in ends {
        let in_the_drill = drilled(&drill, name);
        if in_the_drill != on_the_stack {
            differ.push(format!(
                "{name}:\n  drill {in_the_drill:?}\n  stack {on_the_stack:?}"
            ));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
