//! `GET /v1/statistics`: sums over hours, which the audit function keeps, and what holds now.

mod range;
mod sums;

use std::{cmp::Reverse, collections::BTreeMap, mem};

use axum::Json;
use futures_util::{StreamExt, future::try_join, stream};
use holdfast_aws::{DynamoLedger, OpenCount, SystemHost};
use holdfast_engine::Host;
use holdfast_ids::names::{is_workflow_id, quoted};
use holdfast_ledger::{ControlState, IncidentStatus, Statistics};
use holdfast_receipt::Status;

use self::{
    range::{Range, StatisticsQuery},
    sums::Sums,
};
use crate::api::{
    answer::{self, Bucket, Count, Figures, Now, StepFigures, TenantFigures, WorkflowFigures},
    control::visible_controls,
    every_tenant::tenants_of,
    extract::EmptyBody,
    principal::ListCaller,
    problem::Problem,
    route::AuthorizedRequest,
};

/// The number of tenants that are read at the same time.
const AT_ONCE: usize = 16;
/// The items that are read for one tenant. One is an hour of one workflow.
const ITEMS_MAX: usize = 20_000;
/// The slowest steps that are shown.
const STEPS_MAX: usize = 50;

pub(crate) async fn read(
    AuthorizedRequest {
        app, caller, query, ..
    }: AuthorizedRequest<StatisticsQuery, EmptyBody, ListCaller>,
) -> Result<Json<answer::Statistics>, Problem> {
    let range = Range::of(&query, SystemHost.now())?;
    let workflow = query.workflow_id.as_deref();
    if let Some(id) = workflow.filter(|id| !is_workflow_id(id)) {
        return Err(Problem::bad_request(format!(
            "workflow_id {} is no workflow id: write WF- and groups of capitals and digits, such \
             as WF-PAY-VENDOR",
            quoted(id)
        )));
    }
    let reads = tenants_of(&app, &caller)
        .await?
        .into_iter()
        .map(|tenant| of_tenant(&caller.ledger, tenant, workflow, range));
    let reads: Vec<_> = reads.collect();
    let mut parts = stream::iter(reads).buffered(AT_ONCE);
    let mut all = Parts::default();
    while let Some(part) = parts.next().await {
        all.add(part?);
    }
    drop(parts);
    let mut paused = visible_controls(&app, &caller).await?;
    paused.retain(|control| control.state == ControlState::Paused);
    Ok(Json(summary(all, range, caller.tenant.clone(), paused)))
}

/// The statistics of one tenant, and what waits there now.
struct TenantPart {
    tenant: String,
    sums: Sums,
    incidents: OpenCount,
    questions: OpenCount,
}

/// The parts that were read, added up.
#[derive(Default)]
struct Parts {
    sums: Sums,
    tenants: Vec<TenantFigures>,
    incidents: Count,
    questions: Count,
}

impl Parts {
    fn add(&mut self, part: TenantPart) {
        // The registry itself is for platform admins alone.
        if !part.sums.workflows.is_empty() {
            self.tenants.push(TenantFigures {
                tenant: part.tenant,
                figures: figures(&part.sums.total),
            });
        }
        self.sums.add(&part.sums);
        for (sum, one) in [
            (&mut self.incidents, part.incidents),
            (&mut self.questions, part.questions),
        ] {
            sum.count += one.count;
            sum.more |= one.more;
        }
    }
}

async fn of_tenant(
    ledger: &DynamoLedger,
    tenant: String,
    workflow: Option<&str>,
    range: Range,
) -> Result<TenantPart, Problem> {
    let hours = (range.from, range.until);
    let mut sums = Sums::default();
    let each = |hour| sums.add_hour(range.by, hour);
    let read = ledger.statistics(&tenant, workflow, hours, ITEMS_MAX, each);
    if read.await? {
        return Err(Problem::bad_request(format!(
            "tenant {tenant} has more than {ITEMS_MAX} sums of an hour and workflow in the range: \
             choose a later `from`"
        )));
    }
    let (incidents, questions) = try_join(
        ledger.count_incidents(&tenant, IncidentStatus::Open),
        ledger.count_questions(&tenant),
    )
    .await?;
    Ok(TenantPart {
        tenant,
        sums,
        incidents,
        questions,
    })
}

/// The answer for these parts. `tenant` is the one that was asked for, if it was one.
fn summary(
    parts: Parts,
    range: Range,
    tenant: Option<String>,
    paused: Vec<answer::Control>,
) -> answer::Statistics {
    let mut sums = parts.sums;
    let mut buckets = mem::take(&mut sums.buckets);
    let every = tenant.is_none();
    answer::Statistics {
        from: range.from,
        until: range.until,
        by: range.by.name(),
        total: figures(&sums.total),
        buckets: range
            .buckets()
            .map(|at| Bucket {
                at,
                figures: figures(&buckets.remove(&at).unwrap_or_default()),
            })
            .collect(),
        steps: slowest_steps(&sums.workflows),
        workflows: slowest_workflows(sums.workflows),
        tenants: every.then_some(parts.tenants),
        now: Now {
            open_incidents: parts.incidents,
            waiting_questions: parts.questions,
            paused,
        },
        updated_at: sums.updated_at,
        tenant,
    }
}

