//! Tests of the ledger: each rule by table, all of them by interleaving, and the contract on the
//! ledger in memory.

mod bulk;
mod claim;
mod complete;
mod contract;
mod due;
mod express;
mod interleaving;
mod key;
mod lifecycle;
mod outlook;
mod question;
mod reads;
mod redrive;
mod restart;
mod snapshot;
mod start_and_need;
mod statistics;
mod takeover;
mod unwind;
mod vote;
mod voting_races;
mod world;
