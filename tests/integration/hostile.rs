//! Hostile text that the API accepts remains data on its way to targets, expressions, logs and
//! people.

use holdfast_ids::keys::{ExecutionKey, payload_object};
use holdfast_ledger::Key;
use holdfast_tests::{DELAY, Stack, eventually, execution_key, unique, variable};
use serde_json::{Value, json};

use crate::{
    abuse::is_problem,
    decisions::{asked, decide},
    hold,
};

#[tokio::test]
async fn an_expression_inside_an_input_stays_data_all_the_way_to_the_target() {
    let stack = Stack::from_env().await;
    for text in [
        "{% $states.context.Execution.Id %}",
        "{% $eval('1+1') %}",
        "{%$input%}",
        "${VendorSystemUrl}",
        "$.vendor_id",
        "$$.Execution.Id",
        "States.Format('{}', $.a)",
        "<aws.scheduler.scheduled-time>",
        "{{7*7}}",
    ] {
        let vendor = format!("{text} {}", unique("v"));
        let id = stack
            .api
            .started(DELAY, &unique("data"), &hold(&vendor))
            .await;
        let (execution, _) = stack.api.finished(&id).await;
        assert_eq!(execution["status"], "EXECUTED", "{text}: {execution}");
        assert_eq!(
            stack.vendor.effects_on(&vendor).await,
            ["hold_placed"],
            "{text}"
        );
    }
    // Members that have a meaning in a compiled state machine have none in an input.
    for input in [
        json!({ "vendor_id": { "$jsonata": "1" }, "hold_days": 1 }),
        json!({ "vendor_id": "v", "hold_days": 1, "$stored": {} }),
        json!({ "$jsonata": "$input" }),
        json!({ "$stored": { "key": "payloads/globex/x", "sha256": "0", "bytes": 1 } }),
    ] {
        let reply = stack.api.start(DELAY, &unique("data"), &input).await;
        assert_eq!(
            (reply.status, is_problem(&reply.body)),
            (400, true),
            "{input}: {}",
            reply.body
        );
    }
}

#[tokio::test]
async fn a_reference_to_another_executions_payload_is_refused_by_every_step() {
    let stack = Stack::from_env().await;
    // This large input of another tenant lies in the payload store.
    let large = json!({ "text": "secret of globex ".repeat(40) });
    let task = |tenant: &str, input: &Value| {
        json!({
            "gate": { "workflow": "WF-ABUSE", "version": 1, "definition_digest": "sha256:0",
                "input_schema": {}, "timeout_s": 600 },
            "steps": [{ "name": "one", "action": "http" }],
            "start": { "tenant": tenant, "idempotency_key": unique("payload"), "input": input },
            "owner": stack.aws.execution(DELAY, &unique("payload")),
            "machine": stack.aws.machine(DELAY), "started_at": jiff::Timestamp::now().to_string(),
        })
    };
    let theirs = stack.aws.call("begin", &task("globex", &large)).body["execution"].clone();
    let mine = stack.aws.call("begin", &task("acme", &json!({}))).body["execution"].clone();
    let bytes = holdfast_ids::digest::canonical(&large).expect("canonical");
    let sha256 = holdfast_ids::digest::sha256_hex(&bytes);
    let key_of = |tenant: &str, execution: &Value| {
        let id = execution["id"].as_str().expect("an id").to_owned();
        payload_object(
            &ExecutionKey {
                tenant: tenant.to_owned(),
                execution: id,
            },
            &sha256,
        )
    };
    for key in [
        key_of("globex", &theirs),
        key_of("acme", &theirs),
        format!("receipts/{sha256}"),
        key_of("acme", &mine),
    ] {
        let stored = json!({ "$stored": { "key": key, "sha256": sha256, "bytes": bytes.len() } });
        let url = format!("{}/notifications", variable("HOLDFAST_VENDOR_SYSTEM"));
        let said = stack.aws.call(
            "step-http",
            &json!({
                "execution": mine,
                "step": { "name": "one", "number": 1, "action": "http", "timeout_s": 20, "max_attempts": 3,
                    "idempotent": true, "inline_output_bytes": 200_000 },
                "input": { "method": "POST", "url": url, "body": stored },
            }),
        );
        assert!(said.body["errorType"].is_string(), "{key}: {said:?}");
        assert!(
            !said.body.to_string().contains("secret of globex"),
            "{said:?}"
        );
        assert!(!said.log.contains("secret of globex"), "{said:?}");
    }
}

