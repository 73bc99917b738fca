//! Tests of the drill: the shipped workflows hold, and a broken target is detected.

mod broken;
mod outages;
mod reads;
mod set_up;
mod shipped;
mod simulation;
