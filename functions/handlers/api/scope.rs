//! The existence of a control's scope, and the number of open executions that a control covers.
//!
//! A control is for emergencies. So an outage of what these checks ask never keeps a control from
//! being set: the answer then says that the scope was not checked, or lacks the number.

use std::{future::Future, time::Duration};

use holdfast_aws::OpenCount;
use holdfast_engine::MachineError;
use holdfast_ledger::Scope;
use tokio::time::timeout;

use crate::api::{
    answer::ScopeCheck,
    app::App,
    tenant::{Registration, registration_of},
};

/// Longest time for the check of a scope, and for the count of its executions.
const PATIENCE: Duration = Duration::from_secs(4);

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
        Scope::Tenant(tenant) => in_time(registered(app, tenant)).await,
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

/// Looks for the workflow's state machine.
async fn deployed(app: &App, workflow: &str) -> Source {
    match app.machines.deployed(workflow).await {
        Ok(_) => Source::Knows,
        Err(MachineError::NoSuchWorkflow | MachineError::NotOurs) => Source::DoesNotKnow,
        Err(MachineError::Unavailable(_)) => Source::Silent,
    }
}

/// Looks for the tenant's registration.
async fn registered(app: &App, tenant: &str) -> Source {
    match registration_of(app, tenant).await {
        Ok(Registration::Open | Registration::Closed(_)) => Source::Knows,
        Ok(Registration::Unknown) => Source::DoesNotKnow,
        Err(_) => Source::Silent,
    }
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
