//! The exercises of the functions that end an execution and chain its receipt.

use holdfast_receipt::chain::Hour;
use jiff::{SignedDuration, Timestamp};

use super::*;

impl Round<'_> {
    pub(super) fn finish(&self) -> bool {
        let begun = self.begun(&json!({}));
        let task = json!({ "execution": begun.execution, "steps": [] });
        // The end of a rollback closes or opens an incident.
        let held = self.held();
        let planned =
            self.stack.aws.call("plan", &Self::plan_task(&held)).body["execution"].clone();
        let undo = json!({ "step": "one", "function": "step-vendor-hold" });
        self.stack.aws.call(
            "step-vendor-hold",
            &json!({ "execution": planned, "undo": undo }),
        );
        let steps = json!([{ "name": "one", "action": "vendor-hold" }]);
        let unwound = json!({ "execution": planned, "steps": steps });
        if self.denies(&task) || self.denies(&unwound) {
            return true;
        }
        // `Finish` died between the receipt and its record: the second call adopts the receipt.
        self.change_record(&begun, json!({ "UpdateExpression": "REMOVE receipt" }));
        if self.denies(&task) {
            return true;
        }
        // It died before it wrote the receipt of an end two days ago.
        let then = (Timestamp::now() - SignedDuration::from_hours(50)).to_string();
        let end_long_ago = json!({
            "UpdateExpression": "SET #phase.#at = :then REMOVE receipt",
            "ExpressionAttributeNames": { "#phase": "phase", "#at": "at" },
            "ExpressionAttributeValues": { ":then": { "S": then } },
        });
        self.change_record(&begun, end_long_ago);
        self.denies(&task)
    }

    /// Changes an execution's record by the parameters of an `UpdateItem`.
    fn change_record(&self, begun: &BegunExecution, mut change: Value) {
        let id = begun.execution["id"].as_str().expect("an id");
        let key = execution_key(TENANT, id);
        change["TableName"] = variable("HOLDFAST_LEDGER_TABLE").into();
        change["Key"] = json!({ "pk": { "S": key.pk() }, "sk": { "S": key.sk() } });
        self.stack
            .aws
            .json("dynamodb", "DynamoDB_20120810.UpdateItem", &change);
    }

    /// Writes digests of this hour and the next for a tenant with one receipt, of which the second
    /// names the first; then every digest that is due.
    pub(super) fn digest(&self) -> bool {
        let now = Timestamp::now();
        let tenant = self.stack.aws.new_tenant("tenant");
        let begun = self.begun_for(&tenant, &json!({}), &now.to_string());
        let said = self.stack.aws.call(
            "finish",
            &json!({ "execution": begun.execution, "steps": [] }),
        );
        assert_eq!(said.body["status"], "EXECUTED", "{said:?}");
        let next = Hour::of(now).next();
        [next, next.next()]
            .iter()
            .any(|hour| self.denies(&json!({ "tenant": tenant, "until": hour.from() })))
            || self.denies(&json!({}))
    }
}
