//! The ledger protocol as a model whose every interleaving can be visited; the rules are those of
//! `holdfast-ledger`.

mod again;
mod back;
mod finish;
mod forward;
mod kept;
mod model;
mod records;
mod rules;
mod unwind;
pub mod votes;
mod world;

pub use model::{Action, Actor, Deed, Protocol};
pub use rules::{GiveUp, PRODUCTION, Redrive, Rules};
pub use world::{Change, Setting, World};
