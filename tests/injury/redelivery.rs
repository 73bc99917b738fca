//! The death of `recover` while it handles a status event: the queue delivers the event again.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use holdfast_tests::{
    DELAY, EnvironmentChange, Queue, Stack, StatusEvents, account, eventually, hold, kill,
    taken_over, unique, workers,
};
use serde_json::json;
use tokio::net::TcpListener;

/// The number of deaths.
const DEATHS: usize = 3;
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
        "route": "POST /notifications", "count": 100, "kind": { "block": "before_commit" },
        "match": vendor,
    });
    let notification = stack.vendor.block(fault).await;
    let id = stack
        .api
        .started(DELAY, &unique("thrice"), &hold(&vendor))
        .await;
    notification.arrived().await;

    let _events = StatusEvents::delivered_again(Queue::of_stack(&stack.aws, "StatusEventQueue"));
    let (ledger, deaths) = deadly_ledger().await;
    let deadly =
        EnvironmentChange::new(&stack.aws, "recover", "AWS_ENDPOINT_URL_DYNAMODB", &ledger);
    kill(&workers(&["recover"]));
    stack.aws.stop(&stack.aws.execution(DELAY, &id)).await;
    eventually("recover has died", || async {
        let died = deaths.load(Ordering::Relaxed);
        (died >= DEATHS)
            .then_some(())
            .ok_or(format!("{died} times"))
    })
    .await;
    let execution = stack.api.get(&format!("/v1/executions/{id}")).await.body;
    assert_eq!(execution["status"], "RUNNING", "{execution}");
    drop(deadly);
    taken_over(stack, &id).await;
    notification.unblock().await;

    let status = account(stack, &id, &vendor).await;
    assert_eq!(status, Ok("PARTIALLY_ROLLED_BACK".to_owned()));
    let (_, receipt) = stack.api.finished(&id).await;
    assert_eq!(receipt["failure"]["error"], "Aborted", "{receipt}");
}
