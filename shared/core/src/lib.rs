//! The domain of Holdfast: definitions and their compiler, ledger rules, the engine, receipts. No I/O, no clock.

pub mod action;
pub mod digest;
pub mod task;
pub mod timing;
