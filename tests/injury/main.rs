//! The injury test: two hundred executions while the vendor system, functions and state machines
//! are harmed at random.
//!
//! It counts every effect at the end. It is a program of its own, so that the stack does nothing
//! else meanwhile.

mod outage;
mod redelivery;
mod tiers;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::{StreamExt, future::join, stream};
use holdfast_tests::{
    Api, DELAY, Stack, Throttle, account, eventually_within, hold, kill, unique, workers,
};
use jiff::Timestamp;
use serde_json::{Value, json};

const EXECUTIONS: usize = 200;
/// A workflow that limits a tenant's open executions and has a budget of 100 a month.
const COUNTED: &str = include_str!("../workflows/counted.yaml");
const OPEN: usize = 30;
/// The number of requests that the test itself sends at once.
const AT_ONCE: usize = 20;

/// Pseudorandom numbers. The seed is printed, so that a run can be repeated.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        // Xorshift (Marsaglia, 2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// Plans the faults of the vendor system for one vendor. One vendor of five meets none.
async fn plan(stack: &Stack, n: usize, vendor: &str) {
    let hold = |kind: Value| json!({ "route": "POST /holds", "count": 1, "kind": kind, "vendor_id": vendor });
    let release = |kind: Value| json!({ "route": "DELETE /holds", "count": 1, "kind": kind, "vendor_id": vendor });
    let notify = |kind: Value| json!({ "route": "POST /notifications", "count": 1, "kind": kind, "match": vendor });
    let faults = match n % 5 {
        0 => vec![hold(json!({ "drop": "after_commit" }))],
        1 => vec![
            hold(json!({ "status": 503 })),
            notify(json!({ "drop": "after_commit" })),
        ],
        2 => vec![
            notify(json!({ "status": 400 })),
            release(json!({ "drop": "after_commit" })),
        ],
        3 => vec![
            hold(json!({ "drop": "before_commit" })),
            notify(json!({ "status": 400 })),
        ],
        _ => vec![],
    };
    for fault in faults {
        stack.vendor.plan(fault).await;
    }
}

