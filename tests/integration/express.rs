//! Express executions on the stack, one injury at a time: each is judged as a Standard one is.

use aws_sdk_sfn::error::ProvideErrorMetadata;
use futures_util::future::join_all;
use holdfast_ids::keys::{ExecutionKey, execution_id};
use holdfast_tests::{
    ExpressRun, Injury, Reply, Stack, account, eventually, express_copy, hold, unique,
};
use serde_json::{Value, json};

const SHIPPED: &str = include_str!("../../workflows/delay-vendor-payments-acme.yaml");
pub(crate) const WORKFLOW: &str = "WF-DELAY-VENDOR-PAYMENTS-ACME-EXPRESS";
/// Calls of a run that is executed: `Begin`, two steps, `Finish`.
const CALLS: usize = 4;

/// The stack with the copy of the specification's workflow.
pub(crate) async fn stack() -> Stack {
    let stack = Stack::from_env().await;
    let (id, text) = express_copy(SHIPPED);
    assert_eq!(id, WORKFLOW);
    stack.aws.deploy(&text).await;
    stack
}

/// A start of the copy.
pub(crate) struct Start {
    pub(crate) vendor: String,
    pub(crate) key: String,
    pub(crate) id: String,
}

impl Start {
    pub(crate) fn new() -> Self {
        let key = unique("express");
        Self {
            vendor: unique("vendor"),
            id: execution_id("acme", WORKFLOW, &key),
            key,
        }
    }

    async fn sent(&self, stack: &Stack) {
        let id = stack
            .api
            .started(WORKFLOW, &self.key, &hold(&self.vendor))
            .await;
        assert_eq!(id, self.id);
    }

    /// Starts with an injury, and waits until as many runs have ended.
    async fn injured(&self, stack: &Stack, injury: Injury, runs: usize) {
        stack.aws.injure(&self.id, injury).await;
        self.sent(stack).await;
        self.ended(stack, runs).await;
    }

    pub(crate) async fn ended(&self, stack: &Stack, count: usize) -> Vec<ExpressRun> {
        eventually(&format!("{count} runs of {} end", self.id), || async {
            let runs = stack.aws.express_runs(&self.id).await;
            let over = runs.iter().all(|run| run.status != "RUNNING");
            match over && runs.len() == count {
                true => Ok(runs),
                false => Err(format!("{runs:?}")),
            }
        })
        .await
    }

    fn at(&self) -> ExecutionKey {
        ExecutionKey {
            tenant: "acme".to_owned(),
            execution: self.id.clone(),
        }
    }

    pub(crate) async fn judged(&self, stack: &Stack) -> String {
        let judged = account(stack, &self.id, &self.vendor).await;
        judged.unwrap_or_else(|wrong| panic!("{}: {wrong}", self.id))
    }

    pub(crate) async fn execution(&self, stack: &Stack) -> Value {
        stack
            .api
            .get(&format!("/v1/executions/{}", self.id))
            .await
            .body
    }
}

