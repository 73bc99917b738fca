//! The audit of a mirror of the bucket: it needs only the files and the public keys, and names
//! every file that is not as it was written.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::Range,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    digest::Entry,
    finding::{Fault, Finding},
    hour::Hour,
    mirrored::{Chain, Places, SignedFile},
};
use crate::{
    evidence::{Jwks, Kind, verified},
    receipt::{FORMAT as RECEIPT_FORMAT, Receipt},
};
use holdfast_ids::{
    digest::sha256_hex,
    keys::{ExecutionKey, receipt_object, receipt_prefix},
};

/// The time within which a receipt is usually written after its execution's end. A receipt that is
/// written later may join a digest that the mirror does not have.
const SOON: SignedDuration = SignedDuration::from_mins(15);

/// A mirror of the bucket: files by object key.
pub trait Files {
    /// Lists every object key that begins with `prefix`.
    fn list(&self, prefix: &str) -> Result<Vec<String>, String>;
    /// Reads the bytes of a file; `None` if there is no such file.
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, String>;
}

/// The result of the audit of a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The audited hours: fewer than requested if the chain begins later, or if digests of the last
    /// hours are not due yet.
    pub hours: Range<Hour>,
    /// The files that are not as they were written, by hour.
    pub findings: Vec<Finding>,
    /// The number of receipts that the digests of these hours list.
    pub receipts: usize,
    /// The number of signed receipts that ended after the last digest here, which no digest can
    /// list yet.
    pub newer: usize,
    /// The number of signed receipts that ended before these hours and that no digest here lists:
    /// they belong to another range.
    pub older: usize,
    /// The ids of the keys that signed the audited files.
    pub kids: BTreeSet<String>,
}

/// Checks a tenant's digests and receipts of these hours. A digest of `due` or a later hour is
/// checked if it exists, and not missed if it does not. After 24 quiet hours, the next digest is
/// missed only when a digest of 24 hours is due.
///
/// # Errors
///
/// Fails if the mirror has no digest of the tenant, the chain begins after the range, no digest of
/// the range is due, or a file cannot be read.
pub fn audit(
    files: &impl Files,
    tenant: &str,
    hours: Range<Hour>,
    due: Hour,
    keys: &Jwks,
) -> Result<Audit, String> {
    let mut findings = Vec::new();
    let (chain, misnamed) = Chain::read(files, tenant, keys)?;
    // Until then, a digest lists every receipt that was written in time.
    let settled = due.min(hours.end);
    let hours = chain.covered(hours, due)?;
    let mut inspector = Inspector {
        files,
        tenant,
        keys,
        places: chain.places(),
        seen: HashSet::new(),
        kids: BTreeSet::new(),
    };
    let (mut receipts, mut whole) = (0, true);
    let mut hour = hours.start;
    while hour < hours.end {
        let (next, judged) = chain.judge(hour);
        match judged {
            Ok(SignedFile { placed, kid }) => {
                receipts += placed.digest.receipts.len();
                inspector.kids.insert(kid.clone());
                for entry in &placed.digest.receipts {
                    findings.extend(inspector.entry(entry, &placed.link.object)?);
                }
            }
            Err(finding) => {
                whole = false;
                findings.push(finding);
            }
        }
        hour = next;
    }
    let mut audit = Audit {
        hours: hours.clone(),
        findings,
        receipts,
        newer: 0,
        older: 0,
        kids: BTreeSet::new(),
    };
    let end = chain.end(hours.end).max(settled).from();
    inspector.unlisted(&mut audit, whole.then_some(end))?;
    audit.kids = inspector.kids;
    audit.findings.extend(misnamed);
    Ok(audit)
}

/// A file that no digest accounts for.
pub(super) fn added(object: &str, why: impl Into<String>) -> Finding {
    Finding {
        fault: Fault::Added,
        object: object.to_owned(),
        why: why.into(),
    }
}

/// The check of receipts against the digests.
struct Inspector<'a, F> {
    files: &'a F,
    tenant: &'a str,
    keys: &'a Jwks,
    places: Places,
    seen: HashSet<String>,
    kids: BTreeSet<String>,
}

