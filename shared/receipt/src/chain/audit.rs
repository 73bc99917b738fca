//! Checks a mirror of the bucket, with nothing but the files and the public keys, and names what is not as it was written.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
    ops::Range,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    digest::{Entry, FORMAT, HourlyDigest, Placed},
    hour::Hour,
};
use crate::{
    evidence::{Jwks, Kind, verified},
    receipt::{FORMAT as RECEIPT_FORMAT, Receipt},
};
use holdfast_ids::{
    digest::sha256_hex,
    keys::{ExecutionKey, digest_prefix, receipt_object, receipt_prefix},
};

/// A receipt is written this soon after its execution's end, or else it may join a digest that the mirror does not have.
const SOON: SignedDuration = SignedDuration::from_mins(15);

/// A mirror of the bucket: files by object key.
pub trait Files {
    /// Every key that begins with `prefix`.
    fn list(&self, prefix: &str) -> Result<Vec<String>, String>;
    /// A file's bytes.
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, String>;
}

/// Fault can be wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not there.
    Missing,
    /// It is not what was written.
    Altered,
    /// It lies elsewhere, or something else lies in its place.
    Moved,
    /// It was never listed.
    Added,
}

/// A file that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Fault is wrong.
    pub what: Fault,
    /// The object key.
    pub object: String,
    /// How that is known.
    pub why: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Fault::Missing => "missing",
            Fault::Altered => "altered",
            Fault::Moved => "moved",
            Fault::Added => "added",
        };
        write!(f, "{what}: {}: {}", self.object, self.why)
    }
}

/// Fault a mirror was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The hours that were looked at: fewer than asked for if the chain begins later.
    pub hours: Range<Hour>,
    /// Fault is wrong, by hour; empty if all is well.
    pub findings: Vec<Finding>,
    /// Receipts that the digests of these hours list.
    pub receipts: usize,
    /// Signed receipts that ended after the last digest here, so that none can list them yet.
    pub newer: usize,
    /// Signed receipts that ended before these hours and that no digest here lists: another range's affair.
    pub older: usize,
    /// The keys that signed what was looked at.
    pub kids: BTreeSet<String>,
}

/// Checks a tenant's digests and receipts of these hours. An error if there is nothing to check.
pub fn audit(
    files: &impl Files,
    tenant: &str,
    hours: Range<Hour>,
    keys: &Jwks,
) -> Result<Audit, String> {
    let mut findings = Vec::new();
    let mut chain = Chain::default();
    let mut strangers = Vec::new();
    for object in files.list(&digest_prefix(tenant))? {
        match Hour::of_object(tenant, &object) {
            Some(hour) => {
                let bytes = files.read(&object)?.unwrap_or_default();
                let digest = digest(tenant, hour, &bytes, keys);
                chain.digests.insert(hour, digest);
            }
            None => strangers.push(added(&object, "no digest has this name")),
        }
    }
    let hours = chain.covered(tenant, hours)?;
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
        match chain.stands(tenant, hour) {
            Ok(placed) => {
                receipts += placed.0.digest.receipts.len();
                inspector.kids.insert(placed.1.clone());
                for entry in &placed.0.digest.receipts {
                    findings.extend(inspector.entry(entry, &placed.0.link.object)?);
                }
            }
            Err(finding) => {
                whole = false;
                findings.push(finding);
            }
        }
        hour = hour.next();
    }
    let mut audit = Audit {
        hours: hours.clone(),
        findings,
        receipts,
        newer: 0,
        older: 0,
        kids: BTreeSet::new(),
    };
    let end = chain.end(tenant, hours.end).from();
    inspector.unlisted(&mut audit, whole.then_some(end))?;
    audit.kids = inspector.kids;
    audit.findings.extend(strangers);
    Ok(audit)
}

/// A digest and the key that signed it.
type Signed = (Placed, String);

fn digest(tenant: &str, hour: Hour, bytes: &[u8], keys: &Jwks) -> Result<Signed, Finding> {
    let object = hour.object(tenant);
    let finding = |what, why| Finding {
        what,
        object: object.clone(),
        why,
    };
    let signed = verified::<HourlyDigest>(bytes, Kind::Digest, FORMAT, keys)
        .map_err(|why| finding(Fault::Altered, why))?;
    let moved = |why| finding(Fault::Moved, why);
    signed.content.check(tenant, hour).map_err(moved)?;
    let placed = Placed::read(tenant, hour, bytes).map_err(moved)?;
    Ok((placed, signed.kid))
}

fn added(object: &str, why: impl Into<String>) -> Finding {
    Finding {
        what: Fault::Added,
        object: object.to_owned(),
        why: why.into(),
    }
}

/// A tenant's digests in the mirror.
#[derive(Default)]
struct Chain {
    digests: BTreeMap<Hour, Result<Signed, Finding>>,
}