#[tokio::test]
async fn a_guardrail_that_never_ends_is_refused_clearly_and_begin_survives() {
    let stack = Stack::from_env().await;
    for assert in [
        "($f := function($n) { $f($n + 1) }; $f(0))",
        "(function($f) { $f($f) })(function($f) { $f($f) })",
        "$pad('x', 1e12) = 'x'",
        "$reduce($input.list, function($a, $b) { $a & $a }) = 'x'",
        "$count([1..100000000]) > 0",
        "$count($map([1..99999], function($a) { $count($map([1..99999], function($b) { $a * $b })) })) > 0",
        "$count($input.list.($input.list.($input.list))) > 0",
    ] {
        let list: Vec<u32> = (0..2000).collect();
        let call = || {
            stack.aws.call(
            "begin",
            &json!({
                "gate": { "workflow": "WF-ABUSE", "version": 1, "definition_digest": "sha256:0", "input_schema": {},
                    "guardrails": [{ "name": "endless", "assert": assert, "message": "no" }], "timeout_s": 600 },
                "steps": [],
                "start": { "tenant": "acme", "idempotency_key": unique("endless"), "input": { "list": list } },
                "owner": stack.aws.execution(DELAY, &unique("endless")),
                "machine": stack.aws.machine(DELAY), "started_at": jiff::Timestamp::now().to_string(),
            }),
        )
        };
        // A busy machine may not give a check its time: Step Functions would repeat the call.
        let mut said = call();
        for _ in 0..5 {
            if said.body["errorType"] != "Transient" {
                break;
            }
            said = call();
        }
        assert_eq!(said.body["errorType"], "Rejected", "{assert}: {said:?}");
        let message = said.body["errorMessage"].as_str().unwrap_or_default();
        let limits = [
            "it takes more than 250 ms",
            "it needs more than 96 MB",
            "it cannot be",
        ];
        let named = |limit: &&str| message.contains(&format!("endless: {limit}"));
        assert!(limits.iter().any(named), "{assert}: {message}");
    }
}

#[tokio::test]
async fn hostile_text_in_a_reason_reaches_no_log_and_no_terminal() {
    let stack = Stack::from_env().await;
    let (marker, vendor) = (unique("marker"), unique("vendor"));
    let (id, notification) = crate::rollback::hanging(&stack, &vendor, &unique("hostile")).await;
    let path = format!("/v1/executions/{id}/cancel");
    let controls = format!("{marker}\u{1b}[2J\u{1b}]0;x\u{7}\r\nsecond line");
    let reply = stack.api.post(&path, &json!({ "reason": controls })).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    // A reason may contain any text that has no control characters.
    let hostile = format!(
        "{marker}\"}}{{\"level\":\"INFO\",\"audit\":\"workflow.started\"}}\u{202e}\u{2066}<script>"
    );
    let reply = stack.api.post(&path, &json!({ "reason": hostile })).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    notification.unblock().await;
    let (execution, receipt) = stack.api.finished(&id).await;
    // JSON escapes every control character, so that no terminal acts on one.
    for text in [execution.to_string(), receipt.to_string()] {
        assert!(text.chars().all(|c| !c.is_control()), "{text:?}");
    }
    // Each line names the execution, which half of a broken line would not, and no line has a
    // reason.
    for function in ["api", "plan", "finish", "recover"] {
        for line in stack.aws.logged(function, &id) {
            assert!(
                line.chars().all(|c| !c.is_control() && c != '\u{202e}'),
                "{function}: {line:?}"
            );
        }
        assert_eq!(
            stack.aws.logged(function, &marker),
            Vec::<String>::new(),
            "{function} logs a reason"
        );
    }
}

