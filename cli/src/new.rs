//! `holdfast new`: writes a commented workflow that is valid as it is.

use std::{fs, io::Write, path::PathBuf};

use holdfast_ids::names::is_workflow_id;

use crate::{output, project::Project, report::Trouble};

const STARTER: &str = include_str!("starter.yaml");

pub(crate) fn run(project: &Project, name: &str, folder: Option<PathBuf>) -> Result<(), Trouble> {
    let plain = name.to_lowercase().replace([' ', '_'], "-");
    let plain = plain.strip_prefix("wf-").unwrap_or(&plain);
    let id = format!("WF-{}", plain.to_uppercase());
    if !is_workflow_id(&id) {
        return Err(Trouble::Other(format!(
            "{name:?} cannot name a workflow: use letters and digits, joined by hyphens, \
             at most 57 characters, such as delay-vendor-payments"
        )));
    }
    let folder = folder.unwrap_or_else(|| project.workflows());
    let path = folder.join(format!("{plain}.yaml"));
    let trouble = |error: std::io::Error| Trouble::Other(format!("{}: {error}", path.display()));
    fs::create_dir_all(&folder).map_err(trouble)?;
    let mut file = fs::File::create_new(&path).map_err(trouble)?;
    file.write_all(STARTER.replace("WF-EXAMPLE", &id).as_bytes())
        .map_err(trouble)?;
    output::line(&format!(
        "wrote {}; edit it, then run `holdfast compile`",
        project.show(&path)
    ))
}
