//! The sections of the page beside the timeline and the steps: facts, failure, residual effects,
//! guardrails, approval, rollback, decisions, evidence.

use jiff::SignedDuration;
use maud::{Markup, html};

use super::{
    input::PageInput,
    text::{code, full, lasted, quoted},
    timeline::counted,
    words,
};
use crate::{
    outcome::{Approval, Status},
    receipt::{Receipt, ReceiptFailure, ReceiptRedrive},
};

/// A section with its heading. `id` connects the two for a screen reader.
pub(super) fn section(id: &str, heading: &str, body: &Markup) -> Markup {
    let heading_id = format!("{id}-heading");
    html! {
        section id=(id) aria-labelledby=(heading_id) {
            h2 id=(heading_id) { (heading) }
            (body)
        }
    }
}

/// The facts of the execution.
pub(super) fn facts(receipt: &Receipt) -> Markup {
    let number = receipt.generation + 1;
    html! {
        dl.facts {
            @for field in &receipt.shown {
                div { dt { (quoted(&field.label)) } dd { (quoted(&field.value)) } }
            }
            div { dt { "Tenant" } dd { (quoted(&receipt.tenant)) } }
            div { dt { "Trigger" } dd { (quoted(&receipt.trigger)) } }
            div {
                dt { "Requested by" }
                @if let Some(by) = &receipt.requested_by {
                    dd { (quoted(by)) @if receipt.trigger != "api" { " (as the sender of the start says)" } }
                } @else {
                    dd { "no person: the start names none" }
                }
            }
            div { dt { "Began" } dd { (full(&receipt.started_at)) } }
            div { dt { "Ended" } dd { (full(&receipt.timestamp)) } }
            div { dt { "Took" } dd { (lasted(SignedDuration::from_millis(receipt.duration_ms))) } }
            div { dt { "Receipt number" } dd { (number) @if number > 1 { " (a receipt precedes this one)" } } }
            div { dt { "Refused repeats of its start" } dd { (receipt.duplicates_prevented) } }
            @for (step, branch) in &receipt.choices {
                div { dt { "Branch taken at " (quoted(step)) } dd { (quoted(branch)) } }
            }
            @if let Some(stopped) = &receipt.stopped {
                div.wide { dt { "Stopped early at " (quoted(&stopped.step)) } dd { (quoted(&stopped.reason)) } }
            }
            @if let Some(incident) = &receipt.incident {
                div.wide { dt { "Incident" } dd { (code(incident)) } }
            }
            @if let Some(deployment) = &receipt.deployment {
                div { dt { "Region" } dd { (quoted(deployment.split('/').nth(1).unwrap_or_default())) } }
                div.wide { dt { "Deployment" } dd { (code(deployment)) } }
            }
            div.wide { dt { "Execution" } dd { (code(&receipt.execution_id)) } }
            div.wide { dt { "Idempotency key" } dd { (code(&receipt.idempotency_key)) } }
        }
    }
}

/// The reason why the execution did not succeed.
pub(super) fn failure(failure: &ReceiptFailure) -> Markup {
    html! {
        p.reason { (quoted(&failure.reason)) }
        p.aside {
            "Error " strong { (quoted(&failure.error)) }
            @if !failure.state.is_empty() { " at " strong { (quoted(&failure.state)) } }
            @if let Some(by) = &failure.requested_by { ", requested by " strong { (quoted(by)) } }
            @if let Some(at) = &failure.requested_at { " on " (full(at)) }
            "."
        }
    }
}

/// The reason of the redrive, and the person who requested it.
pub(super) fn redrive(redrive: &ReceiptRedrive) -> Markup {
    html! {
        p.reason { (quoted(&redrive.reason)) }
        p.aside { "Requested by " strong { (quoted(&redrive.by)) } " on " (full(&redrive.at)) "." }
    }
}

/// The effects that remain, or may remain.
pub(super) fn residual(receipt: &Receipt) -> Markup {
    if receipt.residual_effects.is_empty() {
        let nothing = match receipt.status {
            Status::Executed => "Nothing but the intended effects of its steps.",
            _ => "Nothing: no effect of this execution remains.",
        };
        return html! { p { (nothing) } };
    }
    html! {
        table {
            caption.unseen { "Effects that remain, or may remain" }
            thead {
                tr {
                    th scope="col" { "Step" }
                    th scope="col" { "Effect" }
                    th scope="col" { "Action" }
                    th scope="col" { "Idempotency key at the target" }
                }
            }
            tbody {
                @for effect in &receipt.residual_effects {
                    tr {
                        th scope="row" { (quoted(&effect.step)) }
                        td {
                            span.mark.part { @if effect.certain { "remains" } @else { "may remain" } }
                        }
                        td { (quoted(&effect.action)) }
                        td { (code(&effect.idempotency_key)) }
                    }
                }
            }
        }
    }
}

