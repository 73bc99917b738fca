//! Refused starts in the ledger's table, from which the stream reads them; items expire after a
//! week.

use std::time::Duration;

use holdfast_ledger::{Key, LedgerError, Refusal};

use crate::{
    item::{EXPIRES, Item, item, number},
    ledger::DynamoLedger,
};

/// The age at which a refusal expires. The stream keeps a change for a day; operators can still
/// find an unpublished refusal in the table for a week.
const LIFETIME: Duration = Duration::from_hours(7 * 24);

impl DynamoLedger {
    /// Records a refused start. It is called before the caller is answered, so that every refusal a
    /// caller sees has an audit event.
    pub async fn record_refusal(&self, refusal: &Refusal) -> Result<(), LedgerError> {
        let until = refusal.at + LIFETIME;
        let until = number(until.as_second());
        let key = Key::Refusal {
            tenant: refusal.tenant.clone(),
            at: refusal.at,
            id: refusal.id.clone(),
        };
        let item = item(&key, refusal, Item::from([(EXPIRES.to_owned(), until)]))?;
        self.put_item(item).await
    }
}
