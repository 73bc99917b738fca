//! Tests of each kind of fault, and of the calls that meet a fault.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::client::{hold, vendors};

fn on_holds(count: u32, kind: Value) -> Value {
    json!({"route": "POST /holds", "count": count, "kind": kind})
}

#[tokio::test]
async fn a_planned_status_is_answered_count_times_and_commits_nothing() {
    let vendors = vendors().await;
    vendors
        .plan(on_holds(
            2,
            json!({"status": 503, "retry_after_s": 1, "detail": "closed until 10:00"}),
        ))
        .await;
    for _ in 0..2 {
        let reply = vendors.hold("k", "v").await;
        assert_eq!(reply.status, 503);
        assert!(reply.text.contains("closed until 10:00"), "{}", reply.text);
        assert_eq!(reply.header("retry-after"), Some("1"));
        let content = reply.header("content-type");
        assert_eq!(content, Some("application/problem+json"));
    }
    assert!(vendors.effects("", "seq").await.is_empty());
    assert_eq!(vendors.hold("k", "v").await.status, 201);
    assert_eq!(vendors.requests("", "status").await, [503, 503, 201]);
    let faults = vendors.requests("", "fault").await;
    assert_eq!(faults[0]["kind"]["status"], 503);
    assert_eq!(faults[2], Value::Null);
}

#[tokio::test]
async fn a_drop_before_the_commit_ends_the_connection_without_a_byte_or_an_effect() {
    let vendors = vendors().await;
    vendors
        .plan(on_holds(1, json!({"drop": "before_commit"})))
        .await;
    let headers = [("Idempotency-Key", "k")];
    let bytes = vendors.bytes("POST /holds", &headers, &hold("v")).await;
    assert_eq!(bytes, b"");
    assert!(vendors.effects("", "seq").await.is_empty());
    assert_eq!(vendors.requests("", "status").await, ["dropped"]);
    assert_eq!(vendors.hold("k", "v").await.status, 201);
}

#[tokio::test]
async fn a_drop_after_the_commit_ends_the_connection_without_a_byte_and_the_effect_remains() {
    let vendors = vendors().await;
    vendors
        .plan(on_holds(1, json!({"drop": "after_commit"})))
        .await;
    let headers = [("Idempotency-Key", "k")];
    let bytes = vendors.bytes("POST /holds", &headers, &hold("v")).await;
    assert_eq!(bytes, b"");
    assert_eq!(vendors.effects("", "kind").await, ["hold_placed"]);
    assert_eq!(vendors.get("/holds?key=k").await.status, 200);
    let again = vendors.hold("k", "v").await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(vendors.effects("", "kind").await, ["hold_placed"]);
}

#[tokio::test]
async fn a_drop_also_ends_a_connection_that_has_answered_before() {
    let vendors = vendors().await;
    let fault =
        json!({"route": "GET /notifications", "count": 1, "kind": {"drop": "before_commit"}});
    vendors.plan(fault).await;
    let mut stream = TcpStream::connect(vendors.server.address()).await.unwrap();
    let request = |path| format!("GET {path} HTTP/1.1\r\nhost: vendors\r\n\r\n");
    let first = request("/healthz");
    stream.write_all(first.as_bytes()).await.unwrap();
    let mut buffer = [0; 1024];
    assert!(stream.read(&mut buffer).await.unwrap() > 0);
    let second = request("/notifications");
    stream.write_all(second.as_bytes()).await.unwrap();
    assert_eq!(stream.read(&mut buffer).await.unwrap(), 0);
}

#[tokio::test]
async fn a_delay_before_or_after_the_commit_delays_the_answer() {
    for kind in [json!({"delay_ms": 300}), json!({"delay_after_ms": 300})] {
        let vendors = vendors().await;
        vendors.plan(on_holds(1, kind)).await;
        let began = Instant::now();
        assert_eq!(vendors.hold("k", "v").await.status, 201);
        assert!(began.elapsed() >= Duration::from_millis(300));
    }
}

