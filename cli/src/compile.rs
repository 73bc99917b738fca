//! `holdfast compile`: writes state machines and the template, or names what is not up to date.

use std::{fs, path::PathBuf};

use holdfast_workflow::compile::{self, CompiledProject};

use crate::{
    output,
    project::{self, Project},
    report::Trouble,
    workflows,
};

/// A file and the text that it must have, or `None` if it must not exist.
struct Target {
    path: PathBuf,
    text: Option<String>,
}

pub(crate) fn run(project: &Project, check: bool) -> Result<(), Trouble> {
    let workflows = workflows::read(project, &[])?;
    let actions = workflows::actions();
    let sources: Vec<_> = workflows
        .iter()
        .map(|workflow| (&workflow.definition, workflow.file.as_str()))
        .collect();
    let compiled = compile::all(&sources, &actions, &project.template).map_err(Trouble::Other)?;
    let stale: Vec<Target> = targets(project, &compiled)?
        .into_iter()
        .filter(is_stale)
        .collect();
    if check {
        return match stale.as_slice() {
            [] => output::line(&format!(
                "{} compiled and up to date",
                count(workflows.len())
            )),
            stale => {
                let names: Vec<_> = stale
                    .iter()
                    .map(|target| project.show(&target.path))
                    .collect();
                Err(Trouble::Other(format!(
                    "not up to date: {}; run `holdfast compile`",
                    names.join(", ")
                )))
            }
        };
    }
    for target in &stale {
        let name = project.show(&target.path);
        let (done, verb) = match &target.text {
            Some(text) => (project::write(&target.path, text), "wrote"),
            None => (fs::remove_file(&target.path), "removed"),
        };
        done.map_err(|error| Trouble::Other(format!("{}: {error}", target.path.display())))?;
        output::line(&format!("{verb} {name}"))?;
    }
    output::line(&format!("{} compiled", count(workflows.len())))
}

fn count(workflows: usize) -> String {
    format!(
        "{workflows} {}",
        if workflows == 1 {
            "workflow"
        } else {
            "workflows"
        }
    )
}

fn targets(project: &Project, compiled: &CompiledProject) -> Result<Vec<Target>, Trouble> {
    let folder = project.machines();
    let mut targets: Vec<Target> = compiled
        .machines
        .iter()
        .map(|(workflow, text)| Target {
            path: folder.join(format!("{workflow}.asl.json")),
            text: Some(text.clone()),
        })
        .collect();
    for path in project::files(&folder, &[".asl.json"])? {
        if !targets.iter().any(|target| target.path == path) {
            targets.push(Target { path, text: None });
        }
    }
    targets.push(Target {
        path: project.root.join("template.yaml"),
        text: Some(compiled.template.clone()),
    });
    Ok(targets)
}

fn is_stale(target: &Target) -> bool {
    match (&target.text, fs::read(&target.path)) {
        (Some(text), Ok(bytes)) => text.as_bytes() != bytes,
        (None, read) => read.is_ok(),
        (Some(_), Err(_)) => true,
    }
}
