//! Tests of the drill: the shipped workflows hold, and a broken target is detected.

mod answers;
mod broken;
mod old_behaviors;
mod outages;
mod races;
mod reads;
mod set_up;
mod shipped;
mod simulation;
