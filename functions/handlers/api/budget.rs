//! `GET /v1/budgets`: the budgets and limits of a tenant's workflows, and what is left of each.

use axum::Json;
use futures_util::{StreamExt, TryStreamExt, stream};
use holdfast_admission::format_amount;
use holdfast_aws::SystemHost;
use holdfast_engine::{Bound as WorkflowBound, Host, bounds_of};
use holdfast_ledger::{CounterKind, Ledger};

use crate::api::{
    answer::{Bound, Budgets},
    problem::Problem,
    route::AuthorizedRequest,
    workflow::open_workflows,
};

/// Number of counters that are read at the same time.
const AT_ONCE: usize = 8;

pub(crate) async fn list(
    AuthorizedRequest { app, caller, .. }: AuthorizedRequest,
) -> Result<Json<Budgets>, Problem> {
    let now = SystemHost.now();
    let mut bounds = Vec::new();
    for workflow in open_workflows(&app, &caller.tenant).await? {
        let gate = &workflow.compiled.gate;
        let found = bounds_of(gate, &caller.tenant, now).map_err(|why| {
            Problem::unavailable("the definition", &format!("{}: {why}", gate.workflow))
        })?;
        bounds.extend(
            found
                .into_iter()
                .map(|bound| (gate.workflow.clone(), bound)),
        );
    }
    let reads = bounds.into_iter().map(|(workflow, bound)| async {
        let used = caller.ledger.count(&bound.counter).await?;
        let is_budget = bound.counter.kind == CounterKind::Budget;
        Ok::<_, Problem>((is_budget, shown(workflow, bound, used)))
    });
    let reads: Vec<_> = reads.collect();
    let bounds: Vec<_> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    let (budgets, limits): (Vec<_>, Vec<_>) =
        bounds.into_iter().partition(|(is_budget, _)| *is_budget);
    let only = |bounds: Vec<(bool, Bound)>| bounds.into_iter().map(|(_, bound)| bound).collect();
    Ok(Json(Budgets {
        budgets: only(budgets),
        limits: only(limits),
    }))
}

fn shown(workflow_id: String, bound: WorkflowBound, used: i64) -> Bound {
    let text = |number: i64| match bound.counter.kind {
        CounterKind::Budget => format_amount(number),
        _ => number.to_string(),
    };
    Bound {
        workflow_id,
        limit: text(bound.limit),
        used: text(used),
        left: text(bound.limit.saturating_sub(used).max(0)),
        period: Some(bound.counter.period.clone()).filter(|period| !period.is_empty()),
        tenant: bound.counter.tenant,
        name: bound.name,
        resets_at: bound.resets_at,
    }
}
