//! Fault a digest says.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hour::Hour;
use crate::evidence::{Sealed, open};
use holdfast_ids::digest::sha256_hex;

/// The format's name and version.
pub const FORMAT: &str = "holdfast.digest/1";

/// The digest of a tenant and an hour: what was written for the tenant since the digest before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "holdfast.digest/1")]
pub struct HourlyDigest {
    /// [`FORMAT`].
    pub format: String,
    /// The tenant whose receipts these are.
    pub tenant: String,
    /// When the hour begins, RFC 3339 UTC.
    pub from: String,
    /// When the hour is over, RFC 3339 UTC.
    pub until: String,
    /// The receipts that no digest before lists, by object key.
    pub receipts: Vec<Entry>,
    /// The digest of the hour before; left out in a tenant's first.
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
    /// Hex SHA-256 of its bytes.
    pub sha256: String,
    /// When it was written, by the store's clock, RFC 3339 UTC.
    pub written_at: String,
}

/// The digest before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    /// Object key.
    pub object: String,
    /// Hex SHA-256 of its bytes.
    pub sha256: String,
    /// Its signature.
    pub signature: String,
}

impl HourlyDigest {
    /// The digest of this hour, not yet signed.
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

    /// Whether it is the digest of this tenant and hour; the error says whose it is instead.
    pub fn check(&self, tenant: &str, hour: Hour) -> Result<(), String> {
        if self.tenant != tenant {
            return Err(format!("it is a digest of tenant {}", self.tenant));
        }
        let says =
            |text: &str, right: Timestamp| text.parse().is_ok_and(|at: Timestamp| at == right);
        if says(&self.from, hour.from()) && says(&self.until, hour.until()) {
            return Ok(());
        }
        Err(format!("it is the digest of the hour from {}", self.from))
    }

    /// The JSON Schema (2020-12), as it stands in `docs/schemas/digest.json`.
    pub fn schema() -> Value {
        schemars::schema_for!(Self).into()
    }
}

/// A digest as it lies in the store.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Fault it says.
    pub digest: HourlyDigest,
    /// How the digest after names it.
    pub link: Previous,
}

impl Placed {
    /// Reads a digest whose signature has been, or will be, looked at by somebody else.
    pub fn read(tenant: &str, hour: Hour, bytes: &[u8]) -> Result<Self, String> {
        let Sealed { value, jws, .. } = open(bytes)?;
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
