//! The one client through which the tests and the demo reach the stack's AWS services.
//!
//! Four services have a client of the SDK. The others are called by signed requests, because a
//! further SDK crate costs every build a minute.

mod consumer;
mod deploy;
mod express;
mod functions;
mod queues;
mod requests;
mod roles;
mod versions;

use std::collections::HashMap;

use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_s3::config::Credentials;
use aws_sdk_sfn::types::ExecutionStatus;
use holdfast_aws::SdkHttpClient;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::Key;
use serde_json::{Value, json};

pub(crate) use requests::escaped;
pub use {
    consumer::StreamConsumer,
    deploy::read_workflow,
    express::{ExpressRun, Injury, express_copy},
    functions::{EnvironmentChange, FunctionReply},
    queues::{Queue, StatusEvents},
    requests::{Account, elements, unescaped},
    roles::Permission,
};

use crate::{eventually, unique, variable};

/// A client of the AWS services at one endpoint, as the owner of the account.
#[derive(Clone)]
pub struct Aws {
    account: Account,
    /// The configuration of the SDK's clients.
    pub config: SdkConfig,
    /// Step Functions.
    pub states: aws_sdk_sfn::Client,
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// S3.
    pub s3: aws_sdk_s3::Client,
    events: aws_sdk_eventbridge::Client,
}

/// The end of a Step Functions execution.
#[derive(Debug, PartialEq)]
pub struct MachineEnd {
    /// The status.
    pub status: ExecutionStatus,
    /// The name of the error, or an empty text.
    pub error: String,
    /// The names of the states that were entered, in order.
    pub states: Vec<String>,
}

/// The key of an execution record.
pub fn execution_key(tenant: &str, execution: &str) -> Key {
    Key::Execution(ExecutionKey {
        tenant: tenant.to_owned(),
        execution: execution.to_owned(),
    })
}

/// The SDK's configuration as the environment has it, with the HTTP client of the functions.
pub fn sdk_config() -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest()).http_client(SdkHttpClient::load())
}

impl Aws {
    /// The client for the endpoint and the credentials of the environment.
    pub async fn from_env() -> Self {
        Self::of(Account::from_env()).await
    }

    /// The client for an account.
    pub async fn of(account: Account) -> Self {
        let credentials =
            Credentials::new(&account.key, &account.secret, None, None, "holdfast-tests");
        let config = sdk_config()
            .region(Region::new(account.region.clone()))
            .endpoint_url(&account.endpoint)
            .credentials_provider(credentials)
            .load()
            .await;
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(true)
            .build();
        Self {
            states: aws_sdk_sfn::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            events: aws_sdk_eventbridge::Client::new(&config),
            account,
            config,
        }
    }

    /// The ARN of a workflow's state machine.
    pub fn machine(&self, workflow: &str) -> String {
        format!("{}{workflow}", variable("HOLDFAST_MACHINE_PREFIX"))
    }

    /// The ARN of the Step Functions execution `name` of a workflow. The API names it by the
    /// execution's id.
    pub fn execution(&self, workflow: &str, name: &str) -> String {
        let machine = self.machine(workflow);
        format!(
            "{}:{name}",
            machine.replacen(":stateMachine:", ":execution:", 1)
        )
    }

    /// Registers a tenant that no other test uses, and gives its name. It writes the item that
    /// `PUT /v1/tenants` writes.
    pub fn new_tenant(&self, prefix: &str) -> String {
        let tenant = unique(prefix);
        let item = json!({
            "pk": { "S": Key::TENANTS }, "sk": { "S": tenant }, "rev": { "N": "1" },
            "tenant": { "S": tenant }, "state": { "S": "open" }, "by": { "S": "tests" },
            "at": { "S": jiff::Timestamp::now().to_string() },
        });
        let put = json!({ "TableName": variable("HOLDFAST_LEDGER_TABLE"), "Item": item });
        self.json("dynamodb", "DynamoDB_20120810.PutItem", &put);
        tenant
    }

    /// Stops a Step Functions execution, as a person does in the console.
    pub async fn stop(&self, arn: &str) {
        let stop = self.states.stop_execution().execution_arn(arn);
        stop.send().await.expect("Step Functions stops it");
    }

    /// Starts a state machine directly and gives the ARN of its Step Functions execution.
    pub async fn start(&self, workflow: &str, name: &str, input: &Value) -> String {
        self.start_text(workflow, name, &input.to_string()).await
    }

    /// Starts a state machine with an input that is sent as it is.
    pub async fn start_text(&self, workflow: &str, name: &str, input: &str) -> String {
        let start = self
            .states
            .start_execution()
            .state_machine_arn(self.machine(workflow))
            .name(name);
        start
            .input(input)
            .send()
            .await
            .expect("Step Functions starts it")
            .execution_arn
    }

