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
    let (ledger, payloads) = (&caller.ledger, caller.sees_payloads);
    let reads = allowances
        .into_iter()
        .map(|(workflow, allowance)| async move {
            let used = ledger.count(&allowance.counter).await?;
            let is_budget = allowance.counter.kind == CounterKind::Budget;
            let shown = shown(workflow, allowance, used, payloads);
            Ok::<_, Problem>((is_budget, shown))
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

/// The answer for a budget or a limit. What is used of a budget is a sum of amounts, which inputs
/// name, so that it is left out without `payloads`. A count of executions is shown to every role.
fn shown(
    workflow_id: String,
    allowance: WorkflowAllowance,
    used: i64,
    payloads: bool,
) -> Allowance {
    let is_budget = allowance.counter.kind == CounterKind::Budget;
    let text = |number: i64| match is_budget {
        true => format_amount(number),
        false => number.to_string(),
    };
    let sum = |number: i64| (payloads || !is_budget).then(|| text(number));
    Allowance {
        workflow_id,
        limit: text(allowance.limit),
        used: sum(used),
        left: sum(allowance.limit.saturating_sub(used).max(0)),
        period: Some(allowance.counter.period.clone()).filter(|period| !period.is_empty()),
        tenant: allowance.counter.tenant,
        name: allowance.name,
        resets_at: allowance.resets_at,
    }
}

#[cfg(test)]
mod tests {
    use holdfast_ledger::Counter;

    use super::*;

    #[test]
    fn what_is_used_of_a_budget_is_for_roles_that_see_payloads_and_counts_are_for_every_role() {
        for (kind, payloads, used, left) in [
            (CounterKind::Budget, true, Some("90.9"), Some("9.1")),
            (CounterKind::Budget, false, None, None),
            (CounterKind::Open, false, Some("909000"), Some("91000")),
        ] {
            let allowance = WorkflowAllowance {
                name: "held_amount".to_owned(),
                counter: Counter {
                    kind,
                    tenant: "acme".to_owned(),
                    name: "held_amount".to_owned(),
                    period: String::new(),
                },
                limit: 1_000_000,
                resets_at: None,
            };
            let shown = shown("WF-A".to_owned(), allowance, 909_000, payloads);
            let found = (shown.used.as_deref(), shown.left.as_deref());
            assert_eq!(found, (used, left), "{kind:?}");
        }
    }
}
