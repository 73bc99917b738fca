//! The stack's functions: their invocation, their logs and their environment.
//!
//! A function is named by its short name, such as `begin` or `step-http`.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::Aws;
use crate::{texts, variable};

/// The answer of a function, and the end of the log of this call.
#[derive(Debug)]
pub struct FunctionReply {
    /// The answer, or the error.
    pub body: Value,
    /// The end of the log.
    pub log: String,
    /// True if the body is an error, of the function or of Lambda.
    pub failed: bool,
}

impl FunctionReply {
    /// True if a service denied the function a request.
    ///
    /// The body of an answer of the API shows records. The text of an incident in one of them can
    /// name an earlier denial. So only the status of the answer counts: the API answers 503 and
    /// does not give the reason to its caller.
    pub fn is_denied(&self) -> bool {
        let denies = |text: &str| text.contains("AccessDenied");
        let body = match &self.body["statusCode"] {
            Value::Null => denies(&self.body.to_string()),
            status => *status == 503,
        };
        body || denies(&self.log)
    }

    /// True if Lambda refused the call, so that the function did not run.
    pub fn is_throttled(&self) -> bool {
        self.failed && self.body.to_string().contains("TooManyRequestsException")
    }
}

impl Aws {
    /// Calls a function and waits for its reply, an error included.
    ///
    /// # Panics
    ///
    /// Panics if the function cannot be called.
    pub fn call(&self, function: &str, event: &Value) -> FunctionReply {
        let path = format!("{}/invocations", path(function));
        let headers = ["X-Amz-Log-Type: Tail", "Content-Type: application/json"];
        let response = self.send(("POST", "lambda", &path), &headers, &event.to_string());
        let log = response.header("x-amz-log-result").map(decoded);
        let failed = !response.is_ok() || response.header("x-amz-function-error").is_some();
        FunctionReply {
            log: log.unwrap_or_default(),
            failed,
            body: serde_json::from_str(&response.body).unwrap_or(Value::String(response.body)),
        }
    }

    /// Calls a function and gives its answer, or the error that it raised.
    ///
    /// # Errors
    ///
    /// Returns the function's error.
    pub fn try_invoke(&self, function: &str, event: &Value) -> Result<Value, Value> {
        let reply = self.call(function, event);
        match reply.failed {
            true => Err(reply.body),
            false => Ok(reply.body),
        }
    }

    /// Calls a function that must succeed and gives its answer.
    ///
    /// # Panics
    ///
    /// Panics if the function raised an error.
    pub fn invoke(&self, function: &str, event: &Value) -> Value {
        self.try_invoke(function, event)
            .unwrap_or_else(|error| panic!("{function}: {error}"))
    }

    /// Invokes a function and waits for no answer, as a schedule does.
    ///
    /// # Panics
    ///
    /// Panics if Lambda does not accept the event.
    pub fn invoke_later(&self, function: &str, event: &Value) {
        let path = format!("{}/invocations", path(function));
        let headers = [
            "X-Amz-Invocation-Type: Event",
            "Content-Type: application/json",
        ];
        let response = self.send(("POST", "lambda", &path), &headers, &event.to_string());
        assert!(response.is_accepted(), "{}", response.body);
    }

