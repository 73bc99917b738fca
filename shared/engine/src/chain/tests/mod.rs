//! The store of the chain's tests, with a clock and faults, and the receipts that they put into it.

mod auditing;
mod heads;
mod injuries;
mod quiet;
mod writing;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use futures_executor::block_on;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{write::advance_with_limit, *};
use crate::{ObjectStore, StoreError};
use holdfast_ids::keys::{ExecutionKey, execution_id, late_object, receipt_object};
use holdfast_ledger::LedgerError;
use holdfast_receipt::chain::{
    Audit, Entry, Files, Finding, Hour, MAX_RECEIPTS, ReceiptDigest, audit,
};
use holdfast_receipt::evidence::{Jwks, Kind, MemorySigner, Seal, seal};

fn at(text: &str) -> Timestamp {
    text.parse().expect("RFC 3339")
}

fn hour(text: &str) -> Hour {
    Hour::from_start(at(text)).expect("a whole hour")
}

fn signer(byte: u8) -> MemorySigner {
    MemorySigner::new(&[byte; 32]).expect("a key")
}

fn keys() -> Jwks {
    Jwks::new(vec![signer(1).public().clone()])
}

/// A signed receipt: its object key and its bytes.
fn receipt(by: &MemorySigner, tenant: &str, key: &str, ended_at: Timestamp) -> (String, Vec<u8>) {
    let execution = execution_id(tenant, "WF-HOLD", key);
    let value = json!({
        "format": holdfast_receipt::FORMAT, "workflow_id": "WF-HOLD", "workflow_version": 1,
        "definition_digest": "d", "execution_id": execution, "tenant": tenant, "status": "EXECUTED",
        "steps": [], "timestamp": ended_at.to_string(), "started_at": ended_at.to_string(),
        "duration_ms": 0, "generation": 0, "trigger": "api", "idempotency_key": key,
        "input_sha256": "i", "guardrails": [], "duplicates_prevented": 0, "residual_effects": [],
    });
    let bytes = block_on(by.receipt(value)).expect("it is signed");
    let at = ExecutionKey {
        tenant: tenant.to_owned(),
        execution,
    };
    (receipt_object(&at, ended_at, 0), bytes)
}

/// An action that runs just before a write.
type Before = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct StoredFile {
    objects: BTreeMap<String, (Timestamp, Vec<u8>)>,
    heads: BTreeMap<String, Head>,
    cursor: Option<String>,
    /// Number of calls that are still carried out; the answer to the last one is lost.
    answers: Option<usize>,
    before_write: Option<Before>,
}

/// Objects in memory, each with the time at which it was written. Clones share them.
#[derive(Clone)]
struct Memory {
    held: Arc<Mutex<StoredFile>>,
    now: Timestamp,
    /// The most receipts of a digest.
    most: usize,
}

impl Memory {
    fn new() -> Self {
        Self {
            held: Arc::default(),
            now: at("2026-11-26T10:00:00Z"),
            most: MAX_RECEIPTS,
        }
    }

    /// A store whose digests list so few receipts.
    fn of_small_digests(most: usize) -> Self {
        Self {
            most,
            ..Self::new()
        }
    }

    /// Returns the same store at another time.
    fn at(&self, now: Timestamp) -> Self {
        Self {
            held: Arc::clone(&self.held),
            now,
            most: self.most,
        }
    }

    fn put(&self, object: String, bytes: Vec<u8>) {
        let mut held = self.held.lock().unwrap();
        held.objects.insert(object, (self.now, bytes));
    }

    /// Writes a receipt of `acme` at the end of its execution.
    fn receipt(&self, key: &str) -> String {
        self.receipt_of_end(key, self.now)
    }

    /// Writes the receipt of an execution that ended earlier, and its mark if it is late.
    fn receipt_of_end(&self, key: &str, ended_at: Timestamp) -> String {
        let (object, bytes) = receipt(&signer(1), "acme", key, ended_at);
        if is_late(ended_at, self.now) {
            self.put(late_object("acme", self.now, ended_at), b"{}".to_vec());
        }
        self.put(object.clone(), bytes);
        object
    }

    fn object(&self, key: &str) -> Option<Vec<u8>> {
        let held = self.held.lock().unwrap();
        held.objects.get(key).map(|(_, bytes)| bytes.clone())
    }

    fn remove(&self, key: &str) -> Vec<u8> {
        let removed = self.held.lock().unwrap().objects.remove(key);
        removed.expect("it was there").1
    }

    /// Returns the stored head of `acme`.
    fn stored_head(&self) -> Option<Head> {
        self.held.lock().unwrap().heads.get("acme").cloned()
    }

    /// The store dies after this many calls.
    fn dies_after(&self, calls: usize) {
        self.held.lock().unwrap().answers = Some(calls);
    }

