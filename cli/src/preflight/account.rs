//! The region of a deployment, and the account, as far as there are credentials and the AWS CLI.

use std::{collections::BTreeMap, env, path::PathBuf, process::Command};

use holdfast_action::Check;
use serde_json::Value;

use super::{Finding, settings::Settings};
use crate::{doctor::DoctorArgs, output::line, report::Trouble};

/// First parts of the names of regions in the partition `aws`: botocore 1.43, partitions.json.
const AREAS: [&str; 9] = ["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"];
/// Fewer concurrent invocations than this need a word: a new account has 10, others 1,000.
const FEW: u64 = 100;
/// The event buses of template.yaml: their logical ids, and what follows the stack's name.
const BUSES: [(&str, &str); 2] = [("EventBus", ""), ("AuditBus", "-audit")];

/// Checks the region, and what the account says about the stack.
pub(super) fn findings(settings: &Settings, args: &DoctorArgs) -> Result<Vec<Finding>, Trouble> {
    let place = settings.place();
    let Some(region) = settings.region.as_deref() else {
        let why = "it is missing: set region, or use --region";
        return Ok(vec![(place, Check::of::<()>("a region is set", Err(why)))]);
    };
    let what = format!("{region} is a region of the partition aws");
    let mut found = vec![(place, Check::of(what, partition(region)))];
    if !has_credentials() {
        line(
            "not checked: the account; there are no AWS credentials (aws configure, or AWS_PROFILE)",
        )?;
        return Ok(found);
    }
    let account = Account { args, region };
    let identity = match account.ask(&["sts", "get-caller-identity"]) {
        Err(Silence::NoProgram(why)) => {
            line(&format!("not checked: the account; {why}"))?;
            return Ok(found);
        }
        Err(Silence::Refused(why)) => Err(why),
        Ok(identity) => Ok(identity),
    };
    let fine = identity.is_ok();
    found.push((
        format!("account in {region}"),
        Check::of("credentials are accepted", identity),
    ));
    if fine {
        account.concurrency()?;
        found.extend(
            settings
                .stack_name
                .as_deref()
                .map(|stack| account.stack(stack)),
        );
    }
    Ok(found)
}

/// The parameters of a deployed stack, with defaults filled in; or the reason why they are unknown.
pub(super) fn parameters(
    args: &DoctorArgs,
    region: &str,
    stack: &str,
) -> Result<BTreeMap<String, String>, String> {
    let account = Account { args, region };
    let reply = account.ask(&["cloudformation", "describe-stacks", "--stack-name", stack]);
    let answer = reply.map_err(|silence| match silence {
        Silence::NoProgram(why) | Silence::Refused(why) => why,
    })?;
    let parameters = answer["Stacks"][0]["Parameters"].as_array();
    let pair = |parameter: &Value| {
        let text = |member: &str| parameter[member].as_str().map(str::to_owned);
        Some((text("ParameterKey")?, text("ParameterValue")?))
    };
    Ok(parameters.into_iter().flatten().filter_map(pair).collect())
}

/// Refuses the other partitions, where the integration of the state machines has another name.
fn partition(region: &str) -> Result<(), String> {
    let parts: Vec<_> = region.split('-').collect();
    let number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    match parts.as_slice() {
        [area, place, last] if AREAS.contains(area) && !place.is_empty() && number(last) => Ok(()),
        _ => Err(
            "state machines call arn:aws:states:::lambda:invoke, which GovCloud, China and \
                  other partitions do not have: choose a region such as eu-central-1"
                .to_owned(),
        ),
    }
}

/// The note about a low limit on concurrent invocations.
fn few(limit: u64, region: &str) -> Option<String> {
    (limit < FEW).then(|| {
        format!(
            "note: this account runs {limit} functions at once in {region}, so that executions wait \
             for each other: ask for more in the console of Service Quotas"
        )
    })
}

/// True if a place that AWS tools read credentials from exists.
fn has_credentials() -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let variables = [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CONFIG_FILE",
    ];
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let files = [".aws/credentials", ".aws/config"];
    variables.into_iter().any(set) || files.iter().any(|file| home.join(file).is_file())
}

/// The reason why a question has no answer.
enum Silence {
    NoProgram(String),
    Refused(String),
}

/// The account in a region, asked by the AWS CLI.
struct Account<'a> {
    args: &'a DoctorArgs,
    region: &'a str,
}

