//! Reads the shipped workflows as the command reads them.

use std::{fs, path::PathBuf};

use holdfast_action::ActionInfo;
use holdfast_drill::{Drill, Outcome, Settings};
use holdfast_workflow::{
    compile::template_parameters,
    definition::{self, Definition, Environment},
};
use serde_json::Value;

pub(crate) fn actions() -> Vec<ActionInfo> {
    holdfast_steps::registry().infos().cloned().collect()
}

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the definition in a text.
pub(crate) fn read(source: &str) -> Definition {
    let template = fs::read_to_string(project().join("template.yaml")).expect("the template");
    let actions = actions();
    let known = Environment {
        actions: &actions.iter().collect::<Vec<_>>(),
        parameters: &template_parameters(&template),
    };
    definition::read(source, &known).expect("it is right")
}

/// Returns the drill of a shipped workflow.
pub(crate) fn shipped(file: &str, input: Option<Value>, settings: Settings) -> Drill {
    let source = fs::read_to_string(project().join("workflows").join(file)).expect(file);
    Drill::new(&read(&source), file, &actions(), input, settings).expect("it executes")
}

/// Returns the input in `tests/inputs` that leads to every step of a shipped workflow. Without such
/// a file, the input that is made from the schema does.
pub(crate) fn input_of(file: &str) -> Option<Value> {
    let path = project().join("tests/inputs").join(file);
    let path = path.with_extension("json");
    let exists = path.exists();
    exists.then(|| {
        let input = fs::read_to_string(&path).expect("a text");
        serde_json::from_str(&input).expect("JSON")
    })
}

/// Returns the drill of a definition in a text, with the default settings.
pub(crate) fn drill_of(source: &str) -> Drill {
    let settings = Settings::default();
    let drill = Drill::new(&read(source), "test.yaml", &actions(), None, settings);
    drill.expect("it executes")
}

/// Returns the outcome of a scenario that violates no invariant.
pub(crate) fn held(drill: &Drill, scenario: &str) -> Outcome {
    let scenario = scenario.parse().expect("a name");
    let outcome = drill.run(&scenario).expect("it runs");
    assert_eq!(outcome.violations, [""; 0], "{:#?}", outcome.story);
    outcome
}

/// Returns the files of all shipped workflows.
pub(crate) fn files() -> Vec<String> {
    let files = fs::read_dir(project().join("workflows")).expect("the folder");
    let mut files: Vec<String> = files
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .collect();
    files.sort();
    files
}

/// Returns the text of every workflow of the project, each with its path. Tests and the simulator
/// have workflows of their own.
pub(crate) fn every_workflow() -> Vec<(String, String)> {
    let mut workflows = Vec::new();
    for folder in [
        "workflows",
        "tests/workflows",
        "shared/drill/tests/simulation",
    ] {
        for file in fs::read_dir(project().join(folder)).expect(folder) {
            let path = file.expect(folder).path();
            let text = fs::read_to_string(&path).expect("a text");
            workflows.push((path.display().to_string(), text));
        }
    }
    workflows
}
