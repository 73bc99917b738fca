//! Amazon States Language, as far as Holdfast uses it: the model that the compiler writes and the
//! drill reads, the rules of Step Functions, the drawing and the outline of a state machine, and a
//! step read back from it.

mod chart;
mod declared;
mod flowchart;
mod model;
mod outline;
mod rules;
mod text;

pub use chart::chart;
pub use declared::declared;
pub use flowchart::{Flowchart, Shape, node_id};
pub use model::{
    Catcher, Choice, ChoiceRule, Exit, Inner, JitterStrategy, Machine, Map, NO_ITEMS, Object,
    Parallel, Pass, ProcessorConfig, ProcessorMode, QueryLanguage, Retrier, State, States, Task,
    Until, Wait, member,
};
pub use outline::{NodeKind, OutlineNode, outline};
