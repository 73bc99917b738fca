//! Bulks of many decisions: one whose worker is killed, and one that is stopped while it runs.

use std::{collections::BTreeSet, time::Instant};

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, DeleteRequest, WriteRequest},
};
use futures_util::{StreamExt, stream};
use holdfast_aws::{DynamoLedger, Window};
use holdfast_ids::keys::{ExecutionKey, execution_id, incident_id};
use holdfast_ledger::{
    AskingExecution, ExecutionRecord, Expect, Incident, IncidentStatus, Key, Ledger as _, Link,
    Question, Record as _, fixtures,
};
use holdfast_task::{Approvers, QuestionKind};
use holdfast_tests::{Api, Stack, eventually, kill, sdk_config, variable, workers};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{ended, report, run, shown};

/// The number of questions that one bulk decides.
const MANY: usize = 1_000;
/// The number of questions of a bulk that is stopped. It takes 15 seconds at 20 a second.
const STOPPED: usize = 300;
const WORKFLOW: &str = "WF-BULK";

async fn ledger() -> DynamoLedger {
    let config = sdk_config().load().await;
    let client = Client::new(&config);
    DynamoLedger::new(client, variable("HOLDFAST_LEDGER_TABLE"))
}

/// An execution that waits for two people, its question and its incident, as the engine writes
/// them.
fn waiting(tenant: &str, n: usize) -> (ExecutionRecord, Question, Incident) {
    let now = Timestamp::now();
    let key = format!("k-{n}");
    let at = ExecutionKey {
        tenant: tenant.to_owned(),
        execution: execution_id(tenant, WORKFLOW, &key),
    };
    let execution = ExecutionRecord {
        workflow: WORKFLOW.to_owned(),
        idempotency_key: key,
        started_at: now,
        // The sweep must not find it.
        deadline: now + SignedDuration::from_hours(24),
        ..fixtures::execution(&at)
    };
    let question = Question {
        kind: QuestionKind::Approval,
        message: "may it?".to_owned(),
        incident: incident_id(
            tenant,
            WORKFLOW,
            "hold",
            "Approval",
            Some(&at.execution),
            &[],
        ),
        error: String::new(),
        entered: now,
        until: now + SignedDuration::from_hours(24),
        asked_by: Some(AskingExecution::of(&execution)),
        approvers: Some(Approvers {
            by: vec!["cfo".to_owned(), "treasury".to_owned()],
            count: 2,
            distinct_groups: false,
            remind_every_s: None,
        }),
        shown_sha256: "5e".repeat(32),
        ..fixtures::question(&at)
    };
    let incident = Incident {
        rev: 1,
        id: question.incident.clone(),
        tenant: tenant.to_owned(),
        workflow: WORKFLOW.to_owned(),
        state: question.step.clone(),
        error: "Approval".to_owned(),
        message: question.message.clone(),
        opened_at: now,
        execution: at.execution,
        version: 1,
        subject: None,
        standing: false,
        status: IncidentStatus::Open,
        handled: Vec::new(),
    };
    (execution, question, incident)
}

