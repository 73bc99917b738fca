//! `GET /v1/statistics`: sums over hours, which the audit function keeps, and what holds now.

mod range;

use std::{cmp::Reverse, collections::BTreeMap};

use axum::Json;
use futures_util::{StreamExt, TryStreamExt, future::try_join, stream};
use holdfast_aws::{DynamoLedger, HourStatistics, OpenCount, SystemHost, TenantStatistics};
use holdfast_engine::Host;
use holdfast_ids::names::{is_workflow_id, quoted};
use holdfast_ledger::{ControlState, IncidentStatus, LedgerError, Statistics};
use holdfast_receipt::Status;

use self::range::{Range, StatisticsQuery};
use crate::api::{
    answer::{self, Bucket, Count, Figures, Now, StepFigures, TenantFigures, WorkflowFigures},
    control::visible_controls,
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
    let tenants = match &caller.tenant {
        Some(tenant) => vec![tenant.clone()],
        None => {
            let registered = app.tenants.registry().registered_tenants().await?;
            registered.into_iter().map(|one| one.tenant).collect()
        }
    };
    let reads = tenants
        .into_iter()
        .map(|tenant| of_tenant(&caller.ledger, tenant, workflow, range));
    let reads: Vec<_> = reads.collect();
    let parts: Vec<_> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    if parts.iter().any(|part| part.statistics.more) {
        return Err(Problem::bad_request(
            "the range has too many hours and workflows: choose a later `from`",
        ));
    }
    let mut paused = visible_controls(&app, &caller).await?;
    paused.retain(|control| control.state == ControlState::Paused);
    Ok(Json(summary(&parts, range, caller.tenant.clone(), paused)))
}

/// The statistics of one tenant, and what waits there now.
struct TenantPart {
    tenant: String,
    statistics: TenantStatistics,
    incidents: OpenCount,
    questions: OpenCount,
}

async fn of_tenant(
    ledger: &DynamoLedger,
    tenant: String,
    workflow: Option<&str>,
    range: Range,
) -> Result<TenantPart, LedgerError> {
    let hours = (range.from, range.until);
    let statistics = ledger
        .statistics(&tenant, workflow, hours, ITEMS_MAX)
        .await?;
    let (incidents, questions) = try_join(
        ledger.count_incidents(&tenant, IncidentStatus::Open),
        ledger.count_questions(&tenant),
    )
    .await?;
    Ok(TenantPart {
        tenant,
        statistics,
        incidents,
        questions,
    })
}

/// The answer for these tenants. `tenant` is the one that was asked for, if it was one.
fn summary(
    parts: &[TenantPart],
    range: Range,
    tenant: Option<String>,
    paused: Vec<answer::Control>,
) -> answer::Statistics {
    let hours = || parts.iter().flat_map(|part| &part.statistics.hours);
    let by_workflow = summed(hours().map(|hour| (hour.of.workflow.as_str(), &hour.sums)));
    let mut buckets = summed(hours().map(|hour| (range.by.begin(hour.of.hour), &hour.sums)));
    let sum = |of: fn(&TenantPart) -> OpenCount| {
        parts
            .iter()
            .map(of)
            .fold(Count::default(), |sum, one| Count {
                count: sum.count + one.count,
                more: sum.more || one.more,
            })
    };
    let every = tenant.is_none();
    answer::Statistics {
        from: range.from,
        until: range.until,
        by: range.by.name(),
        total: figures(&total(hours())),
        buckets: range
            .buckets()
            .map(|at| Bucket {
                at,
                figures: figures(&buckets.remove(&at).unwrap_or_default()),
            })
            .collect(),
        steps: slowest_steps(&by_workflow),
        workflows: slowest_workflows(by_workflow),
        tenants: every.then(|| {
            // The registry itself is for platform admins alone.
            let counted = parts
                .iter()
                .filter(|part| !part.statistics.hours.is_empty());
            let tenants = counted.map(|part| TenantFigures {
                tenant: part.tenant.clone(),
                figures: figures(&total(part.statistics.hours.iter())),
            });
            tenants.collect()
        }),
        now: Now {
            open_incidents: sum(|part| part.incidents),
            waiting_questions: sum(|part| part.questions),
            paused,
        },
        updated_at: hours().filter_map(|hour| hour.updated_at).max(),
        tenant,
    }
}

/// The sums under each key.
fn summed<'a, K: Ord>(parts: impl Iterator<Item = (K, &'a Statistics)>) -> BTreeMap<K, Statistics> {
    let mut all: BTreeMap<K, Statistics> = BTreeMap::new();
    for (key, sums) in parts {
        all.entry(key).or_default().add(sums);
    }
    all
}

fn total<'a>(hours: impl Iterator<Item = &'a HourStatistics>) -> Statistics {
    let mut total = Statistics::default();
    for hour in hours {
        total.add(&hour.sums);
    }
    total
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

fn slowest_workflows(by_workflow: BTreeMap<&str, Statistics>) -> Vec<WorkflowFigures> {
    let workflows = by_workflow.into_iter();
    let workflows = workflows.map(|(id, sums)| WorkflowFigures {
        workflow_id: id.to_owned(),
        figures: figures(&sums),
    });
    let mut workflows: Vec<_> = workflows.collect();
    workflows.sort_by_key(|one| Reverse(one.figures.mean_time_to_complete_ms));
    workflows
}

fn slowest_steps(by_workflow: &BTreeMap<&str, Statistics>) -> Vec<StepFigures> {
    let steps = by_workflow.iter().flat_map(|(workflow, sums)| {
        let steps = sums.steps.iter();
        steps.filter_map(|(step, sums)| {
            Some(StepFigures {
                workflow_id: (*workflow).to_owned(),
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
        let part = TenantPart {
            tenant: "acme".to_owned(),
            statistics: TenantStatistics {
                hours: vec![
                    hour("2026-11-29T05:00:00Z", "WF-A", sums(4, 3, 1, 4_000)),
                    hour("2026-11-29T07:00:00Z", "WF-A", sums(1, 0, 0, 0)),
                    hour("2026-11-29T07:00:00Z", "WF-B", slow),
                ],
                more: false,
            },
            incidents: OpenCount {
                count: 2,
                more: false,
            },
            questions: OpenCount::default(),
        };
        let range = Range {
            from: at("2026-11-29T05:00:00Z"),
            until: at("2026-11-29T07:30:00Z"),
            by: BucketLength::Hour,
        };
        let answer = summary(&[part], range, None, Vec::new());
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
        assert_eq!(answer.now.open_incidents.count, 2);
        assert_eq!(answer.tenants.map(|all| all.len()), Some(1));
        assert_eq!(answer.updated_at, Some(at("2026-11-29T07:00:00Z")));
    }
}