#[tokio::test]
async fn a_block_holds_the_commit_back_until_its_fault_is_unblocked() {
    let vendors = vendors().await;
    let fault = on_holds(3, json!({"block": "before_commit"}));
    let fault = vendors.plan(fault).await;
    let blocked = async { tokio::join!(vendors.hold("k", "v"), vendors.hold("k-2", "v")) };
    let look = async {
        vendors.until("/admin/requests", 2).await;
        let found = (
            vendors.requests("", "status").await,
            vendors.effects("", "seq").await,
        );
        assert_eq!(vendors.unblock(&fault).await.status, 200);
        found
    };
    let ((first, second), (statuses, effects)) = tokio::join!(blocked, look);
    assert_eq!(statuses, [Value::Null, Value::Null], "both are under way");
    assert!(effects.is_empty());
    assert_eq!((first.status, second.status), (201, 201));
    // The third call meets the fault after it was unblocked.
    assert_eq!(vendors.hold("k-3", "v").await.status, 201);
    assert_eq!(vendors.unblock("fault-2").await.status, 404);
}

#[tokio::test]
async fn a_block_after_the_commit_holds_only_the_answer_back() {
    let vendors = vendors().await;
    let fault = on_holds(1, json!({"block": "after_commit"}));
    let fault = vendors.plan(fault).await;
    let look = async {
        vendors.until("/admin/effects?key=k", 1).await;
        let status = vendors.requests("?key=k", "status").await;
        vendors.unblock(&fault).await;
        status
    };
    let (reply, status) = tokio::join!(vendors.hold("k", "v"), look);
    assert_eq!(status, [Value::Null], "it is not answered yet");
    assert_eq!(reply.status, 201);
}

#[tokio::test]
async fn a_removed_fault_blocks_no_call_any_more() {
    let vendors = vendors().await;
    let fault = on_holds(1, json!({"block": "before_commit"}));
    vendors.plan(fault).await;
    let remove = async {
        vendors.until("/admin/requests?key=k", 1).await;
        vendors.send("DELETE /admin/faults", &[], "").await
    };
    let (reply, _) = tokio::join!(vendors.hold("k", "v"), remove);
    assert_eq!(reply.status, 201);
}

#[tokio::test]
async fn a_client_that_hangs_up_while_its_call_waits_does_not_stop_the_effect() {
    let vendors = vendors().await;
    let fault = on_holds(1, json!({"block": "before_commit"}));
    let fault = vendors.plan(fault).await;
    let headers = [("Idempotency-Key", "k")];
    let stream = vendors.begin("POST /holds", &headers, &hold("v")).await;
    vendors.until("/admin/requests?key=k", 1).await;
    drop(stream);
    vendors.unblock(&fault).await;
    vendors.until("/admin/effects?key=k", 1).await;
}

#[tokio::test]
async fn a_padded_body_has_the_planned_size_and_is_still_the_answer() {
    let vendors = vendors().await;
    vendors
        .plan(on_holds(1, json!({"body_bytes": 300_000})))
        .await;
    let padded = vendors.hold("k", "v").await;
    assert_eq!((padded.status, padded.text.len()), (201, 300_000));
    let replay = vendors.hold("k", "v").await;
    assert_eq!(padded.json()["hold_id"], replay.json()["hold_id"]);
    assert!(replay.text.len() < 300);
}

#[tokio::test]
async fn faults_are_taken_in_the_order_planned() {
    let vendors = vendors().await;
    vendors.plan(on_holds(1, json!({"status": 503}))).await;
    vendors.plan(on_holds(1, json!({"status": 429}))).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(vendors.hold("k", "v").await.status);
    }
    assert_eq!(seen, [503, 429, 201]);
}

