//! The domain of Holdfast: definitions and their compiler, ledger rules, the engine, receipts. No I/O, no clock.

pub mod access;
pub mod action;
pub mod audit;
pub mod compile;
pub mod definition;
pub mod digest;
pub mod engine;
pub mod evidence;
pub mod gate;
pub mod keys;
pub mod ledger;
pub mod names;
pub mod payload;
pub mod receipt;
pub mod task;
pub mod timing;
pub mod trace;
