//! Versions and aliases of state machines, and triggers that start through an alias.
//!
//! The emulator has versions and aliases by API, and not by CloudFormation.

use aws_sdk_sfn::types::RoutingConfigurationListItem;
use serde_json::{Value, json};

use super::Aws;
use crate::{unique, variable};

/// The alias that the template gives every state machine.
const ALIAS: &str = "live";

impl Aws {
    /// Publishes a version of a workflow's state machine and points the alias to it. Returns the
    /// version's ARN.
    ///
    /// # Panics
    ///
    /// Panics if Step Functions refuses.
    pub async fn publish(&self, workflow: &str) -> String {
        let version = self.states.publish_state_machine_version();
        let version = version.state_machine_arn(self.machine(workflow)).send();
        let version = version.await.expect("a version").state_machine_version_arn;
        let route = RoutingConfigurationListItem::builder()
            .state_machine_version_arn(&version)
            .weight(100);
        let route = route.build().expect("a route");
        let create = self.states.create_state_machine_alias();
        let create = create.name(ALIAS).routing_configuration(route.clone());
        if create.send().await.is_err() {
            let update = self.states.update_state_machine_alias();
            let update = update.state_machine_alias_arn(self.alias(workflow));
            let update = update.routing_configuration(route).send().await;
            update.expect("the alias exists");
        }
        version
    }

    fn alias(&self, workflow: &str) -> String {
        format!("{}:{ALIAS}", self.machine(workflow))
    }

    /// Puts an event on the bus whose rule starts a workflow with `input` through the alias.
    ///
    /// # Panics
    ///
    /// Panics if EventBridge refuses.
    pub async fn start_by_rule(&self, workflow: &str, input: &Value) {
        let (rule, bus) = (unique("rule"), variable("HOLDFAST_EVENT_BUS"));
        let pattern = json!({ "source": [rule] }).to_string();
        let put = json!({ "Name": rule, "EventBusName": bus, "EventPattern": pattern });
        self.json("events", "AWSEvents.PutRule", &put);
        let target = json!([{ "Id": "machine", "Arn": self.alias(workflow),
            "RoleArn": ROLE, "Input": input.to_string() }]);
        let targets = json!({ "Rule": rule, "EventBusName": bus, "Targets": target });
        self.json("events", "AWSEvents.PutTargets", &targets);
        self.emit(&rule, "started", &json!({})).await;
    }

    /// Makes a schedule that starts a workflow with `input` through the alias, once and now.
    ///
    /// # Panics
    ///
    /// Panics if EventBridge Scheduler refuses.
    pub fn start_by_schedule(&self, workflow: &str, input: &Value) {
        let now = jiff::Timestamp::now().strftime("at(%Y-%m-%dT%H:%M:%S)");
        let schedule = json!({
            "ScheduleExpression": now.to_string(), "FlexibleTimeWindow": { "Mode": "OFF" },
            "ActionAfterCompletion": "DELETE",
            "Target": { "Arn": self.alias(workflow), "RoleArn": ROLE, "Input": input.to_string() },
        });
        let path = format!("/schedules/{}", unique("schedule"));
        let headers = ["Content-Type: application/json"];
        let said = self.send(
            ("POST", "scheduler", &path),
            &headers,
            &schedule.to_string(),
        );
        said.expect_ok(&path);
    }
}

/// The role of a trigger. The emulator demands one and does not assume it.
const ROLE: &str = "arn:aws:iam::000000000000:role/trigger";
