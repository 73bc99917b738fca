//! `holdfast release`, and the record of released versions: the content of a released version never
//! changes, and neither does the tier of a released workflow.

use std::{collections::BTreeMap, path::PathBuf};

use holdfast_ids::names::is_workflow_id;
use holdfast_task::Tier;
use holdfast_workflow::definition::{Definition, Problem};

use crate::{
    output,
    project::{self, Project},
    report::Trouble,
    workflows::{self, span},
};

/// The first line of the record.
const HEAD: &str = "# Released versions of workflows, written by `holdfast release`. Lines are \
                    only added: see docs/releases.md.\n";

/// The word of a line whose version runs on an Express state machine. Other lines have none.
const EXPRESS: &str = "express";

/// The content of a released version.
#[derive(Clone, PartialEq, Eq)]
struct Content {
    digest: String,
    tier: Tier,
}

impl Content {
    fn of(definition: &Definition) -> Result<Self, Trouble> {
        let digest = definition.digest();
        let digest =
            digest.map_err(|error| Trouble::Other(format!("{}: {error}", definition.workflow)))?;
        let tier = definition.tier;
        Ok(Self { digest, tier })
    }
}

/// The content of each released version, by workflow and version.
pub(crate) struct ReleaseRecord {
    path: PathBuf,
    /// The path, as messages show it.
    file: String,
    /// The record as it will be written. What it had stays, with its comments.
    text: String,
    contents: BTreeMap<(String, u32), Content>,
}

impl ReleaseRecord {
    /// The record of a project. Without the file, nothing is released.
    pub(crate) fn read(project: &Project) -> Result<Self, Trouble> {
        let path = project.workflows().join("released.txt");
        let file = project.show(&path);
        let text = match path.exists() {
            true => project::read(&path)?,
            false => String::new(),
        };
        let mut contents = BTreeMap::new();
        for (line, number) in text.lines().zip(1..) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: &str| Trouble::Other(format!("{file}: line {number}: {why}"));
            let (at, content) = entry(line).ok_or_else(|| {
                wrong(
                    "it is no released version, such as WF-PAY-VENDOR 1 sha256:… with 64 digits, \
                     and `express` for that tier",
                )
            })?;
            let before = contents.insert(at, content.clone());
            if before.is_some_and(|before| before != content) {
                let why = "an earlier line has this version with another digest: raise the version \
                           of the one that is not deployed, and remove its line";
                return Err(wrong(why));
            }
        }
        Ok(Self {
            path,
            file,
            text,
            contents,
        })
    }

    /// True if exactly this content was released under its version.
    pub(crate) fn has(&self, definition: &Definition) -> Result<bool, Trouble> {
        let content = Content::of(definition)?;
        Ok(self.contents.get(&at(definition)) == Some(&content))
    }

    /// The problem of a released version that has other content now, or of a workflow that was
    /// released under another tier.
    pub(crate) fn check(
        &self,
        source: &str,
        definition: &Definition,
    ) -> Result<Option<Problem>, Trouble> {
        let (id, version) = at(definition);
        if let Some(problem) = self.check_tier(source, definition) {
            return Ok(Some(problem));
        }
        if !self.contents.contains_key(&at(definition)) || self.has(definition)? {
            return Ok(None);
        }
        let of_workflow = self.contents.keys().filter(|(other, _)| *other == id);
        let newest = of_workflow.map(|(_, version)| *version).max();
        let next = newest.unwrap_or(version).saturating_add(1);
        let message = format!("{id} version {version} was released with other content");
        let help = format!(
            "raise it to version: {next}, or take the change back; {} has what was released",
            self.file
        );
        let at = span(source, "version:", &version.to_string());
        Ok(Some(Problem::new(at, message, help)))
    }

    /// The problem of a workflow that was released under another tier. A state machine keeps its
    /// type, and a stack cannot replace one that has a name of its own. Source: `StateMachineType`
    /// in AWS::StepFunctions::StateMachine of AWS CloudFormation's template reference.
    fn check_tier(&self, source: &str, definition: &Definition) -> Option<Problem> {
        let id = &definition.workflow;
        let mut of_workflow = self.contents.iter().filter(|((other, _), _)| other == id);
        let ((_, version), _) = of_workflow.find(|(_, content)| content.tier != definition.tier)?;
        let (was, at) = match definition.tier {
            Tier::Express => ("standard", span(source, "tier:", "express")),
            Tier::Standard => ("express", span(source, "workflow:", id)),
        };
        let message = format!("{id} version {version} was released with tier: {was}");
        let help = format!(
            "a workflow keeps its tier: write tier: {was}, or give this one an id of its own; {} \
             has what was released",
            self.file
        );
        Some(Problem::new(at, message, help))
    }

    /// Adds a definition as the last line. Returns false if the record had it before.
    fn add(&mut self, definition: &Definition) -> Result<bool, Trouble> {
        let (workflow, version) = at(definition);
        let content = Content::of(definition)?;
        let tier = match content.tier {
            Tier::Standard => String::new(),
            Tier::Express => format!(" {EXPRESS}"),
        };
        let line = format!("{workflow} {version} {}{tier}\n", content.digest);
        if self.contents.insert((workflow, version), content).is_some() {
            return Ok(false);
        }
        if self.text.is_empty() {
            self.text = HEAD.to_owned();
        }
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.text.push_str(&line);
        Ok(true)
    }

    fn write(&self) -> Result<(), Trouble> {
        project::write(&self.path, &self.text)
            .map_err(|error| Trouble::Other(format!("{}: {error}", self.file)))
    }
}

/// Records the versions of all workflows, or of those in `files`, as released.
pub(crate) fn run(project: &Project, files: &[PathBuf]) -> Result<(), Trouble> {
    let workflows = workflows::read(project, files)?;
    let mut released = ReleaseRecord::read(project)?;
    let mut lines = Vec::new();
    for workflow in &workflows {
        let (id, version) = at(&workflow.definition);
        if released.add(&workflow.definition)? {
            lines.push(format!("released {id} version {version}"));
        }
    }
    if lines.is_empty() {
        return output::line(&format!("nothing new: {} has every version", released.file));
    }
    released.write()?;
    lines.push(format!("wrote {}; commit it", released.file));
    lines.iter().try_for_each(|line| output::line(line))
}

fn at(definition: &Definition) -> (String, u32) {
    (definition.workflow.clone(), definition.version)
}

/// The version and its content in a line of the record.
fn entry(line: &str) -> Option<((String, u32), Content)> {
    let mut words = line.split_whitespace();
    let (workflow, version, digest) = (words.next()?, words.next()?, words.next()?);
    let tier = match words.next() {
        None => Tier::Standard,
        Some(EXPRESS) => Tier::Express,
        Some(_) => return None,
    };
    let digits = digest.strip_prefix("sha256:")?;
    let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let whole = is_workflow_id(workflow)
        && digits.len() == 64
        && digits.chars().all(is_hex)
        && words.next().is_none();
    whole.then_some((
        (workflow.to_owned(), version.parse().ok()?),
        Content {
            digest: digest.to_owned(),
            tier,
        },
    ))
}
