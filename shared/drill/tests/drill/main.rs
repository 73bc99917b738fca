//! Tests of the drill: the shipped workflows hold, and what does not hold is found.

mod broken;
mod set_up;
mod shipped;
