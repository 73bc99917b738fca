//! The specification's scenario, executed word for word against the running stack.

use std::process::exit;

use cucumber::{World as _, given, then, when, writer::Stats as _};
use holdfast_tests::{BlockedCalls, DELAY, Stack, unique};
use serde_json::{Value, json};

/// The values that the steps of a scenario share.
#[derive(cucumber::World)]
#[world(init = Self::new)]
struct World {
    stack: Stack,
    vendor: String,
    blocked: Option<BlockedCalls>,
    execution: String,
    ended: Value,
    receipt: Value,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "execution {} on vendor {}: {}",
            self.execution, self.vendor, self.ended
        )
    }
}

impl World {
    async fn new() -> Self {
        Self {
            stack: Stack::from_env().await,
            vendor: unique("vendor"),
            blocked: None,
            execution: String::new(),
            ended: Value::Null,
            receipt: Value::Null,
        }
    }
}

#[given("a workflow execution begins")]
async fn begins(world: &mut World) {
    // The vendor system does not answer until the next error is planned, so that it occurs while
    // the execution is under way.
    let slow = json!({
        "route": "POST /holds", "count": 1, "kind": { "status": 429, "block": "before_commit" },
        "vendor_id": world.vendor,
    });
    world.blocked = Some(world.stack.vendor.block(slow).await);
    let input = json!({ "vendor_id": world.vendor, "hold_days": 14 });
    world.execution = world
        .stack
        .api
        .started(DELAY, &unique("feature"), &input)
        .await;
}

#[when("a transient error occurs")]
async fn fails(world: &mut World) {
    let fault = json!({
        "route": "POST /holds", "count": 1, "kind": { "status": 429 }, "vendor_id": world.vendor,
    });
    world.stack.vendor.plan(fault).await;
    let slow = world.blocked.as_ref().expect("the execution has begun");
    slow.arrived().await;
    slow.unblock().await;
    let query = format!("vendor_id={}", world.vendor);
    holdfast_tests::eventually("the vendor system answers 429", || async {
        let requests = world.stack.vendor.requests(&query).await;
        let failed = requests.iter().any(|request| request["status"] == 429);
        failed.then_some(()).ok_or_else(|| format!("{requests:?}"))
    })
    .await;
}

#[then("the engine retries")]
async fn retries(world: &mut World) {
    (world.ended, world.receipt) = world.stack.api.finished(&world.execution).await;
    let attempts = world.ended["steps"][0]["attempts"]
        .as_array()
        .expect("attempts");
    let outcomes: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt["outcome"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(outcomes, ["transient", "transient", "succeeded"]);
    let requests = world
        .stack
        .vendor
        .requests(&format!("vendor_id={}", world.vendor))
        .await;
    assert_eq!(requests.len(), 3);
    assert!(
        requests
            .iter()
            .all(|request| request["key"] == requests[0]["key"]),
        "every attempt sends the same key"
    );
}

#[then("the workflow completes")]
async fn completes(world: &mut World) {
    assert_eq!(world.ended["status"], "EXECUTED");
    assert_eq!(
        world.stack.vendor.effects_on(&world.vendor).await,
        ["hold_placed"]
    );
}

#[then("a receipt is generated")]
async fn receipt(world: &mut World) {
    assert_eq!(world.receipt["workflow_id"], DELAY);
    assert_eq!(world.receipt["status"], "EXECUTED");
    assert_eq!(
        holdfast_tests::texts(&world.receipt["steps"], "status"),
        ["SUCCESS", "SUCCESS"]
    );
}

#[tokio::main]
#[expect(
    clippy::print_stdout,
    reason = "the closing line is what a runner of tests reads"
)]
async fn main() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/features");
    let run = World::cucumber().fail_on_skipped().run(path).await;
    let (passed, failed) = (
        run.passed_steps(),
        run.failed_steps() + run.skipped_steps() + run.parsing_errors(),
    );
    println!("{passed} passed, {failed} failed");
    exit(i32::from(failed > 0 || passed == 0));
}