impl Account<'_> {
    fn ask(&self, question: &[&str]) -> Result<Value, Silence> {
        let mut aws = Command::new(&self.args.aws);
        aws.args(question)
            .args(["--region", self.region, "--output", "json"]);
        if let Some(profile) = &self.args.profile {
            aws.args(["--profile", profile]);
        }
        let output = aws.output().map_err(|error| {
            let program = self.args.aws.display();
            Silence::NoProgram(format!(
                "{program} cannot be run ({error}): --aws names the AWS CLI"
            ))
        })?;
        if output.status.success() {
            return Ok(serde_json::from_slice(&output.stdout).unwrap_or_default());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.trim().lines().last().unwrap_or("no answer");
        Err(Silence::Refused(last.to_owned()))
    }

    /// Says how many functions run at once, if that is few.
    fn concurrency(&self) -> Result<(), Trouble> {
        let answer = self
            .ask(&["lambda", "get-account-settings"])
            .ok()
            .unwrap_or_default();
        match answer["AccountLimit"]["ConcurrentExecutions"].as_u64() {
            Some(limit) => few(limit, self.region).map_or(Ok(()), |note| line(&note)),
            None => line("not checked: the account's limit on concurrent invocations of functions"),
        }
    }

    /// Refuses a stack in a state that no deployment leaves, and an event bus that is in its way.
    fn stack(&self, stack: &str) -> Finding {
        let asked = self.ask(&["cloudformation", "describe-stacks", "--stack-name", stack]);
        let status = asked.ok().and_then(|answer| {
            answer["Stacks"][0]["StackStatus"]
                .as_str()
                .map(str::to_owned)
        });
        let tried = match status.as_deref() {
            Some("ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "DELETE_FAILED") => Err(format!(
                "it is {}: delete it first (sam delete)",
                status.as_deref().unwrap_or_default()
            )),
            Some(status) if status.ends_with("_IN_PROGRESS") => {
                Err(format!("it is {status}: wait for its end"))
            }
            status => BUSES.iter().try_for_each(|(id, suffix)| {
                let bus = format!("{stack}{suffix}");
                match self.ask(&["events", "describe-event-bus", "--name", &bus]) {
                    Ok(_) if status.is_some() => self.owns(stack, id, &bus),
                    Ok(_) => Err(format!(
                        "an earlier stack kept the event bus {bus}, or another one has it: delete \
                         its archive and the bus, or choose another name (docs/deploying.md)"
                    )),
                    Err(_) => Ok(()),
                }
            }),
        };
        (
            format!("stack {stack}"),
            Check::of("it can be deployed", tried),
        )
    }

    /// Refuses an event bus that is not the deployed stack's resource with this logical id.
    fn owns(&self, stack: &str, id: &str, bus: &str) -> Result<(), String> {
        let question = [
            "cloudformation",
            "describe-stack-resource",
            "--stack-name",
            stack,
            "--logical-resource-id",
            id,
        ];
        match self.ask(&question) {
            Ok(answer) if answer["StackResourceDetail"]["PhysicalResourceId"] == bus => Ok(()),
            Ok(_) => Err(foreign(bus)),
            // The answer of DescribeStackResource about a resource that the stack does not have.
            Err(Silence::Refused(why)) if why.contains("does not exist") => Err(foreign(bus)),
            Err(Silence::NoProgram(why) | Silence::Refused(why)) => Err(format!(
                "the event bus {bus} exists, and AWS does not say whose it is: {why}"
            )),
        }
    }
}

/// Says that an event bus of the stack's name is not the stack's own.
fn foreign(bus: &str) -> String {
    format!(
        "the event bus {bus} is not its own, and the deployment would create one of that name: \
         rename the other stack, or delete the bus if none uses it (docs/deploying.md)"
    )
}

#[cfg(test)]
mod tests {
    use super::{few, partition};

    #[test]
    fn a_new_accounts_limit_on_concurrent_invocations_is_worth_a_note() {
        let note = few(10, "us-east-1").expect("a note");
        assert!(note.starts_with("note: this account runs 10 functions at once in us-east-1"));
        assert_eq!(few(1000, "us-east-1"), None);
    }

    #[test]
    fn only_regions_of_the_partition_aws_can_run_the_state_machines() {
        for region in [
            "us-east-1",
            "eu-central-2",
            "mx-central-1",
            "ap-southeast-7",
        ] {
            assert_eq!(partition(region), Ok(()), "{region}");
        }
        for region in [
            "us-gov-west-1",
            "cn-north-1",
            "us-iso-east-1",
            "eusc-de-east-1",
            "here",
            "us-east-",
        ] {
            partition(region).expect_err(region);
        }
    }
}
