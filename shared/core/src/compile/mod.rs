//! The compiler: from a definition to the state machine that runs it, and to what the template needs of it.

mod asl;
mod expressions;
mod machine;
mod names;
mod retry;
mod steps;
mod template;

pub use asl::{
    Catcher, Exit, Inner, JitterStrategy, Machine, Map, Ordered, Parallel, ProcessorConfig,
    ProcessorMode, QueryLanguage, Retrier, State, Task, Until, Wait,
};
pub use machine::machine;
pub use names::parameters_in;
pub use template::{replace_region, template_parameters};

use crate::{action::ActionInfo, definition::Definition};

impl Machine {
    /// The machine as readable JSON with a final newline: the bytes that are checked in.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

/// What follows from all workflows of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// Workflow id and the text of its state machine.
    pub machines: Vec<(String, String)>,
    /// The generated part of template.yaml.
    pub region: String,
}

/// Compiles all workflows of a project, each with its file's path for people. The error is for people too.
pub fn all(workflows: &[(&Definition, &str)], actions: &[ActionInfo]) -> Result<Compiled, String> {
    let mut machines = Vec::new();
    for (definition, file) in workflows {
        let machine = machine(definition, file).map_err(|error| format!("{file}: {error}"))?;
        let text = machine
            .to_json()
            .map_err(|error| format!("{file}: {error}"))?;
        machines.push((definition.workflow.clone(), text));
    }
    machines.sort();
    let region = String::new();
    Ok(Compiled { machines, region })
}
