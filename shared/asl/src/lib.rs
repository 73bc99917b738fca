//! Amazon States Language, as much of it as Holdfast writes: the typed model, its drawing, and a step read back.

mod chart;
mod declared;
mod model;

pub use chart::chart;
pub use declared::declared;
pub use model::{
    Catcher, Exit, Inner, JitterStrategy, Machine, Map, Ordered, Parallel, Pass, ProcessorConfig,
    ProcessorMode, QueryLanguage, Retrier, State, Task, Until, Wait,
};
