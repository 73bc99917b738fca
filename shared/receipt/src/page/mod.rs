//! The receipt as a page for people: one self-contained document without scripts, which prints on
//! A4.
//!
//! The page is a pure function of its input. `maud` escapes every text, and `quoted` (in `text.rs`)
//! shows invisible characters by their code points.

mod approvals;
mod history;
mod input;
mod parts;
mod scale;
mod steps;
#[cfg(test)]
mod tests;
mod text;
mod timeline;
mod words;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

pub use self::input::PageInput;

use self::{
    parts::section,
    text::{code, full, plain, quoted},
};
use crate::{
    evidence::{Jwks, Kind, Signatory, VerifiedFile, verified},
    outcome::Status,
    receipt::{FORMAT, Receipt},
};
use holdfast_ids::digest::sha256_hex;

const STYLE: &str = include_str!("style.css");

/// The page of a stored receipt, whose signature is verified by `keys`.
///
/// `recorded` is the receipt's SHA-256 in the ledger, if it is known. The page of a receipt that
/// cannot be verified says so.
///
/// # Errors
///
/// Fails if `bytes` are no receipt.
pub fn page_of(
    bytes: &[u8],
    object: &str,
    recorded: Option<&str>,
    keys: &Jwks,
    at: Timestamp,
) -> Result<String, String> {
    let sha256 = sha256_hex(bytes);
    let checked = verified::<Receipt>(bytes, Kind::Receipt, FORMAT, keys);
    let (receipt, signature) = match checked {
        Ok(VerifiedFile { content, signatory }) => (content, Ok(signatory)),
        Err(why) => {
            let receipt = serde_json::from_slice(bytes);
            let receipt = receipt.map_err(|error| format!("it is no {FORMAT}: {error}"))?;
            (receipt, Err(why))
        }
    };
    let signature = match recorded.is_none_or(|recorded| recorded == sha256) {
        true => signature,
        false => Err("the stored file is not the one that the ledger recorded".to_owned()),
    };
    let input = PageInput {
        receipt: &receipt,
        object,
        sha256: &sha256,
        signature: &signature,
        at,
    };
    Ok(page(&input))
}

/// The Content-Security-Policy of the page, which allows its own style and nothing else.
pub fn content_security_policy() -> String {
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The page of a receipt whose signature was verified before.
pub fn page(input: &PageInput<'_>) -> String {
    let receipt = input.receipt;
    let (word, _) = words::status(receipt.status);
    let name = receipt.subject.as_ref().unwrap_or(&receipt.workflow_id);
    let title = format!("{word}: {}, receipt", plain(name));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (patterns())
                (header(receipt))
                main { (body(input)) }
                footer {
                    p { "Holdfast receipt " (receipt.generation + 1) " of execution " (code(&receipt.execution_id)) "." }
                }
            }
        }
    };
    page.into_string()
}

fn header(receipt: &Receipt) -> Markup {
    let (word, class) = words::status(receipt.status);
    html! {
        header {
            p.kind { "Execution receipt" }
            h1 { (quoted(&receipt.workflow_id)) " " span.version { "version " (receipt.workflow_version) } }
            @if let Some(subject) = &receipt.subject { p.subject { (quoted(subject)) } }
            div class={ "status " (class) } {
                (icon(receipt.status))
                p { strong { (word) } " " span { (history::history(receipt)) } }
            }
        }
    }
}

fn body(input: &PageInput<'_>) -> Markup {
    let receipt = input.receipt;
    let timeline = timeline::timeline(receipt);
    let timeline = timeline.unwrap_or_else(|| html! { p { "No step was attempted." } });
    html! {
        (signature(input))
        (section("execution", "Execution", &parts::facts(receipt)))
        @if let Some(redrive) = &receipt.redriven {
            (section("redrive", "Why it was redriven", &parts::redrive(redrive)))
        }
        @if let Some(failure) = &receipt.failure {
            (section("failure", history::heading(receipt), &parts::failure(failure)))
        }
        (section("residual", "What remains", &parts::residual(receipt)))
        (section("timeline", "Timeline", &timeline))
        (section("steps", "Steps", &steps::steps(receipt)))
        (section("rollback", "Rollback", &parts::rollback(receipt)))
        (section("guardrails", "Guardrails", &parts::guardrails(receipt)))
        @if let Some(approval) = &receipt.approval {
            (section("approval", "Approval", &parts::approval(approval)))
        }
        @if !receipt.decisions.is_empty() {
            (section("decisions", "Decisions", &parts::decisions(receipt)))
        }
        @if !receipt.approvals.is_empty() {
            (section("approvals", "Approvals", &approvals::approvals(receipt)))
        }
        @if receipt.steps.iter().any(|step| step.idempotency_key.is_some()) {
            (section("digests", "Keys and digests", &steps::digests(receipt)))
        }
        (section("evidence", "Evidence", &parts::evidence(input)))
    }
}

fn signature(input: &PageInput<'_>) -> Markup {
    let at = input.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let body = match input.signature {
        Ok(Signatory { kid, certificate }) => html! {
            p.seal.good {
                strong { "Signed by " (code(kid)) ", verified" } " on " (at) "."
                @if let Some(certificate) = certificate {
                    " That key certified the short-lived key " (code(certificate.jwk.kid())) " for receipts from "
                    (full(&certificate.not_before.to_string())) " to " (full(&certificate.not_after.to_string())) "."
                }
            }
        },
        Err(why) => html! {
            p.seal.bad { strong { "Not verified: " (quoted(why)) } " (" (at) "). Do not rely on this page." }
        },
    };
    section("signature", "Signature", &body)
}

/// The icon of a status.
fn icon(status: Status) -> Markup {
    let path = match status {
        Status::Executed => "M7 12.5l3.4 3.4L17 8.6",
        Status::RolledBack => "M9 7L5.5 10.5 9 14M6 10.5h7.5a4 4 0 0 1 0 8H11",
        Status::PartiallyRolledBack => "M12 6.5v7M12 16.8v.4",
        Status::Failed => "M8 8l8 8M16 8l-8 8",
        Status::Rejected => "M7 12h10",
    };
    html! {
        svg.icon viewBox="0 0 24 24" width="40" height="40" aria-hidden="true" focusable="false" {
            circle cx="12" cy="12" r="11" {}
            path d=(path) {}
        }
    }
}

/// The hatchings with which the style fills bars.
fn patterns() -> Markup {
    html! {
        svg.defs width="0" height="0" aria-hidden="true" focusable="false" {
            defs {
                pattern #hatch width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect.hatch-ground width="5" height="5" {}
                    rect.hatch-line width="2" height="5" {}
                }
                pattern #gap width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect.gap-line width="1" height="6" {}
                }
            }
        }
    }
}
