//! Calls of each function that need every permission of its role. The permission tests repeat them
//! with one permission less.

use holdfast_ids::{
    digest::{canonical, sha256_hex},
    keys::{ExecutionKey, execution_id, payload_object},
};
use holdfast_ledger::{Key, List, QuestionKey};
use holdfast_task::{ExecutionRef, payload::StoredPayload};
use holdfast_tests::{
    DELAY, FunctionReply, Stack, execution_key, kill, sdk_config, unique, variable, workers,
};
use serde_json::{Value, json};

mod api;
mod bulk;
mod ending;
mod start;

use api::posted;

/// The tenant of these executions.
const TENANT: &str = "acme";
/// The workflow that these executions name.
const WORKFLOW: &str = "WF-PERMISSIONS";

/// Runs the exercises of a function until a service denies it a request; true if one did.
pub(crate) async fn denied(stack: &Stack, function: &str) -> bool {
    // The API acts for a tenant in a role of its own.
    let called = if function == "tenant" {
        "api"
    } else {
        function
    };
    // A process remembers values such as a key, and would not request them again.
    kill(&workers(&[called]));
    let round = Round {
        stack,
        function: called,
    };
    match function {
        "begin" => round.begin(),
        "step-http" => round.step("http", &round.request()),
        "step-vendor-hold" => round.step("vendor-hold", &round.hold()),
        "plan" => round.plan(),
        "finish" => round.finish(),
        "digest" => round.digest(),
        "ask" => round.ask().await,
        "audit" => round.audit(),
        "recover" => round.recover().await,
        "api" => round.api().await,
        "start" => round.start().await,
        "bulk" => round.bulk().await,
        "tenant" => round.api().await,
        other => panic!("no exercise for the function {other}: write one"),
    }
}

struct Round<'a> {
    stack: &'a Stack,
    function: &'a str,
}

/// An execution that only the ledger knows.
struct BegunExecution {
    execution: Value,
    input: Value,
    owner: String,
}

