//! The existence of a control's scope, and the number of open executions that a control covers.
//!
//! A control is for emergencies. So an outage of what these checks ask never keeps a control from
//! being set: the answer then says that the scope was not checked, or lacks the number.

use std::{future::Future, time::Duration};

use futures_util::{StreamExt, stream};
use holdfast_aws::{ExecutionSearch, OpenCount};
use holdfast_engine::MachineError;
use holdfast_ledger::Scope;
use tokio::time::timeout;

use crate::api::{answer::ScopeCheck, app::App};

/// Longest time for the check of a scope, and for the count of its executions.
const PATIENCE: Duration = Duration::from_secs(4);

/// Number of state machines that are described at the same time.
const AT_ONCE: usize = 8;

/// The answer of a source that may know a scope.
enum Source {
    Knows,
    DoesNotKnow,
    Silent,
}

/// Looks for a scope that no control names yet.
pub(crate) async fn check(app: &App, scope: &Scope) -> ScopeCheck {
    let found = match scope {
        Scope::Platform => Source::Knows,
        Scope::Workflow(workflow) => in_time(deployed(app, workflow)).await,
        Scope::Tenant(tenant) => match in_time(recorded(app, tenant)).await {
            Source::Knows => Source::Knows,
            silent_or_not => match (silent_or_not, in_time(named(app, tenant)).await) {
                (_, Source::Knows) => Source::Knows,
                (Source::DoesNotKnow, Source::DoesNotKnow) => Source::DoesNotKnow,
                _ => Source::Silent,
            },
        },
    };
    match found {
        Source::Knows => ScopeCheck::Found,
        Source::DoesNotKnow => ScopeCheck::New,
        Source::Silent => ScopeCheck::Unavailable,
    }
}

async fn in_time(source: impl Future<Output = Source>) -> Source {
    timeout(PATIENCE, source).await.unwrap_or(Source::Silent)
}

/// Asks whether the workflow is deployed.
async fn deployed(app: &App, workflow: &str) -> Source {
    match app.machines.deployed(workflow).await {
        Ok(_) => Source::Knows,
        Err(MachineError::NoSuchWorkflow | MachineError::NotOurs) => Source::DoesNotKnow,
        Err(MachineError::Unavailable(_)) => Source::Silent,
    }
}

/// Asks whether the ledger has an execution of the tenant.
async fn recorded(app: &App, tenant: &str) -> Source {
    let Ok((ledger, _)) = app.tenants.on_behalf_of(tenant).await else {
        return Source::Silent;
    };
    let search = ExecutionSearch::default();
    match ledger.executions(tenant, &search, 1, None).await {
        Ok((found, _)) if found.is_empty() => Source::DoesNotKnow,
        Ok(_) => Source::Knows,
        Err(_) => Source::Silent,
    }
}

/// Asks whether a deployed workflow lists the tenant.
async fn named(app: &App, tenant: &str) -> Source {
    let Ok(ids) = app.machines.workflows().await else {
        return Source::Silent;
    };
    let mut machines = stream::iter(ids)
        .map(|id| async move { app.machines.deployed(&id).await })
        .buffer_unordered(AT_ONCE);
    let mut answer = Source::DoesNotKnow;
    while let Some(deployed) = machines.next().await {
        match deployed {
            Ok(deployed)
                if deployed
                    .compiled
                    .gate
                    .tenants
                    .iter()
                    .any(|one| one == tenant) =>
            {
                return Source::Knows;
            }
            Err(MachineError::Unavailable(_)) => answer = Source::Silent,
            _ => {}
        }
    }
    answer
}

/// Counts the open executions in a scope; `None` if they cannot be counted in time.
pub(crate) async fn open_executions(app: &App, scope: &Scope) -> Option<OpenCount> {
    let ledger = app.tenants.controls();
    let count = async {
        match scope {
            Scope::Platform => ledger.count_open(None).await.ok(),
            Scope::Tenant(tenant) => ledger.count_open(Some(tenant)).await.ok(),
            Scope::Workflow(workflow) => app.machines.count_running(workflow).await.ok(),
        }
    };
    timeout(PATIENCE, count).await.ok().flatten()
}
