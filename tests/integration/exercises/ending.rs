//! The exercises of what ends an execution and of what chains its receipt.

use holdfast_receipt::chain::Hour;
use jiff::{SignedDuration, Timestamp};

use super::*;

impl Round<'_> {
    pub(super) fn finish(&self) -> bool {
        let begun = self.begun(&json!({}));
        let task = json!({ "execution": begun.execution, "steps": [] });
        // One that is rolled back has an incident to close or to open.
        let held = self.held();
        let planned = call("plan", &Self::plan_task(&held)).body["execution"].clone();
        let undo = json!({ "step": "one", "function": "step-vendor-hold" });
        call(
            "step-vendor-hold",
            &json!({ "execution": planned, "undo": undo }),
        );
        let steps = json!([{ "name": "one", "action": "vendor-hold" }]);
        let unwound = json!({ "execution": planned, "steps": steps });
        // The second time it adopts the receipt that is there.
        if self.denies(&task) || self.denies(&unwound) || self.denies(&task) {
            return true;
        }
        Self::ended_long_ago(&begun);
        self.denies(&task)
    }

    /// As if its machine had died before the receipt was written, and had been found days later.
    fn ended_long_ago(begun: &Begun) {
        let id = begun.execution["id"].as_str().expect("an id");
        let then = (Timestamp::now() - SignedDuration::from_hours(50)).to_string();
        let key = execution_key(TENANT, id);
        let change = json!({
            "TableName": variable("HOLDFAST_LEDGER_TABLE"),
            "Key": { "pk": { "S": key.pk() }, "sk": { "S": key.sk() } },
            "UpdateExpression": "SET #phase.#at = :then REMOVE receipt",
            "ExpressionAttributeNames": { "#phase": "phase", "#at": "at" },
            "ExpressionAttributeValues": { ":then": { "S": then } },
        });
        ask("dynamodb", "DynamoDB_20120810.UpdateItem", &change);
    }

    /// Of a tenant with one receipt, this hour's digest and the next, which names it; then of every tenant what is due.
    pub(super) fn digest(&self) -> bool {
        let now = Timestamp::now();
        let tenant = unique("tenant");
        let begun = self.begun_for(&tenant, &json!({}), &now.to_string());
        let said = call(
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
