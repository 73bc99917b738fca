//! Tests of the drill: the shipped workflows hold, and a broken target is detected.

mod answers;
mod approvals;
mod broken;
mod choices;
mod express;
mod measurements;
mod old_behaviors;
mod outages;
mod partitions;
mod polling;
mod races;
mod reads;
mod set_up;
mod shipped;
mod signed_approvals;
mod simulation;
