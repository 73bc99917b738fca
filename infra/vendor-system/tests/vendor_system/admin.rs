//! Tests of the admin routes for effects and requests.

use serde_json::{Value, json};

use crate::client::{hold, vendors};

#[tokio::test]
async fn effects_are_listed_in_order_and_by_each_filter() {
    let vendors = vendors().await;
    vendors.hold("k-1", "v-1").await;
    vendors.hold("k-2", "v-2").await;
    let notice = r#"{"team":"ap","message":"m"}"#;
    vendors.keyed("POST /notifications", "n-1", notice).await;
    vendors.keyed("DELETE /holds?key=k-1", "u-1", "").await;

    let all = vendors.list("/admin/effects").await;
    let seqs: Vec<_> = all.iter().map(|effect| effect["seq"].clone()).collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
    assert_eq!(all[0]["hold_id"], "hold-1");
    assert_eq!(all[0]["days"], 14);
    assert_eq!(all[2]["notification_id"], "notification-1");
    assert_eq!(all[2].get("vendor_id"), None);
    for (query, found) in [
        ("?vendor_id=v-1", vec![1, 4]),
        ("?key=k-1", vec![1, 4]),
        ("?key=u-1", vec![4]),
        ("?team=ap", vec![3]),
        ("?kind=hold_placed", vec![1, 2]),
        ("?kind=hold_placed&vendor_id=v-2", vec![2]),
        ("?vendor_id=v-9", vec![]),
    ] {
        assert_eq!(vendors.effects(query, "seq").await, found, "{query}");
    }
    let wrong = vendors.get("/admin/effects?kind=placed").await;
    assert_eq!(wrong.status, 400);
    let wrong = vendors.get("/admin/effects?vendor=v-1").await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn requests_are_listed_with_refused_ones_and_by_each_filter() {
    let vendors = vendors().await;
    vendors.hold("k-1", "v-1").await;
    vendors.send("POST /holds", &[], &hold("v-2")).await;
    vendors.keyed("DELETE /holds?key=k-1", "u-1", "").await;
    let notice = r#"{"team":"ap"}"#;
    vendors.keyed("POST /notifications", "n-1", notice).await;
    vendors.get("/vendors/v-1").await;
    vendors.get("/holds/hold-1").await;

    let status = vendors.requests("", "status").await;
    assert_eq!(status, [201, 400, 200, 422, 404, 200]);
    let paths = vendors.requests("", "path").await;
    assert_eq!(paths[4], "/vendors/v-1");
    for (query, found) in [
        ("?vendor_id=v-1", vec![1, 3, 5, 6]),
        ("?vendor_id=v-2", vec![2]),
        ("?key=k-1", vec![1, 3]),
        ("?team=ap", vec![4]),
        ("?route=POST%20/holds", vec![1, 2]),
        ("?route=POST+/holds&vendor_id=v-2", vec![2]),
    ] {
        assert_eq!(vendors.requests(query, "seq").await, found, "{query}");
    }
    let wrong = vendors.get("/admin/requests?route=/holds").await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn a_request_is_listed_with_its_headers_but_never_with_its_credentials() {
    let vendors = vendors().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [
        ("Authorization", "Bearer hunter2"),
        ("Traceparent", trace),
        ("Holdfast-Forward-Key", "f-1"),
        ("Idempotency-Key", "k-1"),
    ];
    vendors.send("POST /holds", &headers, &hold("v-1")).await;
    vendors.hold("k-2", "v-2").await;
    let text = vendors.get("/admin/requests").await.text;
    assert!(!text.contains("hunter2"));
    let list = vendors.list("/admin/requests?key=f-1").await;
    let expected = json!({
        "seq": 1, "at": list[0]["at"], "route": "POST /holds", "method": "POST", "path": "/holds",
        "key": "k-1", "forward_key": "f-1", "vendor_id": "v-1", "team": null, "traceparent": trace,
        "authorization_sha256": "c13e77fb8a8c", "status": 201, "replayed": false, "fault": null,
    });
    assert_eq!(list, [expected]);
    let credentials = vendors.requests("?key=k-2", "authorization_sha256").await;
    assert_eq!(credentials, [Value::Null]);
}

#[tokio::test]
async fn a_reset_forgets_everything() {
    let vendors = vendors().await;
    vendors.send("PUT /vendors/v-1", &[], "").await;
    vendors.hold("k", "v-1").await;
    vendors.keyed("DELETE /holds?key=k", "u", "").await;
    let fault = json!({"route": "POST /holds", "count": 1, "kind": {"status": 500}});
    vendors.plan(fault).await;
    let reset = vendors.send("POST /admin/reset", &[], "").await;
    assert_eq!(reset.json(), json!({"reset": true}));
    for path in [
        "/admin/faults",
        "/admin/effects",
        "/admin/requests",
        "/holds",
    ] {
        assert!(vendors.list(path).await.is_empty(), "{path}");
    }
    assert_eq!(vendors.get("/vendors/v-1").await.status, 404);
    assert_eq!(vendors.hold("k", "v-1").await.status, 201);
}
