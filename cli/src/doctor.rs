//! `holdfast doctor`: checks the dependencies of a deployed stack and its definitions.
//!
//! The functions check what they depend on, invoked through the SAM CLI. The API lists the deployed
//! definitions.

use std::{collections::BTreeSet, path::PathBuf, process::Command, thread};

use clap::Args;
use holdfast_action::{Check, Checks};
use holdfast_task::Tier;
use holdfast_workflow::{
    compile::function_id,
    definition::{Definition, Text},
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    api::{Client, TokenSource},
    output::{line, say},
    preflight,
    project::Project,
    report::Trouble,
    workflows::{self, Workflow},
};

/// The stack, and the options to reach it.
#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// Check what a deployment needs, before it begins
    #[arg(long)]
    pub(crate) before_deploy: bool,
    /// The environment of samconfig.toml, as for sam deploy
    #[arg(long, visible_alias = "env", value_name = "NAME")]
    pub(crate) config_env: Option<String>,
    /// The stack's name, if it is not that of samconfig.toml
    #[arg(long, env = "HOLDFAST_STACK", value_name = "NAME")]
    pub(crate) stack_name: Option<String>,
    /// Its region, if it is not that of samconfig.toml
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The profile of your AWS settings, if it is not the default
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
    /// The SAM CLI
    #[arg(
        long,
        env = "HOLDFAST_SAM",
        value_name = "PROGRAM",
        default_value = "sam"
    )]
    sam: PathBuf,
    /// The AWS CLI, which asks the account about the stack
    #[arg(
        long,
        env = "HOLDFAST_AWS",
        value_name = "PROGRAM",
        default_value = "aws"
    )]
    pub(crate) aws: PathBuf,
    /// Parameters before a deployment, instead of those of samconfig.toml, as for sam deploy
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE")]
    pub(crate) parameter_overrides: Vec<String>,
    /// The API's address; with it and a token, local and deployed definitions are compared
    #[arg(long, env = "HOLDFAST_API", value_name = "URL")]
    api: Option<String>,
    #[command(flatten)]
    token: TokenSource,
    /// The tenant, if it is not that of the token
    #[arg(long, env = "HOLDFAST_TENANT")]
    tenant: Option<String>,
}

/// The functions of the engine that answer a check. The functions of the actions are added.
const OWN: [&str; 4] = [
    "AskFunction",
    "BeginFunction",
    "FinishFunction",
    "PlanFunction",
];
/// The number of functions that are invoked at once, each by a process of the SAM CLI.
const AT_ONCE: usize = 3;
/// The most characters of an error of the SAM CLI that are shown.
const SHOWN: usize = 300;

/// A check, and the function or the workflow that it belongs to.
pub(crate) type Finding = (String, Check);

pub(crate) fn run(project: &Project, args: &DoctorArgs) -> Result<(), Trouble> {
    if args.before_deploy {
        return preflight::run(project, args);
    }
    let workflows = workflows::read(project, &[])?;
    let steps = workflows
        .iter()
        .flat_map(|one| one.definition.action_steps());
    let actions: BTreeSet<String> = steps
        .map(|(_, step, _)| function_id(&step.action))
        .collect();
    let own = OWN.map(str::to_owned).into_iter();
    let functions: Vec<String> = own.chain(actions).collect();
    // Reads the environment first, since each function takes seconds: a wrong environment is
    // reported at once.
    let of_addresses = preflight::deployed(project, args, &workflows)?;
    let asked = args.ask(project, &functions);
    let unread = asked.as_ref().err().cloned();
    let mut found = asked.unwrap_or_default();
    found.extend(of_addresses);
    match (&args.api, args.token.token()?) {
        (Some(api), Some(token)) => {
            let api = Client::of(api, token, args.tenant.as_deref())?;
            found.extend(deployed(&api, &workflows)?);
            found.extend(tenants(&api, &workflows)?);
        }
        _ => line("not compared: definitions; that needs --api and a token")?,
    }
    match unread {
        None => report(&found),
        // Nothing is known of a stack that was not read.
        Some(why) => {
            if !found.is_empty()
                && let Err(wrong) = report(&found)
            {
                wrong.print(false);
            }
            Err(Trouble::Other(unreadable(&why)))
        }
    }
}

