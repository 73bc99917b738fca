//! The section of the page about approvals: who approved, for whom, and what they were shown.

use maud::{Markup, html};

use super::{
    text::{code, full, quoted},
    words,
};
use crate::{
    outcome::{ApprovalOutcome, ReceiptApproval, Vote},
    receipt::Receipt,
};

/// The approvals that the execution reached.
pub(super) fn approvals(receipt: &Receipt) -> Markup {
    html! {
        @for approval in &receipt.approvals {
            p {
                strong { (quoted(&approval.step)) }
                @if approval.generation != receipt.generation {
                    " (asked in execution generation " (approval.generation) ")"
                }
                ": " (outcome(approval))
            }
            @if !approval.votes.is_empty() {
                table {
                    caption.unseen { "Decisions of people at " (quoted(&approval.step)) }
                    thead {
                        tr {
                            th scope="col" { "By" }
                            th scope="col" { "Decision" }
                            th scope="col" { "For" }
                            th scope="col" { "When" }
                            th scope="col" { "Reason" }
                            th scope="col" { "SHA-256 of what was shown" }
                        }
                    }
                    tbody {
                        @for vote in &approval.votes {
                            tr {
                                th scope="row" { (quoted(&vote.by)) }
                                td { (words::decision(vote.decision)) }
                                td { (seat(vote)) }
                                td.number { (full(&vote.at.to_string())) }
                                td { (quoted(&vote.reason)) }
                                td { (code(&vote.shown_sha256)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The outcome of an approval in words.
fn outcome(approval: &ReceiptApproval) -> Markup {
    html! {
        @match approval.outcome {
            ApprovalOutcome::Approved => { "approved. " (needs(approval)) }
            ApprovalOutcome::Rejected => { "rejected. One rejection rejects." }
            ApprovalOutcome::Undecided => {
                "not decided before it expired or the execution was stopped. " (needs(approval))
            }
            ApprovalOutcome::Skipped => {
                "no person was asked, since this rule yielded false: "
                (quoted(approval.rule.as_deref().unwrap_or_default()))
            }
        }
    }
}

/// The people whom the definition requires.
fn needs(approval: &ReceiptApproval) -> Markup {
    let people = match approval.count {
        1 => "one person".to_owned(),
        count => format!("{count} people"),
    };
    html! {
        "It needed " (people)
        @if approval.distinct_groups { " of distinct groups" }
        @if approval.by.is_empty() { ": platform admins." }
        @else { " of: " (quoted(&approval.by.join(", "))) "." }
    }
}

/// The group and the person for whom a vote counts.
fn seat(vote: &Vote) -> Markup {
    html! {
        @match (&vote.group, vote.in_place_of_group) {
            (Some(group), true) => { "platform admin in the place of the group " (quoted(group)) }
            (None, true) => { "platform admin in the place of a group" }
            (Some(group), false) => { "group " (quoted(group)) }
            (None, false) => { "platform admin" }
        }
        @if let Some(person) = &vote.acting_for { ", standing in for " (quoted(person)) }
    }
}
