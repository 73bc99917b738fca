//! The tables of steps: one of all attempts, one of all keys and digests.

use maud::{Markup, html};

use super::{
    text::{between, clock, code, quoted},
    timeline::counted,
    words,
};
use crate::receipt::{Receipt, ReceiptAttempt, ReceiptStep};

/// Every step with every attempt at the step and at its undo.
pub(super) fn steps(receipt: &Receipt) -> Markup {
    html! {
        table.steps {
            caption.unseen { "Every step with every attempt" }
            thead {
                tr {
                    th scope="col" { "Step" }
                    th scope="col" { "Outcome" }
                    th scope="col" { "Began (UTC)" }
                    th scope="col" { "Took" }
                    th scope="col" { "Error" }
                }
            }
            @for step in &receipt.steps { (rows(step, receipt)) }
        }
    }
}

fn rows(step: &ReceiptStep, receipt: &Receipt) -> Markup {
    let (word, class) = words::step(step.status);
    let undone = step.undo.iter().flat_map(|undo| &undo.history);
    let attempts = step
        .history
        .iter()
        .zip(1..)
        .map(|attempt| ("Attempt", attempt));
    let undos = undone.zip(1..).map(|attempt| ("Undo", attempt));
    html! {
        tbody {
            tr.step {
                th scope="rowgroup" {
                    (quoted(&step.name))
                    @if let Some(item) = &step.item { span.item { (quoted(item)) } }
                }
                td { span class={ "mark " (class) } { (word) } }
                td colspan="3" {
                    (quoted(&step.action)) ", " (counted(step.attempts))
                    @if let Some(code) = &step.continued_on {
                        ", continued after " (quoted(code)) " as its definition says"
                    }
                }
            }
            @for (kind, (attempt, n)) in attempts.chain(undos) { (row(kind, n, attempt, receipt)) }
        }
    }
}

fn row(kind: &str, n: u32, attempt: &ReceiptAttempt, receipt: &Receipt) -> Markup {
    html! {
        tr {
            th.tried scope="row" { (kind) " " (n) }
            td { (words::outcome_word(attempt.outcome)) }
            td.number { (clock(&attempt.started_at, &receipt.started_at)) }
            td.number { (between(&attempt.started_at, attempt.ended_at.as_deref()).unwrap_or_default()) }
            td { @if let Some(error) = &attempt.error { (quoted(error)) } }
        }
    }
}

/// The idempotency keys of every attempted step, and the digests of its input and output.
pub(super) fn digests(receipt: &Receipt) -> Markup {
    let attempted = receipt
        .steps
        .iter()
        .filter(|step| step.idempotency_key.is_some());
    html! {
        table.digests {
            caption.unseen { "Keys and digests of every attempted step" }
            thead {
                tr {
                    th scope="col" { "Step" }
                    th scope="col" { "Kind" }
                    th scope="col" { "Value" }
                }
            }
            @for step in attempted {
                tbody {
                    @let undo = step.undo.as_ref().map(|undo| &undo.idempotency_key);
                    @let all = [
                        ("key", step.idempotency_key.as_ref()),
                        ("key of undo", undo),
                        ("input SHA-256", step.input_sha256.as_ref()),
                        ("output SHA-256", step.output_sha256.as_ref()),
                    ];
                    @let all: Vec<_> = all.into_iter().filter_map(|(kind, value)| Some((kind, value?))).collect();
                    @for (n, (kind, value)) in all.iter().enumerate() {
                        tr {
                            @if n == 0 {
                                th scope="rowgroup" rowspan=(all.len()) { (quoted(&step.label())) }
                            }
                            td { (kind) }
                            td { (code(value)) }
                        }
                    }
                }
            }
        }
    }
}
