//! The forms in which a start brings an approval: plain members, or a compact JWS over claims.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, Unexpected},
};
use serde_json::Value;

use holdfast_ids::{
    names::{check_tenant, check_text, is_workflow_id},
    time::read_time,
};
use holdfast_receipt::{Approval, ApprovalSignature};

/// Longest compact JWS, in characters: claims of 200 characters each and a signature of RSA fit.
pub const JWS_MAX: usize = 6_000;

/// The type in the header of a signed approval. A key that also signs other tokens never signs an
/// approval by mistake (RFC 8725, section 3.11).
pub const TYP: &str = "holdfast-approval+jwt";

/// The approval that a start brings.
///
/// Its JSON Schema is `docs/schemas/approval.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SentApproval {
    /// Approval that the system of approvals signed.
    Signed(SignedApproval),
    /// Approval without a signature, for workflows with `unsigned_approvals: true`.
    Unsigned(UnsignedApproval),
}

impl<'de> Deserialize<'de> for SentApproval {
    /// Reads the form that `jws` decides, so that an error names the member that is wrong.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sent = Value::deserialize(deserializer)?;
        // Serde reads a list as the members of a struct, in the order of its source.
        if sent.is_array() {
            return Err(D::Error::invalid_type(Unexpected::Seq, &"an object"));
        }
        let read = match sent.get("jws") {
            Some(_) => SignedApproval::deserialize(sent).map(Self::Signed),
            None => UnsignedApproval::deserialize(sent).map(Self::Unsigned),
        };
        read.map_err(D::Error::custom)
    }
}

/// An approval that the system of approvals signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedApproval {
    /// Compact JWS (RFC 7515) whose payload is docs/schemas/signed-approval.json. Its header has
    /// `alg` (ES256, RS256 or EdDSA), `kid`, `typ` (holdfast-approval+jwt), and nothing else.
    #[schemars(length(max = 6000), regex(pattern = r"^[\w-]+\.[\w-]+\.[\w-]+$"))]
    pub jws: String,
}

/// An approval that its sender wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnsignedApproval {
    /// Person who agreed, 1 to 200 characters: never the person who requests the start.
    #[schemars(length(min = 1, max = 200))]
    pub approved_by: String,
    /// Time of the agreement, RFC 3339.
    #[schemars(with = "String", extend("format" = "date-time"))]
    #[serde(deserialize_with = "time_of")]
    pub approved_at: Timestamp,
    /// Time after which the approval is no longer valid, RFC 3339.
    #[schemars(with = "String", extend("format" = "date-time"))]
    #[serde(deserialize_with = "time_of")]
    pub expires_at: Timestamp,
    /// Hex SHA-256 of the canonical JSON (RFC 8785) of the approved input.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub input_sha256: String,
    /// Reference to the approval in that system, 1 to 200 characters: it is valid for one start.
    #[schemars(length(min = 1, max = 200))]
    pub reference: String,
}

/// Reads a time. The error does not quote it.
fn time_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    read_time(&text).map_err(|error| D::Error::custom(format!("a time of the approval {error}")))
}

/// The claims of a signed approval. Its payload has these members and no other, each once.
///
/// Its JSON Schema is `docs/schemas/signed-approval.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalClaims {
    /// Person who agreed, 1 to 200 characters: never the person who requests the start.
    #[schemars(length(min = 1, max = 200))]
    pub approved_by: String,
    /// Time of the agreement, in seconds since 1970-01-01T00:00:00Z.
    pub iat: i64,
    /// Time after which the approval is no longer valid, in the same seconds.
    pub exp: i64,
    /// Hex SHA-256 of the canonical JSON (RFC 8785) of the approved input.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub input_sha256: String,
    /// Workflow that may be started.
    pub workflow_id: String,
    /// Tenant that may start it.
    pub tenant: String,
    /// Unique id of the approval, 1 to 200 characters. It is the reference of the approval, and
    /// valid for one start.
    #[schemars(length(min = 1, max = 200))]
    pub jti: String,
}

/// The header of a signed approval. Any other member (`crit`, `jwk`, `jku`, `x5c`) is refused,
/// since it would extend or replace the listed key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: String,
    pub(super) typ: String,
}

