//! Queues through which a test receives what the stack's audit bus and its topic carry.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Aws, requests::elements};
use crate::{PATIENCE, unique, variable};

/// A queue of events: a test's own, which is deleted with its rule on drop, or one of the stack.
pub struct Queue {
    aws: Aws,
    /// The queue's name, and the name of its rule if it has one.
    name: String,
    source: Source,
}

/// The place from which a queue receives its messages.
#[derive(PartialEq)]
enum Source {
    /// A rule on the stack's audit bus.
    Bus,
    /// The stack's topic of incidents.
    Topic,
    /// The stack itself, which owns the queue.
    Stack,
}

impl Queue {
    /// A queue that receives the audit events from now on.
    ///
    /// # Panics
    ///
    /// Panics if a service refuses.
    pub fn of_audit_events(aws: &Aws) -> Self {
        let queue = Self::new(aws, unique("events"), Source::Bus);
        let arn = queue.create();
        let (name, bus) = (&queue.name, variable("HOLDFAST_AUDIT_BUS"));
        let pattern = json!({ "source": ["holdfast"] }).to_string();
        let rule = json!({ "Name": name, "EventBusName": bus, "EventPattern": pattern });
        aws.json("events", "AWSEvents.PutRule", &rule);
        let target = json!([{ "Id": "queue", "Arn": arn }]);
        let targets = json!({ "Rule": name, "EventBusName": bus, "Targets": target });
        aws.json("events", "AWSEvents.PutTargets", &targets);
        queue
    }

    /// A queue that receives what reaches the stack's topic of incidents from now on.
    ///
    /// # Panics
    ///
    /// Panics if a service refuses.
    pub fn on_incidents(aws: &Aws) -> Self {
        let queue = Self::new(aws, unique("incidents"), Source::Topic);
        let arn = queue.create();
        // `make up` created the topic; creating it again returns its ARN.
        let name = format!("{}-incidents", variable("HOLDFAST_STACK"));
        let created = aws.form(SNS, "CreateTopic", &[("Name", &name)]);
        let topic = elements(&created, "TopicArn").pop().expect("a topic");
        queue.subscribe(&topic, &arn);
        queue
    }

    /// A queue that receives what is published to a new topic, and the ARN of the topic.
    ///
    /// # Panics
    ///
    /// Panics if a service refuses.
    pub fn on_topic(aws: &Aws, name: &str) -> (Self, String) {
        let queue = Self::new(aws, name.to_owned(), Source::Topic);
        let arn = queue.create();
        let created = aws.form(SNS, "CreateTopic", &[("Name", name)]);
        let topic = elements(&created, "TopicArn").pop().expect("a topic");
        queue.subscribe(&topic, &arn);
        (queue, topic)
    }

