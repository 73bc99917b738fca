//! An outage of one AWS service while executions begin, act and end. What the API accepted ends
//! with a receipt, and the vendor system counts the effects.

use std::time::Duration;

use futures_util::future::join_all;
use holdfast_tests::{
    BlockedCalls, DELAY, Outage, Stack, account, eventually, hold, kill, unique, workers,
};
use serde_json::{Value, json};

/// The length of an outage. The SDK's own retries end within a few seconds, so that functions fail.
const OUTAGE: Duration = Duration::from_secs(20);
/// The number of executions that are started before, during and after an outage, each.
const EACH: usize = 4;

/// One start, which is repeated with the same key until the API accepts it.
struct Start {
    key: String,
    vendor: String,
}

impl Start {
    fn new() -> Self {
        Self {
            key: unique("outage"),
            vendor: unique("vendor"),
        }
    }

    /// Sends the start. The execution's id, or nothing if the API could not answer.
    async fn sent(&self, stack: &Stack) -> Option<String> {
        let reply = stack.api.start(DELAY, &self.key, &hold(&self.vendor)).await;
        assert!(
            [200, 202].contains(&reply.status) || reply.status >= 500,
            "{}",
            reply.body
        );
        let id = reply.body["execution_id"].as_str().map(str::to_owned);
        id.filter(|_| reply.status < 300)
    }

    async fn accepted(&self, stack: &Stack) -> String {
        eventually("the API accepts the start", || async {
            self.sent(stack).await.ok_or("a 5xx response".to_owned())
        })
        .await
    }

    /// Sends the start, and waits until its notification is under way, which is blocked.
    async fn hanging(&self, stack: &Stack) -> (String, BlockedCalls) {
        let fault = json!({
            "route": "POST /notifications", "count": 100, "kind": { "block": "before_commit" },
            "match": self.vendor,
        });
        let notification = stack.vendor.block(fault).await;
        let id = self.accepted(stack).await;
        notification.arrived().await;
        (id, notification)
    }
}

/// Sends starts side by side; those that the API could not answer have no id.
async fn sent(stack: &Stack, starts: &[Start]) -> Vec<Option<String>> {
    join_all(starts.iter().map(|start| start.sent(stack))).await
}

/// The end of an execution, or the promise that it breaks.
async fn ended(stack: &Stack, id: &str, start: &Start) -> Result<String, String> {
    let status = account(stack, id, &start.vendor).await?;
    let execution = stack.api.get(&format!("/v1/executions/{id}")).await.body;
    let steps = execution["steps"].as_array().into_iter().flatten();
    // A rollback leaves the record of the irreversible last step as its own end left it.
    let succeeded = |step: &Value| step["name"] == "notify_ap_team" && step["status"] == "SUCCESS";
    if status != "EXECUTED" && steps.into_iter().any(succeeded) {
        return Err(format!("a success was undone: {execution}"));
    }
    Ok(status)
}

/// Runs executions through an outage of a service, and gives the status of each in the order of
/// the starts: before, during, after.
async fn statuses_through_an_outage_of(service: &'static str) -> Vec<String> {
    let stack = &Stack::alone().await;
    let starts: Vec<_> = (0..3 * EACH).map(|_| Start::new()).collect();
    let (before, later) = starts.split_at(EACH);
    let (during, after) = later.split_at(EACH);

    let hanging = join_all(before.iter().map(|start| start.hanging(stack))).await;
    let outage = Outage::begin(service, 2 * OUTAGE).await;
    // These executions end during the outage.
    for (_, notification) in &hanging {
        notification.unblock().await;
    }
    let mut ids: Vec<_> = hanging.into_iter().map(|(id, _)| id).collect();
    // A process of `finish` that holds a certified key asks KMS nothing for an hour.
    kill(&workers(&["finish"]));
    let (answered, ()) = tokio::join!(sent(stack, during), tokio::time::sleep(OUTAGE));
    let refused = outage.end().await;
    assert!(refused > 0, "the outage met no request");
    let accepted = answered.iter().flatten().count();
    eprintln!("{service}: {refused} requests refused, {accepted} starts accepted meanwhile");

    // A start that was accepted is the same execution when it is repeated.
    for (start, answered) in during.iter().zip(answered) {
        let id = start.accepted(stack).await;
        assert_eq!(answered.unwrap_or_else(|| id.clone()), id);
        ids.push(id);
    }
    ids.extend(join_all(after.iter().map(|start| start.accepted(stack))).await);

    let ends = ids.iter().zip(&starts);
    let ends = join_all(ends.map(|(id, start)| ended(stack, id, start))).await;
    let wrong: Vec<_> = ends.iter().filter_map(|end| end.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let statuses: Vec<_> = ends.into_iter().flatten().collect();
    eprintln!("{service}: {statuses:?}");
    statuses
}

#[tokio::test]
async fn an_outage_of_s3_delays_ends_and_changes_none() {
    let statuses = statuses_through_an_outage_of("s3").await;
    assert_eq!(statuses, vec!["EXECUTED"; 3 * EACH]);
}

#[tokio::test]
async fn an_outage_of_kms_delays_ends_and_changes_none() {
    let statuses = statuses_through_an_outage_of("kms").await;
    assert_eq!(statuses, vec!["EXECUTED"; 3 * EACH]);
}

#[tokio::test]
async fn an_outage_of_the_ledger_loses_no_accepted_start_and_no_effect() {
    let statuses = statuses_through_an_outage_of("dynamodb").await;
    assert_eq!(statuses[2 * EACH..], vec!["EXECUTED"; EACH]);
}
