//! Whether an approval that came with a start is one for it: another person's, still good, and for
//! this input.

use jiff::{SignedDuration, Timestamp};

use super::Start;
use holdfast_ids::{digest::value_sha256_hex, names::same_person};

/// Clocks of two systems may differ by this much.
const SKEW: SignedDuration = SignedDuration::from_mins(1);

/// Judges the approval of a start that needs one; every reason against it at once.
pub(super) fn judge(start: &Start, started_at: Timestamp) -> Result<(), String> {
    let Some(approval) = &start.approval else {
        return Err("it needs an approval, and none came with it".to_owned());
    };
    let mut against = Vec::new();
    match &start.requested_by {
        None => against.push("nobody is named as the one who asks, so that nobody can tell whether another person agreed"),
        Some(by) if same_person(by, &approval.approved_by) => {
            against.push("whoever asks for a start cannot approve it");
        }
        Some(_) => {}
    }
    if approval.expires_at <= started_at {
        against.push("it has expired");
    }
    if approval.approved_at > started_at.saturating_add(SKEW).unwrap_or(Timestamp::MAX) {
        against.push("it was given later than the start");
    }
    if value_sha256_hex(&start.input).as_ref() != Ok(&approval.input_sha256) {
        against.push("it is for another input: its input_sha256 is not this input's");
    }
    match against.is_empty() {
        true => Ok(()),
        false => Err(against.join("; ")),
    }
}
