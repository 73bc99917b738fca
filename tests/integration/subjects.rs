//! Subjects: shown wherever people see an execution, found by their exact text, and in no log.

use holdfast_access::Role;
use holdfast_tests::{DELAY, Reply, Stack, eventually, hold, texts, unique};
use serde_json::{Value, json};

use crate::story::holdfast;

/// The answer of a list, once it has this many executions.
async fn listed(stack: &Stack, query: &str, count: usize) -> Value {
    eventually(&format!("{query} lists {count}"), || async {
        let reply = stack.api.get(&format!("/v1/executions?{query}")).await;
        let found = texts(&reply.body["executions"], "execution_id").len();
        let right = reply.status == 200 && found == count;
        right
            .then_some(reply.body.clone())
            .ok_or_else(|| reply.body.to_string())
    })
    .await
}

fn detail(reply: &Reply) -> &str {
    reply.body["detail"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn an_execution_shows_its_subject_everywhere_but_to_observers_and_in_logs() {
    let stack = Stack::from_env().await;
    let (vendor, key) = (unique("vendor"), unique("subject"));
    let subject = format!("vendor {vendor}");
    let id = stack.api.started(DELAY, &key, &hold(&vendor)).await;
    let (execution, receipt) = stack.api.finished(&id).await;
    let days = json!([{ "label": "days held", "value": "14" }]);
    for shown in [&execution, &receipt] {
        assert_eq!(shown["subject"], *subject, "{shown}");
        assert_eq!(shown["shown"], days, "{shown}");
    }
    let path = format!("/v1/executions/{id}/receipt?format=html");
    let page = stack.api.get(&path).await.text;
    assert!(
        page.contains(&subject) && page.contains("days held"),
        "{page}"
    );
    let events = format!("/v1/executions/{id}/events");
    let story = stack.api.get(&events).await.body;
    for event in story["events"].as_array().expect("events") {
        assert_eq!(event["workflowsubject"], *subject, "{event}");
    }
    let encoded = subject.replace(' ', "%20");
    for query in [
        format!("subject={encoded}"),
        format!("subject={encoded}&workflow_id={DELAY}&status=EXECUTED"),
        format!("idempotency_key={key}&workflow_id={DELAY}"),
    ] {
        let found = listed(&stack, &query, 1).await["executions"][0].clone();
        assert_eq!(
            (&found["execution_id"], &found["subject"]),
            (&json!(id), &json!(subject))
        );
    }
    // The list of a workflow's executions shows the subject too.
    let of_workflow = format!("/v1/executions?workflow_id={DELAY}&limit=100");
    let of_workflow = stack.api.get(&of_workflow).await.body;
    let mut rows = of_workflow["executions"].as_array().expect("a list").iter();
    let row = rows
        .find(|row| row["execution_id"] == *id)
        .expect("it is new");
    assert_eq!(row["subject"], *subject, "{row}");
    let (ok, told) = holdfast(&["logs", &id]).await;
    assert!(ok && told.contains(&format!("of {subject}")), "{told}");

    let observer = stack.api.as_role(Role::Observer, "acme");
    for path in [
        format!("/v1/executions/{id}"),
        events,
        format!("/v1/executions?workflow_id={DELAY}&limit=100"),
    ] {
        let reply = observer.get(&path).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert!(!reply.text.contains(&vendor), "{path}: {}", reply.text);
    }
    let guess = observer
        .get(&format!("/v1/executions?subject={encoded}"))
        .await;
    assert_eq!(guess.status, 403, "{}", guess.body);
    for function in [
        "api",
        "start",
        "begin",
        "step-vendor-hold",
        "step-http",
        "finish",
        "audit",
    ] {
        let logged = stack.aws.logged(function, &vendor);
        assert_eq!(logged, Vec::<String>::new(), "{function} logs a subject");
    }
}

#[tokio::test]
async fn a_subject_is_found_by_its_exact_text_and_in_its_own_tenant() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    for _ in 0..2 {
        let id = stack
            .api
            .started(DELAY, &unique("subject"), &hold(&vendor))
            .await;
        stack.api.finished(&id).await;
    }
    let both = listed(&stack, &format!("subject=vendor%20{vendor}"), 2).await;
    let first = listed(&stack, &format!("subject=vendor%20{vendor}&limit=1"), 1).await;
    let cursor = first["next"].as_str().expect("more follow");
    let next = format!("subject=vendor%20{vendor}&limit=1&cursor={cursor}");
    let second = listed(&stack, &next, 1).await;
    let of = |page: &Value| page["executions"][0]["execution_id"].clone();
    assert_eq!(of(&first), of(&both));
    assert_eq!(of(&second), both["executions"][1]["execution_id"]);
    for other in [
        format!("Vendor%20{vendor}"),
        vendor.clone(),
        format!("vendor%20{vendor}%20"),
    ] {
        listed(&stack, &format!("subject={other}"), 0).await;
    }
    listed(
        &stack,
        &format!("subject=vendor%20{vendor}&workflow_id=WF-REVIEW-REMINDER"),
        0,
    )
    .await;
    let tenant = stack.aws.new_tenant("tenant");
    let other = stack.api.as_role(Role::TenantAdmin, &tenant);
    let reply = other
        .get(&format!("/v1/executions?subject=vendor%20{vendor}"))
        .await;
    assert_eq!(reply.body["executions"], json!([]), "{}", reply.body);
}

#[tokio::test]
async fn a_filter_by_key_needs_its_workflow_and_allows_no_other_filter() {
    let stack = Stack::from_env().await;
    for (query, words) in [
        ("idempotency_key=k".to_owned(), "give workflow_id with it"),
        (
            format!("idempotency_key=k&workflow_id={DELAY}&status=FAILED"),
            "leave all else out",
        ),
        (
            format!("idempotency_key=k&workflow_id={DELAY}&subject=x"),
            "leave all else out",
        ),
        (
            "subject=".to_owned(),
            "subject has 1 to 200 visible characters",
        ),
        (
            "subject=a%0Ab".to_owned(),
            "subject has 1 to 200 visible characters",
        ),
    ] {
        let reply = stack.api.get(&format!("/v1/executions?{query}")).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.body);
        assert!(detail(&reply).contains(words), "{query}: {}", reply.body);
    }
    listed(
        &stack,
        &format!("idempotency_key={}&workflow_id={DELAY}", unique("none")),
        0,
    )
    .await;
}

