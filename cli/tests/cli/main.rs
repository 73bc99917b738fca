//! Tests of the `holdfast` command: the built program, in projects of their own.

mod commands;
mod compile;
mod decisions;
mod drill;
mod effects;
mod expressions;
mod project;
mod repeatable;
mod rules;
mod schema;
mod steps;
mod syntax;
mod top_level;
mod triggers;
