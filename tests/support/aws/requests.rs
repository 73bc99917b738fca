//! Signed requests to the services for which the tests have no SDK client, sent by curl.
//!
//! A request takes milliseconds and needs no runtime, so that guards can send one when they drop.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::Aws;
use crate::variable;

/// The endpoint of the AWS services, and the credentials that sign the requests to it.
#[derive(Clone, Debug)]
pub struct Account {
    /// The URL of every service.
    pub endpoint: String,
    /// The region that signatures name.
    pub region: String,
    /// The id of the access key.
    pub key: String,
    /// The secret of the access key.
    pub secret: String,
}

impl Account {
    /// The account that the stack's environment names.
    pub fn from_env() -> Self {
        Self {
            endpoint: variable("AWS_ENDPOINT_URL"),
            region: variable("AWS_DEFAULT_REGION"),
            key: variable("AWS_ACCESS_KEY_ID"),
            secret: variable("AWS_SECRET_ACCESS_KEY"),
        }
    }
}

/// An HTTP response of a service.
pub(super) struct Response {
    head: String,
    /// The text of the body.
    pub(super) body: String,
}

impl Response {
    /// The value of a header, by its name in any case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// True if the status is 200.
    pub(super) fn is_ok(&self) -> bool {
        self.head.starts_with("HTTP/1.1 200")
    }

    /// True if the status is 202.
    pub(super) fn is_accepted(&self) -> bool {
        self.head.starts_with("HTTP/1.1 202")
    }

    /// True if the status is 200 or another one of success.
    pub(super) fn is_success(&self) -> bool {
        self.head.starts_with("HTTP/1.1 2")
    }

    /// The body of a successful response.
    pub(super) fn expect_ok(self, request: &str) -> String {
        assert!(self.is_ok(), "{request}: {}", self.body);
        self.body
    }
}

impl Aws {
    /// Sends a signed request to `path` of `service`.
    ///
    /// # Panics
    ///
    /// Panics if no response arrives.
    pub(super) fn send(
        &self,
        (method, service, path): (&str, &str, &str),
        headers: &[&str],
        body: &str,
    ) -> Response {
        let account = &self.account;
        let scope = format!("aws:amz:{}:{service}", account.region);
        let user = format!("{}:{}", account.key, account.secret);
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--include", "--noproxy", "*"])
            .args(["--request", method, "--data-binary", "@-"])
            .args(["--aws-sigv4", &scope, "--user", &user]);
        for header in headers {
            curl.args(["--header", header]);
        }
        curl.args(["--header", "Expect:"])
            .arg(format!("{}{path}", account.endpoint))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = curl.spawn().expect("curl, which make up needs too");
        let mut input = process.stdin.take().expect("curl's input");
        input.write_all(body.as_bytes()).expect("curl reads it");
        drop(input);
        let output = process.wait_with_output().expect("curl ends");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{service}{path}: {errors}");
        let text = String::from_utf8_lossy(&output.stdout);
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        Response {
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Calls an operation of a service that speaks JSON by `X-Amz-Target`, such as `dynamodb` for
    /// `DynamoDB_20120810.Query`.
    ///
    /// # Panics
    ///
    /// Panics with the service's error.
    pub fn json(&self, service: &str, operation: &str, body: &Value) -> Value {
        let target = format!("X-Amz-Target: {operation}");
        let headers = [target.as_str(), "Content-Type: application/x-amz-json-1.0"];
        let response = self.send(("POST", service, "/"), &headers, &body.to_string());
        match response.expect_ok(operation).as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).expect("JSON"),
        }
    }

    /// Calls an operation of a service that takes a form and answers XML, such as IAM.
    ///
    /// # Panics
    ///
    /// Panics with the service's error.
    pub(super) fn form(
        &self,
        (service, version): (&str, &str),
        operation: &str,
        parameters: &[(&str, &str)],
    ) -> String {
        let mut form = format!("Action={operation}&Version={version}");
        for (name, value) in parameters {
            form.push_str(&format!("&{name}={}", escaped(value)));
        }
        let headers = ["Content-Type: application/x-www-form-urlencoded"];
        let response = self.send(("POST", service, "/"), &headers, &form);
        response.expect_ok(operation)
    }

    /// The physical id of the stack's resource with the logical id `logical`. That of a queue is
    /// its URL.
    ///
    /// # Panics
    ///
    /// Panics if the stack has no such resource.
    pub fn resource(&self, logical: &str) -> String {
        let stack = variable("HOLDFAST_STACK");
        let parameters = [
            ("StackName", stack.as_str()),
            ("LogicalResourceId", logical),
        ];
        let service = ("cloudformation", "2010-05-15");
        let described = self.form(service, "DescribeStackResource", &parameters);
        let id = elements(&described, "PhysicalResourceId").pop();
        id.expect("a physical id")
    }
}

/// The text of every element `name` of an XML answer.
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

/// The text behind the percent signs with which IAM escapes it.
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