#[tokio::test]
async fn a_start_without_a_text_for_its_subject_is_rejected_with_a_receipt() {
    let stack = Stack::from_env().await;
    let name = unique("subject").to_uppercase().replace('-', "");
    let workflow = format!("WF-TEST-{name}");
    let definition = format!(
        r#"
workflow: {workflow}
version: 1
input:
  type: object
  required: [order]
  properties: {{ order: {{ type: string }} }}
subject: "{{% 'order ' & $input.order %}}"
receipt: {{ show: {{ order: "{{% $input.order %}}" }} }}
steps:
  - name: tell
    action: http
    input:
      method: POST
      url: "${{VendorSystemUrl}}/notifications"
      body: {{ team: ap, message: "{{% $input.order %}}" }}
    irreversible: true
"#
    );
    stack.aws.deploy(&definition).await;
    let long = "x".repeat(201);
    let key = unique("subject");
    let id = stack
        .api
        .started(&workflow, &key, &json!({ "order": long }))
        .await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "REJECTED", "{execution}");
    let guardrails = receipt["guardrails"].as_array().expect("a list").iter();
    let broken: Vec<_> = guardrails.filter(|one| one["held"] == false).collect();
    let message = "its text has 1 to 200 visible characters on one line";
    let right = [
        json!({ "name": "subject", "held": false, "message": message }),
        json!({ "name": "show", "held": false, "message": format!("`order`: {message}") }),
    ];
    assert_eq!(broken, right.iter().collect::<Vec<_>>(), "{receipt}");
    assert_eq!((receipt.get("subject"), receipt.get("shown")), (None, None));

    let order = unique("order");
    let refuses = json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": order });
    stack.vendor.plan(refuses).await;
    let id = stack
        .api
        .started(&workflow, &unique("subject"), &json!({ "order": order }))
        .await;
    let (failed, _) = stack.api.finished(&id).await;
    assert_eq!(failed["status"], "FAILED", "{failed}");
    let incidents = stack.api.get("/v1/incidents?limit=100").await.body;
    let mut incidents = incidents["incidents"].as_array().expect("a list").iter();
    let incident = incidents.find(|one| one["workflow_id"] == *workflow);
    let incident = incident.expect("it is open");
    let subject = format!("order {order}");
    assert_eq!(incident["subject"], *subject, "{incident}");
    let href = incident["href"].as_str().expect("a path");
    let case = stack.api.get(href).await.body;
    assert_eq!(
        texts(&case["executions"], "subject"),
        [subject.as_str()],
        "{case}"
    );
    let observer = stack.api.as_role(Role::Observer, "acme").get(href).await;
    assert!(!observer.text.contains(&order), "{}", observer.text);
}

#[tokio::test]
async fn a_withdrawn_execution_says_that_it_had_executed_and_who_asked() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let id = stack
        .api
        .started(DELAY, &unique("subject"), &hold(&vendor))
        .await;
    stack.api.finished(&id).await;
    let path = format!("/v1/executions/{id}/rollback");
    let reply = stack
        .api
        .post(&path, &json!({ "reason": "wrong vendor" }))
        .await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    let (_, receipt) = stack.api.finished(&id).await;
    let earlier = &receipt["earlier"];
    assert_eq!(earlier.as_array().map(Vec::len), Some(1), "{receipt}");
    assert_eq!(
        (&earlier[0]["generation"], &earlier[0]["status"]),
        (&json!(0), &json!("EXECUTED"))
    );
    let path = format!("/v1/executions/{id}/receipt?format=html");
    let page = stack.api.get(&path).await.text;
    for words in [
        "It had executed on ",
        "was withdrawn on request of ",
        "Why it was withdrawn",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("did not execute"), "{page}");
}
