//! `holdfast new`: writes a commented workflow that is valid as it is.

use std::{fs, path::PathBuf};

use holdfast_ids::names::is_workflow_id;

use crate::{
    output,
    project::Project,
    receipt::{EXISTS, write_new},
    report::Trouble,
};

const STARTER: &str = include_str!("starter.yaml");
/// The parameter with the address of the starter's target. A deployment that is otherwise ready
/// stays so, since `HttpAllow` has the address.
const TARGET: &str = "VendorSystemUrl";

pub(crate) fn run(project: &Project, name: &str, folder: Option<PathBuf>) -> Result<(), Trouble> {
    let plain = name.to_lowercase().replace([' ', '_'], "-");
    let plain = plain.strip_prefix("wf-").unwrap_or(&plain);
    let id = format!("WF-{}", plain.to_uppercase());
    if !is_workflow_id(&id) {
        return Err(Trouble::Usage(format!(
            "{name:?} cannot name a workflow: use letters and digits, joined by hyphens, \
             at most 57 characters, such as delay-vendor-payments"
        )));
    }
    let folder = folder.unwrap_or_else(|| project.workflows());
    let path = folder.join(format!("{plain}.yaml"));
    if path.exists() {
        let file = project.show(&path);
        return Err(Trouble::Other(format!("{file}: {EXISTS}")));
    }
    fs::create_dir_all(&folder)
        .map_err(|error| Trouble::Other(format!("{}: {error}", folder.display())))?;
    let text = STARTER.replace("WF-EXAMPLE", &id);
    let text = match project.parameters.iter().any(|name| name == TARGET) {
        true => text,
        false => text.replace(&format!("${{{TARGET}}}"), "https://api.example.com"),
    };
    write_new(&path, text.as_bytes())?;
    output::line(&format!(
        "wrote {}; edit it, then run `holdfast compile`",
        project.show(&path)
    ))
}
