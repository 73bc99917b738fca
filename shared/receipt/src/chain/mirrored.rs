//! The chain of digests in a mirror: which hours have an intact digest, and what speaks against
//! one.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
};

use super::{
    audit::{Files, added},
    digest::{ChainDigest, FORMAT, ReceiptDigest},
    finding::{Fault, Finding},
    hour::{Hour, SPAN_MAX},
};
use crate::evidence::{Jwks, Kind, verified};
use holdfast_ids::keys::digest_prefix;

/// A digest and the id of the key that signed it.
pub(super) struct SignedFile {
    pub(super) placed: ChainDigest,
    pub(super) kid: String,
}

/// A digest in the mirror.
struct MirroredDigest {
    /// The first hour that it covers, as far as the file says. The key of the map is the last one.
    first: Hour,
    file: Result<SignedFile, Finding>,
}

impl MirroredDigest {
    fn read(tenant: &str, last: Hour, bytes: &[u8], keys: &Jwks) -> Self {
        let file = signed_file(tenant, last, bytes, keys);
        let first = match &file {
            Ok(signed) => signed.placed.first,
            // An altered file may still say which hours it covered.
            Err(_) => ChainDigest::read(tenant, last, bytes).map_or(last, |read| read.first),
        };
        Self { first, file }
    }
}

fn signed_file(tenant: &str, last: Hour, bytes: &[u8], keys: &Jwks) -> Result<SignedFile, Finding> {
    let object = last.object(tenant);
    let finding = |fault, why| Finding {
        fault,
        object: object.clone(),
        why,
    };
    let signed = verified::<ReceiptDigest>(bytes, Kind::Digest, FORMAT, keys)
        .map_err(|why| finding(Fault::Altered, why))?;
    let placed = ChainDigest::read(tenant, last, bytes);
    let placed = placed.map_err(|why| finding(Fault::Moved, why))?;
    Ok(SignedFile {
        placed,
        kid: signed.signatory.kid,
    })
}

/// A tenant's digests in the mirror, each under the last hour that it covers.
pub(super) struct Chain<'a> {
    tenant: &'a str,
    digests: BTreeMap<Hour, MirroredDigest>,
}

impl<'a> Chain<'a> {
    /// Reads the digests of a mirror, and names each file among them that is none.
    pub(super) fn read(
        files: &impl Files,
        tenant: &'a str,
        keys: &Jwks,
    ) -> Result<(Self, Vec<Finding>), String> {
        let (mut digests, mut misnamed) = (BTreeMap::new(), Vec::new());
        for object in files.list(&digest_prefix(tenant))? {
            match Hour::of_object(tenant, &object) {
                Some(last) => {
                    let bytes = files.read(&object)?.unwrap_or_default();
                    let digest = MirroredDigest::read(tenant, last, &bytes, keys);
                    digests.insert(last, digest);
                }
                None => misnamed.push(added(&object, "no digest has this name")),
            }
        }
        Ok((Self { tenant, digests }, misnamed))
    }

    /// The signed digest whose last hour is `last`.
    fn at(&self, last: Hour) -> Option<&ChainDigest> {
        let signed = self.digests.get(&last)?.file.as_ref().ok()?;
        Some(&signed.placed)
    }

    fn finding(&self, fault: Fault, hour: Hour, why: impl Into<String>) -> Finding {
        Finding {
            fault,
            object: hour.object(self.tenant),
            why: why.into(),
        }
    }

    /// The hours of `range` that must have digests: from the tenant's first digest on, until `due`
    /// or the last digest. The hours after the last digest of a quiet tenant need none before a
    /// digest of [`SPAN_MAX`] hours is due.
    pub(super) fn covered(&self, range: Range<Hour>, due: Hour) -> Result<Range<Hour>, String> {
        let Self { tenant, digests } = self;
        let ends = digests.first_key_value().zip(digests.last_key_value());
        let ((first, begin), (&last, _)) = ends.ok_or_else(|| {
            let prefix = digest_prefix(tenant);
            format!(
                "there is no digest of tenant {tenant}: nothing lies in {prefix}. The first one is \
                 due 15 minutes after the hour of the tenant's first receipt"
            )
        })?;
        let begins = self.at(*first);
        let begins = begins.is_some_and(|placed| placed.digest.previous.is_none());
        let start = match begins {
            true => begin.first.max(range.start),
            false => range.start,
        };
        if start >= range.end {
            return Err(format!(
                "the chain of tenant {tenant} begins at {}, after the range",
                begin.first
            ));
        }
        let next = last.next();
        // The last hour of the longest digest that can follow.
        let longest = next.before(1 - SPAN_MAX);
        let (awaited, required) = match due <= longest && self.is_quiet(last) {
            true => (longest, next),
            false => (due, due.max(next)),
        };
        let end = required.min(range.end);
        if start >= end {
            return Err(format!(
                "no digest of these hours is due: the next is that of {awaited}, due at {}",
                awaited.due_at()
            ));
        }
        Ok(start..end)
    }