    /// Lets the topic send to this queue, whose ARN is `arn`.
    fn subscribe(&self, topic: &str, arn: &str) {
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" },
            "Action": "sqs:SendMessage", "Resource": arn,
            "Condition": { "ArnEquals": { "aws:SourceArn": topic } },
        }]});
        let attributes = json!({ "Policy": policy.to_string() });
        self.request("SetQueueAttributes", &json!({ "Attributes": attributes }));
        let subscription = [
            ("TopicArn", topic),
            ("Protocol", "sqs"),
            ("Endpoint", arn),
            ("Attributes.entry.1.key", "RawMessageDelivery"),
            ("Attributes.entry.1.value", "true"),
        ];
        self.aws.form(SNS, "Subscribe", &subscription);
    }

    /// The bodies of the messages that wait. They remain in the queue.
    ///
    /// # Panics
    ///
    /// Panics if the queue cannot be read.
    pub fn peek(&self) -> Vec<String> {
        let at_most = json!({ "MaxNumberOfMessages": 10, "VisibilityTimeout": 0 });
        let answer = self.request("ReceiveMessage", &at_most);
        let messages = answer["Messages"].as_array().into_iter().flatten();
        let bodies = messages.map(|message| message["Body"].as_str().unwrap_or_default());
        bodies.map(str::to_owned).collect()
    }

    /// The queue of the stack with this name, as an alarm's dimension has it.
    pub fn named(aws: &Aws, name: &str) -> Self {
        Self::new(aws, name.to_owned(), Source::Stack)
    }

    /// The queue that the template names by the logical id `logical`.
    ///
    /// # Panics
    ///
    /// Panics if the stack has no such queue.
    pub fn of_stack(aws: &Aws, logical: &str) -> Self {
        let url = aws.resource(logical);
        let name = url.rsplit('/').next().unwrap_or_default();
        Self::new(aws, name.to_owned(), Source::Stack)
    }

    /// Receives and deletes the messages since the last call, and gives the `detail` of each. An
    /// entry of several step events gives those.
    ///
    /// # Panics
    ///
    /// Panics if the queue cannot be read.
    pub fn drain(&self) -> Vec<Value> {
        events_of(self.drain_entries())
    }

    /// Drains the queue until `enough` is true of all details so far, or the patience of the tests
    /// ends, and gives them with those that follow within five seconds. On a busy bus the queue is
    /// never empty.
    ///
    /// # Panics
    ///
    /// Panics if the queue cannot be read.
    pub fn drain_until(&self, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let until = Instant::now() + PATIENCE;
        let mut details = Vec::new();
        while !enough(&details) && Instant::now() < until {
            details.extend(events_of(self.receive()));
        }
        let until = Instant::now() + Duration::from_secs(5);
        details.extend(events_of(self.receive_while(|| Instant::now() < until)));
        details
    }

    /// Receives and deletes the messages since the last call, and gives the detail type and the
    /// `detail` of each.
    ///
    /// # Panics
    ///
    /// Panics if the queue cannot be read.
    pub fn drain_entries(&self) -> Vec<(String, Value)> {
        self.receive_while(|| true)
    }

    /// Receives until the queue is empty or `more` is false.
    fn receive_while(&self, more: impl Fn() -> bool) -> Vec<(String, Value)> {
        let mut details = Vec::new();
        let mut empty = 0;
        // One empty answer can be chance, since a queue has several hosts.
        while empty < 2 && more() {
            let received = self.receive();
            empty = match received.is_empty() {
                true => empty + 1,
                false => 0,
            };
            details.extend(received);
        }
        details
    }

    /// Receives and deletes at most ten messages, and gives the detail type and the `detail` of
    /// each.
    ///
    /// # Panics
    ///
    /// Panics if the queue cannot be read.
    pub fn receive(&self) -> Vec<(String, Value)> {
        let at_most = json!({ "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1 });
        let answer = self.request("ReceiveMessage", &at_most);
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        if messages.is_empty() {
            return Vec::new();
        }
        let handles = messages.iter().map(|message| &message["ReceiptHandle"]);
        let entries: Vec<_> = handles
            .enumerate()
            .map(|(id, handle)| json!({ "Id": id.to_string(), "ReceiptHandle": handle }))
            .collect();
        self.request("DeleteMessageBatch", &json!({ "Entries": entries }));
        let read = |message: &Value| {
            let body = message["Body"].as_str().expect("a body");
            let mut event: Value = serde_json::from_str(body).expect("an event");
            let kind = event["detail-type"].as_str().unwrap_or_default().to_owned();
            (kind, event["detail"].take())
        };
        messages.iter().map(read).collect()
    }

    /// The number of messages that wait, and of those that were received and not deleted.
    ///
    /// # Panics
    ///
    /// Panics if SQS refuses.
    pub fn depth(&self) -> (u64, u64) {
        let names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ];
        let answer = self.request("GetQueueAttributes", &json!({ "AttributeNames": names }));
        let [waiting, received] = names.map(|name| {
            let number = answer["Attributes"][name].as_str();
            number.and_then(|number| number.parse().ok()).expect(name)
        });
        (waiting, received)
    }

    /// Sends a message, as a service does with one that it gives up.
    ///
    /// # Panics
    ///
    /// Panics if SQS refuses.
    pub fn send(&self, body: &Value) {
        self.request("SendMessage", &json!({ "MessageBody": body.to_string() }));
    }

    /// Sets the time after which a message that was received and not deleted is delivered again.
    ///
    /// # Panics
    ///
    /// Panics if SQS refuses.
    pub fn redeliver_after(&self, seconds: u32) {
        let attributes = json!({ "VisibilityTimeout": seconds.to_string() });
        self.request("SetQueueAttributes", &json!({ "Attributes": attributes }));
    }

    fn new(aws: &Aws, name: String, source: Source) -> Self {
        let aws = aws.clone();
        Self { aws, name, source }
    }

    /// Creates the queue and gives its ARN.
    fn create(&self) -> String {
        let name = json!({ "QueueName": self.name });
        self.aws.json("sqs", "AmazonSQS.CreateQueue", &name);
        let attributes = json!({ "AttributeNames": ["QueueArn"] });
        let answer = self.request("GetQueueAttributes", &attributes);
        let arn = answer["Attributes"]["QueueArn"].as_str();
        arn.expect("a queue's ARN").to_owned()
    }

    /// Calls an operation of SQS on this queue.
    fn request(&self, operation: &str, parameters: &Value) -> Value {
        let name = json!({ "QueueName": self.name });
        let found = self.aws.json("sqs", "AmazonSQS.GetQueueUrl", &name);
        let mut body = parameters.clone();
        body["QueueUrl"] = found["QueueUrl"].clone();
        let operation = format!("AmazonSQS.{operation}");
        self.aws.json("sqs", &operation, &body)
    }
}

const SNS: (&str, &str) = ("sns", "2010-03-31");

impl Drop for Queue {
    fn drop(&mut self) {
        if self.source == Source::Bus {
            let bus = variable("HOLDFAST_AUDIT_BUS");
            let targets = json!({ "Rule": self.name, "EventBusName": bus, "Ids": ["queue"] });
            let rule = json!({ "Name": self.name, "EventBusName": bus });
            self.aws.json("events", "AWSEvents.RemoveTargets", &targets);
            self.aws.json("events", "AWSEvents.DeleteRule", &rule);
        }
        if self.source != Source::Stack {
            self.request("DeleteQueue", &json!({}));
        }
    }
}

/// The template's visibility timeout of the queue of status events, which no test waits for.
const VISIBILITY_S: u32 = 120;

/// The queue of status events, which delivers an event again after a second until this drops.
pub struct StatusEvents(Queue);

impl StatusEvents {
    /// Shortens the visibility timeout. An event that was received before keeps the one it had.
    pub fn delivered_again(queue: Queue) -> Self {
        queue.redeliver_after(1);
        Self(queue)
    }

    /// The number of events that wait, and of those that were received and not deleted.
    pub fn depth(&self) -> (u64, u64) {
        self.0.depth()
    }
}

impl Drop for StatusEvents {
    fn drop(&mut self) {
        self.0.redeliver_after(VISIBILITY_S);
    }
}

/// The events of entries. An entry of several step events has those.
fn events_of(entries: Vec<(String, Value)>) -> Vec<Value> {
    let mut events = Vec::new();
    for (_, mut detail) in entries {
        match detail.get_mut("events").map(Value::take) {
            Some(Value::Array(several)) => events.extend(several),
            _ => events.push(detail),
        }
    }
    events
}
