//! `holdfast start`: starts a workflow once for its idempotency key.

use std::{
    fs,
    io::{Read, stdin},
};

use clap::Args;
use holdfast_ids::{
    joined::is_joined,
    members::check_members,
    names::{check_idempotency_key, sanitize},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{options::ChangeOptions, shape::StartResult, show::reasons, workflow::workflow_id};
use crate::{
    api::{ApiRequest, typed},
    report::Trouble,
    story::end,
};

/// The form of an input, for its errors.
const INPUT_FORM: &str = "write {\"name\": …}, @FILE or -";
/// The form of an approval's file, for its errors.
const APPROVAL_FORM: &str =
    "write a file with {\"jws\": \"…\"}, or with the members of an unsigned approval";

/// The workflow and its input.
#[derive(Args)]
pub(crate) struct StartArgs {
    /// The workflow's id, such as WF-PAY-VENDOR
    workflow: String,
    /// The input: a JSON object, @FILE, or - for standard input
    #[arg(long, short, value_name = "JSON", default_value = "{}")]
    input: String,
    /// The idempotency key; the same key and input never start twice. By default, a new UUID
    #[arg(long, short, value_name = "KEY")]
    key: Option<String>,
    /// A file with the approval, where the workflow requires one
    #[arg(long, value_name = "FILE")]
    approval: Option<String>,
    /// Wait for the end, for SECONDS at most; `--wait` alone is 20. The stack's StartWaitSeconds
    /// bounds it. The exit code is 1 if it ended otherwise than EXECUTED
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        default_missing_value = "20",
        value_parser = clap::value_parser!(u16).range(1..=25)
    )]
    wait: Option<u16>,
    #[command(flatten)]
    options: ChangeOptions,
}

/// Starts a workflow.
pub(crate) fn start(args: &StartArgs) -> Result<(), Trouble> {
    let workflow = workflow_id(&args.workflow).map_err(Trouble::Usage)?;
    let key = match &args.key {
        Some(key) => key.clone(),
        None => Uuid::now_v7().to_string(),
    };
    check_idempotency_key(&key).map_err(Trouble::Usage)?;
    if is_joined(key.as_bytes()) {
        let why = "--key: one text repeated, with a comma between, reads as a header that was sent \
                   twice: choose another key";
        return Err(Trouble::Usage(why.to_owned()));
    }
    let input = object("--input", &args.input, INPUT_FORM)?;
    let mut body = json!({ "input": input });
    if let Some(file) = &args.approval {
        body["approval"] = Value::Object(object("--approval", &format!("@{file}"), APPROVAL_FORM)?);
    }
    let client = args.options.read.api.client()?;
    let path = format!("/v1/workflows/{workflow}/executions");
    client.check_scope(&path)?;
    let tenant = client.tenant().map_or("of the token", |tenant| tenant);
    let effect = format!("{workflow} is started for the tenant {tenant}, under the key {key}.");
    args.options.confirmation.ask(&effect)?;
    let request = ApiRequest {
        key: Some(&key),
        wait: args.wait,
        ..ApiRequest::post(&path, body)
    };
    let answer = client.done(request).map_err(|trouble| match trouble {
        Trouble::Unavailable(why) => Trouble::Unavailable(format!(
            "{why}\nwith --key {key}, a repeat is the same start, whether or not this one was accepted"
        )),
        other => other,
    })?;
    let started: StartResult = typed(&answer)?;
    let options = &args.options.read;
    options.print(&answer, || Ok(in_words(&started)))?;
    match &started.execution {
        Some(ended) => end(&started.execution_id, &ended.status),
        None => Ok(()),
    }
}

fn in_words(started: &StartResult) -> String {
    let id = sanitize(&started.execution_id);
    match (&started.execution, started.status.as_deref()) {
        (Some(ended), _) => {
            let status = sanitize(&ended.status);
            let more = match status.as_str() {
                "EXECUTED" => "receipt get",
                _ => "show",
            };
            format!(
                "execution {id} ended {status}; holdfast {more} {id}\n{}",
                reasons(ended)
            )
        }
        (None, Some(status)) => {
            let status = sanitize(status);
            format!("execution {id} is {status}; holdfast show {id}\n")
        }
        (None, None) if started.replayed => {
            format!("execution {id} was started with this key before\n")
        }
        (None, None) => format!("execution {id} starts; holdfast watch {id}\n"),
    }
}

