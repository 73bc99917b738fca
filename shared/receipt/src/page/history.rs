//! The history of an execution in words: what it had come to before, what happened then, and what
//! is left.

use maud::{Markup, html};

use super::text::{full, quoted};
use crate::{
    field::EarlierGeneration,
    outcome::Status,
    receipt::{Receipt, ReceiptFailure, StepStatus},
};

/// The sentences under the status.
pub(super) fn history(receipt: &Receipt) -> Markup {
    let clauses = clauses(receipt);
    let last = clauses.len().saturating_sub(1);
    html! {
        @for (n, clause) in clauses.iter().enumerate() {
            @match n {
                0 => { "It " }
                n if n == last => { ", and " }
                _ => { ", " }
            }
            (clause)
        }
        @if !clauses.is_empty() { ". " }
        (left(receipt))
    }
}

/// The heading over the failure.
pub(super) fn heading(receipt: &Receipt) -> &'static str {
    let error = receipt
        .failure
        .as_ref()
        .map(|failure| failure.error.as_str());
    match (receipt.status, error) {
        (Status::Rejected, _) => "Why it was rejected",
        (_, Some("Withdrawn")) => "Why it was withdrawn",
        (_, Some("Cancelled")) => "Why it was cancelled",
        _ => "Why it did not execute",
    }
}

/// The events of the history in order, each the rest of a sentence that begins with "It".
fn clauses(receipt: &Receipt) -> Vec<Markup> {
    let mut clauses = Vec::new();
    let last = receipt.earlier.last();
    let executed = receipt.earlier.iter().rev();
    let executed = executed.skip(1).find(|one| one.status == Status::Executed);
    clauses.extend(executed.into_iter().chain(last).map(ended));
    if last.is_none() && receipt.generation > 0 {
        clauses.push(html! { "had ended before, as the previous receipt says" });
    }
    if let Some(redrive) = &receipt.redriven {
        clauses.push(requested(
            "was redriven",
            &redrive.by,
            Some(redrive.at.as_str()),
        ));
    }
    match &receipt.failure {
        Some(failure) => clauses.push(cause(receipt.status, failure)),
        None if !clauses.is_empty() => clauses.push(html! { "executed" }),
        None => {}
    }
    clauses
}

fn ended(before: &EarlierGeneration) -> Markup {
    let words = match before.status {
        Status::Executed => "had executed",
        Status::RolledBack => "had been rolled back",
        Status::PartiallyRolledBack => "had been rolled back in part",
        Status::Failed => "had failed without an effect",
        Status::Rejected => "had been rejected",
    };
    html! { (words) " on " (full(&before.ended_at)) }
}

/// The cause of an end without success.
fn cause(status: Status, failure: &ReceiptFailure) -> Markup {
    if let Some(by) = &failure.requested_by {
        let words = match failure.error.as_str() {
            "Withdrawn" => "was withdrawn",
            "Cancelled" => "was cancelled",
            _ => "was stopped",
        };
        return requested(words, by, failure.requested_at.as_deref());
    }
    let words = match failure.error.as_str() {
        _ if status == Status::Rejected => "was rejected before its first step",
        "Rejected" => "was stopped by a guardrail",
        "Declined" => "was stopped by a decision",
        "Expired" => "was stopped because no decision came in time",
        "Aborted" => "was recovered after its state machine was stopped from outside",
        "Lost" => "was recovered after its Step Functions execution was lost",
        _ => "did not execute",
    };
    html! { (words) }
}

fn requested(words: &str, by: &str, at: Option<&str>) -> Markup {
    html! { (words) " on request of " (quoted(by)) @if let Some(at) = at { " on " (full(at)) } }
}

