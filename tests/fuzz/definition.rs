//! Fuzzing of definitions: each is accepted, or refused with places, without a panic or a hang.

use std::{fs, sync::LazyLock};

use holdfast_action::{ActionInfo, Registry};
use holdfast_workflow::{
    compile::all,
    definition::{Environment, Problem, read, read_with_warnings},
};
use proptest::prelude::*;

use crate::{
    fuzz,
    mutate::{Change, changed, changes},
};

/// Every workflow of the project.
static SEEDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let folders = ["workflows", "tests/workflows", "shared/drill/workflows"];
    let mut texts = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(format!("{root}/{folder}"))
            .into_iter()
            .flatten()
            .flatten();
        texts.extend(entries.filter_map(|entry| fs::read_to_string(entry.path()).ok()));
    }
    assert!(texts.len() > 8, "the project's workflows are the seeds");
    texts.sort();
    texts
});

/// The template of the project, whose generated part each definition replaces.
static TEMPLATE: LazyLock<String> = LazyLock::new(|| {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
    fs::read_to_string(file).expect("template.yaml")
});

static ACTIONS: LazyLock<Registry> = LazyLock::new(holdfast_steps::registry);

#[test]
fn a_changed_definition_is_accepted_or_refused_with_places() {
    let cases = (0..SEEDS.len(), changes());
    fuzz("definitions", cases, judge);
}

fn judge((seed, changes): (usize, Vec<Change>)) -> Result<(), String> {
    judge_source(&changed(&SEEDS[seed], &changes)).map(drop)
}

/// Checks that a definition is refused with places, or accepted with warnings that have places, and
/// then compiles. Returns true if it was accepted.
pub(crate) fn judge_source(source: &str) -> Result<bool, String> {
    let actions: Vec<&ActionInfo> = ACTIONS.infos().collect();
    let parameters = ["VendorSystemUrl".to_owned()];
    let known = Environment {
        actions: &actions,
        parameters: &parameters,
    };
    let all_placed = |problems: &[Problem]| {
        let mut problems = problems.iter();
        problems.try_for_each(|problem| placed(source, problem))
    };
    let judged = match read_with_warnings(source, &known) {
        Ok((definition, warnings)) => {
            let actions: Vec<ActionInfo> = actions.into_iter().cloned().collect();
            let compiled = match all(&[(&definition, "fuzz")], &actions, &TEMPLATE) {
                Ok(_) => Ok(true),
                // Names and sizes that only a whole project decides.
                Err(error) if error.contains(": rename ") || error.contains(" are possible") => {
                    Ok(true)
                }
                Err(error) => Err(format!("it does not compile: {error}")),
            };
            all_placed(&warnings).and(compiled)
        }
        Err(problems) if problems.is_empty() => Err("refused without a problem".to_owned()),
        Err(problems) => all_placed(&problems).map(|()| false),
    };
    judged.map_err(|why| format!("{why}\n--- the source:\n{source:?}"))
}

/// Checks that a problem names a place of the source and has a message and a fix.
fn placed(source: &str, problem: &Problem) -> Result<(), String> {
    let at = problem.at;
    let lines = source.chars().filter(|c| matches!(c, '\n' | '\r')).count() + 1;
    let wrong = |what: &str| Err(format!("{what}: {problem:?}"));
    if at.line == 0 || at.column == 0 || at.line > lines + 1 {
        return wrong("no such line or column");
    }
    let end = at.offset + at.length;
    if end > source.len() || !source.is_char_boundary(at.offset) || !source.is_char_boundary(end) {
        return wrong("no such part of the source");
    }
    if problem.message.is_empty() || problem.help.is_empty() {
        return wrong("it does not say what is wrong and what would be right");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Text that resembles no definition.
    #[test]
    fn random_text_is_refused_with_places(source in "(?s).{0,400}") {
        let known = Environment { actions: &[], parameters: &[] };
        let problems = read(&source, &known).expect_err("no random text is a workflow");
        prop_assert!(!problems.is_empty());
        for problem in &problems {
            prop_assert_eq!(placed(&source, problem), Ok(()));
        }
    }
}
