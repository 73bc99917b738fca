//! The digest of one hour or of a span of quiet hours: its members, and its place in the store.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hour::{Hour, SPAN_MAX};
use crate::evidence::{SealedFile, open};
use holdfast_ids::digest::sha256_hex;

/// The name and version of the format.
pub const FORMAT: &str = "holdfast.digest/1";

/// The digest of a tenant and an hour, or a span of hours: the receipts written since the tenant's
/// previous digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "holdfast.digest/1")]
pub struct ReceiptDigest {
    /// Name and version of the format.
    pub format: String,
    /// Tenant that owns the receipts.
    pub tenant: String,
    /// Start of the first hour, RFC 3339 UTC.
    pub from: String,
    /// End of the last hour, RFC 3339 UTC: one hour later, or up to 24 for a quiet tenant.
    pub until: String,
    /// Receipts that no earlier digest lists, sorted by object key.
    pub receipts: Vec<Entry>,
    /// Digest that ends where this one begins. The tenant's first digest has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// Detached JWS over the canonical JSON of all other members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// A receipt, as a digest lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Object key.
    pub object: String,
    /// Hex SHA-256 of the file's bytes.
    pub sha256: String,
    /// Time of the write by the store's clock, RFC 3339 UTC.
    pub written_at: String,
}

/// The digest before, as a digest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    /// Object key.
    pub object: String,
    /// Hex SHA-256 of the file's bytes.
    pub sha256: String,
    /// Signature of that digest, a detached JWS.
    pub signature: String,
}

impl ReceiptDigest {
    /// An unsigned digest of the hours from `first` to `last`.
    pub fn new(
        tenant: &str,
        (first, last): (Hour, Hour),
        receipts: Vec<Entry>,
        previous: Option<Previous>,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            tenant: tenant.to_owned(),
            from: first.from().to_string(),
            until: last.until().to_string(),
            receipts,
            previous,
            signature: None,
        }
    }

    /// Checks that the digest is of this tenant and ends with the hour `last`, and returns its
    /// first hour. The error names the tenant or hour that it has.
    pub fn check(&self, tenant: &str, last: Hour) -> Result<Hour, String> {
        if self.tenant != tenant {
            return Err(format!("it is a digest of tenant {}", self.tenant));
        }
        let until: Option<Timestamp> = self.until.parse().ok();
        let first = self.from.parse().ok().and_then(Hour::from_start);
        let first = first.filter(|first| (last.before(SPAN_MAX - 1)..=last).contains(first));
        first
            .filter(|_| until == Some(last.until()))
            .ok_or_else(|| format!("it is the digest of the hour from {}", self.from))
    }

    /// The JSON Schema (2020-12), as `docs/schemas/digest.json` publishes it.
    pub fn schema() -> Value {
        schemars::schema_for!(Self).into()
    }
}

/// A stored digest, its hours, and how the next digest names it.
#[derive(Debug, Clone)]
pub struct ChainDigest {
    /// The digest.
    pub digest: ReceiptDigest,
    /// The first hour that it covers.
    pub first: Hour,
    /// The place, SHA-256 and signature of the digest, as the next digest names them.
    pub link: Previous,
}

impl ChainDigest {
    /// Reads a digest whose last hour is `hour`, without verifying its signature, which is the
    /// caller's task.
    pub fn read(tenant: &str, hour: Hour, bytes: &[u8]) -> Result<Self, String> {
        let SealedFile { value, jws, .. } = open(bytes)?;
        let digest: ReceiptDigest =
            serde_json::from_value(value).map_err(|error| format!("it is no digest: {error}"))?;
        let first = digest.check(tenant, hour)?;
        Ok(Self {
            first,
            link: Previous {
                object: hour.object(tenant),
                sha256: sha256_hex(bytes),
                signature: jws,
            },
            digest,
        })
    }
}
