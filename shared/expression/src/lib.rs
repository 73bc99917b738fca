//! JSONata expressions: the names that they use, their bounds, and their values.

mod bounds;
mod evaluate;
mod uses;

pub use bounds::bounded;
pub use evaluate::evaluate;
pub use uses::{Use, expression_in, uses};
