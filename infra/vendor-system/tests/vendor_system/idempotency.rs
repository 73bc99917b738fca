//! One key, one effect: replays, reuse, release and tombstones.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::client::{hold, vendors};

#[tokio::test]
async fn the_same_key_and_body_get_the_first_answer_again_without_a_second_effect() {
    let vendors = vendors().await;
    let first = vendors.hold("k", "v-1").await;
    assert_eq!(first.header("idempotency-replayed"), None);
    let respelt = r#"{ "days": 14, "vendor_id": "v-1" }"#;
    let again = vendors.keyed("POST /holds", "k", respelt).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((again.status, again.text), (first.status, first.text));
    assert_eq!(vendors.effects("", "kind").await, ["hold_placed"]);
    assert_eq!(vendors.requests("", "replayed").await, [false, true]);
}

#[tokio::test]
async fn the_same_key_with_another_request_is_a_422() {
    let vendors = vendors().await;
    vendors.hold("k", "v-1").await;
    assert_eq!(vendors.hold("k", "v-2").await.status, 422);
    let notice = r#"{"team":"ap","message":"m"}"#;
    let elsewhere = vendors.keyed("POST /notifications", "k", notice).await;
    assert_eq!(elsewhere.status, 422);
    let undo = vendors.keyed("DELETE /holds?key=k", "k", "").await;
    assert_eq!(undo.status, 422, "an undo has a key of its own");
    assert_eq!(vendors.effects("", "kind").await, ["hold_placed"]);
}

#[tokio::test]
async fn fifty_calls_at_once_with_one_key_commit_one_effect() {
    let vendors = Arc::new(vendors().await);
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let vendors = Arc::clone(&vendors);
            tokio::spawn(async move { vendors.hold("k", "v-1").await })
        })
        .collect();
    let mut fresh = 0;
    let mut ids = Vec::new();
    for call in calls {
        let reply = call.await.unwrap();
        assert_eq!(reply.status, 201);
        fresh += usize::from(reply.header("idempotency-replayed").is_none());
        ids.push(reply.json()["hold_id"].clone());
    }
    ids.dedup();
    assert_eq!((fresh, ids.len()), (1, 1));
    assert_eq!(vendors.effects("", "key").await, ["k"]);
    assert_eq!(vendors.requests("?key=k", "status").await, vec![201; 50]);
}

#[tokio::test]
async fn a_hold_is_released_by_the_key_that_placed_it() {
    let vendors = vendors().await;
    vendors.hold("k", "v-1").await;
    let released = vendors.keyed("DELETE /holds?key=k", "u", "").await;
    assert_eq!(released.status, 200);
    assert_eq!(released.json(), json!({"released": true}));
    let replay = vendors.keyed("DELETE /holds?key=k", "u", "").await;
    assert_eq!(replay.json(), json!({"released": true}));
    assert_eq!(replay.header("idempotency-replayed"), Some("true"));
    let later = vendors.keyed("DELETE /holds?key=k", "u-2", "").await;
    assert_eq!(later.json(), json!({"released": false}));

    let found = vendors.get("/holds?key=k").await.json();
    assert_eq!(found["status"], "released");
    assert!(found["released_at"].is_string());
    let kinds = vendors.effects("?key=k", "kind").await;
    assert_eq!(kinds, ["hold_placed", "hold_released"]);
    let forward = vendors.effects("?kind=hold_released", "forward_key").await;
    assert_eq!(forward, ["k"]);
}

#[tokio::test]
async fn a_released_key_places_nothing_whether_it_had_placed_something_or_not() {
    let vendors = vendors().await;
    vendors.hold("placed", "v-1").await;
    for key in ["placed", "never"] {
        let line = format!("DELETE /holds?key={key}");
        let released = vendors.keyed(&line, &format!("undo-{key}"), "").await;
        assert_eq!(released.json(), json!({"released": key == "placed"}));
        let late = vendors.hold(key, "v-1").await;
        assert_eq!(late.status, 409);
        let content = late.header("content-type");
        assert_eq!(content, Some("application/problem+json"));
    }
    assert_eq!(vendors.get("/holds?key=never").await.status, 404);
    let kinds = vendors.effects("", "kind").await;
    assert_eq!(kinds, ["hold_placed", "hold_released"]);
}

#[tokio::test]
async fn a_hold_still_on_its_way_when_its_key_is_released_is_refused() {
    let vendors = vendors().await;
    let fault = json!({"route": "POST /holds", "count": 1, "kind": {"block": "before_commit"}});
    let fault = vendors.plan(fault).await;
    let body = hold("v-1");
    let slow = vendors.keyed("POST /holds", "k", &body);
    let undo = async {
        vendors.until("/admin/requests?key=k", 1).await;
        let undone = vendors.keyed("DELETE /holds?key=k", "u", "").await;
        vendors.unblock(&fault).await;
        undone
    };
    let (slow, undo) = tokio::join!(slow, undo);
    assert_eq!(undo.json(), json!({"released": false}));
    assert_eq!(slow.status, 409);
    assert_eq!(vendors.effects("", "seq").await, Vec::<Value>::new());
}
