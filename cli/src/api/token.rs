//! The bearer token of the caller: from a file, a variable or a command. An argument would show it
//! to every user of the machine.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::Args;

use crate::report::Trouble;

/// The variable that holds the token.
const VARIABLE: &str = "HOLDFAST_TOKEN";
/// The variable that holds a shell command, whose standard output is the token.
const COMMAND: &str = "HOLDFAST_TOKEN_COMMAND";

/// The source of the token.
#[derive(Args)]
pub(crate) struct TokenSource {
    /// A file with the bearer token; otherwise HOLDFAST_TOKEN is the token, or
    /// HOLDFAST_TOKEN_COMMAND a command that prints it
    #[arg(long, env = "HOLDFAST_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl TokenSource {
    /// The token, if there is one.
    pub(crate) fn token(&self) -> Result<Option<String>, Trouble> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(file) = &self.token_file {
            return from_file(file).map(Some);
        }
        if let Some(token) = variable(VARIABLE) {
            return checked(&token, VARIABLE).map(Some);
        }
        match variable(COMMAND) {
            Some(command) => from_command(&command).map(Some),
            None => Ok(None),
        }
    }

    /// The token, without which the API answers nothing.
    pub(crate) fn required(&self) -> Result<String, Trouble> {
        self.token()?.ok_or_else(|| {
            Trouble::Usage(format!(
                "there is no token: set {VARIABLE}, or name a file by --token-file, or a command \
                 that prints the token by {COMMAND}"
            ))
        })
    }
}

fn from_file(file: &Path) -> Result<String, Trouble> {
    let place = file.display().to_string();
    match fs::read_to_string(file) {
        Ok(text) => checked(&text, &place),
        Err(error) => Err(Trouble::Usage(format!("{place}: {error}"))),
    }
}

fn from_command(command: &str) -> Result<String, Trouble> {
    let run = Command::new("sh")
        .args(["-c", command])
        .stderr(Stdio::inherit())
        .output();
    let failed = |why: String| Trouble::Usage(format!("the command in {COMMAND} {why}"));
    let output = run.map_err(|error| failed(format!("does not start: {error}")))?;
    if !output.status.success() {
        return Err(failed(format!("failed: {}", output.status)));
    }
    checked(&String::from_utf8_lossy(&output.stdout), COMMAND)
}

/// The token without the white space around it. The error does not show the text.
fn checked(text: &str, place: &str) -> Result<String, Trouble> {
    let token = text.trim();
    if !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(token.to_owned());
    }
    Err(Trouble::Usage(format!(
        "{place} holds no token: a token is visible ASCII without spaces"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_trimmed_and_a_wrong_one_is_not_shown() {
        assert_eq!(checked(" a.b.c\n", "FILE").ok().as_deref(), Some("a.b.c"));
        for wrong in ["", " \n", "a b", "a\nb", "k\u{e9}y"] {
            let Err(Trouble::Usage(why)) = checked(wrong, "FILE") else {
                panic!("{wrong:?} is taken as a token");
            };
            assert_eq!(
                why,
                "FILE holds no token: a token is visible ASCII without spaces"
            );
        }
    }

    #[test]
    fn a_command_prints_the_token_and_its_failure_is_named() {
        assert_eq!(from_command("echo a.b.c").ok().as_deref(), Some("a.b.c"));
        let Err(Trouble::Usage(why)) = from_command("echo secret; exit 3") else {
            panic!("a failed command is no token");
        };
        assert_eq!(
            why,
            "the command in HOLDFAST_TOKEN_COMMAND failed: exit status: 3"
        );
    }
}
