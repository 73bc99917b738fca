//! The programs that `sam build` made, judged by the same rule as in the build.

use std::{fs, process::Command};

use holdfast_action::Check;

use super::{Finding, settings::Settings};
use crate::{output::line, project::Project, report::Trouble};

/// Checks the programs in .aws-sam/build.
pub(super) fn findings(project: &Project, settings: &Settings) -> Result<Vec<Finding>, Trouble> {
    let built = project.root.join(".aws-sam").join("build");
    let folders = fs::read_dir(&built).into_iter().flatten().flatten();
    let mut programs: Vec<_> = folders
        .map(|folder| folder.path().join("bootstrap"))
        .filter(|program| program.is_file())
        .collect();
    programs.sort();
    if programs.is_empty() {
        line("not checked: programs; .aws-sam/build has none before sam build")?;
        return Ok(Vec::new());
    }
    let architecture = settings.value("Architecture").unwrap_or("x86_64");
    let rule = project.root.join("infra").join("build").join("program.py");
    let output = Command::new("python3")
        .arg(&rule)
        .args(["--architecture", architecture])
        .args(&programs)
        .output();
    let tried = match output {
        Err(error) => Err(format!("python3 cannot be run ({error}): install Python 3")),
        Ok(output) if output.status.success() => Ok(()),
        // One build makes all programs, so that the first line is true of all.
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let first = said.lines().find(|line| line.starts_with("error: "));
            let last = said.lines().last().unwrap_or("the rule has failed");
            Err(first
                .map_or(last, |line| &line["error: ".len()..])
                .to_owned())
        }
    };
    let what = format!("{} programs run on Lambda ({architecture})", programs.len());
    Ok(vec![(".aws-sam/build".to_owned(), Check::of(what, tried))])
}
