//! Checks the approval of a start: given by another person, not expired, for this input, and signed
//! unless the workflow accepts unsigned approvals.

mod keys;
mod sent;
#[cfg(test)]
mod tests;

pub use keys::ApprovalKeys;
pub use sent::{ApprovalClaims, JWS_MAX, SentApproval, SignedApproval, TYP};

use jiff::{SignedDuration, Timestamp};

use super::Start;
use holdfast_ids::{digest::value_sha256_hex, names::same_person};
use holdfast_task::AdmissionSpec;

/// Largest difference between the clocks of two systems.
const SKEW: SignedDuration = SignedDuration::from_mins(1);

/// Checks the approval of a start that needs one. The error lists every reason against it.
///
/// A signature is verified wherever there is one, so that an invalid signature never passes as an
/// unsigned approval. Other reasons are listed only if the signature is valid.
pub(super) fn check(
    gate: &AdmissionSpec,
    start: &Start,
    keys: &ApprovalKeys,
    started_at: Timestamp,
) -> Result<(), String> {
    let Some(approval) = &start.approval else {
        return Err("an approval is required, and none was sent".to_owned());
    };
    match &approval.signature {
        Some(signature) => keys.verify(&signature.jws, &start.tenant, &gate.workflow)?,
        None if gate.rules.approval && !gate.rules.unsigned_approvals => {
            return Err(
                "it is not signed: send `{\"jws\": …}` of a key that this deployment lists"
                    .to_owned(),
            );
        }
        None => {}
    }
    let mut against = Vec::new();
    match &start.requested_by {
        None => against.push(
            "requested_by is absent, so that approved_by cannot be shown to be another person",
        ),
        Some(by) if same_person(by, &approval.approved_by) => {
            against.push("the requester of a start cannot approve it");
        }
        Some(_) => {}
    }
    if approval.expires_at <= started_at {
        against.push("it has expired");
    }
    if approval.approved_at > started_at.saturating_add(SKEW).unwrap_or(Timestamp::MAX) {
        against.push("approved_at is later than the start");
    }
    if value_sha256_hex(&start.input).as_ref() != Ok(&approval.input_sha256) {
        against.push("it is for another input: its input_sha256 is not this input's");
    }
    match against.is_empty() {
        true => Ok(()),
        false => Err(against.join("; ")),
    }
}
