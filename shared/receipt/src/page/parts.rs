//! The page's other parts: why it failed, what remains, what the guardrails and people decided, how it was undone.

use jiff::SignedDuration;
use maud::{Markup, html};

use super::{
    input::PageInput,
    text::{code, full, lasted, said},
    timeline::counted,
    words,
};
use crate::{
    outcome::{Approval, Status},
    receipt::{Receipt, ReceiptFailure, ReceiptRedrive},
};

/// A part with its heading; `id` joins the two.
pub(super) fn section(id: &str, heading: &str, body: &Markup) -> Markup {
    let heading_id = format!("{id}-heading");
    html! {
        section id=(id) aria-labelledby=(heading_id) {
            h2 id=(heading_id) { (heading) }
            (body)
        }
    }
}

/// What execution it was, at a glance.
pub(super) fn facts(receipt: &Receipt) -> Markup {
    let run = receipt.generation + 1;
    html! {
        dl.facts {
            div { dt { "Tenant" } dd { (said(&receipt.tenant)) } }
            div { dt { "Trigger" } dd { (said(&receipt.trigger)) } }
            div { dt { "Began" } dd { (full(&receipt.started_at)) } }
            div { dt { "Ended" } dd { (full(&receipt.timestamp)) } }
            div { dt { "Took" } dd { (lasted(SignedDuration::from_millis(receipt.duration_ms))) } }
            div { dt { "Run" } dd { (run) @if run > 1 { " (a receipt precedes this one)" } } }
            div { dt { "Repeats of its start refused" } dd { (receipt.duplicates_prevented) } }
            @if let Some(incident) = &receipt.incident {
                div.wide { dt { "Incident" } dd { (code(incident)) } }
            }
            div.wide { dt { "Execution" } dd { (code(&receipt.execution_id)) } }
            div.wide { dt { "Idempotency key" } dd { (code(&receipt.idempotency_key)) } }
        }
    }
}

/// Why it did not execute.
pub(super) fn failure(failure: &ReceiptFailure) -> Markup {
    html! {
        p.reason { (said(&failure.reason)) }
        p.aside {
            "Error " strong { (said(&failure.error)) }
            @if !failure.state.is_empty() { " at " strong { (said(&failure.state)) } }
            @if let Some(by) = &failure.requested_by { ", asked for by " strong { (said(by)) } }
            "."
        }
    }
}

/// Who let it go on where it had failed.
pub(super) fn redrive(redrive: &ReceiptRedrive) -> Markup {
    html! {
        p.reason { (said(&redrive.reason)) }
        p.aside { "Asked for by " strong { (said(&redrive.by)) } " on " (full(&redrive.at)) "." }
    }
}

/// What stands, or may.
pub(super) fn residual(receipt: &Receipt) -> Markup {
    if receipt.residual_effects.is_empty() {
        let nothing = match receipt.status {
            Status::Executed => "Nothing beside what its steps were meant to do.",
            _ => "Nothing: no effect of this execution stands.",
        };
        return html! { p { (nothing) } };
    }
    html! {
        table {
            caption.unseen { "Effects that stand, or may stand" }
            thead {
                tr {
                    th scope="col" { "Step" }
                    th scope="col" { "Its effect" }
                    th scope="col" { "Action" }
                    th scope="col" { "Key by which its target knows it" }
                }
            }
            tbody {
                @for one in &receipt.residual_effects {
                    tr {
                        th scope="row" { (said(&one.step)) }
                        td {
                            span.mark.part { @if one.certain { "stands" } @else { "may stand" } }
                        }
                        td { (said(&one.action)) }
                        td { (code(&one.idempotency_key)) }
                    }
                }
            }
        }
    }
}

