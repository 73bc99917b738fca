//! `holdfast doctor`: asks the functions of a deployed stack, through the SAM CLI, what they find of what they depend on, and the
//! API whether the definitions here are those that are deployed.

use std::{collections::BTreeSet, path::PathBuf, process::Command, thread};

use clap::Args;
use holdfast_core::{
    action::{Check, Checks},
    compile::function_id,
};

use crate::{
    api::Door,
    output::line,
    project::Project,
    report::Trouble,
    workflows::{self, Workflow},
};

/// Which stack, and how it is reached.
#[derive(Args)]
pub(crate) struct Asked {
    /// The stack's name
    #[arg(
        long,
        env = "HOLDFAST_STACK",
        value_name = "NAME",
        default_value = "holdfast"
    )]
    stack_name: String,
    /// Its region, if it is not that of your AWS settings
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The profile of your AWS settings, if it is not the default
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// The SAM CLI
    #[arg(
        long,
        env = "HOLDFAST_SAM",
        value_name = "PROGRAM",
        default_value = "sam"
    )]
    sam: PathBuf,
    /// Where deployed definitions are read; without an API and a token they are not compared
    #[command(flatten)]
    door: Option<Door>,
}

/// The functions of the engine that answer a check; those of the actions come to it.
const OWN: [&str; 4] = [
    "AskFunction",
    "BeginFunction",
    "FinishFunction",
    "PlanFunction",
];
/// Most characters of what a program said that are shown.
const SHOWN: usize = 300;

/// What was found by whom.
type Found = (String, Check);

pub(crate) fn run(project: &Project, asked: &Asked) -> Result<(), Trouble> {
    let workflows = workflows::read(project, &[])?;
    let steps = workflows
        .iter()
        .flat_map(|one| one.definition.action_steps());
    let actions: BTreeSet<String> = steps
        .map(|(_, step, _)| function_id(&step.action))
        .collect();
    let functions: Vec<String> = OWN.map(str::to_owned).into_iter().chain(actions).collect();
    let mut found: Vec<Found> = thread::scope(|scope| {
        let asking: Vec<_> = functions
            .iter()
            .map(|function| scope.spawn(|| asked.function(project, function)))
            .collect();
        let answers = asking
            .into_iter()
            .map(|thread| thread.join().unwrap_or_default());
        answers.flatten().collect()
    });
    match &asked.door {
        Some(door) => found.extend(deployed(door, &workflows)?),
        None => {
            line("      definitions are not compared: that needs HOLDFAST_API and HOLDFAST_TOKEN")?
        }
    }
    for (who, Check { what, trouble }) in &found {
        match trouble {
            None => line(&format!("ok    {who}: {what}"))?,
            Some(why) => line(&format!("WRONG {who}: {what}: {why}"))?,
        }
    }
    match found
        .iter()
        .filter(|(_, check)| check.trouble.is_some())
        .count()
    {
        0 => line(&format!("all {} are fine", found.len())),
        wrong => Err(Trouble::Other(format!(
            "{wrong} of {} are wrong",
            found.len()
        ))),
    }
}

impl Asked {
    /// What a function finds; that it cannot be asked is a finding too.
    fn function(&self, project: &Project, id: &str) -> Vec<Found> {
        let found = match self.invoke(project, id) {
            Ok(checks) => checks,
            Err(why) => vec![Check::of::<()>("it can be asked", Err(why))],
        };
        found
            .into_iter()
            .map(|check| (id.to_owned(), check))
            .collect()
    }

    fn invoke(&self, project: &Project, id: &str) -> Result<Vec<Check>, String> {
        let mut sam = Command::new(&self.sam);
        sam.current_dir(&project.root)
            .args(["remote", "invoke", id, "--stack-name", &self.stack_name])
            .args(["--event", r#"{"check": true}"#, "--output", "text"]);
        for (option, value) in [("--region", &self.region), ("--profile", &self.profile)] {
            if let Some(value) = value {
                sam.args([option, value]);
            }
        }
        let said = sam.output().map_err(|error| {
            format!(
                "{} cannot be run ({error}): install the SAM CLI, or name it by --sam",
                self.sam.display()
            )
        })?;
        let answer = serde_json::from_slice::<Checks>(&said.stdout);
        answer.map(|answer| answer.checks).map_err(|_| {
            let words =
                String::from_utf8_lossy(&said.stdout) + String::from_utf8_lossy(&said.stderr);
            let last = words.trim().lines().last().unwrap_or("it said nothing");
            last.chars()
                .filter(|c| !c.is_control())
                .take(SHOWN)
                .collect()
        })
    }
}

/// Whether the definitions here are those that are deployed.
fn deployed(door: &Door, workflows: &[Workflow]) -> Result<Vec<Found>, Trouble> {
    let listed = door.read("/v1/workflows")?;
    let listed = listed["workflows"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let found = workflows.iter().map(|workflow| {
        let id = &workflow.definition.workflow;
        let one = listed.iter().find(|one| one["workflow_id"] == id.as_str());
        let here = workflow.definition.digest();
        let same = match (one, here) {
            (None, _) => Err("it is not deployed, or not open to this tenant".to_owned()),
            (Some(one), Ok(here)) if one["definition_digest"] == here.as_str() => Ok(()),
            (Some(_), Ok(_)) => {
                Err("another is deployed: holdfast compile, then sam deploy".to_owned())
            }
            (Some(_), Err(error)) => Err(error.to_string()),
        };
        (
            id.clone(),
            Check::of(format!("{} is deployed", workflow.file), same),
        )
    });
    Ok(found.collect())
}