/// The outcome of each guardrail of the admission check.
pub(super) fn guardrails(receipt: &Receipt) -> Markup {
    if receipt.guardrails.is_empty() {
        return html! { p { "No guardrail was evaluated." } };
    }
    html! {
        table {
            caption.unseen { "Outcome of each guardrail" }
            thead {
                tr {
                    th scope="col" { "Guardrail" }
                    th scope="col" { "Outcome" }
                    th scope="col" { "Message" }
                }
            }
            tbody {
                @for guardrail in &receipt.guardrails {
                    tr {
                        th scope="row" { (quoted(&guardrail.name)) }
                        td {
                            @if guardrail.held { span.mark.good { "held" } } @else { span.mark.bad { "did not hold" } }
                        }
                        td { @if let Some(message) = &guardrail.message { (quoted(message)) } }
                    }
                }
            }
        }
    }
}

/// The key that signed an approval, or the fact that none did.
fn signature(approval: &Approval) -> Markup {
    html! {
        @match &approval.signature {
            Some(signature) if signature.verified => { "verified, by key " (quoted(&signature.kid)) }
            Some(signature) => { "not verified; it names key " (quoted(&signature.kid)) }
            None => { "none: the sender of the start wrote this approval" }
        }
    }
}

/// The approval that came with the start.
pub(super) fn approval(approval: &Approval) -> Markup {
    html! {
        dl.facts {
            div { dt { "Approved by" } dd { (quoted(&approval.approved_by)) } }
            div { dt { "Approved" } dd { (full(&approval.approved_at.to_string())) } }
            div { dt { "Expires" } dd { (full(&approval.expires_at.to_string())) } }
            div.wide { dt { "Reference" } dd { (quoted(&approval.reference)) } }
            div.wide { dt { "Signature" } dd { (signature(approval)) } }
            div.wide { dt { "SHA-256 of the approved input" } dd { (code(&approval.input_sha256)) } }
        }
    }
}

/// The state of every step that the rollback undid or verified.
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
            caption.unseen { "Attempts to undo each step, or to verify its effect at the target" }
            thead {
                tr {
                    th scope="col" { "Step" }
                    th scope="col" { "State" }
                    th scope="col" { "Attempts" }
                    th scope="col" { "Last error" }
                }
            }
            tbody {
                @for (step, undo) in undone {
                    @let (word, class) = words::step(step.status);
                    tr {
                        th scope="row" { (quoted(&step.label())) }
                        td { span class={ "mark " (class) } { (word) } }
                        td { (counted(undo.attempts)) }
                        td { @if let Some(error) = &undo.last_error { (quoted(error)) } }
                    }
                }
            }
        }
    }
}

/// The decisions of people.
pub(super) fn decisions(receipt: &Receipt) -> Markup {
    html! {
        table {
            caption.unseen { "Decisions of people" }
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
                @for decided in &receipt.decisions {
                    tr {
                        th scope="row" { (quoted(&decided.step)) }
                        td { (words::decision(decided.decision)) }
                        td { (quoted(&decided.by)) }
                        td.number { (full(&decided.at)) }
                        td { (quoted(&decided.reason)) }
                    }
                }
            }
        }
    }
}

/// The source of the page, and how to verify it.
pub(super) fn evidence(input: &PageInput<'_>) -> Markup {
    let receipt = input.receipt;
    html! {
        dl.evidence {
            div { dt { "Receipt" } dd { (code(input.object)) } }
            div { dt { "SHA-256 of the receipt" } dd { (code(input.sha256)) } }
            div { dt { "Format" } dd { (code(&receipt.format)) } }
            @if let Some(previous) = &receipt.previous_receipt {
                div { dt { "Previous receipt" } dd { (code(&previous.object)) } }
                div { dt { "SHA-256 of the previous receipt" } dd { (code(&previous.sha256)) } }
            }
            div { dt { "Digest of the definition" } dd { (code(&receipt.definition_digest)) } }
            @if let Some(policy) = &receipt.policy_digest {
                div { dt { "Digest of the guardrails" } dd { (code(policy)) } }
            }
            div { dt { "SHA-256 of the input" } dd { (code(&receipt.input_sha256)) } }
            @if let Some(output) = &receipt.output_sha256 {
                div { dt { "SHA-256 of the output" } dd { (code(output)) } }
            }
            @if let Some(why) = &receipt.output_missing {
                div { dt { "No output" } dd { (quoted(why)) } }
            }
        }
        p.aside {
            "This page is made from the receipt and proves nothing by itself. The receipt's file is the evidence. Verify it with "
            "the public keys: " code { "holdfast receipt verify FILE --jwks KEYS" } "."
        }
    }
}
