//! `GET /v1/causes`: the newest incidents grouped by cause, with the number of executions of each.

use std::{cmp::Reverse, collections::BTreeMap};

use axum::Json;
use futures_util::{StreamExt, TryStreamExt, stream};
use holdfast_aws::OpenCount;
use holdfast_ledger::{Incident, IncidentKey, kind_of_reason};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    answer::{CauseGroup, CauseIncident, Causes, Count},
    app::App,
    every_tenant::{newest, tenants_of},
    extract::{EmptyBody, NamesTenant},
    incident::status_of,
    principal::ListCaller,
    problem::Problem,
    route::AuthorizedRequest,
};

/// Incidents that are grouped, of one tenant or of all together.
const INCIDENTS_MAX: usize = 500;
/// Executions of one incident that are counted.
const EXECUTIONS_MAX: u16 = 1_000;
/// Incidents whose executions are counted at the same time.
const AT_ONCE: usize = 16;

/// The query of the list of causes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CauseQuery {
    /// The tenant; your own if left out. A role of every tenant may write `*` for all of them.
    tenant: Option<String>,
    /// Only incidents of this status; `open` if left out.
    #[schemars(extend("enum" = ["open", "acknowledged", "resolved"]))]
    status: Option<String>,
}

impl NamesTenant for CauseQuery {
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

pub(crate) async fn list(
    AuthorizedRequest {
        app, caller, query, ..
    }: AuthorizedRequest<CauseQuery, EmptyBody, ListCaller>,
) -> Result<Json<Causes>, Problem> {
    let status = status_of(query.status.as_deref())?;
    let tenants = tenants_of(&app, &caller).await?;
    let read = newest(tenants, INCIDENTS_MAX, |tenant, window, limit| {
        let ledger = caller.ledger.clone();
        async move { ledger.incidents(&tenant, status, &window, limit).await }
    });
    let (incidents, more) = read.await?;
    let incidents = incidents.into_iter();
    let counted = incidents.map(|incident| counted(&app, &caller, incident));
    let counted: Vec<_> = counted.collect();
    let counted = stream::iter(counted)
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(Json(Causes {
        causes: grouped(counted, caller.sees_payloads),
        more,
    }))
}

/// An incident with the number of executions that met it.
async fn counted(
    app: &App,
    caller: &ListCaller,
    incident: Incident,
) -> Result<(Incident, OpenCount), Problem> {
    let key = IncidentKey::new(&incident.tenant, &incident.id);
    // The session for every tenant's lists reaches no incident's partition.
    let count = match &caller.tenant {
        Some(_) => caller.ledger.count_links(&key, EXECUTIONS_MAX).await?,
        None => {
            let stores = app.tenants.on_behalf_of(&incident.tenant);
            let stores = stores.map_err(Problem::misconfigured)?;
            stores.ledger.count_links(&key, EXECUTIONS_MAX).await?
        }
    };
    Ok((incident, count))
}

/// The incidents by cause: those with most executions first, then the newest.
fn grouped(incidents: Vec<(Incident, OpenCount)>, payloads: bool) -> Vec<CauseGroup> {
    let mut groups: BTreeMap<_, Vec<(Incident, OpenCount)>> = BTreeMap::new();
    for (incident, count) in incidents {
        let cause = (
            incident.workflow.clone(),
            incident.state.clone(),
            incident.error.clone(),
            incident.standing,
            kind_of_reason(&incident.message),
        );
        groups.entry(cause).or_default().push((incident, count));
    }
    let groups = groups.into_values();
    let mut groups: Vec<_> = groups.filter_map(|all| group(all, payloads)).collect();
    groups.sort_by_key(|group| Reverse((group.executions.count, group.latest)));
    groups
}

fn group(mut all: Vec<(Incident, OpenCount)>, payloads: bool) -> Option<CauseGroup> {
    all.sort_by_key(|(incident, _)| Reverse(incident.opened_at));
    let (newest, _) = all.first()?;
    let (oldest, _) = all.last()?;
    let mut tenants: Vec<_> = all.iter().map(|(one, _)| one.tenant.clone()).collect();
    tenants.sort();
    tenants.dedup();
    Some(CauseGroup {
        workflow_id: newest.workflow.clone(),
        state: newest.state.clone(),
        error: newest.error.clone(),
        message: payloads.then(|| newest.message.clone()),
        standing: newest.standing,
        tenants,
        since: oldest.opened_at,
        latest: newest.opened_at,
        executions: Count {
            count: all.iter().map(|(_, count)| count.count).sum(),
            more: all.iter().any(|(_, count)| count.more),
        },
        incidents: all
            .iter()
            .map(|(incident, count)| CauseIncident {
                incident_id: incident.id.clone(),
                tenant: incident.tenant.clone(),
                status: incident.status,
                opened_at: incident.opened_at,
                executions: Count {
                    count: count.count,
                    more: count.more,
                },
                href: format!("/v1/incidents/{}", incident.id),
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use holdfast_ledger::IncidentStatus;
    use jiff::Timestamp;

    use super::*;

    fn incident(id: &str, tenant: &str, message: &str, at_s: i64) -> Incident {
        Incident {
            rev: 1,
            id: id.to_owned(),
            tenant: tenant.to_owned(),
            workflow: "WF-PAY".to_owned(),
            state: "pay".to_owned(),
            error: "Permanent".to_owned(),
            message: message.to_owned(),
            opened_at: Timestamp::constant(1_759_150_800 + at_s, 0),
            execution: "f1".to_owned(),
            version: 1,
            subject: None,
            standing: false,
            status: IncidentStatus::Open,
            handled: Vec::new(),
        }
    }

    #[test]
    fn one_cause_at_several_tenants_is_one_group_and_another_reason_is_another() {
        let count = |count| OpenCount { count, more: false };
        let incidents = || {
            vec![
                (incident("3", "acme", "POST answered 409 {}", 30), count(1)),
                (
                    incident("2", "globex", "POST answered 422 a1", 20),
                    count(5),
                ),
                (incident("1", "acme", "POST answered 422 b2", 10), count(7)),
            ]
        };
        let groups = grouped(incidents(), true);
        let shown: Vec<_> = groups
            .iter()
            .map(|group| {
                (
                    group.executions.count,
                    group.tenants.len(),
                    group.incidents.len(),
                )
            })
            .collect();
        assert_eq!(shown, [(12, 2, 2), (1, 1, 1)]);
        let first = &groups[0];
        assert_eq!(first.message.as_deref(), Some("POST answered 422 a1"));
        assert!(first.since < first.latest);
        assert_eq!(grouped(incidents(), false)[0].message, None);
    }

    #[test]
    fn incidents_of_another_workflow_step_error_or_residue_are_other_causes() {
        let first = || incident("1", "acme", "POST answered 422", 10);
        let others = [
            Incident {
                workflow: "WF-TELL".to_owned(),
                ..first()
            },
            Incident {
                state: "tell".to_owned(),
                ..first()
            },
            Incident {
                error: "Unknown".to_owned(),
                ..first()
            },
            Incident {
                standing: true,
                ..first()
            },
        ];
        for other in others {
            let count = OpenCount {
                count: 1,
                more: false,
            };
            let groups = grouped(vec![(first(), count), (other.clone(), count)], true);
            assert_eq!(groups.len(), 2, "{other:?}");
        }
    }

    #[test]
    fn of_equal_causes_the_newest_is_first_and_a_sum_of_cut_counts_is_cut() {
        let count = |more| OpenCount { count: 2, more };
        let of = |message: &str, at_s: i64| incident("1", "acme", message, at_s);
        let groups = grouped(
            vec![
                (of("POST answered 409 {}", 10), count(false)),
                (of("POST answered 500 {}", 20), count(true)),
                (of("POST answered 422 {}", 15), count(false)),
            ],
            true,
        );
        let shown = groups.iter();
        let shown: Vec<_> = shown
            .map(|group| (group.message.as_deref(), group.executions.more))
            .collect();
        assert_eq!(
            shown,
            [
                (Some("POST answered 500 {}"), true),
                (Some("POST answered 422 {}"), false),
                (Some("POST answered 409 {}"), false)
            ]
        );
    }
}
