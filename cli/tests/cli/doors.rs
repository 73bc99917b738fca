//! Tests of the commands against an API that a deployment of this release is not: an earlier one, a
//! hostile one, and one that must not be called.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

use crate::project::CommandOutput;

/// A server on this machine, and the requests that it received.
pub(crate) struct Server {
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers each request line by `answer`: a status line with headers, and a body.
    pub(crate) fn start(answer: impl Fn(&str) -> (String, Value) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let request = read(&mut stream);
                let line = request.lines().next().unwrap_or_default().to_owned();
                seen.lock().expect("a lock").push(request);
                let (head, body) = answer(&line);
                let body = body.to_string();
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
            }
        });
        Self { address, requests }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("a lock").clone()
    }
}

/// One request: its head, and the body that its length announces.
fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return String::from_utf8_lossy(&bytes).into_owned();
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&bytes).into_owned(),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

pub(crate) fn ok(body: Value) -> (String, Value) {
    ("200 OK".to_owned(), body)
}

/// Runs the command for this API, without a terminal.
pub(crate) fn run(api: &str, variables: &[(&str, &str)], args: &[&str]) -> CommandOutput {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    for name in ["TOKEN", "TOKEN_FILE", "TOKEN_COMMAND", "TENANT"] {
        command.env_remove(format!("HOLDFAST_{name}"));
    }
    let output = command
        .args(args)
        .env("HOLDFAST_API", api)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("the command starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    CommandOutput {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

pub(crate) const TOKEN: &[(&str, &str)] = &[("HOLDFAST_TOKEN", "t0ken")];

#[test]
fn an_api_without_the_list_of_questions_is_named_as_an_earlier_release() {
    let missing = |_: &str| {
        let detail = "there is nothing at this path; GET /v1/openapi.json lists the paths";
        let kind = "urn:holdfast:problem:not-found";
        let body = json!({ "type": kind, "title": "Not found", "detail": detail });
        ("404 Not Found".to_owned(), body)
    };
    let server = Server::start(missing);
    let output = run(&server.address, TOKEN, &["inbox"]);
    assert_eq!(output.code, Some(3), "{}", output.err);
    let why = "error: this API has no /v1/questions: the deployment runs an earlier release";
    assert!(output.err.starts_with(why), "{}", output.err);
    let decide = ["decide", "41c20d", "retry", "--reason", "seen to"];
    let output = run(&server.address, TOKEN, &decide);
    assert_eq!(output.code, Some(3), "{}", output.err);
    assert!(output.err.contains("write all 40 digits"), "{}", output.err);
}

#[test]
fn a_list_of_an_unknown_tenant_is_not_taken_for_an_earlier_release() {
    let server = Server::start(|_| {
        let kind = "urn:holdfast:problem:not-found";
        let body = json!({ "type": kind, "title": "Not found", "detail": "no tenant initech" });
        ("404 Not Found".to_owned(), body)
    });
    let output = run(&server.address, TOKEN, &["inbox", "--tenant", "initech"]);
    assert_eq!(output.code, Some(3));
    let why = "error: the API answered 404 Not found: no tenant initech\n";
    assert_eq!(output.err, why);
    assert!(server.requests()[0].contains("tenant=initech"));
}

#[test]
fn every_tenant_is_accepted_for_the_lists_that_cover_it_alone() {
    let server = Server::start(|_| ok(json!({ "next": null })));
    let every = ["--tenant", "*"];
    for list in [
        &["ls"][..],
        &["incidents"],
        &["inbox"],
        &["statistics", "--json"],
    ] {
        let output = run(&server.address, TOKEN, &[list, &every].concat());
        assert_eq!(output.code, Some(0), "{}", output.err);
    }
    assert!(server.requests().iter().all(|one| one.contains("tenant=*")));
    // A control belongs to no tenant.
    let controls = Server::start(|_| ok(json!({ "controls": [] })));
    let output = run(
        &controls.address,
        TOKEN,
        &[&["controls"][..], &every].concat(),
    );
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(controls.requests()[0].starts_with("GET /v1/controls HTTP"));
    let id = "41c20d0000000000000000000000000000000000";
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("mirror");
    let folder = folder.to_str().expect("a path");
    for other in [
        &["receipts"][..],
        &["start", "WF-HOLD"],
        &[
            "receipt",
            "mirror",
            "--from",
            "2026-11-01",
            "--to",
            "2026-11-02",
            "--dir",
            folder,
        ],
    ] {
        let output = run(&server.address, TOKEN, &[other, &every].concat());
        assert_eq!(output.code, Some(2), "{other:?}: {}", output.err);
        assert!(
            output.err.contains("name one tenant by --tenant"),
            "{}",
            output.err
        );
    }
    assert_eq!(server.requests().len(), 4);
    // The API finds the tenant of an id.
    run(
        &server.address,
        TOKEN,
        &[&["show", id][..], &every].concat(),
    );
    let last = server.requests().pop().unwrap_or_default();
    assert!(
        last.starts_with(&format!("GET /v1/executions/{id}?tenant=*")),
        "{last}"
    );
    assert!(!std::path::Path::new(folder).exists());
}

#[test]
fn a_redirect_is_not_followed_so_that_no_other_host_receives_the_token() {
    let other = Server::start(|_| ok(json!({ "tenants": [] })));
    let location = other.address.clone();
    let api = Server::start(move |_| {
        let head = format!("307 Temporary Redirect\r\nlocation: {location}/v1/tenants");
        (head, Value::Null)
    });
    let output = run(&api.address, TOKEN, &["tenants"]);
    assert_eq!(output.code, Some(3), "{}", output.err);
    assert!(api.requests()[0].contains("Bearer t0ken"));
    assert_eq!(other.requests(), Vec::<String>::new());
}

#[test]
fn a_short_beginning_decides_nothing_among_more_questions_than_are_read() {
    let server = Server::start(|_| {
        let one = |number: usize| {
            json!({
                "execution_id": format!("{number:04x}{:0<36}", 5), "workflow_id": "WF-PAY",
                "tenant": "acme", "step": "pay", "incident_id": "f".repeat(40),
                "decisions": ["retry"], "until": "2026-11-24T14:00:00Z",
            })
        };
        ok(json!({ "questions": (0..1000).map(one).collect::<Vec<_>>(), "next": "c" }))
    });
    for (beginning, why) in [
        ("00ff", "write 12 digits at least"),
        ("77aa", "no question begins with 77aa among the newest 1000"),
        ("ffff", "an older question may begin with ffff too"),
        (
            &"f".repeat(40),
            "several executions may wait at incident ffff",
        ),
    ] {
        let decide = ["decide", beginning, "retry", "--reason", "seen to", "--yes"];
        let output = run(&server.address, TOKEN, &decide);
        assert!(output.err.contains(why), "{}", output.err);
        assert_ne!(output.code, Some(0));
    }
    let requests = server.requests();
    assert!(
        requests
            .iter()
            .all(|one| one.starts_with("GET /v1/questions?")),
        "{requests:?}"
    );
}

#[test]
fn a_path_of_an_answer_leads_the_token_to_no_other_host() {
    let other = Server::start(|_| ok(Value::Null));
    let host = other.address.strip_prefix("http://").expect("http");
    let id = "41c20d".repeat(7)[..40].to_owned();
    for incident in [
        format!("@{host}/v1/incidents/5ec2"),
        "4/v1/incidents/5ec2".to_owned(),
    ] {
        let execution = json!({
            "execution_id": id, "workflow_id": "WF-PAY", "workflow_version": 1, "tenant": "acme",
            "status": "WAITING", "trigger": "api", "generation": 0, "ended_at": null,
            "started_at": "2026-11-24T11:57:00Z", "guardrails": [], "failure": null, "steps": [],
            "questions": [{ "step": "pay", "status": "OPEN", "until": "2026-11-24T14:00:00Z",
                "decisions": ["retry"], "decision": null, "incident": incident }],
        });
        let api = Server::start(move |line| match line.contains("/v1/questions") {
            true => ok(json!({ "questions": [], "next": null })),
            false => ok(execution.clone()),
        });
        let decide = ["decide", &id, "retry", "--reason", "seen to", "--yes"];
        let output = run(&api.address, TOKEN, &decide);
        assert_eq!(output.code, Some(1), "{}", output.err);
        assert!(
            output.err.contains("is no path of the API"),
            "{}",
            output.err
        );
        assert_eq!(api.requests().len(), 2);
    }
    assert_eq!(other.requests(), Vec::<String>::new());
}

#[test]
fn a_token_is_not_sent_by_http_to_another_machine() {
    let output = run("http://192.0.2.1", TOKEN, &["ls"]);
    assert_eq!(output.code, Some(2), "{}", output.err);
    assert!(output.err.contains("is not https"), "{}", output.err);
    let output = run("https://192.0.2.1", &[], &["ls"]);
    assert_eq!(output.code, Some(2), "{}", output.err);
    assert!(output.err.contains("there is no token"), "{}", output.err);
}

#[test]
fn the_token_comes_from_a_file_before_the_variable_and_from_a_command_last() {
    let server = Server::start(|_| ok(json!({ "tenants": [] })));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "of-file\n").expect("it is written");
    let file = file.to_str().expect("a path");
    let command = ("HOLDFAST_TOKEN_COMMAND", "echo of-command");
    let all = [command, TOKEN[0], ("HOLDFAST_TOKEN_FILE", file)];
    for count in 1..=3 {
        let output = run(&server.address, &all[..count], &["tenants"]);
        assert_eq!(output.code, Some(0), "{}", output.err);
    }
    let requests = server.requests();
    for (request, token) in requests.iter().zip(["of-command", "t0ken", "of-file"]) {
        assert!(
            request.contains(&format!("Bearer {token}\r\n")),
            "{request}"
        );
    }
}

#[test]
fn a_change_is_refused_without_a_terminal_unless_it_is_confirmed() {
    let change = json!({ "scope": "platform", "state": "paused", "replayed": false,
        "scope_check": "found", "open_executions": 2,
        "workflows": [{ "workflow_id": "WF-PAY", "open_executions": 2 }] });
    let server = Server::start(move |_| ok(change.clone()));
    let pause = ["pause", "platform", "--reason", "drill"];
    let output = run(&server.address, TOKEN, &pause);
    assert_eq!(output.code, Some(5));
    let read = server.requests();
    assert!(
        read[0].starts_with("GET /v1/controls/platform HTTP/1.1"),
        "{read:?}"
    );
    assert_eq!(read.len(), 1, "{read:?}");
    insta::assert_snapshot!(output.err, @r"
    nothing was done, since only --yes confirms without a terminal:
    platform is paused from now on: no execution starts, and running executions wait before their next step.
    2 executions are open in it
           2  WF-PAY
    ");
    let output = run(&server.address, TOKEN, &[&pause[..], &["--yes"]].concat());
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert_eq!(output.out, "platform is paused; 2 executions are open\n");
    // A confirmed pause reads nothing before.
    let request = server.requests().remove(1);
    assert!(
        request.starts_with("PUT /v1/controls/platform HTTP/1.1"),
        "{request}"
    );
    let body = r#"{"state":"paused","reason":"drill","running_executions":"wait"}"#;
    assert!(request.ends_with(body), "{request}");
}

#[test]
fn a_list_follows_its_pages_until_the_limit_and_json_is_one_page() {
    let server = Server::start(|line| {
        let one = |id: &str| json!({ "execution_id": id, "unknown": "a\u{1b}b" });
        ok(match line.contains("cursor=c%261") {
            false => json!({ "executions": [one("1"), one("2")], "next": "c&1" }),
            true => json!({ "executions": [one("3")], "next": null }),
        })
    });
    let output = run(&server.address, TOKEN, &["ls", "--limit", "3", "--json"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
    // An escape of JSON cannot act on a terminal.
    assert!(!output.out.contains('\u{1b}'));
    let page: Value = serde_json::from_str(&output.out).expect("JSON");
    assert_eq!(page["next"], Value::Null);
    let ids: Vec<_> = page["executions"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    assert_eq!(
        ids[2],
        &json!({ "execution_id": "3", "unknown": "a\u{1b}b" })
    );
    let asked = server.requests();
    assert!(
        asked[0].starts_with("GET /v1/executions?limit=3 "),
        "{asked:?}"
    );
    assert!(asked[1].contains("limit=1&cursor=c%261 "), "{asked:?}");
}

#[test]
fn a_start_whose_answer_is_lost_names_the_key_that_repeats_it() {
    let server = Server::start(|_| ("503 Service Unavailable".to_owned(), Value::Null));
    let start = ["start", "WF-HOLD", "--key", "k-1", "--input", "{}", "--yes"];
    let output = run(&server.address, TOKEN, &start);
    assert_eq!(output.code, Some(4), "{}", output.err);
    assert!(
        output
            .err
            .contains("with --key k-1, a repeat is the same start"),
        "{}",
        output.err
    );
    assert!(server.requests()[0].contains("idempotency-key: k-1\r\n"));
}