/// The parts of a compact JWS, read and not verified.
pub(super) struct Parts<'a> {
    pub(super) header: Header,
    pub(super) claims: ApprovalClaims,
    /// The signed text: header and payload in base64url, joined by a dot.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
}

/// Reads a compact JWS. The error names the part and its fault, without values.
pub(super) fn parts(jws: &str) -> Result<Parts<'_>, String> {
    if jws.len() > JWS_MAX {
        return Err(format!("approval.jws has at most {JWS_MAX} characters"));
    }
    let mut rest = jws.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (rest.next(), rest.next(), rest.next(), rest.next())
    else {
        return Err("approval.jws is a compact JWS: header.payload.signature".to_owned());
    };
    let bytes = |part: &str, name: &str| {
        BASE64_URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|_| format!("approval.jws: its {name} is not base64url without padding"))
    };
    let signed = &jws[..header.len() + 1 + payload.len()];
    let header: Header = json(&bytes(header, "header")?, "header has alg, kid and typ")?;
    let claims: ApprovalClaims = json(
        &bytes(payload, "payload")?,
        "payload has approved_by, iat, exp, input_sha256, workflow_id, tenant and jti",
    )?;
    check_text("approval.jws: kid", &header.kid)?;
    check_tenant(&claims.tenant).map_err(|why| format!("approval.jws: {why}"))?;
    if !is_workflow_id(&claims.workflow_id) {
        return Err("approval.jws: workflow_id is not a workflow's id".to_owned());
    }
    Ok(Parts {
        header,
        claims,
        signed,
        signature: bytes(signature, "signature")?,
    })
}

/// Reads JSON with every member once and none unknown. Serde's message may quote a value, so only
/// the kind of the fault is shown.
fn json<T: for<'a> Deserialize<'a>>(bytes: &[u8], shape: &str) -> Result<T, String> {
    let list = bytes.trim_ascii_start().starts_with(b"[");
    let read = match list {
        true => Err(serde_json::Error::custom("a list is no object")),
        false => serde_json::from_slice(bytes),
    };
    read.map_err(|error| {
        let message = error.to_string();
        let kind = ["duplicate field", "missing field", "unknown field"];
        let kind = kind.iter().find(|kind| message.starts_with(**kind));
        let kind = kind.map_or("not this JSON object", |kind| kind);
        format!("approval.jws: {kind}; its {shape}, each once, and nothing else")
    })
}

impl SentApproval {
    /// The approval as it is recorded. Its form is read, and no signature is verified.
    pub fn read(&self) -> Result<Approval, String> {
        match self {
            Self::Unsigned(sent) => Ok(Approval {
                approved_by: sent.approved_by.clone(),
                approved_at: sent.approved_at,
                expires_at: sent.expires_at,
                input_sha256: sent.input_sha256.clone(),
                reference: sent.reference.clone(),
                signature: None,
            }),
            Self::Signed(SignedApproval { jws }) => {
                let Parts { header, claims, .. } = parts(jws)?;
                let time = |name: &str, seconds: i64| {
                    Timestamp::from_second(seconds).map_err(|_| {
                        format!("approval.jws: {name} is not a time in seconds since 1970")
                    })
                };
                Ok(Approval {
                    approved_at: time("iat", claims.iat)?,
                    expires_at: time("exp", claims.exp)?,
                    approved_by: claims.approved_by,
                    input_sha256: claims.input_sha256,
                    reference: claims.jti,
                    signature: Some(ApprovalSignature {
                        kid: header.kid,
                        verified: false,
                        jws: jws.clone(),
                    }),
                })
            }
        }
    }

    /// The form in which this approval is sent again.
    pub fn of(approval: Approval) -> Self {
        match approval.signature {
            Some(ApprovalSignature { jws, .. }) => Self::Signed(SignedApproval { jws }),
            None => Self::Unsigned(UnsignedApproval {
                approved_by: approval.approved_by,
                approved_at: approval.approved_at,
                expires_at: approval.expires_at,
                input_sha256: approval.input_sha256,
                reference: approval.reference,
            }),
        }
    }
}
