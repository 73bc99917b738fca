//! Lists of executions, receipts and workflows: their content, their order, and how pages follow
//! each other.

use holdfast_access::Role;
use holdfast_ledger::SHARDS;
use holdfast_tests::{Api, Reply, Stack, Throttle, eventually, texts, unique};
use serde_json::{Value, json};

const GROUP: &str = "WF-HOLD-VENDOR-GROUP";

fn group(vendor: &str) -> Value {
    json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": vendor }] })
}

/// A tenant of the test's own with `count` executions, newest first.
async fn tenant(stack: &Stack, count: usize) -> (Api, Vec<String>) {
    let api = stack
        .api
        .as_role(Role::TenantAdmin, &stack.aws.new_tenant("tenant"));
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(
            api.started(GROUP, &unique("list"), &group(&unique("vendor")))
                .await,
        );
    }
    let mut began = Vec::new();
    for id in ids {
        let (execution, _) = api.finished(&id).await;
        // Compared as texts, times with and without a last digit would have another order.
        let at: jiff::Timestamp = execution["started_at"]
            .as_str()
            .and_then(|at| at.parse().ok())
            .expect("a time");
        began.push((at, id));
    }
    began.sort();
    began.reverse();
    (api, began.into_iter().map(|(_, id)| id).collect())
}

fn ids<'a>(reply: &'a Reply, list: &str) -> Vec<&'a str> {
    assert_eq!(reply.status, 200, "{}", reply.body);
    texts(&reply.body[list], "execution_id")
}

#[tokio::test]
async fn executions_are_listed_newest_first_page_by_page_without_gap_or_repeat() {
    let stack = Stack::from_env().await;
    let (api, all) = tenant(&stack, 5).await;
    for list in ["executions", "receipts"] {
        let whole = eventually("the index has them all", || async {
            let reply = api.get(&format!("/v1/{list}")).await;
            (ids(&reply, list).len() == 5)
                .then_some(reply)
                .ok_or_else(|| list.to_owned())
        })
        .await;
        assert_eq!(ids(&whole, list), all, "{list}");
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = api.get(&format!("/v1/{list}?limit=2{cursor}")).await;
            seen.extend(ids(&page, list).into_iter().map(str::to_owned));
            pages += 1;
            match page.body["next"].as_str() {
                Some(next) if pages < 9 => cursor = format!("&cursor={next}"),
                _ => break,
            }
        }
        assert_eq!(seen, all, "{list}");
        assert!((3..=4).contains(&pages), "{list}: {pages} pages");
    }
}

#[tokio::test]
async fn a_page_costs_one_query_of_each_shard_whatever_its_filter_and_the_number_of_executions() {
    // A changed function restarts, which would disturb another test that calls it.
    let stack = Stack::alone().await;
    let (few, _) = tenant(&stack, 1).await;
    let (many, _) = tenant(&stack, 12).await;
    let ledger = Throttle::begin(&stack.aws, &["api"], 0).await;
    for api in [&few, &many] {
        for path in [
            "/v1/executions?limit=2".to_owned(),
            format!("/v1/executions?limit=2&workflow_id={GROUP}"),
            "/v1/executions?limit=2&status=EXECUTED".to_owned(),
            "/v1/executions?limit=2&status=FAILED".to_owned(),
            "/v1/executions?limit=2&from=2026-01-01T00:00:00Z".to_owned(),
            "/v1/executions?limit=2&subject=order".to_owned(),
            format!("/v1/executions?limit=2&subject=order&workflow_id={GROUP}"),
            "/v1/receipts?limit=2".to_owned(),
            "/v1/incidents?limit=2&status=open".to_owned(),
        ] {
            ledger.take_operations();
            let page = api.get(&path).await;
            assert_eq!(page.status, 200, "{path}: {}", page.body);
            // Subjects and incidents have no shards.
            let queries = match path.contains("subject=") || path.contains("incidents") {
                true => 1,
                false => usize::from(SHARDS),
            };
            assert_eq!(ledger.take_operations(), vec!["Query"; queries], "{path}");
        }
        let path = format!("/v1/executions?idempotency_key=k&workflow_id={GROUP}");
        assert_eq!(api.get(&path).await.status, 200);
        assert_eq!(ledger.take_operations(), ["GetItem"], "{path}");
    }
}