impl Chain {
    fn at(&self, hour: Hour) -> Option<&Placed> {
        let signed = self.digests.get(&hour)?.as_ref().ok()?;
        Some(&signed.0)
    }

    /// The hours of `asked` that there must be digests of: not those before the tenant's first.
    fn covered(&self, tenant: &str, asked: Range<Hour>) -> Result<Range<Hour>, String> {
        let (&first, _) = self.digests.first_key_value().ok_or_else(|| {
            let prefix = digest_prefix(tenant);
            format!("there is no digest of tenant {tenant}: nothing lies in {prefix}")
        })?;
        let begins = self
            .at(first)
            .is_some_and(|placed| placed.digest.previous.is_none());
        if !begins || first <= asked.start {
            return Ok(asked);
        }
        if first >= asked.end {
            return Err(format!(
                "the chain of tenant {tenant} begins at {first}, after the range"
            ));
        }
        Ok(first..asked.end)
    }

    /// The digest of an hour, if it is the one that was written.
    fn stands(&self, tenant: &str, hour: Hour) -> Result<&Signed, Finding> {
        let finding = |what, why: String| Finding {
            what,
            object: hour.object(tenant),
            why,
        };
        let signed = match self.digests.get(&hour) {
            None => {
                return Err(finding(
                    Fault::Missing,
                    "every hour has a digest".to_owned(),
                ));
            }
            Some(read) => read.as_ref().map_err(Clone::clone)?,
        };
        let own = &signed.0;
        match &own.digest.previous {
            Some(previous) if previous.object != hour.before(1).object(tenant) => {
                let why = format!("it names {} as the digest before", previous.object);
                return Err(finding(Fault::Altered, why));
            }
            None if self.digests.keys().any(|other| *other < hour) => {
                let why = "it says that the chain begins with it, and there are digests before";
                return Err(finding(Fault::Altered, why.to_owned()));
            }
            _ => {}
        }
        if let Some(next) = self.at(hour.next())
            && next.digest.previous.as_ref() != Some(&own.link)
        {
            let named = next.digest.previous.as_ref();
            let why = format!(
                "it is signed, and not the digest that the next one follows: its SHA-256 is {}, {} says {}",
                own.link.sha256,
                next.link.object,
                named.map_or("none", |named| &named.sha256)
            );
            return Err(finding(Fault::Altered, why));
        }
        Ok(signed)
    }

    /// From this hour on, the first without a digest.
    fn end(&self, tenant: &str, from: Hour) -> Hour {
        let mut end = from;
        while self.stands(tenant, end).is_ok() {
            end = end.next();
        }
        end
    }

    /// Every receipt that a digest lists: which bytes lie where.
    fn places(&self) -> Places {
        let mut places = Places::default();
        let signed = self.digests.values().flatten();
        for entry in signed.flat_map(|(placed, _)| &placed.digest.receipts) {
            places.objects.insert(entry.object.clone());
            places
                .by_sha256
                .insert(entry.sha256.clone(), entry.object.clone());
        }
        places
    }
}

/// Fault the digests list.
#[derive(Default)]
struct Places {
    objects: HashSet<String>,
    by_sha256: HashMap<String, String>,
}

/// Looks at receipts.
struct Inspector<'a, F> {
    files: &'a F,
    tenant: &'a str,
    keys: &'a Jwks,
    places: Places,
    seen: HashSet<String>,
    kids: BTreeSet<String>,
}

impl<F: Files> Inspector<'_, F> {
    /// Looks at a receipt that a digest lists.
    fn entry(&mut self, entry: &Entry, digest: &str) -> Result<Option<Finding>, String> {
        let object = &entry.object;
        let finding = |what, why: String| {
            Some(Finding {
                what,
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
                // Or they are its own of a later digest: it was overwritten.
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

    /// Verifies a receipt and its place, and tells when its execution ended.
    fn receipt(&mut self, object: &str, bytes: &[u8]) -> Result<Timestamp, String> {
        let signed = verified::<Receipt>(bytes, Kind::Receipt, RECEIPT_FORMAT, self.keys)?;
        self.kids.insert(signed.kid);
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

    /// Looks at the files that no digest lists; `end` is where the chain ends, if it is whole.
    fn unlisted(&mut self, audit: &mut Audit, end: Option<Timestamp>) -> Result<(), String> {
        let missing: HashMap<String, usize> = audit
            .findings
            .iter()
            .enumerate()
            .filter(|(_, finding)| finding.what == Fault::Missing)
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
                        finding.what = Fault::Moved;
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
                        "no digest lists it, though it ended at {ended} and the last digest here is of the hour until {end}"
                    );
                    audit.findings.push(added(&object, why));
                }
                // A digest that is missing or altered may have listed it.
                (Ok(_), _) => audit.newer += 1,
            }
        }
        Ok(())
    }
}
