//! `POST /v1/incidents/{incident_id}/{decision|acknowledge|resolve}`: what people do about an incident.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use futures_util::future::join_all;
use holdfast_aws::{SystemHost, deliver, trace};
use holdfast_core::{
    access::Operation,
    engine::Host,
    keys::ExecutionKey,
    ledger::{
        Deciding, Decision, Expect, Incident, IncidentStatus, Ledger, Link, Put, QuestionKind,
        QuestionState, Request, WAITING, handle, rule,
    },
    names::is_execution_id,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    App,
    answer::{self, Decided, ExecutionLinks},
    caller::{Caller, Thing, Visitor, no_such},
    given::{Asked, Given, Named},
    incident::{find, question, shown},
    problem::Problem,
    request::{REASON, Reason, given},
};

/// Executions whose question is read at once.
const AT_ONCE: usize = 16;

/// The body of a decision.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    decision: Decision,
    #[schemars(length(min = 1, max = 500), extend("pattern" = REASON))]
    reason: String,
    /// Which, where several wait.
    #[schemars(regex(pattern = "^[0-9a-f]{40}$"))]
    execution_id: Option<String>,
}

pub(crate) async fn acknowledge(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(Named { tenant }): Asked<Named>,
    Given(Reason { reason }): Given<Reason>,
) -> Result<Json<answer::Incident>, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .may(
            &app,
            Operation::HandleIncidents,
            named,
            Thing::Incident(&id),
        )
        .await?;
    let request = given(&caller, &reason)?;
    let incident = find(&caller, &id).await?;
    let incident = handled(&caller, incident, IncidentStatus::Acknowledged, &request).await?;
    Ok(Json(shown(&incident, caller.sees_payloads)))
}

pub(crate) async fn resolve(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(Named { tenant }): Asked<Named>,
    Given(Reason { reason }): Given<Reason>,
) -> Result<Json<answer::Incident>, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .may(
            &app,
            Operation::HandleIncidents,
            named,
            Thing::Incident(&id),
        )
        .await?;
    let request = given(&caller, &reason)?;
    let incident = find(&caller, &id).await?;
    let links = caller.ledger.links(&caller.tenant, &incident.id).await?;
    if let Some(execution) = undecided(&caller, &incident, &links).await?.first() {
        return Err(Problem::conflict(format!(
            "execution {execution} still waits for a decision: give it first"
        )));
    }
    let incident = handled(&caller, incident, IncidentStatus::Resolved, &request).await?;
    Ok(Json(shown(&incident, caller.sees_payloads)))
}

/// Writes what somebody did about an incident, deciding anew whenever somebody else was quicker.
async fn handled(
    caller: &Caller,
    mut incident: Incident,
    status: IncidentStatus,
    request: &Request,
) -> Result<Incident, Problem> {
    loop {
        let next = match handle(&incident, status, request, SystemHost.now()) {
            Err(why) => return Err(Problem::conflict(why)),
            Ok(None) => return Ok(incident),
            Ok(Some(next)) => next,
        };
        let put = caller.ledger.put_incident(&next, Expect::Rev(incident.rev));
        match put.await? {
            Put::Done => {
                let audit = match status {
                    IncidentStatus::Resolved => "workflow.incident.resolved",
                    _ => "workflow.incident.acknowledged",
                };
                tracing::warn!(
                    audit,
                    tenant = next.tenant,
                    incident = next.id,
                    workflow = next.workflow,
                    by = request.by,
                    "an incident was handled"
                );
                return Ok(next);
            }
            Put::Lost(Some(winner)) => incident = *winner,
            Put::Lost(None) => {
                return Err(no_such(Thing::Incident(&incident.id), &caller.tenant));
            }
        }
    }
}