    /// Waits until a Step Functions execution has ended.
    pub async fn ended(&self, arn: &str) -> MachineEnd {
        let (status, error) = eventually(&format!("{arn} ends"), || async {
            let answer = self
                .states
                .describe_execution()
                .execution_arn(arn)
                .send()
                .await
                .expect("Step Functions describes it");
            if answer.status == ExecutionStatus::Running {
                return Err("it still runs".to_owned());
            }
            Ok((answer.status, answer.error.unwrap_or_default()))
        })
        .await;
        let mut pages = self
            .states
            .get_execution_history()
            .execution_arn(arn)
            .into_paginator()
            .items()
            .send();
        let mut states = Vec::new();
        while let Some(event) = pages.next().await {
            let event = event.expect("its history");
            states.extend(
                event
                    .state_entered_event_details
                    .map(|entered| entered.name),
            );
        }
        MachineEnd {
            status,
            error,
            states,
        }
    }

    /// Waits until a state machine has had `count` executions whose input contains `text`, and
    /// gives their ARNs.
    pub async fn executions_with(&self, workflow: &str, text: &str, count: usize) -> Vec<String> {
        eventually(
            &format!("{count} executions of {workflow} with {text}"),
            || async {
                let mut pages = self
                    .states
                    .list_executions()
                    .state_machine_arn(self.machine(workflow))
                    .into_paginator()
                    .items()
                    .send();
                let mut found = Vec::new();
                while let Some(execution) = pages.next().await {
                    let arn = execution.expect("an execution").execution_arn;
                    let answer = self
                        .states
                        .describe_execution()
                        .execution_arn(&arn)
                        .send()
                        .await
                        .expect("Step Functions describes it");
                    if answer.input.is_some_and(|input| input.contains(text)) {
                        found.push(arn);
                    }
                }
                if found.len() < count {
                    return Err(format!("{found:?}"));
                }
                Ok(found)
            },
        )
        .await
    }

    /// Puts an event on the stack's bus.
    pub async fn emit(&self, source: &str, detail_type: &str, detail: &Value) {
        let detail = detail.to_string();
        self.emit_text(source, detail_type, &detail).await;
    }

    /// Puts an event on the stack's bus whose detail is sent as it is.
    pub async fn emit_text(&self, source: &str, detail_type: &str, detail: &str) {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(variable("HOLDFAST_EVENT_BUS"))
            .source(source)
            .detail_type(detail_type)
            .detail(detail)
            .build();
        let answer = self
            .events
            .put_events()
            .entries(entry)
            .send()
            .await
            .expect("the bus answers");
        assert_eq!(answer.failed_entry_count, 0);
    }

    /// The name and the schedule of every rule on the default event bus.
    pub async fn rules(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let list = self.events.list_rules().set_next_token(token);
            let page = list.send().await.expect("EventBridge lists the rules");
            found.extend(page.rules.unwrap_or_default().into_iter().map(|rule| {
                let schedule = rule.schedule_expression.unwrap_or_default();
                (rule.name.unwrap_or_default(), schedule)
            }));
            token = page.next_token;
            if token.is_none() {
                return found;
            }
        }
    }

    /// The number of ledger items of an execution.
    pub async fn ledger_items(&self, tenant: &str, execution: &str) -> usize {
        let partition = execution_key(tenant, execution).pk();
        let query = self
            .dynamodb
            .query()
            .table_name(variable("HOLDFAST_LEDGER_TABLE"));
        let query = query.key_condition_expression("pk = :pk");
        let value = AttributeValue::S(partition);
        query
            .expression_attribute_values(":pk", value)
            .send()
            .await
            .expect("the ledger answers")
            .items()
            .len()
    }

    /// Removes a record from the ledger, and gives its item.
    pub async fn take_record(&self, key: &Key) -> HashMap<String, AttributeValue> {
        let delete = self
            .dynamodb
            .delete_item()
            .table_name(variable("HOLDFAST_LEDGER_TABLE"))
            .key("pk", AttributeValue::S(key.pk()))
            .key("sk", AttributeValue::S(key.sk()))
            .return_values(ReturnValue::AllOld);
        let deleted = delete.send().await.expect("the ledger answers");
        deleted.attributes.expect("the record exists")
    }

    /// Puts an item that was taken back into the ledger.
    pub async fn put_back(&self, item: HashMap<String, AttributeValue>) {
        let table = variable("HOLDFAST_LEDGER_TABLE");
        let put = self.dynamodb.put_item().table_name(table);
        let put = put.set_item(Some(item)).send();
        put.await.expect("the ledger takes it");
    }
}
