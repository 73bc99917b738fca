//! The vendor system over real HTTP, started in process.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod admin;
mod client;
mod faults;
mod idempotency;
mod routes;
mod stopping;
