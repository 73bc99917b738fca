//! Deployment of a test's own workflow beside the stack's: compiled as by `holdfast compile`, and
//! run by the stack's functions.

use aws_sdk_sfn::types::StateMachineType;
use holdfast_action::ActionInfo;
use holdfast_task::Tier;
use holdfast_workflow::{
    compile::{ENDED_URL, machine},
    definition::{Definition, Environment, Problem, read},
};

use super::Aws;
use crate::variable;

impl Aws {
    /// Deploys a workflow from its YAML, unless another test did.
    ///
    /// # Panics
    ///
    /// Panics if the YAML has problems, or Step Functions refuses the state machine.
    pub async fn deploy(&self, yaml: &str) {
        let definition = read_workflow(yaml).expect("a workflow without problems");
        let text = self.compiled(&definition);
        let tier = match definition.tier {
            Tier::Standard => StateMachineType::Standard,
            Tier::Express => StateMachineType::Express,
        };
        // The role of this state machine may call every function that a test's workflow may name.
        let described = self.states.describe_state_machine();
        let machine = self.machine("WF-HOLD-LARGE-PAYMENTS");
        let described = described.state_machine_arn(machine).send().await;
        let role = described.expect("a state machine of the stack").role_arn;
        let request = self.states.create_state_machine();
        let request = request
            .name(format!(
                "{}-{}",
                variable("HOLDFAST_STACK"),
                definition.workflow
            ))
            .r#type(tier)
            .definition(text)
            .role_arn(role);
        if let Err(error) = request.send().await {
            let exists = error
                .as_service_error()
                .is_some_and(|error| error.is_state_machine_already_exists());
            assert!(exists, "{error:?}");
        }
    }

    /// Replaces a deployed workflow by another version of it.
    ///
    /// # Panics
    ///
    /// Panics if the YAML has problems, or Step Functions refuses the state machine.
    pub async fn redeploy(&self, yaml: &str) {
        let definition = read_workflow(yaml).expect("a workflow without problems");
        let request = self.states.update_state_machine();
        let request = request
            .state_machine_arn(self.machine(&definition.workflow))
            .definition(self.compiled(&definition));
        request.send().await.expect("the state machine is replaced");
    }

    /// The state machine of a workflow for the stack's functions.
    fn compiled(&self, definition: &Definition) -> String {
        let machine = machine(definition, "test").expect("it compiles");
        let mut text = machine.to_json().expect("JSON");
        let prefix = variable("HOLDFAST_MACHINE_PREFIX");
        let function = prefix
            .replace(":states:", ":lambda:")
            .replace(":stateMachine:", ":function:");
        for (name, value) in [
            ("BeginFunctionArn", format!("{function}begin")),
            ("FinishFunctionArn", format!("{function}finish")),
            ("PlanFunctionArn", format!("{function}plan")),
            ("AskFunctionArn", format!("{function}ask")),
            ("StepHttpArn", format!("{function}step-http")),
            ("StepVendorHoldArn", format!("{function}step-vendor-hold")),
            ("VendorSystemUrl", variable("HOLDFAST_VENDOR_SYSTEM")),
        ] {
            text = text.replace(&format!("${{{name}}}"), &value);
        }
        match definition.tier {
            Tier::Standard => text,
            Tier::Express => {
                let queue = self.resource("StatusEventQueue");
                text.replace(&format!("${{{ENDED_URL}}}"), &queue)
            }
        }
    }
}

/// Reads a workflow with the actions and the parameters of the stack.
pub fn read_workflow(yaml: &str) -> Result<Definition, Vec<Problem>> {
    let registry = holdfast_steps::registry();
    let actions: Vec<&ActionInfo> = registry.infos().collect();
    let parameters = ["VendorSystemUrl".to_owned()];
    let known = Environment {
        actions: &actions,
        parameters: &parameters,
    };
    read(yaml, &known)
}
