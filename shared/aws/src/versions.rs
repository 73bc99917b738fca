//! The versions of a state machine: the one that the deployment's alias names, and those that Step
//! Functions keeps.

use std::sync::Arc;

use aws_sdk_sfn::operation::describe_state_machine_alias::DescribeStateMachineAliasError;
use futures_util::{StreamExt, stream};
use holdfast_engine::{CompiledMachine, MachineError};
use jiff::Timestamp;

use crate::machines::{Machines, unavailable};

/// Number of versions that are described at the same time.
const AT_ONCE: usize = 2;

/// A version of a workflow's state machine that Step Functions keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedVersion {
    /// ARN of the version.
    pub arn: String,
    /// Time at which the deployment published it.
    pub published_at: Option<Timestamp>,
    /// The constants that it was compiled with.
    pub compiled: Arc<CompiledMachine>,
}

impl Machines {
    /// The newest `limit` versions of `workflow`, newest first, as [ListStateMachineVersions] sorts
    /// them. The flag is true if there are more. A version that this release cannot read is left
    /// out. A version never changes, so that a process describes each of them once.
    ///
    /// [ListStateMachineVersions]: https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListStateMachineVersions.html
    pub async fn published_versions(
        &self,
        workflow: &str,
        limit: u8,
    ) -> Result<(Vec<PublishedVersion>, bool), MachineError> {
        let page = self
            .client
            .list_state_machine_versions()
            .state_machine_arn(format!("{}{workflow}", self.prefix))
            .max_results(i32::from(limit))
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        let mut described = stream::iter(page.state_machine_versions)
            .map(|one| async move {
                let arn = one.state_machine_version_arn;
                let compiled = self.compiled_version(&arn).await;
                let millis = one.creation_date.to_millis().ok();
                let published_at = millis.and_then(|at| Timestamp::from_millisecond(at).ok());
                compiled.map(|compiled| PublishedVersion {
                    arn,
                    published_at,
                    compiled,
                })
            })
            .buffered(AT_ONCE);
        let mut versions = Vec::new();
        while let Some(version) = described.next().await {
            match version {
                Ok(version) => versions.push(version),
                Err(MachineError::NoSuchWorkflow | MachineError::NotOurs) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((versions, page.next_token.is_some()))
    }

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
