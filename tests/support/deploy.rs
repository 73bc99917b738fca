//! Puts a test's own workflow beside the stack's: compiled as `holdfast compile` does it, run by the stack's functions.

use holdfast_core::{
    action::ActionInfo,
    compile::machine,
    definition::{Known, read},
};

use crate::{Aws, variable};

impl Aws {
    /// Deploys a workflow from its YAML, unless another test did.
    pub async fn deploy(&self, yaml: &str) {
        let registry = holdfast_steps::registry();
        let actions: Vec<&ActionInfo> = registry.infos().collect();
        let parameters = ["VendorSystemUrl".to_owned()];
        let known = Known {
            actions: &actions,
            parameters: &parameters,
        };
        let definition = read(yaml, &known).expect("a workflow without mistakes");
        let mut text = machine(&definition, "test")
            .expect("it compiles")
            .to_json()
            .expect("JSON");
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
        // The role of a machine of the stack that may call all of these functions.
        let described = self.states.describe_state_machine();
        let machine = self.machine("WF-HOLD-LARGE-PAYMENTS");
        let described = described.state_machine_arn(machine).send().await;
        let role = described.expect("a machine of the stack").role_arn;
        let name = format!("{}-{}", variable("HOLDFAST_STACK"), definition.workflow);
        let request = self
            .states
            .create_state_machine()
            .name(name)
            .definition(text);
        let request = request.role_arn(role);
        if let Err(error) = request.send().await {
            let exists = error
                .as_service_error()
                .is_some_and(|error| error.is_state_machine_already_exists());
            assert!(exists, "{error:?}");
        }
    }
}
