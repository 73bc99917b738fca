//! The death of `recover` while it handles a status event: the queue delivers the event again.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use holdfast_tests::{
    Aws, DELAY, EnvironmentChange, Queue, Stack, account, eventually, hold, kill, unique, workers,
};
use serde_json::json;
use tokio::net::TcpListener;

/// The number of deaths.
const DEATHS: usize = 3;
/// The template's visibility timeout, which no test waits for.
const VISIBILITY_S: u32 = 120;

/// The queue of status events, with a short visibility timeout until it drops.
struct ShortVisibility(Queue);

impl ShortVisibility {
    fn new(aws: &Aws) -> Self {
        let queue = Queue::of_stack(aws, "StatusEventQueue");
        queue.redeliver_after(1);
        Self(queue)
    }
}

impl Drop for ShortVisibility {
    fn drop(&mut self) {
        self.0.redeliver_after(VISIBILITY_S);
    }
}

/// A ledger at whose connection every process of `recover` dies, and the number of connections.
async fn deadly_ledger() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let deaths = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&deaths);
    tokio::spawn(async move {
        while let Ok((_connection, _)) = listener.accept().await {
            let found = workers(&["recover"]);
            if !found.is_empty() {
                kill(&found);
                counted.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    (format!("http://127.0.0.1:{port}"), deaths)
}

#[tokio::test]
async fn an_execution_is_recovered_although_recover_died_thrice_of_its_status_event() {
    let stack = &Stack::alone().await;
    let vendor = unique("vendor");
    let fault = json!({
        "route": "POST /notifications", "count": 1, "kind": { "delay_ms": 8000 }, "match": vendor,
    });
    stack.vendor.plan(fault).await;
    let id = stack
        .api
        .started(DELAY, &unique("thrice"), &hold(&vendor))
        .await;
    eventually("the notification is under way", 60, || async {
        let execution = stack.api.get(&format!("/v1/executions/{id}")).await.body;
        match execution["steps"][1]["status"] == "RUNNING" {
            true => Ok(()),
            false => Err(execution.to_string()),
        }
    })
    .await;

    let _short = ShortVisibility::new(&stack.aws);
    let (ledger, deaths) = deadly_ledger().await;
    let deadly =
        EnvironmentChange::new(&stack.aws, "recover", "AWS_ENDPOINT_URL_DYNAMODB", &ledger);
    kill(&workers(&["recover"]));
    stack.aws.stop(&stack.aws.execution(DELAY, &id)).await;
    eventually("recover has died", 120, || async {
        let died = deaths.load(Ordering::Relaxed);
        (died >= DEATHS)
            .then_some(())
            .ok_or(format!("{died} times"))
    })
    .await;
    let execution = stack.api.get(&format!("/v1/executions/{id}")).await.body;
    assert_eq!(execution["status"], "RUNNING", "{execution}");
    drop(deadly);

    let status = account(stack, &id, &vendor).await;
    assert_eq!(status, Ok("PARTIALLY_ROLLED_BACK".to_owned()));
    let (_, receipt) = stack.api.finished(&id).await;
    assert_eq!(receipt["failure"]["error"], "Aborted", "{receipt}");
}
