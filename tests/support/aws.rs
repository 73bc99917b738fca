//! The stack's AWS services, as an operator reaches them.

use aws_config::BehaviorVersion;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sfn::types::ExecutionStatus;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::Key;
use serde_json::Value;

use crate::{eventually, variable};

/// Clients of the services that the tests look at.
pub struct Aws {
    /// Step Functions.
    pub states: aws_sdk_sfn::Client,
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// S3.
    pub s3: aws_sdk_s3::Client,
    events: aws_sdk_eventbridge::Client,
}

/// How a Step Functions execution ended.
#[derive(Debug, PartialEq)]
pub struct Ended {
    /// Its status.
    pub status: ExecutionStatus,
    /// Its error's name, or nothing.
    pub error: String,
    /// The states it entered, in order.
    pub states: Vec<String>,
}

/// The key of an execution record.
pub fn execution_key(tenant: &str, execution: &str) -> Key {
    Key::Execution(ExecutionKey {
        tenant: tenant.to_owned(),
        execution: execution.to_owned(),
    })
}

impl Aws {
    /// Clients for the endpoint and credentials of the environment.
    pub async fn from_env() -> Self {
        let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(true)
            .build();
        Self {
            states: aws_sdk_sfn::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            events: aws_sdk_eventbridge::Client::new(&config),
        }
    }

    /// The ARN of a workflow's machine.
    pub fn machine(&self, workflow: &str) -> String {
        format!("{}{workflow}", variable("HOLDFAST_MACHINE_PREFIX"))
    }

    /// The ARN of a workflow's execution called `name`; the API calls it by its id.
    pub fn execution(&self, workflow: &str, name: &str) -> String {
        let machine = self.machine(workflow);
        format!(
            "{}:{name}",
            machine.replacen(":stateMachine:", ":execution:", 1)
        )
    }

    /// Stops an execution, as a person does in the console.
    pub async fn stop(&self, arn: &str) {
        let stop = self.states.stop_execution().execution_arn(arn);
        stop.send().await.expect("it is stopped");
    }

    /// Starts a machine directly and gives the execution's ARN.
    pub async fn start(&self, workflow: &str, name: &str, input: &Value) -> String {
        let start = self
            .states
            .start_execution()
            .state_machine_arn(self.machine(workflow))
            .name(name);
        start
            .input(input.to_string())
            .send()
            .await
            .expect("it starts")
            .execution_arn
    }

    /// Waits until a Step Functions execution has ended.
    pub async fn ended(&self, arn: &str) -> Ended {
        let (status, error) = eventually(&format!("{arn} ends"), 120, || async {
            let answer = self
                .states
                .describe_execution()
                .execution_arn(arn)
                .send()
                .await
                .expect("it is described");
            if answer.status == ExecutionStatus::Running {
                return Err("it runs".to_owned());
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
        Ended {
            status,
            error,
            states,
        }
    }

    /// Waits until a machine has had `count` executions whose input contains `text`, and gives their ARNs.
    pub async fn executions_with(&self, workflow: &str, text: &str, count: usize) -> Vec<String> {
        eventually(
            &format!("{count} executions of {workflow} with {text}"),
            60,
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
                        .expect("it is described");
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
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(variable("HOLDFAST_EVENT_BUS"))
            .source(source)
            .detail_type(detail_type)
            .detail(detail.to_string())
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

    /// How many ledger items an execution has.
    pub async fn ledger_items(&self, tenant: &str, execution: &str) -> usize {
        let partition = execution_key(tenant, execution).pk();
        let query = self
            .dynamodb
            .query()
            .table_name(variable("HOLDFAST_LEDGER_TABLE"));
        let query = query.key_condition_expression("pk = :pk");
        let value = aws_sdk_dynamodb::types::AttributeValue::S(partition);
        query
            .expression_attribute_values(":pk", value)
            .send()
            .await
            .expect("the ledger answers")
            .items()
            .len()
    }
}