/// Prints findings, and fails if one is wrong.
pub(crate) fn report(found: &[Finding]) -> Result<(), Trouble> {
    for (owner, Check { what, trouble }) in found {
        match trouble {
            None => line(&format!("ok    {owner}: {what}"))?,
            Some(why) => line(&format!("WRONG {owner}: expected that {what}: {why}"))?,
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

/// Says that the stack cannot be read, and what that needs.
fn unreadable(why: &str) -> String {
    format!(
        "the functions were not checked: {why}; that needs the SAM CLI and AWS credentials that may \
         invoke them: aws configure, AWS_PROFILE or --profile"
    )
}

/// The reason why a function gives no checks.
enum NoChecks {
    /// The stack cannot be read from here, so that nothing is known of the function.
    Unread(String),
    /// The function is wrong.
    Wrong(String),
}

/// The finding that a function could not be invoked.
fn no_answer(function: &str, why: &str) -> Finding {
    let check = Check::of::<()>("the function answers", Err(why));
    (function.to_owned(), check)
}

impl DoctorArgs {
    /// The findings of all functions. The error is the reason why none of them can be invoked.
    fn ask(&self, project: &Project, functions: &[String]) -> Result<Vec<Finding>, String> {
        let mut found = Vec::new();
        for (done, some) in functions.chunks(AT_ONCE).enumerate() {
            // Each invocation starts the SAM CLI, which takes seconds.
            let done = done * AT_ONCE;
            let all = functions.len();
            say(&format!("{done} of {all} functions have answered"));
            let answers: Vec<_> = thread::scope(|scope| {
                let ask = |function| move || self.function(project, function);
                let asking: Vec<_> = some.iter().map(|one| scope.spawn(ask(one))).collect();
                let answers = asking.into_iter().zip(some).map(|(thread, function)| {
                    let gone = |_| Ok(vec![no_answer(function, "this command failed")]);
                    thread.join().unwrap_or_else(gone)
                });
                answers.collect()
            });
            for answer in answers {
                found.extend(answer?);
            }
        }
        Ok(found)
    }

    /// The findings of a function. The error is the reason why it cannot be invoked from here.
    fn function(&self, project: &Project, id: &str) -> Result<Vec<Finding>, String> {
        match self.invoke(project, id) {
            Ok(checks) => Ok(checks.into_iter().map(|one| (id.to_owned(), one)).collect()),
            Err(NoChecks::Wrong(why)) => Ok(vec![no_answer(id, &why)]),
            Err(NoChecks::Unread(why)) => Err(why),
        }
    }

    fn invoke(&self, project: &Project, id: &str) -> Result<Vec<Check>, NoChecks> {
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
        let output = sam.output().map_err(|error| {
            NoChecks::Unread(format!(
                "{} cannot be run ({error}): install the SAM CLI, or name it by --sam",
                self.sam.display()
            ))
        })?;
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let checks = serde_json::from_value::<Checks>(answer.clone());
        checks.map(|answer| answer.checks).map_err(|_| {
            // The answer of a failed function has the error; otherwise the SAM CLI printed it.
            let error = answer["errorMessage"].as_str().map(str::to_owned);
            let words =
                error.unwrap_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned());
            let last = words.trim().lines().last().unwrap_or_default();
            let shown = last.trim_start_matches("Error: ");
            let shown: String = shown.chars().take(SHOWN).collect();
            match last {
                "" => {
                    let why = "the answer has no checks: is an older version deployed?";
                    NoChecks::Wrong(why.to_owned())
                }
                last if answer.is_null() && cannot_reach(last) => NoChecks::Unread(shown),
                _ => NoChecks::Wrong(shown),
            }
        })
    }
}

/// True if the SAM CLI says that it has no valid credentials, no region or no network. Its words
/// are those of botocore (botocore/exceptions.py: NoCredentialsError, ProfileNotFound,
/// TokenRetrievalError, SSOTokenLoadError, NoRegionError, EndpointConnectionError) and of AWS
/// (docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html: ExpiredTokenException).
fn cannot_reach(error: &str) -> bool {
    const WORDS: [&str; 9] = [
        "config profile",
        "connect to the endpoint",
        "credentials",
        "security token",
        "session has expired",
        "specify a region",
        "sso session",
        "sso token",
        "token from sso",
    ];
    let error = error.to_lowercase();
    WORDS.iter().any(|words| error.contains(words))
}

/// Compares the local definitions with the deployed ones that this tenant sees.
fn deployed(api: &Client, workflows: &[Workflow]) -> Result<Vec<Finding>, Trouble> {
    let listed = match api.read("/v1/workflows") {
        Ok(listed) => listed,
        Err(Trouble::Other(why) | Trouble::Refused(why) | Trouble::Unavailable(why)) => {
            let check = Check::of::<()>("workflows are listed", Err(why));
            return Ok(vec![("API".to_owned(), check)]);
        }
        Err(trouble) => return Err(trouble),
    };
    let listed = listed["workflows"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let mut found = Vec::new();
    for Workflow {
        file, definition, ..
    } in workflows
    {
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
            (Some(one), _) if is_other_tier(one, definition.tier) => {
                let why = "it is deployed with the other tier, which a workflow keeps: give this one an id of its own";
                Err(why.to_owned())
            }
            (Some(one), Ok(here)) if one["definition_digest"] == here.as_str() => Ok(()),
            (Some(_), Ok(_)) => {
                let why = "another version is deployed, or was a minute ago: holdfast compile, then sam deploy";
                Err(why.to_owned())
            }
            (Some(_), Err(error)) => Err(error.to_string()),
        };
        found.push((id.clone(), Check::of(format!("{file} is deployed"), same)));
    }
    Ok(found)
}

/// True if a deployed workflow, as the API lists it, has another tier. An earlier release lists no
/// tier.
fn is_other_tier(listed: &Value, tier: Tier) -> bool {
    let deployed = Tier::deserialize(&listed["tier"]);
    deployed.is_ok_and(|deployed| deployed != tier)
}

/// The tenants that a definition names: those that may start it, and those of its triggers.
fn named_tenants(definition: &Definition) -> BTreeSet<&str> {
    let listed = definition.tenants.iter().map(String::as_str);
    let triggers = definition.triggers.iter();
    let literal = triggers.filter_map(|trigger| match &trigger.tenant {
        Text::Literal(tenant) => Some(tenant.as_str()),
        Text::Expression(_) => None,
    });
    listed.chain(literal).collect()
}

/// Compares the tenants that definitions name with the registry.
fn tenants(api: &Client, workflows: &[Workflow]) -> Result<Vec<Finding>, Trouble> {
    let registered = match api.read_if_allowed("/v1/tenants") {
        Ok(Some(registered)) => registered,
        Ok(None) => {
            line("not compared: tenants; that needs a platform admin's token")?;
            return Ok(Vec::new());
        }
        Err(Trouble::Other(why) | Trouble::Refused(why) | Trouble::Unavailable(why)) => {
            let check = Check::of::<()>("tenants are listed", Err(why));
            return Ok(vec![("API".to_owned(), check)]);
        }
        Err(trouble) => return Err(trouble),
    };
    let registered = registered["tenants"].as_array();
    let registered = registered.map_or(&[][..], Vec::as_slice);
    let mut found = Vec::new();
    if !registered.iter().any(|one| one["state"] == "open") {
        let why = "every start is refused: holdfast tenants register TENANT registers one \
                   (docs/tenants.md)";
        let check = Check::of::<()>("a tenant is registered", Err(why.to_owned()));
        found.push(("API".to_owned(), check));
    }
    for Workflow {
        file, definition, ..
    } in workflows
    {
        for tenant in named_tenants(definition) {
            let one = registered.iter().find(|one| one["tenant"] == tenant);
            let open = match one.map(|one| &one["state"]) {
                Some(state) if state == "open" => Ok(()),
                Some(_) => Err(format!(
                    "it is closed: holdfast tenants register {tenant} opens it"
                )),
                None => Err(format!(
                    "it is not: holdfast tenants register {tenant} registers it"
                )),
            };
            let what = format!("tenant {tenant} is registered");
            found.push((file.clone(), Check::of(what, open)));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_out_of_reach_makes_no_function_wrong() {
        for lack in [
            "Error: Unable to locate credentials",
            "Error: The config profile (nosuch) could not be found",
            "The security token included in the request is expired",
            "Error when retrieving token from sso: Token has expired and refresh failed",
            "Error loading SSO Token: Token for acme does not exist",
            "Error: You must specify a region.",
            "Error: Could not connect to the endpoint URL: \"https://cloudformation.us-east-1.amazonaws.com/\"",
        ] {
            assert!(cannot_reach(lack), "{lack}");
        }
        for wrong in [
            "Error: The resource BeginFunction of the stack holdfast-staging does not exist",
            "Task timed out after 30.00 seconds",
        ] {
            assert!(!cannot_reach(wrong), "{wrong}");
        }
    }
}
