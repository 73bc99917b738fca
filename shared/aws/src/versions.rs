//! The version of a state machine that the deployment's alias names.

use aws_sdk_sfn::operation::describe_state_machine_alias::DescribeStateMachineAliasError;

use holdfast_engine::MachineError;

use crate::machines::{Machines, unavailable};

impl Machines {
    /// ARN of what a start of `workflow` runs now: the version that the alias names, or the state
    /// machine itself in a deployment without an alias.
    ///
    /// An alias can divide starts between two versions; this is the one with more weight, and the
    /// first of equals. The alias is described by its own operation: the reference of
    /// [DescribeStateMachine] accepts an alias, but promises details for the ARN of a version only.
    /// [DescribeStateMachineAlias] returns the versions. It refills at one request a second for the
    /// account ("Other quotas" in
    /// docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html), so callers cache.
    ///
    /// [DescribeStateMachine]: https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachine.html
    /// [DescribeStateMachineAlias]: https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachineAlias.html
    pub(crate) async fn version(&self, workflow: &str) -> Result<String, MachineError> {
        let arn = self.arn(workflow);
        if self.alias.is_empty() {
            return Ok(arn);
        }
        let alias = self.client.describe_state_machine_alias();
        let described = match alias.state_machine_alias_arn(arn).send().await {
            Ok(described) => described,
            Err(error) => {
                return Err(match error.as_service_error() {
                    Some(DescribeStateMachineAliasError::ResourceNotFound(_)) => {
                        MachineError::NoSuchWorkflow
                    }
                    _ => unavailable(&error),
                });
            }
        };
        let routes = described.routing_configuration.unwrap_or_default();
        let heaviest = routes.into_iter().reduce(
            |one, next| {
                if next.weight > one.weight { next } else { one }
            },
        );
        heaviest
            .map(|route| route.state_machine_version_arn)
            .ok_or_else(|| MachineError::Unavailable("an alias without a version".to_owned()))
    }
}