#[tokio::test]
async fn a_list_can_be_filtered_by_workflow_status_and_time() {
    let stack = Stack::from_env().await;
    let (api, all) = tenant(&stack, 2).await;
    let newest = api.get(&format!("/v1/executions/{}", all[0])).await.body;
    let began = newest["started_at"].as_str().expect("a time");
    let count = |query: String, expected: usize| {
        let api = &api;
        async move {
            eventually(&format!("{query} lists {expected}"), || async {
                let reply = api.get(&format!("/v1/executions?{query}")).await;
                let found = ids(&reply, "executions").len();
                (found == expected)
                    .then_some(())
                    .ok_or_else(|| reply.body.to_string())
            })
            .await;
        }
    };
    for (query, expected) in [
        (format!("workflow_id={GROUP}"), 2),
        ("workflow_id=WF-REVIEW-REMINDER".to_owned(), 0),
        ("status=EXECUTED".to_owned(), 2),
        (format!("workflow_id={GROUP}&status=EXECUTED&limit=1"), 1),
        ("status=RUNNING".to_owned(), 0),
        (format!("from={began}"), 1),
        (format!("until={began}"), 2),
        ("until=2020-01-01T00:00:00Z".to_owned(), 0),
        (format!("workflow_id={GROUP}&from=2020-01-01T00:00:00Z"), 2),
        // These cursors lie outside of the times.
        (format!("until={began}&cursor=9999999999999-{}", all[0]), 2),
        (format!("from={began}&cursor=0000000000000-{}", all[0]), 0),
    ] {
        count(query, expected).await;
    }
    let other = stack
        .api
        .as_role(Role::TenantAdmin, &stack.aws.new_tenant("tenant"));
    assert!(ids(&other.get("/v1/executions").await, "executions").is_empty());
}

#[tokio::test]
async fn an_invalid_filter_is_refused_with_the_valid_values() {
    let stack = Stack::from_env().await;
    for (query, words) in [
        ("executions?limit=0", "1 to 100"),
        ("executions?limit=many", "limit"),
        ("executions?status=DONE", "EXECUTED"),
        ("executions?from=yesterday", "such as"),
        ("executions?workflow_id=x", "WF-"),
        ("executions?cursor=x", "next"),
        ("executions?colour=red", "colour"),
        ("executions?limit=1&limit=2", "limit"),
        ("receipts?status=EXECUTED", "status"),
        (
            "executions?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
            "later than until",
        ),
        (
            "receipts?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
            "later than until",
        ),
        ("incidents?cursor=~", "next"),
    ] {
        let reply = stack.api.get(&format!("/v1/{query}")).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.body);
        let detail = reply.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(words), "{query}: {detail}");
    }
}

#[tokio::test]
async fn a_workflow_shows_its_deployed_version_to_its_tenants_only() {
    let stack = Stack::from_env().await;
    let acme = stack.api.as_role(Role::Observer, "acme");
    let list = acme.get("/v1/workflows").await;
    let listed = texts(&list.body["workflows"], "workflow_id");
    for id in [holdfast_tests::DELAY, GROUP] {
        assert!(listed.contains(&id), "{}", list.body);
    }
    let path = format!("/v1/workflows/{}", holdfast_tests::DELAY);
    let one = acme.get(&path).await.body;
    assert_eq!(one["version"], 2, "{one}");
    assert_eq!(
        texts(&one["definition"]["steps"], "name"),
        ["apply_vendor_hold", "notify_ap_team"]
    );
    assert_eq!(one["definition"]["input"]["type"], "object", "{one}");
    let [first, second] = [0, 1].map(|n| &one["definition"]["steps"][n]);
    for shown_field in ["timeout_s", "max_attempts"] {
        assert!(
            first[shown_field].is_u64() && first["undo"][shown_field].is_u64(),
            "{one}"
        );
    }
    assert!(
        second["undo"].is_null(),
        "a notification cannot be undone: {one}"
    );
    let retry = first["retry"].as_array().expect("retriers");
    let every = retry
        .iter()
        .find(|one| one["ErrorEquals"] == json!(["States.ALL"]));
    assert_eq!(
        every.map(|one| &one["JitterStrategy"]),
        Some(&json!("FULL"))
    );
    let graph = one["graph"].as_str().expect("a flowchart");
    assert!(
        graph.contains("state_apply_vendor_hold --> state_notify_ap_team"),
        "{graph}"
    );
    let globex = stack.api.as_role(Role::Observer, "globex");
    let closed = globex.get("/v1/workflows").await.body;
    assert!(!texts(&closed["workflows"], "workflow_id").contains(&holdfast_tests::DELAY));
    assert_eq!(globex.get(&path).await.status, 404);
    assert_eq!(acme.get("/v1/workflows/wf-x").await.status, 404);
}
