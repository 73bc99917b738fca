//! Reads workflow files, together: all mistakes of all files, and ids that two files claim.

use std::{collections::BTreeMap, path::PathBuf};

use holdfast_core::{
    action::{ActionInfo, Registry},
    definition::{self, Definition, Known, Problem, Span},
};

use crate::{
    project::{self, Project},
    report::{InFile, Trouble},
};

/// A workflow and where it was read.
pub(crate) struct Workflow {
    /// Its path as people read it.
    pub(crate) file: String,
    /// What it says.
    pub(crate) definition: Definition,
}

/// What is known of every action of this deployment.
pub(crate) fn actions() -> Vec<ActionInfo> {
    holdfast_steps::registry().infos().cloned().collect()
}

/// The workflows in `files`, or in all files of the project; or every problem.
pub(crate) fn read(project: &Project, files: &[PathBuf]) -> Result<Vec<Workflow>, Trouble> {
    let files = match files {
        [] => project::files(&project.workflows(), &[".yaml", ".yml"])?,
        named => named.to_vec(),
    };
    if files.is_empty() {
        let folder = project.show(&project.workflows());
        return Err(Trouble::Other(format!(
            "there are no workflows in {folder}/: `holdfast new NAME` writes one"
        )));
    }
    let registry: Registry = holdfast_steps::registry();
    let actions: Vec<&ActionInfo> = registry.infos().collect();
    let known = Known {
        actions: &actions,
        parameters: &project.parameters,
    };
    let (mut workflows, mut wrong) = (Vec::new(), Vec::new());
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for path in files {
        let (file, source) = (project.show(&path), project::read(&path)?);
        let problems = match definition::read(&source, &known) {
            Err(problems) => problems,
            Ok(definition) => match owners.insert(definition.workflow.clone(), file.clone()) {
                Some(other) if other != file => vec![twice(&source, &definition, &other)],
                Some(_) => continue,
                None => {
                    workflows.push(Workflow { file, definition });
                    continue;
                }
            },
        };
        wrong.push(InFile {
            file,
            source,
            problems,
        });
    }
    if wrong.is_empty() {
        Ok(workflows)
    } else {
        Err(Trouble::Problems(wrong))
    }
}

fn twice(source: &str, definition: &Definition, other: &str) -> Problem {
    let id = &definition.workflow;
    let offset = source.find(id).unwrap_or_default();
    let before = &source[..offset];
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |line| line.chars().count())
        + 1;
    let at = Span {
        offset,
        length: id.len(),
        line: before.matches('\n').count() + 1,
        column,
    };
    Problem::new(
        at,
        format!("{other} has the workflow id {id} too"),
        "every workflow has an id of its own",
    )
}
