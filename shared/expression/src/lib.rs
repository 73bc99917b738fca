//! JSONata expressions: the names that they use, their bounds, their values, and whether they still
//! have one if a step was skipped.

mod absent;
mod bounds;
mod evaluate;
mod functions;
mod uses;

pub use absent::is_absent_without;
pub use bounds::bounded;
pub use evaluate::evaluate;
pub use functions::{FUNCTIONS, STEP_FUNCTIONS};
pub use uses::{Read, Use, expression_in, reads, uses};