impl<F: Files> Inspector<'_, F> {
    /// Checks a receipt that a digest lists.
    fn entry(&mut self, entry: &Entry, digest: &str) -> Result<Option<Finding>, String> {
        let object = &entry.object;
        let finding = |fault, why: String| {
            Some(Finding {
                fault,
                object: object.clone(),
                why,
            })
        };
        if !object.starts_with(&receipt_prefix(self.tenant)) || object.contains("..") {
            let why = format!("{digest} lists it, and it is no receipt of the tenant");
            return Ok(finding(Fault::Added, why));
        }
        if !self.seen.insert(object.clone()) {
            let why = format!("{digest} lists it again, as if it had been written twice");
            return Ok(finding(Fault::Altered, why));
        }
        let Some(bytes) = self.files.read(object)? else {
            let why = format!("{digest} lists it");
            return Ok(finding(Fault::Missing, why));
        };
        let sha256 = sha256_hex(&bytes);
        if sha256 != entry.sha256 {
            return Ok(match self.places.by_sha256.get(&sha256) {
                Some(other) if other != object => {
                    finding(Fault::Moved, format!("it holds the bytes of {other}"))
                }
                // A file with the bytes that a later digest lists for it was overwritten.
                _ => {
                    let why = format!("its SHA-256 is {sha256}, {digest} says {}", entry.sha256);
                    finding(Fault::Altered, why)
                }
            });
        }
        Ok(match self.receipt(object, &bytes) {
            Ok(_) => None,
            Err(why) => finding(Fault::Altered, format!("{digest} lists it as it is: {why}")),
        })
    }

    /// Verifies a receipt and its place, and returns the time at which its execution ended.
    fn receipt(&mut self, object: &str, bytes: &[u8]) -> Result<Timestamp, String> {
        let signed = verified::<Receipt>(bytes, Kind::Receipt, RECEIPT_FORMAT, self.keys)?;
        self.kids.insert(signed.signatory.kid);
        let Receipt {
            tenant,
            execution_id: execution,
            timestamp,
            generation,
            ..
        } = signed.content;
        let ended_at = timestamp
            .parse()
            .map_err(|_| format!("its timestamp is no time: {timestamp}"))?;
        let place = receipt_object(&ExecutionKey { tenant, execution }, ended_at, generation);
        if place != object {
            return Err(format!("it belongs at {place}"));
        }
        Ok(ended_at)
    }

    /// Checks the files that no digest lists. `end` is the end of the chain, if no digest is
    /// missing or altered.
    fn unlisted(&mut self, audit: &mut Audit, end: Option<Timestamp>) -> Result<(), String> {
        let missing: HashMap<String, usize> = audit
            .findings
            .iter()
            .enumerate()
            .filter(|(_, finding)| finding.fault == Fault::Missing)
            .map(|(n, finding)| (finding.object.clone(), n))
            .collect();
        for object in self.files.list(&receipt_prefix(self.tenant))? {
            if self.places.objects.contains(&object) {
                continue;
            }
            let bytes = self.files.read(&object)?.unwrap_or_default();
            if let Some(other) = self.places.by_sha256.get(&sha256_hex(&bytes)) {
                match missing.get(other) {
                    Some(&n) => {
                        let finding = &mut audit.findings[n];
                        finding.fault = Fault::Moved;
                        finding.why = format!("it lies at {object}");
                    }
                    None => {
                        let why = format!("it is a copy of {other}");
                        audit.findings.push(added(&object, why));
                    }
                }
                continue;
            }
            match (self.receipt(&object, &bytes), end) {
                (Err(why), _) => {
                    let why = format!("no digest lists it, and {why}");
                    audit.findings.push(added(&object, why));
                }
                (Ok(ended), _) if ended < audit.hours.start.from() => audit.older += 1,
                (Ok(ended), Some(end)) if ended < end - SOON => {
                    let why = format!(
                        "no digest lists it, though it ended at {ended} and the digests of the hours until {end} are written"
                    );
                    audit.findings.push(added(&object, why));
                }
                // A digest that is missing or altered may have listed the receipt.
                (Ok(_), _) => audit.newer += 1,
            }
        }
        Ok(())
    }
}
