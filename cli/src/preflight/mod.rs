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

use crate::{
    doctor::{DoctorArgs, Finding, report},
    project::Project,
    report::Trouble,
    workflows,
};
use settings::Settings;

pub(crate) fn run(project: &Project, args: &DoctorArgs) -> Result<(), Trouble> {
    let workflows = workflows::read(project, &[])?;
    let settings = Settings::read(project, args)?;
    let mut found = values::findings(&settings);
    found.extend(names::findings(&settings, &project.template));
    found.extend(targets::findings(&settings, &workflows));
    found.extend(issuer::findings(&settings));
    found.extend(program::findings(project, &settings)?);
    found.extend(account::findings(&settings, args)?);
    report(&found)
}
