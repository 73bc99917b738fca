//! Notifications by mail and chat: the rule of `infra/notifications.yaml` delivers an approval's
//! request to local receivers, as a text that no input can break.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use holdfast_tests::{Aws, Queue, Stack, eventually, unique, variable};
use serde_json::{Value, json};

use crate::decisions::{asked, decide};

/// Text of an input that ends a JSON string, adds a member, mentions a channel and makes a link.
const HOSTILE: &str =
    "pay \"now\", \"url\": \"x\\\n<!channel> <https://evil.example|here> [a](b) & `c`";

/// A receiver of webhooks on this machine.
#[derive(Clone, Default)]
struct Receiver {
    received: Arc<Mutex<Vec<(String, String)>>>,
}

impl Receiver {
    /// Listens, and gives its address.
    fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let receiver = self.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                receiver.receive(stream);
            }
        });
        format!("http://{address}")
    }

    fn receive(&self, mut stream: TcpStream) {
        let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
        let (head, body) = loop {
            let read = stream.read(&mut buffer).unwrap_or_default();
            request.extend(&buffer[..read]);
            let end = request.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            if let Some(end) = end {
                let head = String::from_utf8_lossy(&request[..end]).into_owned();
                if request.len() - end - 4 >= content_length(&head) {
                    let body = String::from_utf8_lossy(&request[end + 4..]).into_owned();
                    break (head, body);
                }
            }
            if read == 0 {
                return;
            }
        };
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        self.received.lock().expect("a list").push((path, body));
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }

    /// The bodies that arrived at this path.
    fn at(&self, path: &str) -> Vec<String> {
        let received = self.received.lock().expect("a list");
        let found = received.iter().filter(|(at, _)| at == path);
        found.map(|(_, body)| body.clone()).collect()
    }
}

fn content_length(head: &str) -> usize {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.map_or(0, |(_, value)| value.parse().expect("a length"))
}

/// The template as JSON.
fn template() -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let ran = Command::new(root.join(".venv/bin/python"))
        .arg(root.join("tests/support/template.py"))
        .arg(root.join("infra/notifications.yaml"))
        .output()
        .expect("python starts");
    assert!(ran.status.success(), "{ran:?}");
    serde_json::from_slice(&ran.stdout).expect("JSON")
}

/// The rule of the template for one workflow, on the stack's audit bus, with local targets.
struct Rule {
    aws: Aws,
    name: String,
}

impl Rule {
    fn new(aws: &Aws, workflow: &str, topic: &str, base: &str) -> Self {
        let rule = Self {
            aws: aws.clone(),
            name: unique("notifications"),
        };
        let name = &rule.name;
        let key = json!({ "ApiKeyName": "X-Holdfast", "ApiKeyValue": "notification" });
        let connection = rule.call(
            "CreateConnection",
            json!({ "Name": name, "AuthorizationType": "API_KEY", "AuthParameters": { "ApiKeyAuthParameters": key } }),
        );
        let template = template();
        let properties = &template["Resources"]["Rule"]["Properties"];
        let mut pattern = properties["EventPattern"].clone();
        pattern["detail"]["workflow"] = json!([workflow]);
        let bus = variable("HOLDFAST_AUDIT_BUS");
        rule.call(
            "PutRule",
            json!({ "Name": name, "EventBusName": bus, "EventPattern": pattern.to_string() }),
        );
        let targets = properties["Targets"].as_array().expect("targets").iter();
        let targets = targets.map(|target| {
            let mut target = target["Fn::If"][1].clone();
            let id = target["Id"].as_str().expect("an id").to_owned();
            target
                .as_object_mut()
                .expect("a target")
                .remove("DeadLetterConfig");
            target["Arn"] = match id.as_str() {
                "mail" => json!(topic),
                _ => {
                    let destination = rule.call(
                        "CreateApiDestination",
                        json!({
                            "Name": format!("{name}-{id}"), "HttpMethod": "POST",
                            "ConnectionArn": connection["ConnectionArn"],
                            "InvocationEndpoint": format!("{base}/{id}"),
                        }),
                    );
                    target["RoleArn"] = json!("arn:aws:iam::000000000000:role/chat");
                    destination["ApiDestinationArn"].clone()
                }
            };
            target
        });
        let targets: Vec<_> = targets.collect();
        rule.call(
            "PutTargets",
            json!({ "Rule": name, "EventBusName": bus, "Targets": targets }),
        );
        rule
    }

