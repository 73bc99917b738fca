//! The deployed workflows and their state machines, cached for a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_sdk_sfn::types::ExecutionStatus;
use holdfast_engine::{CompiledMachine, MachineError};
use holdfast_ids::names::is_workflow_id;
use serde_json::Value;

use crate::{
    machines::{Machines, unavailable},
    owners::is_of_express,
};

/// The age at which a cached state machine expires. Deployments are rare, and Step Functions
/// describes only 20 state machines a second.
const CACHED_FOR: Duration = Duration::from_secs(60);

/// A workflow's state machine.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployedWorkflow {
    /// ARN that was read: that of a version, or of the state machine in a deployment without an
    /// alias. [`Machines::start_version`] starts exactly this.
    pub arn: String,
    /// The constants for admission and for the receipt.
    pub compiled: CompiledMachine,
    /// The state machine in the Amazon States Language.
    pub machine: Value,
}

/// The cached workflows, each with the time of its read.
#[derive(Debug, Default)]
pub(crate) struct CachedWorkflows {
    machines: Mutex<HashMap<String, (Instant, Arc<DeployedWorkflow>)>>,
    workflows: Mutex<Option<(Instant, Vec<String>)>>,
}

/// A number of open executions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenCount {
    /// The executions that were counted.
    pub count: u64,
    /// True if there are more.
    pub more: bool,
}

impl OpenCount {
    /// This count up to `limit`.
    pub(crate) fn at_most(self, limit: u64) -> Self {
        Self {
            count: self.count.min(limit),
            more: self.more || self.count > limit,
        }
    }
}

impl Machines {
    /// The number of running Step Functions executions of `workflow`. Reads `most` pages of a
    /// thousand at most. `None` for an Express state machine: Step Functions lists none of its
    /// executions.
    pub async fn count_running(
        &self,
        workflow: &str,
        most: usize,
    ) -> Result<Option<OpenCount>, MachineError> {
        let mut pages = self
            .client
            .list_executions()
            .state_machine_arn(format!("{}{workflow}", self.prefix))
            .status_filter(ExecutionStatus::Running)
            .max_results(1000)
            .into_paginator()
            .send();
        let mut open = OpenCount::default();
        for _ in 0..most {
            let Some(page) = pages.next().await else {
                return Ok(Some(open));
            };
            let page = match page {
                Err(error) if is_of_express(&error) => return Ok(None),
                page => page.map_err(|error| unavailable(&error))?,
            };
            open.count += page.executions.len() as u64;
            open.more = page.next_token.is_some();
        }
        Ok(Some(open))
    }

    /// The ids of all workflows, sorted.
    pub async fn workflows(&self) -> Result<Vec<String>, MachineError> {
        let known = &self.remembered.workflows;
        {
            let known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, ids)) = known
                .as_ref()
                .filter(|(since, _)| since.elapsed() < CACHED_FOR)
            {
                return Ok(ids.clone());
            }
        }
        let prefix = self.prefix.rsplit(':').next().unwrap_or_default();
        let mut pages = self.client.list_state_machines().into_paginator().send();
        let mut ids = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable(&error))?;
            let names = page
                .state_machines
                .iter()
                .map(|machine| machine.name.as_str());
            let ours = names.filter_map(|name| name.strip_prefix(prefix));
            ids.extend(ours.filter(|id| is_workflow_id(id)).map(str::to_owned));
        }
        ids.sort();
        *known.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), ids.clone()));
        Ok(ids)
    }

    /// The state machine of `workflow`, at most a minute old.
    pub async fn deployed(&self, workflow: &str) -> Result<Arc<DeployedWorkflow>, MachineError> {
        self.deployed_within(CACHED_FOR, workflow).await
    }

    /// The state machine of `workflow`, at most `age` old.
    pub async fn deployed_within(
        &self,
        age: Duration,
        workflow: &str,
    ) -> Result<Arc<DeployedWorkflow>, MachineError> {
        let known = &self.remembered.machines;
        {
            let known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, deployed)) = known
                .get(workflow)
                .filter(|(since, _)| since.elapsed() < age)
            {
                return Ok(Arc::clone(deployed));
            }
        }
        let deployed = Arc::new(self.described(workflow).await?);
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(workflow.to_owned(), (Instant::now(), Arc::clone(&deployed)));
        Ok(deployed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_beyond_its_limit_is_the_limit_and_more() {
        for ((count, more), expected) in [
            ((1_000, false), (1_000, false)),
            ((1_001, true), (1_000, true)),
            ((1_001, false), (1_000, true)),
            // A page of a megabyte ends before.
            ((900, true), (900, true)),
        ] {
            let limited = OpenCount { count, more }.at_most(1_000);
            assert_eq!((limited.count, limited.more), expected);
        }
    }
}