/// The executions of every page of a report.
async fn listed(api: &Api, shown: &Value) -> Vec<Value> {
    let path = shown["links"]["report"].as_str().expect("a path");
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{path}?limit=100{cursor}")).await.body;
        items.extend(page["items"].as_array().expect("items").clone());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

/// Writes the records of executions that wait.
async fn wait(ledger: &DynamoLedger, tenant: &str, count: usize) {
    let records = (0..count).map(|n| waiting(tenant, n));
    let written = stream::iter(records).map(|(execution, question, incident)| async move {
        let puts = ledger.put(&execution, Expect::Absent).await.is_ok()
            && ledger.put(&question, Expect::Absent).await.is_ok()
            && ledger.put(&incident, Expect::Absent).await.is_ok()
            && ledger.put_link(&Link::asking(&question)).await.is_ok();
        assert!(puts, "the records are written");
    });
    written.buffer_unordered(16).count().await;
}

/// The questions with one vote, which is that of this bulk.
async fn voted(ledger: &DynamoLedger, tenant: &str, mark: &str) -> usize {
    let mut window = Window::default();
    let mut questions = Vec::new();
    loop {
        let page = ledger.questions(tenant, &window, 500).await;
        let page = page.expect("the list of questions");
        questions.extend(page.entries.into_iter().map(|(_, question)| question));
        match page.next {
            Some(next) => window.after = Some(next),
            None => break,
        }
    }
    let once = |question: &&Question| match &question.votes[..] {
        [vote] => vote.by == "tests" && vote.reason == mark,
        _ => false,
    };
    questions.iter().filter(once).count()
}

/// The body of a bulk that approves, and the reason of each vote of the bulk that was shown.
fn approve(reason: &str) -> (Value, impl Fn(&Value) -> String) {
    let body = json!({
        "operation": "decide", "decision": "approve", "filter": { "workflow_id": WORKFLOW },
        "reason": reason,
    });
    let reason = reason.to_owned();
    let mark = move |shown: &Value| {
        let id = shown["bulk_id"].as_str().expect("an id");
        format!("{reason} (bulk {id})")
    };
    (body, mark)
}

/// Deletes the records of the executions, so that the stack's sweep and its lists do not meet them.
async fn remove(tenant: &str, count: usize) {
    let client = Client::new(&sdk_config().load().await);
    let keys: Vec<Key> = (0..count)
        .flat_map(|n| {
            let (execution, question, incident) = waiting(tenant, n);
            [execution.key(), question.key(), incident.key()]
        })
        .collect();
    for keys in keys.chunks(25) {
        let deletes = keys.iter().map(|key| {
            let delete = DeleteRequest::builder()
                .key("pk", AttributeValue::S(key.pk()))
                .key("sk", AttributeValue::S(key.sk()));
            let delete = delete.build().expect("a key");
            WriteRequest::builder().delete_request(delete).build()
        });
        let table = variable("HOLDFAST_LEDGER_TABLE");
        let write = client.batch_write_item();
        let write = write.request_items(table, deletes.collect());
        write.send().await.expect("a batch is deleted");
    }
}

#[tokio::test]
async fn a_thousand_decisions_are_each_recorded_and_counted_once_though_the_worker_dies_thrice() {
    let stack = Stack::alone().await;
    let tenant = stack.aws.new_tenant("bulk");
    let (ledger, api) = (ledger().await, stack.api.as_tenant(&tenant));
    wait(&ledger, &tenant, MANY).await;
    let (body, mark) = approve("all are right");
    let shown = shown(&api, &body).await;
    assert_eq!(shown["total"], MANY, "{shown}");
    assert_eq!(shown["refused_now"], json!([]), "{shown}");
    let began = Instant::now();
    let started = run(&api, &shown).await;
    assert_eq!(started.body["replayed"], false, "{}", started.body);
    for least in [100, 400, 700] {
        eventually("the bulk continues", || async {
            let counts = report(&api, &shown).await["counts"].clone();
            let far = counts["done"].as_u64() >= Some(least);
            far.then_some(()).ok_or_else(|| counts.to_string())
        })
        .await;
        let victims = workers(&["bulk"]);
        assert!(!victims.is_empty(), "a worker is at work");
        kill(&victims);
    }
    let report = ended(&api, &shown).await;
    eprintln!("{MANY} decisions took {:?}", began.elapsed());
    let right = json!({ "done": MANY, "already": 0, "refused": 0, "not_reached": 0, "pending": 0 });
    assert_eq!(report["counts"], right, "{report}");
    let items = listed(&api, &shown).await;
    let ids: BTreeSet<_> = items
        .iter()
        .filter_map(|item| item["execution_id"].as_str())
        .collect();
    assert_eq!((items.len(), ids.len()), (MANY, MANY));
    // The effect of each request: one vote of the caller, in the name of the bulk.
    assert_eq!(voted(&ledger, &tenant, &mark(&shown)).await, MANY);
    remove(&tenant, MANY).await;
}

#[tokio::test]
async fn a_running_bulk_that_a_person_stops_makes_no_further_request_and_accounts_for_the_rest() {
    // Other tests must not meet these executions in their lists.
    let stack = Stack::alone().await;
    let tenant = stack.aws.new_tenant("bulk");
    let (ledger, api) = (ledger().await, stack.api.as_tenant(&tenant));
    wait(&ledger, &tenant, STOPPED).await;
    let (body, mark) = approve("some are right");
    let shown = shown(&api, &body).await;
    assert_eq!(shown["total"], STOPPED, "{shown}");
    run(&api, &shown).await;
    eventually("the first requests are made", || async {
        let counts = report(&api, &shown).await["counts"].clone();
        let some = counts["done"].as_u64() > Some(0);
        some.then_some(()).ok_or_else(|| counts.to_string())
    })
    .await;
    let path = shown["links"]["report"].as_str().expect("a path");
    let stopping = api.send(api.request("DELETE", path)).await;
    assert_eq!(stopping.status, 200, "{}", stopping.body);
    assert_eq!(stopping.body["replayed"], false, "{}", stopping.body);
    let count = |report: &Value, outcome: &str| report["counts"][outcome].as_u64().expect(outcome);
    let saved = count(&report(&api, &shown).await, "done");
    let report = ended(&api, &shown).await;
    assert_eq!(report["status"], "STOPPED", "{report}");
    let (done, rest) = (count(&report, "done"), count(&report, "not_reached"));
    assert!(done > 0 && rest > 0, "{report}");
    assert_eq!(done + rest, STOPPED as u64, "{report}");
    // A worker makes ten requests between two looks at its bulk.
    assert!(done <= saved + 10, "{saved} were done: {report}");
    let again = run(&api, &shown).await;
    assert_eq!(again.status, 409, "{}", again.body);
    assert_eq!(voted(&ledger, &tenant, &mark(&shown)).await as u64, done);
    remove(&tenant, STOPPED).await;
}