impl Round<'_> {
    /// Calls the function under test; true if a service denied it a request.
    fn denies(&self, event: &Value) -> bool {
        self.stack.aws.call(self.function, event).is_denied()
    }

    fn begin_task(key: &str, owner: &str, input: &Value, started_at: &str) -> Value {
        Self::begin_task_for(TENANT, key, owner, input, started_at)
    }

    fn begin_task_for(
        tenant: &str,
        key: &str,
        owner: &str,
        input: &Value,
        started_at: &str,
    ) -> Value {
        let machine = format!("{}{DELAY}", variable("HOLDFAST_MACHINE_PREFIX"));
        json!({
            "gate": { "workflow": WORKFLOW, "version": 1, "definition_digest": "sha256:0", "input_schema": {},
                "timeout_s": 600, "rules": { "concurrent_executions": 1_000_000 } },
            "steps": [{ "name": "one", "action": "http" }],
            "start": { "tenant": tenant, "idempotency_key": key, "input": input },
            "owner": owner, "machine": machine, "started_at": started_at,
        })
    }

    /// Begins an execution, whichever function is under test.
    fn begun(&self, input: &Value) -> BegunExecution {
        let now = jiff::Timestamp::now().to_string();
        self.begun_at(input, &now)
    }

    fn begun_at(&self, input: &Value, started_at: &str) -> BegunExecution {
        self.begun_for(TENANT, input, started_at)
    }

    fn begun_for(&self, tenant: &str, input: &Value, started_at: &str) -> BegunExecution {
        let key = unique("permission");
        let owner = self.stack.aws.execution(DELAY, &key);
        let task = Self::begin_task_for(tenant, &key, &owner, input, started_at);
        let said = self.stack.aws.call("begin", &task);
        let execution = said.body["execution"].clone();
        assert!(execution.is_object(), "begin: {said:?}");
        BegunExecution {
            execution,
            input: input.clone(),
            owner,
        }
    }

    /// A text that makes an input too large for a ledger item.
    fn large(text: &str) -> String {
        format!("{text} {}", "x".repeat(400))
    }

    fn request(&self) -> Value {
        let url = format!("{}/notifications", variable("HOLDFAST_VENDOR_SYSTEM"));
        let message = Self::large(&unique("message"));
        json!({ "method": "POST", "url": url, "body": { "team": "ap", "message": message, "hold_id": "h" } })
    }

    fn hold(&self) -> Value {
        json!({ "vendor_id": unique("vendor"), "days": 1, "reason": Self::large("because") })
    }

    fn begin(&self) -> bool {
        let (first, second) = (unique("permission"), unique("permission"));
        let (owner, other) = (
            self.stack.aws.execution(DELAY, &first),
            self.stack.aws.execution(DELAY, &second),
        );
        let now = jiff::Timestamp::now().to_string();
        let large = json!({ "text": Self::large("input") });
        let tenant = unique("tenant");
        let mut rejected =
            Self::begin_task_for(&tenant, &unique("permission"), &owner, &json!({}), &now);
        rejected["gate"]["tenants"] = json!(["another-tenant"]);
        [
            Self::begin_task(&first, &owner, &json!({}), &now),
            // Another Step Functions execution with the same start is a duplicate, and is counted.
            Self::begin_task(&first, &other, &json!({}), &now),
            Self::begin_task(&second, &owner, &large, &now),
            // The owner's own repeat continues with the stored input.
            Self::begin_task(&second, &owner, &large, &now),
            // A start that is rejected anyhow is checked against the limits, too.
            rejected,
        ]
        .iter()
        .any(|task| self.denies(task))
    }

    /// The task of a step whose input lies in the payload store.
    fn step_task(&self, action: &str, begun: &BegunExecution) -> Value {
        let execution: ExecutionRef =
            serde_json::from_value(begun.execution.clone()).expect("a reference");
        let at = ExecutionKey {
            tenant: execution.tenant,
            execution: execution.id,
        };
        let bytes = canonical(&begun.input).expect("canonical JSON");
        let sha256 = sha256_hex(&bytes);
        let stored = StoredPayload {
            key: payload_object(&at, &sha256),
            sha256,
            bytes: bytes.len(),
        };
        json!({
            "execution": begun.execution,
            "step": { "name": "one", "number": 1, "action": action, "timeout_s": 20, "max_attempts": 3,
                "idempotent": true, "inline_output_bytes": 200_000, "undo": { "timeout_s": 20, "max_attempts": 3 } },
            "input": stored.to_marked(),
        })
    }

    fn step(&self, action: &str, input: &Value) -> bool {
        let begun = self.begun(input);
        if self.denies(&self.step_task(action, &begun)) {
            return true;
        }
        // The undo reads the execution itself, since no pause stops it.
        let planned =
            self.stack.aws.call("plan", &Self::plan_task(&begun)).body["execution"].clone();
        let undo = json!({ "step": "one", "function": self.function });
        self.denies(&json!({ "execution": planned, "undo": undo }))
    }

    /// An execution whose hold is placed.
    fn held(&self) -> BegunExecution {
        let begun = self.begun(&self.hold());
        let said = self
            .stack
            .aws
            .call("step-vendor-hold", &self.step_task("vendor-hold", &begun));
        assert_eq!(said.body["status"], "succeeded", "{said:?}");
        begun
    }

    fn plan_task(begun: &BegunExecution) -> Value {
        json!({
            "execution": begun.execution, "owner": begun.owner,
            "failure": { "state": "one", "error": "Permanent", "cause": "" },
            "functions": { "vendor-hold": "step-vendor-hold", "http": "step-http" },
        })
    }

    fn plan(&self) -> bool {
        let begun = self.held();
        let planned = self.stack.aws.call(self.function, &Self::plan_task(&begun));
        if planned.is_denied() {
            return true;
        }
        let undo = json!({ "step": "one", "function": "step-vendor-hold" });
        let execution = &planned.body["execution"];
        let task = json!({ "execution": execution, "undo": undo, "error": "States.Timeout" });
        // A second plan of the same epoch reads the records of the first.
        self.denies(&task) || self.denies(&Self::plan_task(&begun))
    }

    fn ask_task(begun: &BegunExecution, kind: &str, token: &str) -> Value {
        json!({
            "execution": begun.execution,
            "ask": { "step": "one", "kind": kind, "within_s": 600 },
            "message": "may it?", "token": token, "entered": begun.execution["started_at"],
        })
    }

    /// Opens a question, decides it, and gives the execution.
    async fn decided(&self, decision: &str) -> BegunExecution {
        let begun = self.begun(&json!({}));
        let said = self
            .stack
            .aws
            .call("ask", &Self::ask_task(&begun, "approval", &unique("token")));
        assert!(said.body["errorType"].is_null(), "{said:?}");
        let said = self.decide(&begun, decision).await;
        assert_eq!(said.body["statusCode"], 200, "{said:?}");
        begun
    }

    async fn decide(&self, begun: &BegunExecution, decision: &str) -> FunctionReply {
        let id = begun.execution["id"].as_str().expect("an id");
        let shown = self
            .stack
            .api
            .get(&format!("/v1/executions/{id}"))
            .await
            .body;
        let incident = shown["waiting"][0]["incident"]
            .as_str()
            .or(shown["questions"][0]["incident"].as_str());
        let incident = incident.unwrap_or_else(|| panic!("a question in {shown}"));
        let body = json!({ "decision": decision, "reason": "a test", "execution_id": id });
        self.stack
            .aws
            .call("api", &posted(&format!("{incident}/decision"), &body, &[]))
    }

    async fn ask(&self) -> bool {
        let begun = self.begun(&json!({}));
        if self.denies(&Self::ask_task(&begun, "approval", &unique("token"))) {
            return true;
        }
        if self.denies(&json!({ "execution": begun.execution, "expired": "one" })) {
            return true;
        }
        // The decision precedes the repeated question, whose new task token must receive it.
        for decision in ["approve", "reject"] {
            let begun = self.decided(decision).await;
            let mut again = Self::ask_task(&begun, "approval", &unique("token"));
            again["retry"] = 1.into();
            if self.denies(&again) {
                return true;
            }
        }
        false
    }

    fn audit(&self) -> bool {
        let begun = self.held();
        let id = begun.execution["id"].as_str().expect("an id");
        let query = json!({
            "TableName": variable("HOLDFAST_LEDGER_TABLE"),
            "KeyConditionExpression": "pk = :pk and begins_with(sk, :sk)",
            "ExpressionAttributeValues": {
                ":pk": { "S": execution_key(TENANT, id).pk() }, ":sk": { "S": Key::STEP_PREFIX },
            },
        });
        let found = self
            .stack
            .aws
            .json("dynamodb", "DynamoDB_20120810.Query", &query);
        let item = &found["Items"][0];
        let record = json!({ "Records": [{ "eventName": "INSERT", "dynamodb": {
            "Keys": { "pk": item["pk"], "sk": item["sk"] }, "NewImage": item, "SequenceNumber": "1",
            "ApproximateCreationDateTime": jiff::Timestamp::now().as_second(),
        }}]});
        let rebuild = json!({ "rebuild": { "tenant": TENANT, "execution": id } });
        self.denies(&record) || self.denies(&rebuild)
    }

    async fn recover(&self) -> bool {
        // Step Functions executions that ended before a record: `begin` refuses the blank name. One
        // has a large input, one uses its tenant's limits.
        self.stack
            .aws
            .deploy(include_str!("../../workflows/limited.yaml"))
            .await;
        let large = json!({ "vendor_id": unique("vendor"), "hold_days": 1, "reason": Self::large("because") });
        let drawing = json!({ "vendor_id": unique("vendor"), "amount": 1 });
        for (workflow, tenant, input) in [
            (DELAY, TENANT, large),
            (
                "WF-TEST-LIMITED",
                &self.stack.aws.new_tenant("tenant"),
                drawing,
            ),
        ] {
            let key = unique("permission");
            let start = json!({
                "tenant": tenant, "idempotency_key": key, "input": input, "requested_by": " ",
            });
            let arn = self.stack.aws.start(workflow, &key, &start).await;
            self.stack.aws.ended(&arn).await;
            let ended = json!({ "detail-type": "Step Functions Execution Status Change", "detail": {
                "executionArn": arn,
                "stateMachineArn": self.stack.aws.machine(workflow),
                "status": "FAILED", "error": "Malformed", "cause": "", "input": start.to_string(),
            }});
            if self.denies(&ended) {
                return true;
            }
        }
        // An overdue execution, which the sweep finds by the index together with its last report.
        let old = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(2)).to_string();
        self.begun_at(&json!({}), &old);
        // One whose owner, a redrive, was never started.
        let key = unique("permission");
        let id = execution_id(TENANT, WORKFLOW, &key);
        let owner = self.stack.aws.execution(WORKFLOW, &format!("{id}-r0"));
        let task = Self::begin_task(&key, &owner, &json!({}), &old);
        self.stack.aws.call("begin", &task);
        self.due_question(&old);
        let denied = self.denies(&json!({}));
        // Every later sweep would count it as stuck, and the alarm's test would meet it.
        let at = ExecutionKey {
            tenant: TENANT.to_owned(),
            execution: id,
        };
        let key = Key::Execution(at);
        let item = json!({
            "TableName": variable("HOLDFAST_LEDGER_TABLE"),
            "Key": { "pk": { "S": key.pk() }, "sk": { "S": key.sk() } },
        });
        let operation = "DynamoDB_20120810.DeleteItem";
        self.stack.aws.json("dynamodb", operation, &item);
        denied
    }

    /// Opens a question, and lists it as the API does with one whose decision is not delivered: the
    /// sweep reads it.
    fn due_question(&self, due: &str) {
        let begun = self.begun(&json!({}));
        self.stack
            .aws
            .call("ask", &Self::ask_task(&begun, "approval", &unique("token")));
        let execution: ExecutionRef = serde_json::from_value(begun.execution).expect("a reference");
        let at = ExecutionKey {
            tenant: execution.tenant,
            execution: execution.id,
        };
        let list = List::open(&at, true);
        let key = Key::Question(QuestionKey {
            at,
            step: "one".to_owned(),
        });
        let change = json!({
            "TableName": variable("HOLDFAST_LEDGER_TABLE"),
            "Key": { "pk": { "S": key.pk() }, "sk": { "S": key.sk() } },
            "UpdateExpression": "SET #list = :list, #due = :due",
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeNames": { "#list": list.index(), "#due": list.range() },
            "ExpressionAttributeValues": { ":list": { "S": list.hash() }, ":due": { "S": due } },
        });
        self.stack
            .aws
            .json("dynamodb", "DynamoDB_20120810.UpdateItem", &change);
    }
}
