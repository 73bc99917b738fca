//! Receipts: their format, page, signatures, and the hourly chain of digests with its audit.
//!
//! A receipt says how an execution ended and what remains, in the words of the specification's
//! example and more. It has a published JSON Schema ([`schema`](schema())) and a page for people
//! ([`page`]).

pub mod chain;
pub mod evidence;
mod field;
mod outcome;
pub mod page;
mod receipt;
mod schema;

pub use field::{EarlierGeneration, ShownField};
pub use outcome::{
    Approval, ApprovalOutcome, ApprovalSignature, AttemptOutcome, Decision, EarlyStop,
    GuardrailOutcome, ReceiptApproval, ReceiptRef, Status, Vote,
};
pub use receipt::{
    FORMAT, PreviousReceipt, Receipt, ReceiptAttempt, ReceiptDecision, ReceiptFailure,
    ReceiptRedrive, ReceiptStep, ReceiptUndo, Residual, StepStatus,
};
pub use schema::schema;
