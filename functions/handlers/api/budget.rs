//! `GET /v1/budgets`: the budgets and limits of a tenant's workflows, and what is left of each.

use axum::Json;
use futures_util::{StreamExt, TryStreamExt, stream};
use holdfast_admission::format_amount;
use holdfast_aws::SystemHost;
use holdfast_engine::{Allowance as WorkflowAllowance, Host, allowances_of};
use holdfast_ledger::{CounterKind, Ledger};

use crate::api::{
    answer::{Allowance, Budgets},
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
    let mut allowances = Vec::new();
    for workflow in open_workflows(&app, &caller.tenant).await? {
        let gate = &workflow.compiled.gate;
        let found = allowances_of(gate, &caller.tenant, now).map_err(|why| {
            Problem::unavailable("the definition", &format!("{}: {why}", gate.workflow))
        })?;
        allowances.extend(
            found
                .into_iter()
                .map(|allowance| (gate.workflow.clone(), allowance)),
        );
    }
    let ledger = &caller.ledger;
    let reads = allowances
        .into_iter()
        .map(|(workflow, allowance)| async move {
            let used = ledger.count(&allowance.counter).await?;
            let is_budget = allowance.counter.kind == CounterKind::Budget;
            Ok::<_, Problem>((is_budget, shown(workflow, allowance, used)))
        });
    let reads: Vec<_> = reads.collect();
    let allowances: Vec<_> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    let (budgets, limits): (Vec<_>, Vec<_>) = allowances
        .into_iter()
        .partition(|(is_budget, _)| *is_budget);
    let only = |allowances: Vec<(bool, Allowance)>| {
        allowances
            .into_iter()
            .map(|(_, allowance)| allowance)
            .collect()
    };
    Ok(Json(Budgets {
        budgets: only(budgets),
        limits: only(limits),
    }))
}

fn shown(workflow_id: String, allowance: WorkflowAllowance, used: i64) -> Allowance {
    let text = |number: i64| match allowance.counter.kind {
        CounterKind::Budget => format_amount(number),
        _ => number.to_string(),
    };
    Allowance {
        workflow_id,
        limit: text(allowance.limit),
        used: text(used),
        left: text(allowance.limit.saturating_sub(used).max(0)),
        period: Some(allowance.counter.period.clone()).filter(|period| !period.is_empty()),
        tenant: allowance.counter.tenant,
        name: allowance.name,
        resets_at: allowance.resets_at,
    }
}