    /// True if the digests here show that the [`SPAN_MAX`] hours until the end of `last` had no
    /// receipt. A digest of several hours shows it of the hours before, since only a quiet tenant
    /// gets one.
    fn is_quiet(&self, last: Hour) -> bool {
        let since = last.before(SPAN_MAX);
        let mut hour = last;
        while hour > since {
            match self.at(hour) {
                Some(placed) if placed.digest.receipts.is_empty() => {
                    if placed.first < hour {
                        return true;
                    }
                    hour = placed.first.before(1);
                }
                _ => return false,
            }
        }
        true
    }

    /// The digest that covers `hour`, or what is wrong with it, and the hour to judge next.
    pub(super) fn judge(&self, hour: Hour) -> (Hour, Result<&SignedFile, Finding>) {
        match self.digests.range(hour..).next() {
            Some((last, digest)) if digest.first <= hour => (last.next(), self.intact(*last)),
            Some((_, digest)) => {
                let (next, missing) = (digest.first, digest.first.before(1));
                let why = match missing == hour {
                    true => "a digest covers every hour".to_owned(),
                    false => {
                        format!(
                            "a digest covers every hour, and those from {hour} to {next} have none"
                        )
                    }
                };
                (next, Err(self.finding(Fault::Missing, missing, why)))
            }
            None => {
                let why = "a digest covers every hour";
                (hour.next(), Err(self.finding(Fault::Missing, hour, why)))
            }
        }
    }

    /// The digest whose last hour is `last`, if its neighbours confirm that it is the one that was
    /// written.
    fn intact(&self, last: Hour) -> Result<&SignedFile, Finding> {
        let absent = || self.finding(Fault::Missing, last, "a digest covers every hour");
        let signed = &self.digests.get(&last).ok_or_else(absent)?.file;
        let signed = signed.as_ref().map_err(Clone::clone)?;
        let own = &signed.placed;
        let altered = |why: String| Err(self.finding(Fault::Altered, last, why));
        let before = self.digests.range(..last).next_back();
        match (&own.digest.previous, before) {
            (Some(previous), _) if previous.object != own.first.before(1).object(self.tenant) => {
                return altered(format!("it names {} as the digest before", previous.object));
            }
            (None, Some(_)) => {
                let why = "it says that the chain begins with it, and there are digests before";
                return altered(why.to_owned());
            }
            (_, Some((before, _))) if *before >= own.first => {
                let other = before.object(self.tenant);
                return altered(format!("it covers an hour that {other} covers too"));
            }
            _ => {}
        }
        let next = self.digests.range(last.next()..).next();
        let next = next.and_then(|(next, _)| self.at(*next));
        if let Some(next) = next.filter(|next| next.first == last.next())
            && next.digest.previous.as_ref() != Some(&own.link)
        {
            let named = next.digest.previous.as_ref();
            return altered(format!(
                "it is signed, and not the digest that the next one follows: its SHA-256 is {}, {} says {}",
                own.link.sha256,
                next.link.object,
                named.map_or("none", |named| &named.sha256)
            ));
        }
        Ok(signed)
    }

    /// The first hour from `from` on that no intact digest covers.
    pub(super) fn end(&self, from: Hour) -> Hour {
        let mut end = from;
        while let (next, Ok(_)) = self.judge(end) {
            end = next;
        }
        end
    }

    /// The places of every receipt that a digest lists.
    pub(super) fn places(&self) -> Places {
        let mut places = Places::default();
        let signed = self.digests.values().flat_map(|digest| &digest.file);
        for entry in signed.flat_map(|signed| &signed.placed.digest.receipts) {
            places.objects.insert(entry.object.clone());
            places
                .by_sha256
                .insert(entry.sha256.clone(), entry.object.clone());
        }
        places
    }
}

/// The receipts that the digests list, by object key and by SHA-256.
#[derive(Default)]
pub(super) struct Places {
    pub(super) objects: HashSet<String>,
    pub(super) by_sha256: HashMap<String, String>,
}