#[tokio::test]
async fn hostile_text_in_the_reason_of_a_pause_is_sanitized_in_logs() {
    let stack = Stack::from_env().await;
    let (tenant, vendor) = (stack.aws.new_tenant("hostile"), unique("vendor"));
    let api = stack.api.as_tenant(&tenant);
    stack
        .aws
        .deploy(include_str!("../workflows/stops.yaml"))
        .await;
    let input = json!({ "first": vendor, "second": unique("vendor") });
    let id = api
        .started("WF-TEST-STOPS", &unique("hostile"), &input)
        .await;
    let question = asked(&api, &id).await;
    let scope = format!("/v1/controls/tenant/{tenant}");
    let reason = "a leak\u{202e}\u{2028}\u{2066}";
    let pause = json!({ "state": "paused", "reason": reason, "running_executions": "rollback" });
    assert_eq!(stack.api.put(&scope, &pause).await.status, 200);
    let decided = decide(&api.as_actor("bob"), &question, "approve", &id).await;
    assert_eq!(decided.status, 200, "{}", decided.body);
    let (_, receipt) = api.finished(&id).await;
    assert_eq!(receipt["failure"]["reason"], reason, "{receipt}");
    let resume = json!({ "state": "running", "reason": "it was a test" });
    assert_eq!(stack.api.put(&scope, &resume).await.status, 200);
    eventually("the step's function logs why", || async {
        let lines = stack.aws.logged("step-vendor-hold", &id);
        let reported = lines.iter().any(|line| line.contains("a leak"));
        reported.then_some(()).ok_or_else(|| format!("{lines:#?}"))
    })
    .await;
    for function in ["api", "step-vendor-hold", "plan", "finish"] {
        for line in stack.aws.logged(function, &id) {
            assert!(
                !line.contains(['\u{202e}', '\u{2028}', '\u{2066}']),
                "{function}: {line:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_to_an_internal_address_is_refused_before_it_is_sent() {
    let stack = Stack::from_env().await;
    let task = json!({
        "gate": { "workflow": "WF-ABUSE", "version": 1, "definition_digest": "sha256:0",
            "input_schema": {}, "timeout_s": 600 },
        "steps": [{ "name": "one", "action": "http" }],
        "start": { "tenant": "acme", "idempotency_key": unique("reach"), "input": {} },
        "owner": stack.aws.execution(DELAY, &unique("reach")),
        "machine": stack.aws.machine(DELAY), "started_at": jiff::Timestamp::now().to_string(),
    });
    let execution = stack.aws.call("begin", &task).body["execution"].clone();
    let vendor = variable("HOLDFAST_VENDOR_SYSTEM");
    let port = vendor.rsplit(':').next().expect("a port");
    let emulator = variable("AWS_ENDPOINT_URL");
    for (number, url) in [
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/".to_owned(),
        "http://[fd00:ec2::254]/latest/meta-data".to_owned(),
        format!("http://localhost:{port}/notifications"),
        format!("http://[::1]:{port}/notifications"),
        format!("http://[::ffff:127.0.0.1]:{port}/notifications"),
        format!("http://2130706433:{port}/notifications"),
        format!("http://127.0.0.2:{port}/notifications"),
        format!("https://127.0.0.1:{port}/notifications"),
        format!("{vendor}@10.0.0.1/notifications"),
        format!("{emulator}/_ministack/health"),
        "http://10.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        let said = stack.aws.call(
            "step-http",
            &json!({
                "execution": execution,
                "step": { "name": format!("step_{number}"), "number": number + 1, "action": "http", "timeout_s": 20,
                    "max_attempts": 3, "idempotent": true, "inline_output_bytes": 200_000 },
                "input": { "method": "POST", "url": url, "body": {} },
            }),
        );
        assert_eq!(said.body["errorType"], "Permanent", "{url}: {said:?}");
    }
}

#[tokio::test]
async fn a_repeated_decision_and_a_used_token_change_nothing() {
    let stack = Stack::from_env().await;
    let (alice, bob) = (stack.api.as_actor("alice"), stack.api.as_actor("bob"));
    let vendor = unique("vendor");
    let input = json!({ "vendor_id": vendor, "hold_days": 14, "amount": 250_000 });
    let id = alice
        .started("WF-HOLD-LARGE-PAYMENTS", &unique("replay"), &input)
        .await;
    let question = asked(&alice, &id).await;
    let token = token_of(&stack, &id).await;
    assert_eq!(decide(&bob, &question, "approve", &id).await.status, 200);
    let (_, before) = stack.api.finished(&id).await;
    // An attacker with the task token sends it once more, with an output of the attacker's choice.
    for output in [json!({ "output": { "by": "mallory" } }), json!({})] {
        let answer = stack.aws.states.send_task_success();
        let answer = answer
            .task_token(&token)
            .output(output.to_string())
            .send()
            .await;
        answer.expect_err("its token is used up");
    }
    let failure = stack
        .aws
        .states
        .send_task_failure()
        .task_token(&token)
        .error("Mallory");
    failure.send().await.expect_err("its token is used up");
    for decision in ["approve", "reject", "approve"] {
        let again = decide(&bob, &question, decision, &id).await;
        let expected = if decision == "approve" { 200 } else { 409 };
        assert_eq!(again.status, expected, "{}", again.body);
    }
    stack.aws.invoke("recover", &json!({}));
    let (_, after) = stack.api.finished(&id).await;
    assert_eq!(before, after, "the receipt is what it was");
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}

/// The task token of an execution's question, which only the ledger and Step Functions store.
async fn token_of(stack: &Stack, id: &str) -> String {
    eventually("the question has a token", || async {
        let pk = execution_key("acme", id).pk();
        let value = aws_sdk_dynamodb::types::AttributeValue::S(pk.clone());
        let query = stack
            .aws
            .dynamodb
            .query()
            .table_name(variable("HOLDFAST_LEDGER_TABLE"));
        let query = query
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", value);
        let found = query.send().await.expect("the ledger answers");
        let question =
            |item: &&std::collections::HashMap<_, aws_sdk_dynamodb::types::AttributeValue>| {
                let key = item["sk"].as_s().ok().and_then(|sk| Key::parse(&pk, sk));
                matches!(key, Some(Key::Question(_)))
            };
        let questions = found.items().iter().filter(question);
        let mut tokens = questions.filter_map(|item| item.get("token")?.as_s().ok());
        tokens
            .next()
            .cloned()
            .ok_or_else(|| "no token yet".to_owned())
    })
    .await
}
