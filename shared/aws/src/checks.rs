//! Whether what a function depends on is there and lets it in: tried without any effect.

use holdfast_action::Check;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::Ledger;
use holdfast_receipt::evidence::Signer;

use crate::{DynamoLedger, KmsSigner};

/// No tenant has this name, and no execution this id.
const NOBODY: &str = "-";

impl DynamoLedger {
    /// Reads a record that does not exist.
    pub async fn check(&self) -> Check {
        let at = ExecutionKey {
            tenant: NOBODY.to_owned(),
            execution: NOBODY.to_owned(),
        };
        Check::of("the ledger can be read", self.read(&at).await)
    }
}

impl KmsSigner {
    /// Signs a hash that is of nothing.
    pub async fn check(&self) -> Check {
        Check::of("receipts can be signed", self.sign([0; 32]).await)
    }
}