/// Kills a worker at random times.
async fn kill_at_random(over: &AtomicBool, dice: &mut Dice) -> usize {
    let mut killed = 0;
    while !over.load(Ordering::Relaxed) {
        let found = workers(&["begin", "step-vendor-hold", "step-http", "plan", "finish"]);
        if let Some(victim) = found.get(dice.roll(found.len().max(1))) {
            kill(std::slice::from_ref(victim));
            killed += 1;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    killed
}

#[tokio::test]
async fn two_hundred_executions_injured_at_random_leave_nothing_twice_and_nothing_unnamed() {
    let stack = &Stack::alone().await;
    let seed = Timestamp::now().as_microsecond() as u64;
    eprintln!("the dice's seed is {seed}");
    let mut dice = Dice(seed);
    let vendors: Vec<_> = (0..EXECUTIONS).map(|_| unique("vendor")).collect();
    let planned = stream::iter(vendors.iter().enumerate());
    planned
        .for_each_concurrent(AT_ONCE, |(n, vendor)| plan(stack, n, vendor))
        .await;

    let over = AtomicBool::new(false);
    let stopped: Vec<bool> = (0..EXECUTIONS).map(|_| dice.roll(10) == 0).collect();
    let started = async {
        let starts = stream::iter(vendors.iter().zip(&stopped)).map(|(vendor, stop)| async move {
            let id = stack
                .api
                .started(DELAY, &unique("injury"), &hold(vendor))
                .await;
            if *stop {
                stack.aws.stop(&stack.aws.execution(DELAY, &id)).await;
            }
            (id, vendor)
        });
        let started: Vec<_> = starts.buffer_unordered(AT_ONCE).collect().await;
        // The state machines continue while the last functions die.
        tokio::time::sleep(Duration::from_secs(5)).await;
        over.store(true, Ordering::Relaxed);
        // A pause between two requests leaves the processors to the executions.
        tokio::time::sleep(Duration::from_secs(30)).await;
        started
    };
    let (started, killed) = join(started, kill_at_random(&over, &mut dice)).await;
    assert!(killed > 10, "{killed} workers were killed");

    let accounts = stream::iter(&started).map(|(id, vendor)| account(stack, id, vendor));
    let accounts: Vec<_> = accounts.buffer_unordered(AT_ONCE).collect().await;
    let wrong: Vec<_> = accounts
        .iter()
        .filter_map(|account| account.as_ref().err())
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {EXECUTIONS}, seed {seed}: {wrong:#?}",
        wrong.len()
    );
    let ended = |status: &str| {
        accounts
            .iter()
            .filter(|account| **account == Ok(status.to_owned()))
            .count()
    };
    let endings = ["EXECUTED", "ROLLED_BACK", "PARTIALLY_ROLLED_BACK", "FAILED"].map(ended);
    eprintln!("{killed} workers killed; executed, rolled back, partially, failed: {endings:?}");
    assert_eq!(endings.iter().sum::<usize>(), EXECUTIONS);
    assert!(endings[0] > 0 && endings[1] > 0, "{endings:?}");
}

/// The input of the counted workflow. The execution continues at once, or remains open as long as
/// any test takes.
fn counts(vendor: &str, amount: f64, stays: bool) -> Value {
    let until = Timestamp::now() + Duration::from_secs(if stays { 3000 } else { 0 });
    json!({ "vendor_id": vendor, "amount": amount, "until": until.to_string() })
}

/// Starts the counted workflow, and waits until both holds are placed or the execution has ended.
async fn counted(api: &Api, amount: f64, stays: bool) -> Value {
    let input = counts(&unique("vendor"), amount, stays);
    let id = api
        .started("WF-TEST-COUNTED", &unique("counted"), &input)
        .await;
    eventually_within(
        Duration::from_secs(300),
        &format!("{id} stays or is over"),
        || async {
            let execution = api.get(&format!("/v1/executions/{id}")).await.body;
            let placed = execution["steps"][1]["status"] == "SUCCESS";
            match (stays && placed) || !execution["receipt"].is_null() {
                true => Ok(execution),
                false => Err(execution.to_string()),
            }
        },
    )
    .await
}

/// A fault of the vendor system: one request of this vendor is refused.
fn refusal(route: &str, vendor: &str) -> Value {
    json!({ "route": route, "count": 1, "kind": { "status": 400 }, "vendor_id": vendor })
}

#[track_caller]
fn refused_by(execution: &Value, guardrail: &str) {
    let guardrails = execution["guardrails"].as_array().expect("guardrails");
    let mut no = guardrails.iter().filter(|one| one["held"] == false);
    assert_eq!(
        (&execution["status"], no.next().map(|one| &one["name"])),
        (&json!("REJECTED"), Some(&json!(guardrail))),
        "{execution}"
    );
}

#[tokio::test]
async fn injured_executions_give_back_exactly_their_part_of_limits_and_budgets() {
    let stack = &Stack::alone().await;
    stack.aws.deploy(COUNTED).await;
    let api = &stack.api.as_tenant(&stack.aws.new_tenant("counted"));
    let seed = Timestamp::now().as_microsecond() as u64;
    eprintln!("the dice's seed is {seed}");
    let mut dice = Dice(seed);
    let over = AtomicBool::new(false);
    let injured = async {
        let ends = stream::iter(0..OPEN).map(|number| async move {
            let (vendor, fate) = (unique("vendor"), number % 4);
            if fate == 1 || fate == 3 {
                stack
                    .vendor
                    .plan(refusal("POST /holds", &format!("{vendor}-second")))
                    .await;
            }
            if fate == 3 {
                stack.vendor.plan(refusal("DELETE /holds", &vendor)).await;
            }
            let input = counts(&vendor, 1.0, false);
            let id = api
                .started("WF-TEST-COUNTED", &unique("counted"), &input)
                .await;
            if fate == 2 {
                let machine = stack.aws.execution("WF-TEST-COUNTED", &id);
                stack.aws.stop(&machine).await;
            }
            api.finished(&id).await.0
        });
        let ends: Vec<_> = ends.buffer_unordered(OPEN).collect().await;
        over.store(true, Ordering::Relaxed);
        ends
    };
    let (ends, killed) = join(injured, kill_at_random(&over, &mut dice)).await;
    assert!(killed > 10, "{killed} workers were killed");
    let ended = |status: &str| ends.iter().filter(|one| one["status"] == status).count();
    // An effect that remains keeps its part, as a success does.
    let endings = ["EXECUTED", "PARTIALLY_ROLLED_BACK", "ROLLED_BACK", "FAILED"].map(ended);
    let [executed, partially, undone, failed] = endings;
    let (kept, returned) = (executed + partially, undone + failed);
    eprintln!("{killed} workers killed; executed, partially, rolled back, failed: {endings:?}");
    assert_eq!(kept + returned, OPEN, "seed {seed}: {ends:#?}");
    assert!(
        executed > 0 && partially > 0 && returned > 0,
        "seed {seed}: {endings:?}"
    );

    // As many executions as the limit allows are open, and they use all that an exact count leaves.
    let each = ((100 - kept) / OPEN) as f64;
    let waiting: Vec<_> = stream::iter(0..OPEN)
        .map(|_| counted(api, each, true))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for execution in &waiting {
        assert_eq!(execution["status"], "RUNNING", "seed {seed}: {execution}");
    }
    refused_by(&counted(api, 0.0, false).await, "concurrent_executions");
    let cancelled = waiting[0]["execution_id"].as_str().expect("an id");
    let path = format!("/v1/executions/{cancelled}/cancel");
    let reply = api.post(&path, &json!({ "reason": "to make room" })).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    api.finished(cancelled).await;
    let left = 100.0 - kept as f64 - each * (OPEN - 1) as f64;
    refused_by(&counted(api, left + 0.5, false).await, "held_amount");
    assert_eq!(counted(api, left, false).await["status"], "EXECUTED");
    for execution in &waiting[1..] {
        let id = execution["execution_id"].as_str().expect("an id");
        let path = format!("/v1/executions/{id}/cancel");
        api.post(&path, &json!({ "reason": "it was a test" })).await;
    }
}

#[tokio::test]
async fn executions_end_as_they_should_while_the_ledger_throttles() {
    let stack = &Stack::alone().await;
    let functions = ["begin", "step-vendor-hold", "step-http", "plan", "finish"];
    // The SDK tries three times by itself, so that half of the requests must fail before a function
    // notices.
    let throttle = Throttle::begin(&stack.aws, &functions, 5).await;
    let vendors: Vec<_> = (0..10).map(|_| unique("vendor")).collect();
    let planned = stream::iter(vendors.iter().enumerate());
    planned
        .for_each_concurrent(AT_ONCE, |(n, vendor)| plan(stack, n, vendor))
        .await;
    let accounts = stream::iter(&vendors).map(|vendor| async move {
        let id = stack
            .api
            .started(DELAY, &unique("throttled"), &hold(vendor))
            .await;
        account(stack, &id, vendor).await
    });
    let accounts: Vec<_> = accounts.buffer_unordered(AT_ONCE).collect().await;
    let wrong: Vec<_> = accounts
        .iter()
        .filter_map(|account| account.as_ref().err())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        throttle.throttled() > 50,
        "{} requests were throttled",
        throttle.throttled()
    );
}
