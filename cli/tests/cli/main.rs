//! Tests of the `holdfast` command: the built program, in projects of their own.

mod bulk;
mod commands;
mod compile;
mod cost;
mod cost_scale;
mod delegations;
mod doors;
mod drill;
mod exit_codes;
mod issuer;
mod preflight;
mod problems;
mod program;
mod project;
mod released;
mod requests;
mod schema;
mod template;
