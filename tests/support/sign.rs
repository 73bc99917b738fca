//! Signed requests to any AWS service of the stack, by curl: for what no client of ours asks, in milliseconds.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::variable;

/// Fault a function answered, and what it logged meanwhile.
#[derive(Debug)]
pub struct Said {
    /// Its answer, or its error.
    pub body: Value,
    /// The end of its log.
    pub log: String,
}

impl Said {
    /// Whether a service told the function that it is not allowed to ask.
    pub fn is_denied(&self) -> bool {
        let says = |text: &str| text.contains("AccessDenied");
        // The API tells its callers no more than that it does not work now.
        says(&self.body.to_string()) || says(&self.log) || self.body["statusCode"] == 503
    }
}

/// Posts `body` to `path` of `service` and gives head and body of the answer.
///
/// # Panics
///
/// Panics if nothing answers.
fn post(service: &str, path: &str, headers: &[&str], body: &str) -> (String, String) {
    let region = variable("AWS_DEFAULT_REGION");
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--include",
        "--noproxy",
        "*",
        "--data-binary",
        "@-",
    ])
    .args(["--aws-sigv4", &format!("aws:amz:{region}:{service}")])
    .args([
        "--user",
        &format!(
            "{}:{}",
            variable("AWS_ACCESS_KEY_ID"),
            variable("AWS_SECRET_ACCESS_KEY")
        ),
    ]);
    for header in headers {
        curl.args(["--header", header]);
    }
    curl.args(["--header", "Expect:"]);
    curl.arg(format!("{}{path}", variable("AWS_ENDPOINT_URL")));
    curl.stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = curl.spawn().expect("curl, which make up needs too");
    let mut input = running.stdin.take().expect("its input");
    input.write_all(body.as_bytes()).expect("it reads the body");
    drop(input);
    let ended = running.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{service}{path}: {said}");
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_owned(), body.to_owned())
}

/// Calls one of the stack's functions, by its short name such as `begin`, and waits for what it says.
///
/// # Panics
///
/// Panics if it cannot be called.
pub fn call(function: &str, event: &Value) -> Said {
    let name = format!("{}-{function}", variable("HOLDFAST_STACK"));
    let path = format!("/2015-03-31/functions/{name}/invocations");
    let headers = ["X-Amz-Log-Type: Tail", "Content-Type: application/json"];
    let (head, body) = post("lambda", &path, &headers, &event.to_string());
    let log = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("x-amz-log-result")
            .then(|| value.trim().to_owned())
    });
    Said {
        body: serde_json::from_str(&body).unwrap_or(Value::String(body)),
        log: log.map(|log| decoded(&log)).unwrap_or_default(),
    }
}

/// Asks a service that speaks JSON, such as `dynamodb` for `DynamoDB_20120810.Query`.
///
/// # Panics
///
/// Panics with its answer if that is an error.
pub fn ask(service: &str, target: &str, body: &Value) -> Value {
    let target = format!("X-Amz-Target: {target}");
    let headers = [target.as_str(), "Content-Type: application/x-amz-json-1.0"];
    let (head, answer) = post(service, "/", &headers, &body.to_string());
    assert!(head.starts_with("HTTP/1.1 200"), "{target}: {answer}");
    serde_json::from_str(&answer).expect("JSON")
}

/// Asks IAM, with the parameters of a form.
///
/// # Panics
///
/// Panics with its answer if that is an error.
pub fn iam(action: &str, parameters: &[(&str, &str)]) -> String {
    let mut form = format!("Action={action}&Version=2010-05-08");
    for (name, value) in parameters {
        form.push_str(&format!("&{name}={}", escaped(value)));
    }
    let headers = ["Content-Type: application/x-www-form-urlencoded"];
    let (head, answer) = post("iam", "/", &headers, &form);
    assert!(head.starts_with("HTTP/1.1 200"), "{action}: {answer}");
    answer
}

/// Fault stands between `<name>` and `</name>` in an answer of IAM, every time.
pub fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open)
        .skip(1)
        .filter_map(|rest| rest.split_once(&close))
        .map(|(text, _)| text.to_owned())
        .collect()
}

/// Text as a form or a query carries it.
pub(crate) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// Text as IAM escapes it: percent signs.
pub fn unescaped(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
        {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(&part.as_bytes()[2..]);
            }
            None => bytes.extend(format!("%{part}").as_bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn decoded(base64: &str) -> String {
    let bytes = STANDARD.decode(base64).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