/// The code of the error with which Step Functions refused a request.
#[track_caller]
fn refusal<T>(answer: Result<T, impl ProvideErrorMetadata>) -> String {
    let error = answer.err().expect("a refusal");
    error.code().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn step_functions_neither_lists_nor_describes_nor_stops_an_express_execution() {
    let stack = stack().await;
    let start = Start::new();
    start.sent(&stack).await;
    let runs = start.ended(&stack, 1).await;
    assert_eq!(start.judged(&stack).await, "EXECUTED");
    let prefix = stack.aws.execution(WORKFLOW, &start.id);
    let prefix = prefix.replacen(":execution:", ":express:", 1);
    let arn = &runs[0].arn;
    assert!(arn.starts_with(&format!("{prefix}:")), "{arn}");
    let states = &stack.aws.states;
    let described = states.describe_execution().execution_arn(arn).send().await;
    let stopped = states.stop_execution().execution_arn(arn).send().await;
    let history = states
        .get_execution_history()
        .execution_arn(arn)
        .send()
        .await;
    let machine = stack.aws.machine(WORKFLOW);
    let listed = states
        .list_executions()
        .state_machine_arn(machine)
        .send()
        .await;
    assert_eq!(
        [
            refusal(described),
            refusal(stopped),
            refusal(history),
            refusal(listed)
        ],
        [
            "InvalidArn",
            "InvalidArn",
            "InvalidArn",
            "StateMachineTypeNotSupported"
        ]
    );
}

#[tokio::test]
async fn two_runs_of_one_express_start_have_each_effect_once() {
    let stack = &stack().await;
    let starts: Vec<_> = (0..4).map(|_| Start::new()).collect();
    join_all(starts.iter().map(|start| async move {
        start.injured(stack, Injury::Twice, 2).await;
        assert_eq!(start.judged(stack).await, "EXECUTED");
    }))
    .await;
}

#[tokio::test]
async fn an_express_start_that_runs_again_after_a_death_at_any_call_is_executed() {
    let stack = &stack().await;
    let deaths = (1..=CALLS).flat_map(|at| [(at, false), (at, true)]);
    join_all(deaths.map(|(at, acts)| async move {
        let start = Start::new();
        let again = true;
        start
            .injured(stack, Injury::Dies { at, acts, again }, 2)
            .await;
        assert_eq!(
            start.judged(stack).await,
            "EXECUTED",
            "call {at}, acts: {acts}"
        );
    }))
    .await;
}

#[tokio::test]
async fn an_express_run_that_begins_after_the_end_is_no_repeated_start() {
    let stack = &stack().await;
    // The run ends after `Finish` has acted, and Step Functions runs the start again.
    let (at, acts, again) = (CALLS, true, true);
    let start = eventually("a run begins after the end", || async {
        let start = Start::new();
        let injury = Injury::Dies { at, acts, again };
        stack.aws.injure(&start.id, injury).await;
        let input = hold(&start.vendor);
        let reply = stack.api.start(WORKFLOW, &start.key, &input).await;
        assert_eq!(reply.status, 202, "{}", reply.body);
        let runs = start.ended(stack, 2).await;
        // On a loaded machine, the call at which the run dies can be the retry of an earlier one.
        match runs[1].states == ["Begin", "Duplicate"] {
            true => Ok(start),
            false => Err(format!("{runs:?}")),
        }
    })
    .await;
    assert_eq!(start.judged(stack).await, "EXECUTED");
    let execution = start.execution(stack).await;
    assert_eq!(execution["duplicates_prevented"], 0);
}

#[tokio::test]
async fn the_sweep_ends_an_express_execution_whose_run_died_at_any_call() {
    let stack = &stack().await;
    // Of a run that dies before `Begin` acts, nothing is recorded.
    let deaths = (1..=CALLS).flat_map(|at| [(at, false), (at, true)]).skip(1);
    join_all(deaths.map(|(at, acts)| async move {
        let start = Start::new();
        let again = false;
        start
            .injured(stack, Injury::Dies { at, acts, again }, 1)
            .await;
        let open = (at, acts) != (CALLS, true);
        if open {
            let execution = start.execution(stack).await;
            assert!(execution["receipt"].is_null(), "{execution}");
        }
        stack.aws.sweep_after_runs(&start.at()).await;
        let status = start.judged(stack).await;
        let right: &[&str] = match at {
            // Before the first step acts, there is nothing to undo.
            1 => &["FAILED", "ROLLED_BACK"],
            2 if !acts => &["FAILED", "ROLLED_BACK"],
            2 => &["ROLLED_BACK"],
            3 if !acts => &["ROLLED_BACK"],
            // Every step is done.
            _ => &["EXECUTED"],
        };
        assert!(
            right.contains(&&*status),
            "call {at}, acts: {acts}: {status}"
        );
    }))
    .await;
}

#[tokio::test]
async fn an_express_start_that_never_ran_runs_when_its_caller_repeats_it() {
    let stack = stack().await;
    let start = Start::new();
    stack.aws.injure(&start.id, Injury::Never).await;
    start.sent(&stack).await;
    let path = format!("/v1/executions/{}", start.id);
    assert_eq!(stack.api.get(&path).await.status, 404);
    start.sent(&stack).await;
    assert_eq!(start.judged(&stack).await, "EXECUTED");
    let repeated = stack
        .api
        .start(WORKFLOW, &start.key, &hold(&start.vendor))
        .await;
    assert_eq!(repeated.status, 200, "{}", repeated.body);
    assert_eq!(start.ended(&stack, 1).await.len(), 1);
}

#[tokio::test]
async fn an_express_run_that_records_nothing_reports_its_start() {
    let stack = stack().await;
    let name = unique("malformed");
    stack
        .aws
        .start(WORKFLOW, &name, &json!({ "tenant": "acme" }))
        .await;
    let start = Start {
        id: name,
        ..Start::new()
    };
    let runs = start.ended(&stack, 1).await;
    assert_eq!(runs[0].states, ["Begin", "Report", "Failed"]);
    assert_eq!(runs[0].status, "FAILED");
}

#[tokio::test]
async fn an_express_execution_is_rolled_back_redriven_and_executed() {
    let stack = stack().await;
    let start = Start::new();
    let refuses = json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": start.vendor });
    stack.vendor.plan(refuses).await;
    start.sent(&stack).await;
    assert_eq!(start.judged(&stack).await, "ROLLED_BACK");
    let path = format!("/v1/executions/{}/redrive", start.id);
    let reply = stack.api.post(&path, &json!({ "reason": "mended" })).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    let (execution, receipt) = stack.api.finished(&start.id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(receipt["redriven"]["reason"], "mended", "{receipt}");
    let effects = stack.vendor.effects_on(&start.vendor).await;
    assert_eq!(effects, ["hold_placed", "hold_released", "hold_placed"]);
}

#[tokio::test]
async fn a_running_express_execution_is_cancelled() {
    let stack = stack().await;
    let start = Start::new();
    let fault = json!({ "route": "POST /holds", "count": 100, "kind": { "block": "before_commit" }, "vendor_id": start.vendor });
    let calls = stack.vendor.block(fault).await;
    start.sent(&stack).await;
    calls.arrived().await;
    let path = format!("/v1/executions/{}/cancel", start.id);
    let reply = stack
        .api
        .post(&path, &json!({ "reason": "a mistake" }))
        .await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    calls.unblock().await;
    assert_eq!(start.judged(&stack).await, "ROLLED_BACK");
}

/// Starts with the key, and waits for the end. A slow machine needs more than one wait.
async fn waited(stack: &Stack, key: &str, vendor: &str) -> Reply {
    let path = format!("/v1/workflows/{WORKFLOW}/executions");
    for _ in 0..9 {
        let request = stack.api.request("POST", &path);
        let request = request.header("idempotency-key", key);
        let request = request.header("prefer", "wait=20");
        let request = request.header("content-type", "application/json");
        let body = json!({ "input": hold(vendor) }).to_string();
        let reply = stack.api.send(request.body(body)).await;
        if reply.status != 202 && reply.status < 500 {
            return reply;
        }
    }
    panic!("no start of {key} was answered with its end");
}

#[tokio::test]
async fn of_two_starts_of_one_key_that_wait_the_one_with_another_input_is_refused() {
    let stack = stack().await;
    let (key, vendors) = (unique("express"), [unique("vendor"), unique("vendor")]);
    let replies = join_all(
        vendors
            .each_ref()
            .map(|vendor| waited(&stack, &key, vendor)),
    )
    .await;
    let mut ended = Vec::new();
    for (reply, vendor) in replies.iter().zip(&vendors) {
        let effects = stack.vendor.effects_on(vendor).await;
        match reply.status {
            200 => {
                let input = &reply.body["execution"]["input"]["value"];
                assert_eq!(input["vendor_id"], *vendor, "{}", reply.body);
                assert_eq!(effects, ["hold_placed"]);
                ended.push(vendor);
            }
            status => {
                assert_eq!(status, 422, "{}", reply.body);
                assert!(effects.is_empty(), "{effects:?}");
            }
        }
    }
    assert_eq!(ended.len(), 1, "{replies:?}");
}