/// The effects that the execution leaves.
fn left(receipt: &Receipt) -> Markup {
    let continued = receipt
        .steps
        .iter()
        .any(|step| step.status == StepStatus::Failed);
    match receipt.status {
        Status::Executed if continued => html! {
            "Every step took effect, was skipped, or failed without an effect where its definition continues."
        },
        Status::Executed if !receipt.residual_effects.is_empty() => html! {
            "Every step took effect or was skipped. Effects that may remain beside that are named below."
        },
        Status::Executed => html! { "Every step took effect or was skipped." },
        Status::RolledBack => html! { "Every effect was undone." },
        Status::PartiallyRolledBack => html! {
            "Not every effect could be undone. The effects that remain, or may remain, are named below."
        },
        Status::Failed if receipt.generation > 0 => html! { "No effect of it remains." },
        Status::Failed | Status::Rejected => html! { "Nothing was applied." },
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};

    use super::*;

    /// The text of a page's part, without its tags.
    fn text(markup: &Markup) -> String {
        let parts = markup.0.split('<');
        parts
            .map(|part| part.split_once('>').map_or(part, |(_, text)| text))
            .collect()
    }

    /// A line with the heading and the words of a receipt that has these members.
    fn line(status: &str, members: Value) -> String {
        let sample = include_str!("sample.json");
        let mut receipt: Value = serde_json::from_str(sample).expect("JSON");
        receipt["status"] = json!(status);
        let sample = receipt.as_object_mut().expect("an object");
        for absent in ["redriven", "failure", "earlier"] {
            sample.remove(absent);
        }
        sample.insert("generation".to_owned(), json!(0));
        if status == "EXECUTED" {
            sample.insert("residual_effects".to_owned(), json!([]));
        }
        for (name, value) in members.as_object().expect("an object") {
            sample.insert(name.clone(), value.clone());
        }
        let receipt: Receipt = serde_json::from_value(receipt).expect("a receipt");
        let heading = receipt.failure.as_ref().map(|_| heading(&receipt));
        let heading = heading.unwrap_or("-");
        format!("{status} | {heading} | {}", text(&history(&receipt)))
    }

    fn failed(error: &str) -> Value {
        json!({ "failure": { "state": "hold", "error": error, "reason": "no" } })
    }

    fn asked(error: &str) -> Value {
        let mut members = failed(error);
        members["failure"]["requested_by"] = json!("zoe");
        members["failure"]["requested_at"] = json!("2025-09-30T09:00:00Z");
        members
    }

    fn after(status: &str, members: Value) -> Value {
        let mut members = members;
        members["generation"] = json!(1);
        members["earlier"] =
            json!([{ "generation": 0, "status": status, "ended_at": "2025-09-29T13:00:00Z" }]);
        members
    }

    fn redriven(members: Value) -> Value {
        let mut members = members;
        members["redriven"] =
            json!({ "by": "ann", "reason": "mended", "at": "2025-09-30T08:00:00Z" });
        members
    }

    /// Every history that an execution can have, as the page says it.
    #[test]
    fn the_words_of_every_history() {
        let rows = [
            line("EXECUTED", json!({})),
            line("ROLLED_BACK", failed("Permanent")),
            line("PARTIALLY_ROLLED_BACK", failed("Permanent")),
            line("FAILED", failed("Permanent")),
            line("REJECTED", failed("Rejected")),
            line("ROLLED_BACK", asked("Cancelled")),
            line("FAILED", asked("Cancelled")),
            line("ROLLED_BACK", failed("Aborted")),
            line("PARTIALLY_ROLLED_BACK", failed("Lost")),
            line("ROLLED_BACK", failed("Declined")),
            line("ROLLED_BACK", failed("Expired")),
            line("ROLLED_BACK", after("EXECUTED", asked("Withdrawn"))),
            line(
                "PARTIALLY_ROLLED_BACK",
                after("EXECUTED", asked("Withdrawn")),
            ),
            line(
                "ROLLED_BACK",
                after("PARTIALLY_ROLLED_BACK", asked("Withdrawn")),
            ),
            line("EXECUTED", {
                let effect = json!({ "step": "hold", "action": "http", "certain": false,
                    "idempotency_key": "k" });
                json!({ "residual_effects": [effect] })
            }),
            line("EXECUTED", after("FAILED", redriven(json!({})))),
            line("EXECUTED", after("ROLLED_BACK", redriven(json!({})))),
            line(
                "EXECUTED",
                after("PARTIALLY_ROLLED_BACK", redriven(json!({}))),
            ),
            line(
                "FAILED",
                after("ROLLED_BACK", redriven(failed("Permanent"))),
            ),
            line("ROLLED_BACK", after("FAILED", redriven(asked("Cancelled")))),
            line("FAILED", after("FAILED", redriven(failed("Rejected")))),
            line("ROLLED_BACK", {
                let mut members = after("EXECUTED", asked("Withdrawn"));
                let part = json!({ "generation": 1, "status": "PARTIALLY_ROLLED_BACK", "ended_at": "2025-09-29T15:00:00Z" });
                let earlier = members["earlier"].as_array_mut().expect("a list");
                earlier.push(part);
                members
            }),
            line("ROLLED_BACK", {
                let mut members = asked("Withdrawn");
                members["generation"] = json!(1);
                members
            }),
        ];
        assert_snapshot!(rows.join("\n"), @r"
        EXECUTED | - | Every step took effect or was skipped.
        ROLLED_BACK | Why it did not execute | It did not execute. Every effect was undone.
        PARTIALLY_ROLLED_BACK | Why it did not execute | It did not execute. Not every effect could be undone. The effects that remain, or may remain, are named below.
        FAILED | Why it did not execute | It did not execute. Nothing was applied.
        REJECTED | Why it was rejected | It was rejected before its first step. Nothing was applied.
        ROLLED_BACK | Why it was cancelled | It was cancelled on request of zoe on 2025-09-30 09:00:00.000 UTC. Every effect was undone.
        FAILED | Why it was cancelled | It was cancelled on request of zoe on 2025-09-30 09:00:00.000 UTC. Nothing was applied.
        ROLLED_BACK | Why it did not execute | It was recovered after its state machine was stopped from outside. Every effect was undone.
        PARTIALLY_ROLLED_BACK | Why it did not execute | It was recovered after its Step Functions execution was lost. Not every effect could be undone. The effects that remain, or may remain, are named below.
        ROLLED_BACK | Why it did not execute | It was stopped by a decision. Every effect was undone.
        ROLLED_BACK | Why it did not execute | It was stopped because no decision came in time. Every effect was undone.
        ROLLED_BACK | Why it was withdrawn | It had executed on 2025-09-29 13:00:00.000 UTC, and was withdrawn on request of zoe on 2025-09-30 09:00:00.000 UTC. Every effect was undone.
        PARTIALLY_ROLLED_BACK | Why it was withdrawn | It had executed on 2025-09-29 13:00:00.000 UTC, and was withdrawn on request of zoe on 2025-09-30 09:00:00.000 UTC. Not every effect could be undone. The effects that remain, or may remain, are named below.
        ROLLED_BACK | Why it was withdrawn | It had been rolled back in part on 2025-09-29 13:00:00.000 UTC, and was withdrawn on request of zoe on 2025-09-30 09:00:00.000 UTC. Every effect was undone.
        EXECUTED | - | Every step took effect or was skipped. Effects that may remain beside that are named below.
        EXECUTED | - | It had failed without an effect on 2025-09-29 13:00:00.000 UTC, was redriven on request of ann on 2025-09-30 08:00:00.000 UTC, and executed. Every step took effect or was skipped.
        EXECUTED | - | It had been rolled back on 2025-09-29 13:00:00.000 UTC, was redriven on request of ann on 2025-09-30 08:00:00.000 UTC, and executed. Every step took effect or was skipped.
        EXECUTED | - | It had been rolled back in part on 2025-09-29 13:00:00.000 UTC, was redriven on request of ann on 2025-09-30 08:00:00.000 UTC, and executed. Every step took effect or was skipped.
        FAILED | Why it did not execute | It had been rolled back on 2025-09-29 13:00:00.000 UTC, was redriven on request of ann on 2025-09-30 08:00:00.000 UTC, and did not execute. No effect of it remains.
        ROLLED_BACK | Why it was cancelled | It had failed without an effect on 2025-09-29 13:00:00.000 UTC, was redriven on request of ann on 2025-09-30 08:00:00.000 UTC, and was cancelled on request of zoe on 2025-09-30 09:00:00.000 UTC. Every effect was undone.
        FAILED | Why it did not execute | It had failed without an effect on 2025-09-29 13:00:00.000 UTC, was redriven on request of ann on 2025-09-30 08:00:00.000 UTC, and was stopped by a guardrail. No effect of it remains.
        ROLLED_BACK | Why it was withdrawn | It had executed on 2025-09-29 13:00:00.000 UTC, had been rolled back in part on 2025-09-29 15:00:00.000 UTC, and was withdrawn on request of zoe on 2025-09-30 09:00:00.000 UTC. Every effect was undone.
        ROLLED_BACK | Why it was withdrawn | It had ended before, as the previous receipt says, and was withdrawn on request of zoe on 2025-09-30 09:00:00.000 UTC. Every effect was undone.
        ");
    }

    /// A receipt of an earlier release names no earlier generations, and one of them may have
    /// executed.
    #[test]
    fn no_later_receipt_says_that_nothing_had_executed() {
        for earlier in [
            json!([]),
            json!([{ "generation": 0, "status": "EXECUTED", "ended_at": "2025-09-29T13:00:00Z" }]),
        ] {
            let mut members = asked("Withdrawn");
            members["generation"] = json!(1);
            members["earlier"] = earlier;
            let said = line("ROLLED_BACK", members);
            assert!(
                said.contains("It had ") && !said.contains("did not execute"),
                "{said}"
            );
        }
    }
}
