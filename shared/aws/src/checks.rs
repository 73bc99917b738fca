//! Checks of the services that a function depends on, without any effect.

use holdfast_action::Check;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::Ledger;
use holdfast_receipt::evidence::Signer;

use crate::{DynamoLedger, KmsSigner};

/// A name that no tenant and no execution has.
const ABSENT: &str = "-";

impl DynamoLedger {
    /// Reads a record that does not exist.
    pub async fn check(&self) -> Check {
        let at = ExecutionKey {
            tenant: ABSENT.to_owned(),
            execution: ABSENT.to_owned(),
        };
        Check::of("the ledger can be read", self.read(&at).await)
    }
}

impl KmsSigner {
    /// Signs a hash that belongs to no text.
    pub async fn check(&self) -> Check {
        Check::of("receipts can be signed", self.sign([0; 32]).await)
    }
}
