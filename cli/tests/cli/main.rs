//! Tests of the `holdfast` command: the built program, in projects of their own.

mod commands;
mod compile;
mod cost;
mod doors;
mod drill;
mod issuer;
mod preflight;
mod problems;
mod program;
mod project;
mod schema;
mod template;