#[tokio::test]
async fn a_fault_meets_only_the_route_vendor_team_key_or_body_it_is_planned_for() {
    let vendors = vendors().await;
    let fault = |route, name: &str, value| {
        let mut fault = json!({"route": route, "count": 1, "kind": {"status": 500}});
        fault[name] = json!(value);
        fault
    };
    let notify = "POST /notifications";
    let release = "DELETE /holds";
    vendors.plan(fault("POST /holds", "vendor_id", "v-1")).await;
    vendors.plan(fault("POST /holds", "match", "-x7")).await;
    vendors.plan(fault(notify, "team", "ap")).await;
    vendors.plan(fault(notify, "match", "late")).await;
    vendors.plan(fault(release, "vendor_id", "v-1")).await;
    vendors.plan(fault(release, "match", "forward")).await;

    assert_eq!(vendors.hold("forward-2", "v-2").await.status, 201);
    assert_eq!(vendors.hold("k-1", "v-1").await.status, 500);
    assert_eq!(vendors.hold("k-1", "v-1").await.status, 201);
    assert_eq!(vendors.hold("k-x7", "v-3").await.status, 500);
    for (team, message, status) in [
        ("ops", "m", 202),
        ("ap", "m", 500),
        ("ops", "too late", 500),
    ] {
        let body = json!({"team": team, "message": message}).to_string();
        let key = format!("n-{team}-{status}");
        assert_eq!(vendors.keyed(notify, &key, &body).await.status, status);
    }
    for (key, undo, status) in [
        ("k-1", "u-1", 500),
        ("k-1", "u-1", 200),
        ("forward-2", "u-2", 500),
    ] {
        let line = format!("DELETE /holds?key={key}");
        assert_eq!(vendors.keyed(&line, undo, "").await.status, status);
    }
    assert!(vendors.list("/admin/faults").await.is_empty());
}

#[tokio::test]
async fn pending_faults_can_be_listed_and_removed() {
    let vendors = vendors().await;
    vendors.plan(on_holds(3, json!({"status": 503}))).await;
    vendors.hold("k", "v").await;
    let pending = vendors.list("/admin/faults").await;
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0]["count"], 3);
    assert_eq!(pending[0]["remaining"], 2);
    let removed = vendors.send("DELETE /admin/faults", &[], "").await;
    assert_eq!(removed.json(), json!({"removed": 1}));
    assert_eq!(vendors.hold("k", "v").await.status, 201);
}

#[tokio::test]
async fn an_invalid_plan_is_refused_with_the_valid_form() {
    let vendors = vendors().await;
    let on = |route, count, kind| json!({"route": route, "count": count, "kind": kind});
    let holds = "POST /holds";
    for (plan, place) in [
        (on("POST /hold", 1, json!({"status": 500})), "`route`"),
        (on(holds, 0, json!({"status": 500})), "`count`"),
        (on(holds, 1, json!({})), "`kind`"),
        (on(holds, 1, json!({"retry_after_s": 1})), "`kind`"),
        (
            on(holds, 1, json!({"status": 500, "drop": "after_commit"})),
            "`kind`",
        ),
        (on(holds, 1, json!({"status": 200})), "`kind.status`"),
        (
            on(holds, 1, json!({"retry_after_s": 1, "delay_ms": 1})),
            "`kind.retry_after_s`",
        ),
        (
            on(holds, 1, json!({"detail": "no", "delay_ms": 1})),
            "`kind.detail`",
        ),
        (
            on(holds, 1, json!({"delay_ms": 900_001})),
            "`kind.delay_ms`",
        ),
        (
            on(holds, 1, json!({"body_bytes": 99_999_999})),
            "`kind.body_bytes`",
        ),
        (on(holds, 1, json!({"staus": 500})), "body"),
        (on(holds, 1, json!({"block": "at_commit"})), "body"),
    ] {
        let text = plan.to_string();
        let reply = vendors.send("POST /admin/faults", &[], &text).await;
        assert_eq!(reply.status, 422, "{plan}");
        let problem = reply.json();
        let at = problem["where"].as_str().unwrap();
        assert!(at.ends_with(place), "{problem}");
        assert!(problem["expected"].is_string());
    }
    assert!(vendors.list("/admin/faults").await.is_empty());
}

#[tokio::test]
async fn a_reset_takes_calls_under_way_with_it() {
    let vendors = vendors().await;
    let fault = on_holds(1, json!({"block": "before_commit"}));
    vendors.plan(fault).await;
    let headers = [("Idempotency-Key", "k")];
    let body = hold("v");
    let slow = vendors.bytes("POST /holds", &headers, &body);
    let reset = async {
        vendors.until("/admin/requests?key=k", 1).await;
        vendors.send("POST /admin/reset", &[], "").await
    };
    let (bytes, _) = tokio::join!(slow, reset);
    assert_eq!(bytes, b"");
    assert!(vendors.effects("", "seq").await.is_empty());
    assert!(vendors.requests("", "seq").await.is_empty());
}
