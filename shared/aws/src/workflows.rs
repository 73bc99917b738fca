//! What is deployed: every workflow's machine and what it carries, remembered for a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use holdfast_ids::names::is_workflow_id;
use serde_json::Value;

use crate::machines::{CompiledMachine, MachineError, Machines, unavailable};

/// How long a machine is remembered: deployments are rare, and Step Functions describes only 20 machines a second.
const KEPT: Duration = Duration::from_secs(60);

/// A workflow's machine.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployedWorkflow {
    /// What it carries for the gate and the receipt.
    pub compiled: CompiledMachine,
    /// All of it, in the Amazon States Language.
    pub machine: Value,
}

/// What is known of the deployment, and since when.
#[derive(Debug, Default)]
pub(crate) struct CachedWorkflows {
    machines: Mutex<HashMap<String, (Instant, Arc<DeployedWorkflow>)>>,
    workflows: Mutex<Option<(Instant, Vec<String>)>>,
}

impl Machines {
    /// The ids of all workflows, sorted.
    pub async fn workflows(&self) -> Result<Vec<String>, MachineError> {
        let known = &self.remembered.workflows;
        {
            let known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, ids)) = known.as_ref().filter(|(since, _)| since.elapsed() < KEPT) {
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

    /// The machine of `workflow`, as it was within the last minute.
    pub async fn deployed(&self, workflow: &str) -> Result<Arc<DeployedWorkflow>, MachineError> {
        self.deployed_within(KEPT, workflow).await
    }

    /// The machine of `workflow`, as it was no longer than `age` ago.
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
