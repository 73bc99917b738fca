//! The programs of a deployment: which functions share one.
//!
//! The Makefile beside this folder has the program of each function in template.yaml.

use crate::{
    Function, api, ask, audit, begin, console, digest, finish, plan, recover, spans, step,
};

/// A program, and the functions that it serves.
#[derive(Clone, Copy)]
pub struct Program {
    pub(crate) name: &'static str,
    pub(crate) functions: &'static [Function],
}

/// One `Function` for each pair of a `Handler` and a module.
macro_rules! functions {
    ($($handler:literal => $run:path),+ $(,)?) => {
        &[$(Function { handler: $handler, run: || Box::pin($run()) }),+]
    };
}

/// The check of a start: QuickJS and JSON Schema.
pub const BEGIN: Program = Program {
    name: "begin",
    functions: functions!["begin" => begin::run],
};

/// Every action.
pub const STEPS: Program = Program {
    name: "steps",
    functions: functions!["step" => step::run],
};

/// The end of an execution and the chain of receipts: KMS.
pub const ENDS: Program = Program {
    name: "ends",
    functions: functions!["finish" => finish::run, "digest" => digest::run],
};

/// Takeover, questions and the sweep: Step Functions.
pub const RECOVERY: Program = Program {
    name: "recovery",
    functions: functions![
        "plan" => plan::run,
        "ask" => ask::run,
        "recover" => recover::run,
    ],
};

/// The API without starts, and its bulks.
pub const API: Program = Program {
    name: "api",
    functions: functions!["api" => api::run, "bulk" => api::work],
};

/// The starts of the API: QuickJS and JSON Schema.
pub const START: Program = Program {
    name: "start",
    functions: functions!["start" => api::start],
};

/// The consumers of the ledger's stream: the event bus and a collector.
pub const STREAM: Program = Program {
    name: "stream",
    functions: functions!["audit" => audit::run, "spans" => spans::run],
};

/// The pages for people, without any client of AWS.
pub const CONSOLE: Program = Program {
    name: "console",
    functions: functions!["console" => console::run],
};

/// All programs.
pub const ALL: [Program; 8] = [BEGIN, STEPS, ENDS, RECOVERY, API, START, STREAM, CONSOLE];

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    const TEMPLATE: &str = include_str!("../../../template.yaml");
    const MAKEFILE: &str = include_str!("../Makefile");

    /// The `Handler` of each function in the template, by its logical id.
    fn handlers() -> BTreeMap<&'static str, &'static str> {
        let (mut found, mut id) = (BTreeMap::new(), None);
        for line in TEMPLATE.lines() {
            let resource = line
                .strip_prefix("  ")
                .filter(|rest| !rest.starts_with(' '));
            if let Some(resource) = resource {
                id = resource.strip_suffix(':');
            } else if line == "    Type: AWS::Serverless::Function" {
                // What the template's Globals have.
                found.insert(id.expect("a resource"), "step");
            } else if let (Some(handler), Some(id)) = (line.strip_prefix("      Handler: "), id) {
                found.insert(id, handler);
            }
        }
        found
    }

    /// The program of each function that the Makefile names, by the logical id of the function.
    fn programs() -> BTreeMap<&'static str, &'static str> {
        let assigned = MAKEFILE.lines().filter_map(|line| line.split_once(" = "));
        assigned
            .filter(|(id, _)| id.ends_with("Function"))
            .collect()
    }

    #[test]
    fn each_function_of_the_template_gets_a_program_that_serves_its_handler() {
        let (handlers, programs) = (handlers(), programs());
        assert!(handlers.len() > 10, "{handlers:?}");
        for (id, handler) in &handlers {
            let name = programs.get(id).copied().unwrap_or("steps");
            let program = ALL.iter().find(|program| program.name == name);
            let program = program.unwrap_or_else(|| panic!("{id}: no program {name}"));
            let mut served = program.functions.iter().map(|function| function.handler);
            assert!(served.any(|served| served == *handler), "{id}: {name}");
        }
        let unknown: Vec<_> = programs
            .keys()
            .filter(|id| !handlers.contains_key(*id))
            .collect();
        assert!(unknown.is_empty(), "not in the template: {unknown:?}");
    }

    #[test]
    fn each_program_is_built_and_no_two_serve_the_same_function() {
        let listed = MAKEFILE
            .lines()
            .filter_map(|line| line.strip_prefix("PROGRAMS = "));
        let listed = listed.max_by_key(|line| line.len()).expect("a list");
        let built: BTreeSet<_> = listed.split(' ').collect();
        assert_eq!(built, ALL.iter().map(|program| program.name).collect());
        let served: Vec<_> = ALL.iter().flat_map(|program| program.functions).collect();
        let handlers: BTreeSet<_> = served.iter().map(|function| function.handler).collect();
        assert_eq!(handlers.len(), served.len());
    }
}
