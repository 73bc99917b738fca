//! The hourly digest: its members, and its place in the store.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hour::Hour;
use crate::evidence::{SealedFile, open};
use holdfast_ids::digest::sha256_hex;

/// The name and version of the format.
pub const FORMAT: &str = "holdfast.digest/1";

/// The digest of a tenant and an hour: the receipts written since the tenant's previous digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "holdfast.digest/1")]
pub struct HourlyDigest {
    /// Name and version of the format.
    pub format: String,
    /// Tenant that owns the receipts.
    pub tenant: String,
    /// Start of the hour, RFC 3339 UTC.
    pub from: String,
    /// End of the hour, RFC 3339 UTC.
    pub until: String,
    /// Receipts that no earlier digest lists, sorted by object key.
    pub receipts: Vec<Entry>,
    /// Digest of the hour before. The tenant's first digest has none.
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

/// The digest of the hour before, as a digest names it.
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

impl HourlyDigest {
    /// An unsigned digest of this hour.
    pub fn new(tenant: &str, hour: Hour, receipts: Vec<Entry>, previous: Option<Previous>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            tenant: tenant.to_owned(),
            from: hour.from().to_string(),
            until: hour.until().to_string(),
            receipts,
            previous,
            signature: None,
        }
    }

    /// Checks that the digest is of this tenant and hour. The error names the tenant or hour that
    /// it has.
    pub fn check(&self, tenant: &str, hour: Hour) -> Result<(), String> {
        if self.tenant != tenant {
            return Err(format!("it is a digest of tenant {}", self.tenant));
        }
        let is = |text: &str, right: Timestamp| text.parse().is_ok_and(|at: Timestamp| at == right);
        if is(&self.from, hour.from()) && is(&self.until, hour.until()) {
            return Ok(());
        }
        Err(format!("it is the digest of the hour from {}", self.from))
    }

    /// The JSON Schema (2020-12), as `docs/schemas/digest.json` publishes it.
    pub fn schema() -> Value {
        schemars::schema_for!(Self).into()
    }
}

/// A stored digest, and how the next digest names it.
#[derive(Debug, Clone)]
pub struct ChainDigest {
    /// The digest.
    pub digest: HourlyDigest,
    /// The place, SHA-256 and signature of the digest, as the next digest names them.
    pub link: Previous,
}

impl ChainDigest {
    /// Reads a digest without verifying its signature, which is the caller's task.
    pub fn read(tenant: &str, hour: Hour, bytes: &[u8]) -> Result<Self, String> {
        let SealedFile { value, jws, .. } = open(bytes)?;
        let digest: HourlyDigest =
            serde_json::from_value(value).map_err(|error| format!("it is no digest: {error}"))?;
        digest.check(tenant, hour)?;
        Ok(Self {
            link: Previous {
                object: hour.object(tenant),
                sha256: sha256_hex(bytes),
                signature: jws,
            },
            digest,
        })
    }
}