    fn call(&self, operation: &str, body: Value) -> Value {
        self.aws
            .json("events", &format!("AWSEvents.{operation}"), &body)
    }
}

impl Drop for Rule {
    fn drop(&mut self) {
        let bus = variable("HOLDFAST_AUDIT_BUS");
        let ids = json!(["mail", "slack", "teams"]);
        let targets = json!({ "Rule": self.name, "EventBusName": bus, "Ids": ids });
        self.call("RemoveTargets", targets);
        self.call(
            "DeleteRule",
            json!({ "Name": self.name, "EventBusName": bus }),
        );
    }
}

/// Waits for the only message of a receiver.
async fn only(what: &str, messages: impl Fn() -> Vec<String>) -> String {
    let first = eventually(what, || async {
        messages().first().cloned().ok_or_else(|| "none".to_owned())
    });
    let first = first.await;
    // A second message about the same approval would follow at once.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(messages().len(), 1, "{what}: {:?}", messages());
    first
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_reaches_mail_slack_and_teams_as_a_text_that_no_input_can_break() {
    let stack = Stack::from_env().await;
    let workflow = format!(
        "WF-TEST-TOLD-{}",
        unique("n").to_uppercase().replace('-', "")
    );
    let yaml = include_str!("../workflows/told.yaml").replace("WF-TEST-TOLD", &workflow);
    stack.aws.deploy(&yaml).await;
    let receiver = Receiver::default();
    let base = receiver.listen();
    let (aws, of, at) = (stack.aws.clone(), workflow.clone(), base.clone());
    let made = tokio::task::spawn_blocking(move || {
        let (queue, topic) = Queue::on_topic(&aws, &unique("mail"));
        let rule = Rule::new(&aws, &of, &topic, &at);
        (queue, rule)
    });
    let (queue, _rule) = made.await.expect("receivers");
    let input = json!({ "text": HOSTILE });
    let id = stack.api.started(&workflow, &unique("told"), &input).await;
    let question = asked(&stack.api, &id).await;
    assert_eq!(question["message"], HOSTILE);

    let slack = only("Slack", || receiver.at("/slack")).await;
    let slack: Value = serde_json::from_str(&slack).expect("Slack receives JSON");
    let text = &slack["blocks"][0]["text"];
    assert_eq!(
        (&text["type"], &text["emoji"]),
        (&json!("plain_text"), &json!(false))
    );
    let notice = text["text"].as_str().expect("a text");
    assert_eq!(slack["text"], notice);
    let link = slack["blocks"][1]["elements"][0]["url"]
        .as_str()
        .expect("a link");
    assert!(
        link.contains("/incidents/") && link.ends_with("?tenant=acme"),
        "{link}"
    );

    let teams = only("Teams", || receiver.at("/teams")).await;
    let teams: Value = serde_json::from_str(&teams).expect("Teams receives JSON");
    let card = &teams["attachments"][0]["content"];
    assert_eq!(card["body"][0]["inlines"][0]["text"], notice);
    assert_eq!(card["actions"][0]["url"], link);

    let mail = only("mail", || queue.peek()).await;
    assert_eq!(mail.trim(), format!("\"{notice}\"\n\"Open: {link}\""));

    assert!(
        notice.contains("pay ”now”") && notice.contains("Approval needed"),
        "{notice}"
    );
    for syntax in ['"', '\\', '<', '>', '&', '`', '[', '\n'] {
        assert!(!notice.contains(syntax), "{syntax:?}: {notice}");
    }
    assert!(!notice.contains("https://"), "{notice}");
    let agreed = decide(&stack.api.as_actor("bob"), &question, "approve", &id).await;
    assert_eq!(agreed.status, 200, "{}", agreed.body);
}