/// Reads a JSON object: as it is written, from a file or from standard input. The error names only
/// the place and the form, since the text may be confidential.
fn object(option: &str, text: &str, form: &str) -> Result<Map<String, Value>, Trouble> {
    let wrong = |why: String| Trouble::Usage(format!("{option}: {why}"));
    let read = match (text, text.strip_prefix('@')) {
        ("-", _) => {
            let mut text = String::new();
            let read = stdin().read_to_string(&mut text);
            read.map(|_| text)
        }
        (_, Some(file)) => fs::read_to_string(file),
        _ => Ok(text.to_owned()),
    };
    let source = text.strip_prefix('@').unwrap_or("standard input");
    let unread = |error| Trouble::Other(format!("{option}: {source}: {error}"));
    let text = read.map_err(unread)?;
    // The API refuses such a text too, but it receives the members that were read here.
    check_members(text.as_bytes()).map_err(|_| {
        let why = "an object has two members of one name, and only one would be sent: name it once";
        wrong(why.to_owned())
    })?;
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        wrong(format!("no JSON at line {line}, column {column}: {form}"))
    })?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(wrong(format!("it is JSON, but no object: {form}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_start_that_waited_says_how_it_ended_or_that_it_waits() {
        let id = "4".repeat(40);
        let refused =
            format!("ended REJECTED; holdfast show {id}\nrefused by  short: 30 days at most\n");
        let failed = format!("ended FAILED; holdfast show {id}\nfailure     pay E\n");
        let execution = |status: &str| {
            json!({
                "execution_id": id, "workflow_id": "WF-A", "workflow_version": 1, "tenant": "acme",
                "status": status, "trigger": "api", "generation": 0,
                "started_at": "2026-01-01T09:00:00Z", "ended_at": "2026-01-01T09:00:01Z",
                "guardrails": [{
                    "name": "short", "held": status != "REJECTED", "message": "30 days at most",
                }],
                "failure": match status {
                    "FAILED" => json!({ "state": "pay", "error": "E" }),
                    _ => Value::Null,
                },
                "questions": [], "steps": [],
            })
        };
        let cases = [
            (json!({}), "starts; holdfast watch"),
            (
                json!({ "replayed": true }),
                "was started with this key before",
            ),
            (
                json!({ "status": "EXECUTED", "execution": execution("EXECUTED") }),
                "ended EXECUTED; holdfast receipt get",
            ),
            (
                json!({ "status": "REJECTED", "execution": execution("REJECTED") }),
                &refused,
            ),
            (
                json!({ "status": "FAILED", "execution": execution("FAILED") }),
                &failed,
            ),
            (json!({ "status": "WAITING" }), "is WAITING; holdfast show"),
        ];
        for (more, says) in cases {
            let mut answer = json!({ "execution_id": id, "replayed": false });
            let members = more.as_object().expect("an object").clone();
            answer.as_object_mut().expect("an object").extend(members);
            let started: StartResult = serde_json::from_value(answer).expect("a start");
            let text = in_words(&started);
            assert!(text.contains(&format!("execution {id} {says}")), "{text}");
        }
    }

    #[test]
    fn an_input_is_a_json_object_and_an_error_does_not_quote_it() {
        let read = object("--input", r#"{"days": 3}"#, INPUT_FORM);
        assert_eq!(read.ok().map(Value::Object), Some(json!({ "days": 3 })));
        for (wrong, says) in [
            ("[1]", "it is JSON, but no object"),
            ("secret", "no JSON at line 1, column 1"),
            ("", "no JSON at line 1, column 0"),
            ("{\"secret\": }", "no JSON at line 1, column 12"),
        ] {
            let Err(Trouble::Usage(why)) = object("--input", wrong, INPUT_FORM) else {
                panic!("{wrong} is no object");
            };
            assert!(why.contains(says) && !why.contains("secret"), "{why}");
        }
    }

    #[test]
    fn an_approval_without_its_object_is_refused_with_the_form_of_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("approval.jws");
        fs::write(&file, "eyJhbGciOiJFUzI1NiJ9.e30.c2ln").expect("it is written");
        let text = format!("@{}", file.display());
        let Err(Trouble::Usage(why)) = object("--approval", &text, APPROVAL_FORM) else {
            panic!("a JWS is no object");
        };
        let says = "--approval: no JSON at line 1, column 1: write a file with {\"jws\":";
        assert!(why.starts_with(says), "{why}");
    }

    #[test]
    fn an_input_that_cannot_be_read_is_named() {
        let Err(Trouble::Other(why)) = object("--input", "@no-such-file.json", INPUT_FORM) else {
            panic!("there is no such file");
        };
        let named = why.starts_with("--input: no-such-file.json: No such file");
        assert!(named, "{why}");
    }

    #[test]
    fn a_member_that_occurs_twice_is_refused_without_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("approval.json");
        for text in [
            r#"{"secret": 1, "secret": 60000}"#,
            r#"{"lines": [{"secret": 1, "\u0073ecret": 2}]}"#,
        ] {
            fs::write(&file, text).expect("it is written");
            for (option, text) in [
                ("--input", text.to_owned()),
                ("--approval", format!("@{}", file.display())),
            ] {
                let Err(Trouble::Usage(why)) = object(option, &text, INPUT_FORM) else {
                    panic!("{text} has a member twice");
                };
                let named = why.starts_with(&format!("{option}: an object has two members"));
                assert!(named && !why.contains("secret"), "{why}");
            }
        }
    }
}