    /// Makes Lambda refuse every call of a function, or none.
    ///
    /// # Panics
    ///
    /// Panics if Lambda does not take the setting.
    pub fn refuse_calls(&self, function: &str, refuses: bool) {
        let path = format!("/2017-10-31/functions/{}/concurrency", full_name(function));
        let (method, body) = match refuses {
            true => ("PUT", r#"{"ReservedConcurrentExecutions":0}"#),
            false => ("DELETE", ""),
        };
        let headers = ["Content-Type: application/json"];
        let response = self.send((method, "lambda", &path), &headers, body);
        assert!(response.is_success(), "{}", response.body);
    }

    /// The messages in which a function logged `text`.
    ///
    /// # Panics
    ///
    /// Panics if the log cannot be read.
    pub fn logged(&self, function: &str, text: &str) -> Vec<String> {
        let group = format!("/aws/lambda/{}", full_name(function));
        let mut query = json!({ "logGroupName": group, "filterPattern": format!("\"{text}\"") });
        let mut messages = Vec::new();
        loop {
            let page = self.json("logs", "Logs_20140328.FilterLogEvents", &query);
            let found = texts(&page["events"], "message");
            messages.extend(found.into_iter().map(str::to_owned));
            match page["nextToken"].as_str() {
                Some(token) => query["nextToken"] = token.into(),
                None => return messages,
            }
        }
    }

    /// The name of a function's role.
    ///
    /// # Panics
    ///
    /// Panics if the stack has no such function.
    pub fn role_of(&self, function: &str) -> String {
        let arn = self.role_arn_of(function);
        arn.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// The ARN of a function's role.
    pub(super) fn role_arn_of(&self, function: &str) -> String {
        let configuration = self.configuration(function);
        let arn = configuration["Role"].as_str().expect("a role's ARN");
        arn.to_owned()
    }

    /// The variables of a function's environment.
    pub(super) fn environment_of(&self, function: &str) -> Value {
        self.configuration(function)["Environment"]["Variables"].take()
    }

    /// Sets a variable in a function's environment, or removes it, and gives the value before.
    ///
    /// # Panics
    ///
    /// Panics if the configuration cannot be changed.
    pub(crate) fn set_variable(
        &self,
        function: &str,
        name: &str,
        value: Option<&str>,
    ) -> Option<String> {
        let mut variables = self.environment_of(function);
        let variables = variables.as_object_mut().expect("variables");
        let before = match value {
            Some(value) => variables.insert(name.to_owned(), value.into()),
            None => variables.remove(name),
        };
        let change = json!({ "Environment": { "Variables": variables } }).to_string();
        let path = format!("{}/configuration", path(function));
        let headers = ["Content-Type: application/json"];
        let response = self.send(("PUT", "lambda", &path), &headers, &change);
        response.expect_ok(&path);
        before.map(|value| value.as_str().unwrap_or_default().to_owned())
    }

    fn configuration(&self, function: &str) -> Value {
        let path = format!("{}/configuration", path(function));
        let response = self.send(("GET", "lambda", &path), &[], "");
        serde_json::from_str(&response.expect_ok(&path)).expect("JSON")
    }
}

/// A changed variable of a function, which gets its former value back when this drops.
pub struct EnvironmentChange {
    aws: Aws,
    function: String,
    variable: String,
    before: Option<String>,
    permanent: bool,
}

impl EnvironmentChange {
    /// Sets a variable of a function.
    ///
    /// # Panics
    ///
    /// Panics if the function's configuration cannot be changed.
    pub fn new(aws: &Aws, function: &str, variable: &str, value: &str) -> Self {
        Self {
            aws: aws.clone(),
            function: function.to_owned(),
            variable: variable.to_owned(),
            before: aws.set_variable(function, variable, Some(value)),
            permanent: false,
        }
    }

    /// The value before the change, or an empty text.
    pub fn before(&self) -> &str {
        self.before.as_deref().unwrap_or_default()
    }

    /// Keeps the new value when this drops.
    pub fn keep(mut self) {
        self.permanent = true;
    }
}

impl Drop for EnvironmentChange {
    fn drop(&mut self) {
        if !self.permanent {
            let before = self.before.as_deref();
            self.aws
                .set_variable(&self.function, &self.variable, before);
        }
    }
}

fn full_name(function: &str) -> String {
    format!("{}-{function}", variable("HOLDFAST_STACK"))
}

fn path(function: &str) -> String {
    format!("/2015-03-31/functions/{}", full_name(function))
}

fn decoded(base64: &str) -> String {
    let bytes = STANDARD.decode(base64).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(body: Value, log: &str) -> FunctionReply {
        FunctionReply {
            body,
            log: log.to_owned(),
            failed: false,
        }
    }

    #[test]
    fn an_incident_that_names_an_earlier_denial_is_no_denial_of_this_call() {
        let incidents = json!({ "incidents": [{ "title": "AccessDenied at Finish" }] }).to_string();
        let listed = json!({ "statusCode": 200, "body": incidents });
        assert!(!reply(listed.clone(), "").is_denied());
        assert!(reply(listed, "AccessDenied: kms:Sign").is_denied());
        assert!(reply(json!({ "statusCode": 503, "body": "{}" }), "").is_denied());
        let error = json!({ "errorMessage": "s3: AccessDenied" });
        assert!(reply(error, "").is_denied());
    }
}
