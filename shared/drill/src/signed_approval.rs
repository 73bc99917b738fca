//! The system of approvals of the drill: it signs the approval of each start that needs one.

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use holdfast_admission::{ApprovalKeys, SentApproval, SignedApproval, TYP};
use holdfast_ids::digest::value_sha256_hex;
use holdfast_task::AdmissionSpec;

/// The person who requests the drill's starts.
pub(crate) const REQUESTER: &str = "drill";
const APPROVER: &str = "drill-approver";
const KID: &str = "drill";
/// An Ed25519 signature has no chance in it, so that a drill repeats itself.
const SEED: [u8; 32] = [7; 32];
/// 9999-01-01T00:00:00Z: approvals of the drill never expire.
const NEVER: i64 = 253_370_764_800;

fn key() -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(&SEED).ok()
}

/// Returns the key set of the drill's deployment.
pub(crate) fn approval_keys() -> ApprovalKeys {
    static KEYS: LazyLock<ApprovalKeys> = LazyLock::new(read_keys);
    KEYS.clone()
}

fn read_keys() -> ApprovalKeys {
    let Some(key) = key() else {
        return ApprovalKeys::default();
    };
    let x = BASE64_URL_SAFE_NO_PAD.encode(key.public_key());
    let set = json!({ "keys": [{
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": KID, "x": x,
        "tenants": ["*"], "workflows": ["*"],
    }] });
    ApprovalKeys::parse(&set.to_string()).unwrap_or_default()
}

/// Signs the approval of one start, if its workflow needs one. `reference` is valid for one start.
pub(crate) fn approval_of(
    gate: &AdmissionSpec,
    tenant: &str,
    input: &Value,
    reference: &str,
) -> Option<SentApproval> {
    let key = key().filter(|_| gate.rules.approval)?;
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({ "alg": "EdDSA", "kid": KID, "typ": TYP }));
    let claims = part(json!({
        "approved_by": APPROVER, "iat": 0, "exp": NEVER, "jti": reference, "tenant": tenant,
        "workflow_id": gate.workflow, "input_sha256": value_sha256_hex(input).ok()?,
    }));
    let signed = format!("{header}.{claims}");
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    let jws = format!("{signed}.{signature}");
    Some(SentApproval::Signed(SignedApproval { jws }))
}
