//! The exercise of the function that serves starts and their check.

use super::*;

impl Round<'_> {
    pub(super) async fn start(&self) -> bool {
        let key = unique("permission");
        let input = json!({ "vendor_id": unique("vendor"), "hold_days": 1 });
        let start = |key: &str| {
            let path = format!("/v1/workflows/{DELAY}/executions");
            posted(
                &path,
                &json!({ "input": input }),
                &[("idempotency-key", key)],
            )
        };
        // The second start is a duplicate.
        if self.denies(&start(&key)) || self.denies(&start(&key)) {
            return true;
        }
        // Step Functions knows this name under a key that the ledger does not know.
        let taken = unique("permission");
        let name = holdfast_ids::keys::execution_id(TENANT, DELAY, &taken);
        let other =
            json!({ "tenant": TENANT, "idempotency_key": unique("permission"), "input": input });
        let arn = self.stack.aws.start(DELAY, &name, &other).await;
        if self.denies(&start(&taken)) {
            return true;
        }
        let path = format!("/v1/workflows/{DELAY}/check");
        let refused = self.denies(&posted(&path, &json!({ "input": input }), &[]));
        self.stack.aws.ended(&arn).await;
        refused
    }
}