/// What the gate decided.
pub(super) fn guardrails(receipt: &Receipt) -> Markup {
    if receipt.guardrails.is_empty() {
        return html! { p { "None was asked." } };
    }
    html! {
        table {
            caption.unseen { "What each guardrail decided" }
            thead {
                tr {
                    th scope="col" { "Guardrail" }
                    th scope="col" { "Decision" }
                    th scope="col" { "Message" }
                }
            }
            tbody {
                @for one in &receipt.guardrails {
                    tr {
                        th scope="row" { (said(&one.name)) }
                        td {
                            @if one.held { span.mark.good { "held" } } @else { span.mark.bad { "did not hold" } }
                        }
                        td { @if let Some(message) = &one.message { (said(message)) } }
                    }
                }
            }
        }
    }
}

/// The approval that came with the start.
pub(super) fn approval(approval: &Approval) -> Markup {
    html! {
        dl.facts {
            div { dt { "Approved by" } dd { (said(&approval.approved_by)) } }
            div { dt { "Approved" } dd { (full(&approval.approved_at.to_string())) } }
            div { dt { "Expires" } dd { (full(&approval.expires_at.to_string())) } }
            div.wide { dt { "Recorded as" } dd { (said(&approval.reference)) } }
            div.wide { dt { "SHA-256 of the input that was approved" } dd { (code(&approval.input_sha256)) } }
        }
    }
}

/// How it was undone.
pub(super) fn rollback(receipt: &Receipt) -> Markup {
    let undone = receipt
        .steps
        .iter()
        .filter_map(|step| Some((step, step.undo.as_ref()?)));
    let undone: Vec<_> = undone.collect();
    if undone.is_empty() {
        let nothing = match receipt.status {
            Status::Executed => "It was not rolled back.",
            _ => "There was nothing to undo.",
        };
        return html! { p { (nothing) } };
    }
    html! {
        table {
            caption.unseen { "What was done to undo each step, or to ask its target about it" }
            thead {
                tr {
                    th scope="col" { "Step" }
                    th scope="col" { "Is now" }
                    th scope="col" { "Tried" }
                    th scope="col" { "Last error" }
                }
            }
            tbody {
                @for (step, undo) in undone {
                    @let (word, class) = words::step(step.status);
                    tr {
                        th scope="row" { (said(&step.label())) }
                        td { span class={ "mark " (class) } { (word) } }
                        td { (counted(undo.attempts)) }
                        td { @if let Some(error) = &undo.last_error { (said(error)) } }
                    }
                }
            }
        }
    }
}

/// What people decided.
pub(super) fn decisions(receipt: &Receipt) -> Markup {
    html! {
        table {
            caption.unseen { "What people decided" }
            thead {
                tr {
                    th scope="col" { "Step" }
                    th scope="col" { "Decision" }
                    th scope="col" { "By" }
                    th scope="col" { "When" }
                    th scope="col" { "Reason" }
                }
            }
            tbody {
                @for one in &receipt.decisions {
                    tr {
                        th scope="row" { (said(&one.step)) }
                        td { (words::decision(one.decision)) }
                        td { (said(&one.by)) }
                        td.number { (full(&one.at)) }
                        td { (said(&one.reason)) }
                    }
                }
            }
        }
    }
}

/// What the page was made from, and how to check it without us.
pub(super) fn evidence(shown: &PageInput<'_>) -> Markup {
    let receipt = shown.receipt;
    html! {
        dl.evidence {
            div { dt { "Receipt" } dd { (code(shown.object)) } }
            div { dt { "Its SHA-256" } dd { (code(shown.sha256)) } }
            div { dt { "Its format" } dd { (code(&receipt.format)) } }
            @if let Some(previous) = &receipt.previous_receipt {
                div { dt { "The receipt before" } dd { (code(&previous.object)) } }
                div { dt { "SHA-256 of that" } dd { (code(&previous.sha256)) } }
            }
            div { dt { "Definition" } dd { (code(&receipt.definition_digest)) } }
            @if let Some(policy) = &receipt.policy_digest {
                div { dt { "What the gate judged by" } dd { (code(policy)) } }
            }
            div { dt { "SHA-256 of the input" } dd { (code(&receipt.input_sha256)) } }
        }
        p.aside {
            "This page is made from the receipt and proves nothing by itself. The receipt does, to anybody who has its file and "
            "the public keys: " code { "holdfast receipt verify FILE --jwks KEYS" } "."
        }
    }
}
