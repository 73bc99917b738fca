//! `holdfast doctor`: asks the functions of a deployed stack, through the SAM CLI, what they find of what they depend on, and the
//! API whether the definitions here are those that are deployed.

use std::{collections::BTreeSet, path::PathBuf, process::Command, thread};

use clap::Args;
use holdfast_action::{Check, Checks};
use holdfast_workflow::compile::function_id;
use serde_json::Value;

use crate::{
    api::Door,
    output::line,
    project::Project,
    report::Trouble,
    workflows::{self, Workflow},
};

/// Which stack, and how it is reached.
#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// The environment of samconfig.toml, as for sam deploy
    #[arg(long, value_name = "NAME")]
    config_env: Option<String>,
    /// The stack's name, if it is not that of samconfig.toml
    #[arg(long, env = "HOLDFAST_STACK", value_name = "NAME")]
    stack_name: Option<String>,
    /// Its region, if it is not that of samconfig.toml
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
    /// The API's address; with it and a token, the definitions here are compared with those that are deployed
    #[arg(long, env = "HOLDFAST_API", value_name = "URL")]
    api: Option<String>,
    /// The token that says who asks
    #[arg(long, env = "HOLDFAST_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The tenant, if it is not that of the token
    #[arg(long, env = "HOLDFAST_TENANT")]
    tenant: Option<String>,
}

/// The functions of the engine that answer a check; those of the actions come to it.
const OWN: [&str; 4] = [
    "AskFunction",
    "BeginFunction",
    "FinishFunction",
    "PlanFunction",
];
/// Functions that are asked at once: each by a process of the SAM CLI.
const AT_ONCE: usize = 3;
/// Most characters of what a program said that are shown.
const SHOWN: usize = 300;

/// What was found by whom.
type Finding = (String, Check);

pub(crate) fn run(project: &Project, asked: &DoctorArgs) -> Result<(), Trouble> {
    let workflows = workflows::read(project, &[])?;
    let steps = workflows
        .iter()
        .flat_map(|one| one.definition.action_steps());
    let actions: BTreeSet<String> = steps
        .map(|(_, step, _)| function_id(&step.action))
        .collect();
    let own = OWN.map(str::to_owned).into_iter();
    let functions: Vec<String> = own.chain(actions).collect();
    let mut found = Vec::new();
    for some in functions.chunks(AT_ONCE) {
        found.extend(thread::scope(|scope| {
            let ask = |function| move || asked.function(project, function);
            let asking: Vec<_> = some.iter().map(|one| scope.spawn(ask(one))).collect();
            let answers = asking.into_iter().zip(some).map(|(thread, function)| {
                let gone = |_| vec![unasked(function, "this command failed")];
                thread.join().unwrap_or_else(gone)
            });
            answers.flatten().collect::<Vec<_>>()
        }));
    }
    match (&asked.api, &asked.token) {
        (Some(api), Some(token)) => {
            let door = Door::of(api, token, asked.tenant.as_deref());
            found.extend(deployed(&door, &workflows)?);
        }
        _ => line("not compared: definitions; that needs --api and --token")?,
    }
    for (who, Check { what, trouble }) in &found {
        match trouble {
            None => line(&format!("ok    {who}: {what}"))?,
            Some(why) => line(&format!("WRONG {who}: {what}: {why}"))?,
        }
    }
    let wrong = found.iter().filter(|(_, check)| check.trouble.is_some());
    match wrong.count() {
        0 => line(&format!("all {} are fine", found.len())),
        wrong => Err(Trouble::Other(format!(
            "{wrong} of {} are wrong",
            found.len()
        ))),
    }
}

/// That a function could not be asked is a finding too.
fn unasked(function: &str, why: &str) -> Finding {
    let check = Check::of::<()>("it can be asked", Err(why));
    (function.to_owned(), check)
}

impl DoctorArgs {
    /// What a function finds.
    fn function(&self, project: &Project, id: &str) -> Vec<Finding> {
        match self.invoke(project, id) {
            Ok(checks) => checks.into_iter().map(|one| (id.to_owned(), one)).collect(),
            Err(why) => vec![unasked(id, &why)],
        }
    }

    fn invoke(&self, project: &Project, id: &str) -> Result<Vec<Check>, String> {
        let mut sam = Command::new(&self.sam);
        sam.current_dir(&project.root)
            .args(["remote", "invoke", id])
            .args(["--event", r#"{"check": true}"#, "--output", "text"]);
        for (option, value) in [
            ("--config-env", &self.config_env),
            ("--stack-name", &self.stack_name),
            ("--region", &self.region),
            ("--profile", &self.profile),
        ] {
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
        let answer: Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
        let checks = serde_json::from_value::<Checks>(answer.clone());
        checks.map(|answer| answer.checks).map_err(|_| {
            // A function that failed says so in its answer; else sam says why it could not ask.
            let told = answer["errorMessage"].as_str().map(str::to_owned);
            let words = told.unwrap_or_else(|| String::from_utf8_lossy(&said.stderr).into_owned());
            let last = words.trim().lines().last().unwrap_or_default();
            match last {
                "" => {
                    "it said nothing that is known here: is an older version deployed?".to_owned()
                }
                last => last.chars().take(SHOWN).collect(),
            }
        })
    }
}

/// Whether the definitions here are those that are deployed, as far as this tenant sees them.
fn deployed(door: &Door, workflows: &[Workflow]) -> Result<Vec<Finding>, Trouble> {
    let listed = match door.read("/v1/workflows") {
        Ok(listed) => listed,
        Err(Trouble::Other(why)) => {
            let check = Check::of::<()>("workflows are listed", Err(why));
            return Ok(vec![("API".to_owned(), check)]);
        }
        Err(trouble) => return Err(trouble),
    };
    let listed = listed["workflows"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let mut found = Vec::new();
    for Workflow { file, definition } in workflows {
        let id = &definition.workflow;
        let one = listed.iter().find(|one| one["workflow_id"] == id.as_str());
        let same = match (one, definition.digest()) {
            (None, _) if !definition.tenants.is_empty() => {
                line(&format!(
                    "not compared: {id}; it is for {}",
                    definition.tenants.join(", ")
                ))?;
                continue;
            }
            (None, _) => Err("it is not deployed: holdfast compile, then sam deploy".to_owned()),
            (Some(one), Ok(here)) if one["definition_digest"] == here.as_str() => Ok(()),
            (Some(_), Ok(_)) => {
                let why = "another is, or was a minute ago: holdfast compile, then sam deploy";
                Err(why.to_owned())
            }
            (Some(_), Err(error)) => Err(error.to_string()),
        };
        found.push((id.clone(), Check::of(format!("{file} is deployed"), same)));
    }
    Ok(found)
}
