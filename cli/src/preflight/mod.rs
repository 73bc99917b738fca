//! `holdfast doctor --before-deploy`: checks what a deployment would meet, before it begins.
//!
//! Only the checks of the account need AWS credentials. A check that cannot run says so, and does
//! not fail the command.

mod account;
mod issuer;
mod names;
mod program;
mod settings;
mod targets;
mod values;

use holdfast_action::Check;

use crate::{
    doctor::{DoctorArgs, Finding, report},
    output::line,
    project::Project,
    released::ReleaseRecord,
    report::Trouble,
    workflows::{self, Workflow},
};
use settings::Settings;
pub(crate) use targets::warn;

pub(crate) fn run(project: &Project, args: &DoctorArgs) -> Result<(), Trouble> {
    let workflows = workflows::read(project, &[])?;
    let settings = Settings::read(project, args)?;
    let mut found = values::findings(&settings);
    found.extend(names::findings(&settings, &project.template));
    let place = settings.place();
    found.extend(targets::findings(&settings, &place, &workflows));
    found.extend(unreleased(project, &settings, &workflows)?);
    found.extend(issuer::findings(&settings));
    found.extend(program::findings(project, &settings)?);
    found.extend(account::findings(&settings, args)?);
    report(&found)
}

/// Checks that production gets released versions alone, whose content never changes.
fn unreleased(
    project: &Project,
    settings: &Settings,
    workflows: &[Workflow],
) -> Result<Vec<Finding>, Trouble> {
    if !values::is_production(&settings.environment) {
        return Ok(Vec::new());
    }
    let released = ReleaseRecord::read(project)?;
    let check = |Workflow {
                     file, definition, ..
                 }: &Workflow| {
        let why = "it is not: run `holdfast release`, and commit workflows/released.txt";
        let is_released = released.has(definition)?.then_some(()).ok_or(why);
        let what = format!("version {} is released", definition.version);
        Ok((file.clone(), Check::of(what, is_released)))
    };
    workflows.iter().map(check).collect()
}

/// Compares the addresses and secrets that workflows name with the parameters HttpAllow and
/// SecretAllow of the deployed stack.
pub(crate) fn deployed(
    project: &Project,
    args: &DoctorArgs,
    workflows: &[Workflow],
) -> Result<Vec<Finding>, Trouble> {
    let settings = Settings::read(project, args)?;
    let (Some(stack), Some(region)) = (&settings.stack_name, &settings.region) else {
        line("not compared: addresses; that needs the stack's name and its region")?;
        return Ok(Vec::new());
    };
    match account::parameters(args, region, stack) {
        Err(why) => {
            line(&format!("not compared: addresses; {why}"))?;
            Ok(Vec::new())
        }
        Ok(set) => {
            let place = format!("stack {stack}");
            Ok(targets::findings(
                &Settings { set, ..settings },
                &place,
                workflows,
            ))
        }
    }
}
