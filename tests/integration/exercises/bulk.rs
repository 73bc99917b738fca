//! The exercise of the function that makes the requests of bulks.

use holdfast_aws::DynamoLedger;
use holdfast_ledger::{
    Bulk, BulkCaller, BulkFilter, BulkOperation, BulkQuestion, BulkRequest, BulkTarget,
    BulkTransition, Expect, Ledger as _,
};
use holdfast_receipt::Decision;

use super::*;

impl Round<'_> {
    pub(super) async fn bulk(&self) -> bool {
        let target = |execution: &str| BulkTarget {
            execution: execution.to_owned(),
            generation: 0,
            question: None,
        };
        let id = |begun: &BegunExecution| {
            let id = begun.execution["id"].as_str();
            id.expect("an id").to_owned()
        };
        let begun = self.begun(&json!({}));
        if self
            .refuses(BulkOperation::Cancel, target(&id(&begun)))
            .await
        {
            return true;
        }
        for decision in [Decision::Approve, Decision::Reject] {
            let begun = self.begun(&json!({}));
            let task = Self::ask_task(&begun, "approval", &unique("token"));
            self.stack.aws.call("ask", &task);
            let path = format!("/v1/executions/{}", id(&begun));
            let shown = self.stack.api.get(&path).await.body;
            let question = &shown["questions"][0];
            let incident = question["incident"].as_str().expect("a path");
            let target = BulkTarget {
                question: Some(BulkQuestion {
                    step: "one".to_owned(),
                    incident: incident.rsplit('/').next().expect("an id").to_owned(),
                    shown_sha256: String::new(),
                }),
                ..target(&id(&begun))
            };
            if self
                .refuses(BulkOperation::Decide { decision }, target)
                .await
            {
                return true;
            }
        }
        // A redrive reads the registry and the deployed definition.
        let vendor = unique("vendor");
        let fault = json!({ "route": "POST /holds", "count": 1, "kind": { "status": 400 }, "vendor_id": vendor });
        self.stack.vendor.plan(fault).await;
        let input = json!({ "vendor_id": vendor, "hold_days": 1 });
        let failed = self.stack.api.started(DELAY, &unique("bulk"), &input).await;
        self.stack.api.finished(&failed).await;
        self.refuses(BulkOperation::Redrive, target(&failed)).await
    }

    /// Runs a bulk of one execution that no machine works on; true if a request was refused.
    async fn refuses(&self, operation: BulkOperation, target: BulkTarget) -> bool {
        let config = sdk_config().load().await;
        let client = aws_sdk_dynamodb::Client::new(&config);
        let ledger = DynamoLedger::new(client, variable("HOLDFAST_LEDGER_TABLE"));
        let request = BulkRequest {
            operation,
            filter: BulkFilter::default(),
            reason: "a test".to_owned(),
            by: BulkCaller {
                subject: "exercise".to_owned(),
                role: "platform-admin".to_owned(),
                tenant: None,
                groups: Vec::new(),
            },
        };
        let (by, now) = (request.by.clone(), jiff::Timestamp::now());
        let bulk = holdfast_ids::keys::bulk_id(TENANT, &unique("bulk"));
        let (shown, parts) = Bulk::shown(TENANT, &bulk, request, vec![target], now);
        let BulkTransition::Write(running) = shown.run(&by, &shown.token(), now) else {
            panic!("a bulk that was shown runs");
        };
        let part = ledger.put(&parts[0], Expect::Absent).await;
        part.expect("a part is written");
        let bulk_is = ledger.put(&*running, Expect::Absent).await;
        bulk_is.expect("a bulk is written");
        let task = json!({ "tenant": TENANT, "bulk": bulk, "part": 0, "done": false });
        let reply = self.stack.aws.call(self.function, &task);
        reply.is_denied() || reply.failed
    }
}
