//! The copies of the list of paused scopes: written with each control, and checked by the sweep.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::TransactWriteItem;
use holdfast_ledger::{
    COPIES, Control, Expect, Key, LedgerError, PausedScopes, Put, Record, Scope,
};
use jiff::Timestamp;

use crate::{
    host::SystemHost,
    item::{Item, item, key_item, key_of, read, record_item},
    ledger::DynamoLedger,
    transaction::{despite_conflicts, failed},
};

/// The answer to a transaction that writes the copies.
enum CopiesPut {
    Done,
    /// The first write of the transaction met another record, or none.
    Lost(Option<Item>),
    /// A concurrent transaction was first.
    Conflict,
}

impl DynamoLedger {
    /// Writes a control and every copy in one transaction. If a concurrent change of another
    /// control is first, the transaction is repeated on its result.
    pub(crate) async fn put_with_copies<R: Record>(
        &self,
        record: &R,
        control: &Control,
        expect: Expect,
    ) -> Result<Put<R>, LedgerError> {
        let others = "other controls are changed";
        despite_conflicts(&SystemHost, others, || async move {
            let copies = self.read_copies().await?;
            let list = PausedScopes::changed(&copies, control);
            let first = self.put_of(record_item(record)?, expect)?;
            let put = match self.put_copies(Some(first), &copies, &list).await? {
                CopiesPut::Done => Put::Done,
                CopiesPut::Lost(stored) => {
                    let stored = stored.map(read).transpose()?;
                    Put::Lost(stored.map(Box::new))
                }
                CopiesPut::Conflict => return Ok(None),
            };
            Ok(Some(put))
        })
        .await
    }

    /// Compares the copies with the controls, and writes the copies again. Returns false if a
    /// concurrent change of a control was first. The next check has the result of that change.
    pub async fn check_copies(&self, now: Timestamp) -> Result<bool, LedgerError> {
        let copies = self.read_copies().await?;
        // The index lags a moment. So every scope that it or a copy names is read consistently.
        let listed = self.controls().await?;
        let listed = listed.into_iter().map(|control| control.scope);
        let names = copies.iter().flatten().flat_map(PausedScopes::names);
        let named = names.filter_map(|name| Scope::read(name).ok());
        let scopes: BTreeSet<Scope> = listed.chain(named).collect();
        let controls = self.controls_of(scopes).await?;
        let list = PausedScopes::checked(&copies, &controls, now);
        let put = self.put_copies(None, &copies, &list).await?;
        Ok(matches!(put, CopiesPut::Done))
    }

    async fn read_copies(&self) -> Result<Vec<Option<PausedScopes>>, LedgerError> {
        let keys = (0..COPIES).map(|number| key_item(&Key::ControlCopy(number)));
        let mut copies = vec![None; COPIES.into()];
        for item in self.read_batch(keys.collect()).await? {
            if let Some(Key::ControlCopy(number)) = key_of(&item)
                && let Some(copy) = copies.get_mut(usize::from(number))
            {
                *copy = Some(read(item)?);
            }
        }
        Ok(copies)
    }

    /// Writes `list` in place of every copy, after another write of the same transaction.
    async fn put_copies(
        &self,
        first: Option<TransactWriteItem>,
        copies: &[Option<PausedScopes>],
        list: &PausedScopes,
    ) -> Result<CopiesPut, LedgerError> {
        let has_first = first.is_some();
        let mut writes: Vec<_> = first.into_iter().collect();
        for (number, copy) in (0..COPIES).zip(copies) {
            let copy = copy.as_ref();
            let expect = copy.map_or(Expect::Absent, |copy| Expect::Rev(copy.rev));
            let item = item(&Key::ControlCopy(number), list, Item::new())?;
            writes.push(self.put_of(item, expect)?);
        }
        let Err(cancellation) = self.transact(writes).await? else {
            return Ok(CopiesPut::Done);
        };
        let reasons = cancellation.reasons;
        match reasons.first().filter(|one| has_first && failed(one)) {
            Some(reason) => Ok(CopiesPut::Lost(reason.item().cloned())),
            None if reasons
                .iter()
                .any(|one| one.code() == Some("ValidationError")) =>
            {
                Err(LedgerError::Refused("ValidationError".to_owned()))
            }
            None => Ok(CopiesPut::Conflict),
        }
    }
}
