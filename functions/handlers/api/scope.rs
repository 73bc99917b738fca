//! The existence of a control's scope, and the open executions that a control covers.
//!
//! A control is for emergencies. So an outage of what these checks ask never keeps a control from
//! being set: the answer then says that the scope was not checked, or lacks the number.

use std::{cmp::Reverse, collections::BTreeMap, future::Future, time::Duration};

use futures_util::{StreamExt, future::join, stream};
use holdfast_aws::OpenCount;
use holdfast_engine::MachineError;
use holdfast_ledger::{Control, ExecutionRecord, Ledger, Scope};
use tokio::time::timeout;

use crate::api::{
    answer::{CoveredWorkflow, ScopeCheck},
    app::App,
    tenant::{Registration, registration_of},
};

/// Longest time for the check of a scope, and for the count of its executions.
const PATIENCE: Duration = Duration::from_secs(4);
/// Pages of a thousand Step Functions executions that are counted of one workflow.
const PAGES: usize = 10;
/// Number of workflows whose executions are counted for the platform. Step Functions answers 100
/// lists at once, and refills 5 or 10 a second, by region
/// (docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
const WORKFLOWS: usize = 50;
/// Number of a tenant's executions whose workflows are read.
const EXECUTIONS: usize = 200;
/// Number of requests at the same time.
const AT_ONCE: usize = 8;

/// The answer of a source that may know a scope.
enum Source {
    Knows,
    DoesNotKnow,
    Silent,
}

/// Looks for a scope. One that a control names was found before.
pub(crate) async fn check(app: &App, scope: &Scope, control: Option<&Control>) -> ScopeCheck {
    if control.is_some() {
        return ScopeCheck::Found;
    }
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

/// The open executions that a pause of a scope would touch now.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct CoveredExecutions {
    pub(crate) open: OpenCount,
    /// The workflows of those that were looked at, most executions first.
    pub(crate) workflows: Vec<CoveredWorkflow>,
    /// True if there are more open executions than `workflows` has.
    pub(crate) more: bool,
}

/// Counts the open executions in a scope; `None` if they cannot be counted in time.
pub(crate) async fn open_executions(app: &App, scope: &Scope) -> Option<OpenCount> {
    timeout(PATIENCE, count(app, scope)).await.ok().flatten()
}

async fn count(app: &App, scope: &Scope) -> Option<OpenCount> {
    let ledger = app.tenants.controls();
    match scope {
        Scope::Platform => ledger.count_open(None).await.ok(),
        Scope::Tenant(tenant) => ledger.count_open(Some(tenant)).await.ok(),
        Scope::Workflow(workflow) => {
            let running = app.machines.count_running(workflow, PAGES).await;
            running.ok().flatten()
        }
    }
}

/// Counts the open executions in a scope by their workflows; `None` if they cannot be counted in
/// time.
pub(crate) async fn outlook(app: &App, scope: &Scope) -> Option<CoveredExecutions> {
    let outlook = async {
        match scope {
            Scope::Platform => of_platform(app).await,
            Scope::Tenant(tenant) => of_tenant(app, tenant).await,
            Scope::Workflow(workflow) => {
                let open = count(app, scope).await?;
                let counts = [(workflow.clone(), open.count)];
                Some(CoveredExecutions::of(open, counts, open.more))
            }
        }
    };
    timeout(PATIENCE, outlook).await.ok().flatten()
}

/// The open executions of all tenants. The index has no workflows, and no session reads records of
/// every tenant. So the workflows are those of running Step Functions executions.
async fn of_platform(app: &App) -> Option<CoveredExecutions> {
    let ids = app.machines.workflows().await.ok()?;
    let left_out = ids.len() > WORKFLOWS;
    let counts = stream::iter(ids.into_iter().take(WORKFLOWS))
        .map(|id| async {
            let count = app.machines.count_running(&id, 1).await.ok()?;
            Some((id, count.unwrap_or_default()))
        })
        .buffered(AT_ONCE)
        .collect::<Vec<_>>();
    let (open, counts) = join(count(app, &Scope::Platform), counts).await;
    let counts: Vec<_> = counts.into_iter().collect::<Option<_>>()?;
    let open = open?;
    let listed: u64 = counts.iter().map(|(_, count)| count.count).sum();
    // Step Functions lists no Express execution, so the ledger can have more than the workflows.
    let more =
        left_out || open.more || open.count > listed || counts.iter().any(|(_, count)| count.more);
    let counts = counts.into_iter().map(|(id, open)| (id, open.count));
    Some(CoveredExecutions::of(open, counts, more))
}

/// The open executions of a tenant, of which the first ones are read.
async fn of_tenant(app: &App, tenant: &str) -> Option<CoveredExecutions> {
    let (open, first) = app
        .tenants
        .controls()
        .first_open(Some(tenant), EXECUTIONS)
        .await
        .ok()?;
    let stores = app.tenants.on_behalf_of(tenant).ok()?;
    let more = open.more || open.count > first.len() as u64;
    let reads = first.into_iter().map(|at| {
        let ledger = &stores.ledger;
        async move { ledger.read(&at).await }
    });
    let records: Vec<_> = stream::iter(reads).buffered(AT_ONCE).collect().await;
    let records: Vec<Option<ExecutionRecord>> =
        records.into_iter().collect::<Result<_, _>>().ok()?;
    let counts = records.into_iter().flatten();
    let counts = counts.map(|execution| (execution.workflow, 1));
    Some(CoveredExecutions::of(open, counts, more))
}

impl CoveredExecutions {
    /// Sums counts by workflow.
    fn of(open: OpenCount, counts: impl IntoIterator<Item = (String, u64)>, more: bool) -> Self {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for (workflow, count) in counts {
            *sums.entry(workflow).or_default() += count;
        }
        let mut workflows: Vec<_> = sums
            .into_iter()
            .filter(|(_, open_executions)| *open_executions > 0)
            .map(|(workflow_id, open_executions)| CoveredWorkflow {
                workflow_id,
                open_executions,
            })
            .collect();
        workflows.sort_by_key(|one| Reverse(one.open_executions));
        Self {
            open,
            workflows,
            more,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workflows_are_listed_by_their_open_executions_and_without_those_that_have_none() {
        let counts = [
            ("WF-A", 1),
            ("WF-B", 0),
            ("WF-C", 2),
            ("WF-A", 4),
            ("WF-D", 2),
        ];
        let counts = counts.map(|(id, count)| (id.to_owned(), count));
        let outlook = CoveredExecutions::of(OpenCount::default(), counts, false);
        let listed = outlook.workflows.iter();
        let listed: Vec<_> = listed
            .map(|one| (one.workflow_id.as_str(), one.open_executions))
            .collect();
        assert_eq!(listed, [("WF-A", 5), ("WF-C", 2), ("WF-D", 2)]);
    }
}