    fn lives(&self) {
        self.held.lock().unwrap().answers = None;
    }

    fn before_write(&self, act: impl FnOnce() + Send + 'static) {
        self.held.lock().unwrap().before_write = Some(Box::new(act));
    }

    fn call<T>(&self, act: impl FnOnce(&mut StoredFile) -> T) -> Result<T, StoreError> {
        let mut held = self.held.lock().unwrap();
        let dead = || StoreError("no answer".to_owned());
        match held.answers {
            Some(0) => Err(dead()),
            // The last call is carried out, and its answer is lost.
            Some(1) => {
                held.answers = Some(0);
                act(&mut held);
                Err(dead())
            }
            ref mut left => {
                *left = left.map(|left| left - 1);
                Ok(act(&mut held))
            }
        }
    }

    /// The digests of `acme` in order.
    fn digests(&self) -> Vec<ReceiptDigest> {
        let held = self.held.lock().unwrap();
        let all = held
            .objects
            .iter()
            .filter(|(key, _)| key.starts_with("digests/acme/"));
        all.map(|(_, (_, bytes))| serde_json::from_slice(bytes).expect("a digest"))
            .collect()
    }

    /// Returns the receipts that are listed, by hour.
    fn listed(&self) -> Vec<(String, Vec<String>)> {
        let digests = self.digests().into_iter();
        digests
            .map(|digest| {
                let receipts = digest.receipts.into_iter();
                (digest.from, receipts.map(|one| one.object).collect())
            })
            .collect()
    }

    fn advance(&self, last: Hour) -> Result<Progress, ChainError> {
        self.advance_by(last, last)
    }

    /// Like `advance`, while the newest hour whose digest is due is `due`.
    fn advance_by(&self, last: Hour, due: Hour) -> Result<Progress, ChainError> {
        let (signer, span) = (signer(1), (last, due));
        block_on(advance_with_limit(
            self.most, self, self, &signer, "acme", span,
        ))
    }
}

impl ObjectStore for Memory {
    async fn put_new(&self, key: &str, bytes: Vec<u8>) -> Result<bool, StoreError> {
        let before = self.held.lock().unwrap().before_write.take();
        if let Some(act) = before {
            act();
        }
        self.call(|held| {
            let free = !held.objects.contains_key(key);
            if free {
                held.objects.insert(key.to_owned(), (self.now, bytes));
            }
            free
        })
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.call(|held| held.objects.get(key).map(|(_, bytes)| bytes.clone()))
    }
}

impl Shelf for Memory {
    async fn list(&self, prefix: &str, after: &str) -> Result<Vec<StoredObject>, StoreError> {
        self.call(|held| {
            let found = held.objects.iter();
            let found = found.filter(|(key, _)| key.starts_with(prefix) && key.as_str() > after);
            found
                .map(|(key, (written_at, _))| StoredObject {
                    key: key.clone(),
                    written_at: *written_at,
                })
                .collect()
        })
    }

    async fn folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.call(|held| {
            let found = held
                .objects
                .keys()
                .filter_map(|key| key.strip_prefix(prefix));
            let mut found: Vec<String> = found
                .filter_map(|rest| Some(rest.split_once('/')?.0.to_owned()))
                .collect();
            found.dedup();
            found
        })
    }
}

fn lost(error: StoreError) -> LedgerError {
    LedgerError::Unavailable(error.0)
}

impl Heads for Memory {
    async fn head(&self, tenant: &str) -> Result<Option<Head>, LedgerError> {
        self.call(|held| held.heads.get(tenant).cloned())
            .map_err(lost)
    }

    async fn heads(&self) -> Result<ChainHeads, LedgerError> {
        let hours = |held: &mut StoredFile| {
            let heads = held.heads.iter();
            heads
                .map(|(tenant, head)| (tenant.clone(), head.hour))
                .collect()
        };
        self.call(|held| ChainHeads {
            hours: hours(held),
            cursor: held.cursor.clone(),
        })
        .map_err(lost)
    }

    async fn set_cursor(&self, after: &str) -> Result<(), LedgerError> {
        self.call(|held| held.cursor = Some(after.to_owned()))
            .map_err(lost)
    }

    async fn raise(&self, tenant: &str, head: &Head) -> Result<Option<Head>, LedgerError> {
        self.call(|held| {
            let stored = held.heads.get(tenant).cloned();
            if head.may_follow(stored.as_ref()) {
                held.heads.insert(tenant.to_owned(), head.clone());
                return None;
            }
            stored
        })
        .map_err(lost)
    }
}

impl Files for Memory {
    fn list(&self, prefix: &str) -> Result<Vec<String>, String> {
        let held = self.held.lock().unwrap();
        let found = held.objects.keys().filter(|key| key.starts_with(prefix));
        Ok(found.cloned().collect())
    }

    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.object(key))
    }
}

fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}