fn figures(sums: &Statistics) -> Figures {
    let ends: u64 = sums.ended.values().sum();
    let executed = sums.ended.get(Status::Executed.name());
    let executed = executed.copied().unwrap_or_default();
    Figures {
        started: sums.started,
        withdrawn: sums.withdrawn,
        success_rate: (ends > 0).then(|| executed as f64 / ends as f64),
        mean_time_to_complete_ms: sums.completed_ms.checked_div(ends),
        total_time_to_complete_ms: sums.completed_ms,
        decisions: sums.decisions,
        mean_time_to_decide_ms: sums.decided_ms.checked_div(sums.decisions),
        total_time_to_decide_ms: sums.decided_ms,
        ended: sums.ended.clone(),
    }
}

fn slowest_workflows(by_workflow: BTreeMap<String, Statistics>) -> Vec<WorkflowFigures> {
    let workflows = by_workflow.into_iter();
    let workflows = workflows.map(|(id, sums)| WorkflowFigures {
        workflow_id: id,
        figures: figures(&sums),
    });
    let mut workflows: Vec<_> = workflows.collect();
    workflows.sort_by_key(|one| Reverse(one.figures.mean_time_to_complete_ms));
    workflows
}

fn slowest_steps(by_workflow: &BTreeMap<String, Statistics>) -> Vec<StepFigures> {
    let steps = by_workflow.iter().flat_map(|(workflow, sums)| {
        let steps = sums.steps.iter();
        steps.filter_map(|(step, sums)| {
            Some(StepFigures {
                workflow_id: workflow.clone(),
                step: step.clone(),
                ended: sums.ended,
                attempts: sums.attempts,
                mean_ms: sums.ms.checked_div(sums.ended)?,
                total_ms: sums.ms,
            })
        })
    });
    let mut steps: Vec<_> = steps.collect();
    steps.sort_by_key(|step| Reverse(step.mean_ms));
    steps.truncate(STEPS_MAX);
    steps
}

#[cfg(test)]
mod tests {
    use holdfast_aws::HourStatistics;
    use holdfast_ledger::{StatisticsKey, StepStatistics};
    use jiff::Timestamp;

    use super::{range::BucketLength, *};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn hour(hour: &str, workflow: &str, sums: Statistics) -> HourStatistics {
        HourStatistics {
            of: StatisticsKey {
                tenant: "acme".to_owned(),
                hour: at(hour),
                workflow: workflow.to_owned(),
            },
            sums,
            updated_at: Some(at(hour)),
        }
    }

    fn sums(started: u64, executed: u64, failed: u64, ms: u64) -> Statistics {
        let ended = [("EXECUTED", executed), ("FAILED", failed)];
        let ended = ended.into_iter().filter(|(_, count)| *count > 0);
        Statistics {
            started,
            ended: ended.map(|(name, n)| (name.to_owned(), n)).collect(),
            completed_ms: ms,
            ..Statistics::default()
        }
    }

    #[test]
    fn hours_are_summed_by_bucket_and_workflow_and_an_empty_mean_is_null() {
        let mut slow = sums(1, 1, 0, 9_000);
        let step = StepStatistics {
            ended: 2,
            attempts: 3,
            ms: 500,
        };
        slow.steps.insert("hold".to_owned(), step);
        let range = Range {
            from: at("2026-11-29T05:00:00Z"),
            until: at("2026-11-29T07:30:00Z"),
            by: BucketLength::Hour,
        };
        let mut parts = Parts::default();
        for (tenant, hours) in [
            (
                "acme",
                vec![
                    hour("2026-11-29T05:00:00Z", "WF-A", sums(4, 3, 1, 4_000)),
                    hour("2026-11-29T07:00:00Z", "WF-A", sums(1, 0, 0, 0)),
                ],
            ),
            ("globex", vec![hour("2026-11-29T07:00:00Z", "WF-B", slow)]),
            ("empty", Vec::new()),
        ] {
            let mut sums = Sums::default();
            hours
                .into_iter()
                .for_each(|hour| sums.add_hour(range.by, hour));
            parts.add(TenantPart {
                tenant: tenant.to_owned(),
                sums,
                incidents: OpenCount {
                    count: 2,
                    more: tenant == "empty",
                },
                questions: OpenCount::default(),
            });
        }
        let answer = summary(parts, range, None, Vec::new());
        let total = &answer.total;
        assert_eq!((total.started, total.ended["EXECUTED"]), (6, 4));
        assert_eq!(total.success_rate, Some(0.8));
        assert_eq!(total.mean_time_to_complete_ms, Some(2_600));
        let started: Vec<_> = answer
            .buckets
            .iter()
            .map(|one| one.figures.started)
            .collect();
        assert_eq!(started, [4, 0, 2]);
        let gap = &answer.buckets[1].figures;
        assert_eq!(
            (gap.success_rate, gap.mean_time_to_complete_ms),
            (None, None)
        );
        let slowest: Vec<_> = answer
            .workflows
            .iter()
            .map(|one| &one.workflow_id)
            .collect();
        assert_eq!(slowest, ["WF-B", "WF-A"]);
        assert_eq!(
            (answer.steps[0].mean_ms, answer.steps[0].attempts),
            (250, 3)
        );
        let incidents = &answer.now.open_incidents;
        assert_eq!((incidents.count, incidents.more), (6, true));
        let tenants = answer.tenants.expect("tenants").into_iter();
        let tenants: Vec<_> = tenants
            .map(|one| (one.tenant, one.figures.started))
            .collect();
        assert_eq!(tenants, [("acme".to_owned(), 5), ("globex".to_owned(), 1)]);
        assert_eq!(answer.updated_at, Some(at("2026-11-29T07:00:00Z")));
    }
}
