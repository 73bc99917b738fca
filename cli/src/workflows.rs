//! Workflow files, read together: the problems of each, shared ids, and budgets that differ.

use std::{collections::BTreeMap, path::PathBuf};

use holdfast_action::{ActionInfo, Registry};
use holdfast_admission::format_amount;
use holdfast_task::Budget;
use holdfast_workflow::{
    compile::check_names,
    definition::{self, Definition, Environment, Problem, Span},
};

use crate::{
    project::{self, Project},
    released::ReleaseRecord,
    report::{InFile, Trouble},
};

/// A workflow and its file.
pub(crate) struct Workflow {
    /// The path, as messages show it.
    pub(crate) file: String,
    /// The content of the file.
    pub(crate) definition: Definition,
    /// Warnings: problems that the definition may have.
    pub(crate) warnings: InFile,
}

/// Every action of this deployment.
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
    let known = Environment {
        actions: &actions,
        parameters: &project.parameters,
    };
    let (mut workflows, mut wrong) = (Vec::new(), Vec::new());
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    let mut budgets = Budgets::default();
    let released = ReleaseRecord::read(project)?;
    for path in files {
        let (file, source) = (project.show(&path), project::read(&path)?);
        let problems = match definition::read_with_warnings(&source, &known) {
            Err(problems) => problems,
            Ok((definition, warnings)) => {
                match owners.insert(definition.workflow.clone(), file.clone()) {
                    Some(other) if other != file => vec![twice(&source, &definition, &other)],
                    Some(_) => continue,
                    None => {
                        let mut problems = budgets.add(&file, &source, &definition);
                        problems.extend(released.check(&source, &definition)?);
                        if problems.is_empty() {
                            let warnings = InFile {
                                file: file.clone(),
                                source,
                                problems: warnings,
                            };
                            workflows.push(Workflow {
                                file,
                                definition,
                                warnings,
                            });
                            continue;
                        }
                        problems
                    }
                }
            }
        };
        wrong.push(InFile {
            file,
            source,
            problems,
        });
    }
    if !wrong.is_empty() {
        return Err(Trouble::Problems(wrong));
    }
    let definitions: Vec<_> = workflows.iter().map(|one| &one.definition).collect();
    check_names(&definitions, &project.stacks()).map_err(Trouble::Other)?;
    Ok(workflows)
}

/// Every budget by its name, with the place and the terms of its first mention.
#[derive(Default)]
struct Budgets(BTreeMap<String, (String, Budget)>);

impl Budgets {
    /// Adds the budgets of a workflow and gives a problem for each that another file defines
    /// differently.
    fn add(&mut self, file: &str, source: &str, definition: &Definition) -> Vec<Problem> {
        let mut wrong = Vec::new();
        for budget in &definition.rules.budgets {
            let at = span(source, "budget:", &budget.name);
            let place = format!("{file}:{}", at.line);
            let first = self.0.entry(budget.name.clone());
            let (other, first) = first.or_insert_with(|| (place, budget.clone()));
            let same = |one: &Budget| (one.limit, one.per.name(), one.zone.clone());
            if same(first) != same(budget) {
                let name = &budget.name;
                let (here, there) = (terms(budget), terms(first));
                let message = format!("budget {name} is {here} here, and {there} at {other}");
                let help = "workflows that name the same budget use it up together: \
                            give it the same limit, per and zone, or another name";
                wrong.push(Problem::new(at, message, help));
            }
        }
        wrong
    }
}

/// The terms of a budget that must be equal in every file.
fn terms(budget: &Budget) -> String {
    let (limit, per) = (format_amount(budget.limit), budget.per.name());
    format!("{limit} per {per} in {}", budget.zone)
}

fn twice(source: &str, definition: &Definition, other: &str) -> Problem {
    let id = &definition.workflow;
    Problem::new(
        span(source, "", id),
        format!("{other} has the workflow id {id} too"),
        "every workflow has an id of its own",
    )
}

/// The place of `text` after the first `after`.
pub(crate) fn span(source: &str, after: &str, text: &str) -> Span {
    let from = source.find(after).unwrap_or_default();
    let found = source[from..].find(text);
    let offset = from + found.unwrap_or_default();
    let before = &source[..offset];
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |line| line.chars().count())
        + 1;
    Span {
        offset,
        length: text.len(),
        line: before.matches('\n').count() + 1,
        column,
    }
}