/// Gives a decision to the execution that waits for it.
pub(crate) async fn decision(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(Named { tenant }): Asked<Named>,
    Given(body): Given<Body>,
) -> Result<Json<Decided>, Problem> {
    let named = tenant.as_deref();
    let caller = visitor
        .may(&app, Operation::Decide, named, Thing::Incident(&id))
        .await?;
    let Body {
        decision,
        reason,
        execution_id,
    } = body;
    let incident = find(&caller, &id).await?;
    let caller = &caller;
    let request = given(caller, &reason)?;
    let execution = match execution_id {
        Some(id) if is_execution_id(&id) => id,
        Some(_) => return Err(Problem::bad_request("execution_id has 40 hex digits")),
        None => {
            let links = caller.ledger.links(&caller.tenant, &incident.id).await?;
            match (&undecided(caller, &incident, &links).await?[..], &links[..]) {
                ([execution], _) => (*execution).to_owned(),
                // A repeat of the decision on the only execution it ever met.
                ([], [link]) => link.execution.clone(),
                ([], _) => {
                    let why = "no execution waits for a decision on this incident";
                    return Err(Problem::conflict(why));
                }
                (some, _) => {
                    return Err(Problem::conflict(format!(
                        "several executions wait for a decision: name one as execution_id (such as {})",
                        some.join(" or ")
                    )));
                }
            }
        }
    };
    let at = ExecutionKey {
        tenant: caller.tenant.clone(),
        execution,
    };
    let now = SystemHost.now();
    let decided = rule(
        &caller.ledger,
        &at,
        &incident.state,
        decision,
        &request,
        now,
    )
    .await?;
    let (question, replayed) = match decided {
        None => {
            let why = "this execution does not wait for a decision on this incident";
            return Err(Problem::conflict(why));
        }
        Some(Deciding::Refused(why)) => return Err(Problem::conflict(why)),
        Some(Deciding::Forbidden(why)) => return Err(Problem::forbidden(why)),
        Some(Deciding::Unfit(why)) => return Err(Problem::bad_request(why)),
        Some(Deciding::Already(question)) => (question, true),
        Some(Deciding::Write(question)) => (question, false),
    };
    if !replayed {
        tracing::warn!(
            audit = "workflow.incident.decided",
            tenant = at.tenant,
            execution = at.execution,
            trace = trace().map(tracing::field::display),
            workflow = incident.workflow,
            incident = incident.id,
            step = question.step,
            decision = decision.name(),
            by = request.by,
            "somebody decided"
        );
    }
    // It is recorded: whatever fails from here on is done by the sweep.
    if let Err(error) = deliver(&caller.ledger, &app.machines, &question).await {
        tracing::warn!(execution = at.execution, %error, "the decision is delivered later");
    }
    if question.kind == QuestionKind::Approval {
        handled(caller, incident.clone(), IncidentStatus::Resolved, &request).await?;
    }
    Ok(Json(Decided {
        incident_id: incident.id,
        step: question.step,
        decision: decision.name(),
        replayed,
        links: ExecutionLinks {
            execution: format!("/v1/executions/{}", at.execution),
        },
        execution_id: at.execution,
    }))
}

/// Executions that still wait for a decision on an incident: two, if there are more.
async fn undecided<'a>(
    caller: &Caller,
    incident: &Incident,
    links: &'a [Link],
) -> Result<Vec<&'a str>, Problem> {
    // A link says WAITING until its execution has ended, also where the decision is given.
    let waiting: Vec<&Link> = links.iter().filter(|link| link.status == WAITING).collect();
    let mut open = Vec::new();
    for some in waiting.chunks(AT_ONCE) {
        let mut asked = Vec::new();
        for link in some {
            asked.push(question(caller, link, &incident.state));
        }
        for (link, asked) in some.iter().zip(join_all(asked).await) {
            if asked?.is_some_and(|question| question.state == QuestionState::Open) {
                open.push(link.execution.as_str());
            }
        }
        if open.len() > 1 {
            break;
        }
    }
    open.truncate(2);
    Ok(open)
}
