//! Tests of the answers and the refusals of the business routes.

use serde_json::json;

use crate::client::{Reply, hold, vendors};

fn assert_problem(reply: &Reply, status: u16, place: &str) {
    assert_eq!(reply.status, status, "{}", reply.text);
    let content = reply.header("content-type");
    assert_eq!(content, Some("application/problem+json"));
    let problem = reply.json();
    assert_eq!(problem["status"], status);
    assert_eq!(problem["where"], place, "{problem}");
    for member in ["type", "title", "detail", "expected"] {
        assert!(problem[member].is_string(), "{member} of {problem}");
    }
}

#[tokio::test]
async fn a_hold_can_be_placed_and_found_by_id_key_and_vendor() {
    let vendors = vendors().await;
    let body = r#"{"vendor_id":"v-1","days":14,"reason":"risk"}"#;
    let placed = vendors.keyed("POST /holds", "k-1", body).await;
    assert_eq!(placed.status, 201);
    let placed = placed.json();
    assert_eq!(placed.as_object().unwrap().len(), 4);
    assert_eq!(placed["vendor_id"], "v-1");
    assert_eq!(placed["days"], 14);
    vendors.hold("k-2", "v-2").await;

    let id = placed["hold_id"].as_str().unwrap();
    let by_id = vendors.get(&format!("/holds/{id}")).await.json();
    assert_eq!(by_id["placed_at"], placed["placed_at"]);
    assert_eq!(by_id["reason"], "risk");
    assert_eq!(by_id["status"], "active");
    assert_eq!(vendors.get("/holds?key=k-1").await.json(), by_id);
    assert_eq!(vendors.list("/holds?vendor_id=v-1").await, [by_id]);
    assert_eq!(vendors.list("/holds").await.len(), 2);
}

#[tokio::test]
async fn an_absent_resource_is_a_404_that_names_it() {
    let vendors = vendors().await;
    let at = "query parameter `key`";
    assert_problem(&vendors.get("/holds?key=never").await, 404, at);
    assert_problem(&vendors.get("/holds/hold-9").await, 404, "path id `hold-9`");
    assert_problem(&vendors.get("/vendors/v-1").await, 404, "path id `v-1`");
    assert_problem(&vendors.get("/nothing").await, 404, "path /nothing");
    let reply = vendors.send("PATCH /holds", &[], "").await;
    assert_problem(&reply, 405, "path /holds");
}

#[tokio::test]
async fn any_vendor_can_be_put_and_is_kept_with_its_fields() {
    let vendors = vendors().await;
    let line = "PUT /vendors/any%20id";
    assert_eq!(vendors.send(line, &[], "").await.status, 201);
    let again = vendors.send(line, &[], r#"{"name":"Acme"}"#).await;
    assert_eq!(again.status, 200);
    let vendor = vendors.get("/vendors/any%20id").await.json();
    assert_eq!(vendor, json!({"vendor_id": "any id", "name": "Acme"}));
    let other = vendors.send(line, &[], r#"{"vendor_id":"v-2"}"#).await;
    assert_problem(&other, 422, "body field `vendor_id`");
}

#[tokio::test]
async fn an_effect_needs_a_key_that_can_be_one() {
    let vendors = vendors().await;
    let at = "header Idempotency-Key";
    let release = "DELETE /holds?key=k";
    let notice = r#"{"team":"ap","message":"m"}"#;
    let body = hold("v-1");
    for (line, body) in [
        ("POST /holds", body.as_str()),
        (release, ""),
        ("POST /notifications", notice),
    ] {
        assert_problem(&vendors.send(line, &[], body).await, 400, at);
        for key in ["", "two words", "caf\u{e9}", &"k".repeat(256)] {
            assert_problem(&vendors.keyed(line, key, body).await, 400, at);
        }
    }
    assert!(vendors.effects("", "seq").await.is_empty());
}

#[tokio::test]
async fn a_wrong_hold_is_refused_with_the_place_that_is_wrong() {
    let vendors = vendors().await;
    for (body, status, place) in [
        ("", 400, "body"),
        ("{", 400, "body"),
        ("[1]", 400, "body"),
        (r#"{"vendor_id":"v"}"#, 422, "body"),
        (r#"{"vendor_id":"v","days":"14"}"#, 422, "body"),
        (r#"{"vendor_id":"v","days":0}"#, 422, "body field `days`"),
        (r#"{"vendor_id":"v","days":366}"#, 422, "body field `days`"),
        (
            r#"{"vendor_id":"","days":1}"#,
            422,
            "body field `vendor_id`",
        ),
        (
            r#"{"vendor_id":"v","days":1,"day":1,"note":2}"#,
            422,
            "body fields `day`, `note`",
        ),
    ] {
        let reply = vendors.keyed("POST /holds", "k", body).await;
        assert_problem(&reply, status, place);
    }
    assert!(vendors.effects("", "seq").await.is_empty());
    assert_eq!(vendors.hold("k", "v").await.status, 201, "the key is free");
}

#[tokio::test]
async fn a_misspelt_query_parameter_is_refused_and_does_not_list_everything() {
    let vendors = vendors().await;
    let at = "query parameter `vendor`";
    assert_problem(&vendors.get("/holds?vendor=v-1").await, 400, at);
    let at = "query parameter `key`";
    let twice = vendors.keyed("DELETE /holds?key=a&key=b", "u", "").await;
    assert_problem(&twice, 400, at);
    let none = vendors.keyed("DELETE /holds", "u", "").await;
    assert_problem(&none, 400, at);
}

#[tokio::test]
async fn a_notification_keeps_its_free_fields() {
    let vendors = vendors().await;
    let body = json!({"team": "ap", "message": "held", "severity": {"level": 2}});
    let sent = vendors
        .keyed("POST /notifications", "n-1", &body.to_string())
        .await;
    assert_eq!(sent.status, 202);
    let other = r#"{"team":"treasury","message":"m"}"#;
    vendors.keyed("POST /notifications", "n-2", other).await;

    let listed = vendors.list("/notifications?team=ap").await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["notification_id"], sent.json()["notification_id"]);
    assert_eq!(listed[0]["body"], body);
    assert_eq!(vendors.list("/notifications?key=n-2").await.len(), 1);
    let wrong = r#"{"team":"ap","message":3}"#;
    let reply = vendors.keyed("POST /notifications", "n-3", wrong).await;
    assert_problem(&reply, 422, "body field `message`");
}

#[tokio::test]
async fn a_body_over_256_kib_is_refused() {
    let vendors = vendors().await;
    let body = json!({"team": "ap", "message": "x".repeat(256 << 10)}).to_string();
    let reply = vendors.keyed("POST /notifications", "n", &body).await;
    assert_problem(&reply, 413, "body");
    assert_eq!(vendors.requests("?key=n", "status").await, [413]);
}
