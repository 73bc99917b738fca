//! `/v1/incidents`: what people must know of or decide, and what they do about it.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use holdfast_aws::{SystemHost, deliver};
use holdfast_core::{
    engine::Host,
    keys::ExecutionKey,
    ledger::{
        Deciding, Decision, Expect, Incident, IncidentStatus, Ledger, Link, Put, Question,
        QuestionKind, QuestionState, WAITING, handle, rule,
    },
    names::{is_execution_id, quoted},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    App,
    caller::Caller,
    problem::Problem,
    request::{given, read as read_reason},
};

/// Incidents on a page where the request does not say, and at most.
const PAGE: (i32, i32) = (25, 100);
/// Executions of an incident whose question is looked up.
const WAITING_MAX: usize = 25;

/// What may follow the `?` of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    status: Option<String>,
    limit: Option<i32>,
    cursor: Option<String>,
}

/// The body of a decision.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    decision: String,
    reason: String,
    execution_id: Option<String>,
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Result<Query<Listing>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(asked) = query.map_err(|error| {
        Problem::bad_request(format!("{error}; status, limit and cursor may be given"))
    })?;
    let status = match asked.status.as_deref() {
        None | Some("open") => IncidentStatus::Open,
        Some("acknowledged") => IncidentStatus::Acknowledged,
        Some("resolved") => IncidentStatus::Resolved,
        Some(_) => {
            let why = "status is one of open, acknowledged, resolved";
            return Err(Problem::bad_request(why));
        }
    };
    let limit = asked.limit.unwrap_or(PAGE.0);
    if !(1..=PAGE.1).contains(&limit) {
        let why = format!("limit is a number from 1 to {}", PAGE.1);
        return Err(Problem::bad_request(why));
    }
    let after = match asked.cursor {
        None => None,
        Some(cursor) => Some(read_cursor(&cursor)?),
    };
    let (found, more) = app
        .ledger
        .incidents(&caller.tenant, status, limit, after)
        .await?;
    let next = found.last().filter(|_| more).map(cursor);
    let incidents: Vec<_> = found.iter().map(shown).collect();
    Ok(Json(json!({ "incidents": incidents, "next": next })))
}

pub(crate) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let incident = find(&app, &caller, &id).await?;
    let links = app.ledger.links(&caller.tenant, &id).await?;
    let mut waiting = 0;
    let mut executions = Vec::new();
    for link in &links {
        let mut execution = json!({
            "execution_id": link.execution,
            "generation": link.generation,
            "at": link.at,
            "status": link.status,
            "stands": link.stands,
            "href": format!("/v1/executions/{}", link.execution),
        });
        if link.status == WAITING && waiting < WAITING_MAX {
            waiting += 1;
            execution["question"] = question(&app, link, &incident.state)
                .await?
                .map_or(Value::Null, |question| shown_question(&question));
        }
        executions.push(execution);
    }
    let mut body = shown(&incident);
    body["executions"] = executions.into();
    Ok(Json(body))
}

pub(crate) async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, what)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let incident = find(&app, &caller, &id).await?;
    let status = match what.as_str() {
        "decision" => return decision(&app, &caller, &incident, &body).await,
        "acknowledge" => IncidentStatus::Acknowledged,
        "resolve" => IncidentStatus::Resolved,
        other => {
            return Err(Problem::not_found(format!(
                "an incident has no {}; it has decision, acknowledge and resolve",
                quoted(other)
            )));
        }
    };
    let request = read_reason(&caller, &body)?;
    if status == IncidentStatus::Resolved {
        let open = undecided(&app, &caller, &incident).await?;
        if let Some((execution, _)) = open.first() {
            return Err(Problem::conflict(format!(
                "execution {execution} still waits for a decision: give it first"
            )));
        }
    }
    let incident = handled(&app, incident, status, &request).await?;
    Ok(Json(shown(&incident)))
}

/// Writes what somebody did about an incident, deciding anew whenever somebody else was quicker.
async fn handled(
    app: &App,
    mut incident: Incident,
    status: IncidentStatus,
    request: &holdfast_core::ledger::Request,
) -> Result<Incident, Problem> {
    loop {
        let next = match handle(&incident, status, request, SystemHost.now()) {
            Err(why) => return Err(Problem::conflict(why)),
            Ok(None) => return Ok(incident),
            Ok(Some(next)) => next,
        };
        let put = app.ledger.put_incident(&next, Expect::Rev(incident.rev));
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
            Put::Lost(None) => return Err(no_such(&incident.id)),
        }
    }
}

/// Gives a decision to the execution that waits for it.
async fn decision(
    app: &App,
    caller: &Caller,
    incident: &Incident,
    body: &Bytes,
) -> Result<Json<Value>, Problem> {
    let Body {
        decision,
        reason,
        execution_id,
    } = serde_json::from_slice(body).map_err(|error| {
        Problem::bad_request(format!(
            "the body: {error}; it should be {{\"decision\": \"retry\", \"reason\": \"…\"}}"
        ))
    })?;
    let decision: Decision = serde_json::from_value(decision.clone().into()).map_err(|_| {
        Problem::bad_request(format!(
            "decision {} is none: it is retry, skip or rollback of a failed step, approve or reject of an approval",
            quoted(&decision)
        ))
    })?;
    let request = given(caller, &reason)?;
    let execution = match execution_id {
        Some(id) if is_execution_id(&id) => id,
        Some(_) => return Err(Problem::bad_request("execution_id has 40 hex digits")),
        None => {
            let open = undecided(app, caller, incident).await?;
            match &open[..] {
                [(execution, _)] => execution.clone(),
                // A repeat of the decision on the only execution it ever met.
                [] => match &app.ledger.links(&caller.tenant, &incident.id).await?[..] {
                    [link] => link.execution.clone(),
                    _ => {
                        let why = "no execution waits for a decision on this incident";
                        return Err(Problem::conflict(why));
                    }
                },
                many => {
                    let ids: Vec<_> = many.iter().map(|(id, _)| id.as_str()).collect();
                    return Err(Problem::conflict(format!(
                        "{} executions wait for a decision: name one as execution_id ({})",
                        ids.len(),
                        ids.join(", ")
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
    let decided = rule(&app.ledger, &at, &incident.state, decision, &request, now).await?;
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
            workflow = incident.workflow,
            incident = incident.id,
            step = question.step,
            decision = decision.name(),
            by = request.by,
            "somebody decided"
        );
    }
    // It is recorded: whatever fails from here on is done by the sweep.
    if let Err(error) = deliver(&app.ledger, &app.machines, &question).await {
        tracing::warn!(execution = at.execution, %error, "the decision is delivered later");
    }
    if question.kind == QuestionKind::Approval {
        handled(app, incident.clone(), IncidentStatus::Resolved, &request).await?;
    }
    Ok(Json(json!({
        "incident_id": incident.id,
        "execution_id": at.execution,
        "step": question.step,
        "decision": decision.name(),
        "replayed": replayed,
        "links": { "execution": format!("/v1/executions/{}", at.execution) },
    })))
}

/// The executions that still wait for a decision on an incident.
async fn undecided(
    app: &App,
    caller: &Caller,
    incident: &Incident,
) -> Result<Vec<(String, Question)>, Problem> {
    let mut open = Vec::new();
    for link in app.ledger.links(&caller.tenant, &incident.id).await? {
        if link.status != WAITING {
            continue;
        }
        if let Some(question) = question(app, &link, &incident.state).await?
            && question.state == QuestionState::Open
        {
            open.push((link.execution, question));
        }
    }
    Ok(open)
}

/// What was asked of people about one execution.
async fn question(app: &App, link: &Link, step: &str) -> Result<Option<Question>, Problem> {
    let at = ExecutionKey {
        tenant: link.tenant.clone(),
        execution: link.execution.clone(),
    };
    let snapshot = app.ledger.snapshot(&at).await?;
    let questions = snapshot.map(|snapshot| snapshot.questions);
    Ok(questions.and_then(|all| all.into_iter().find(|one| one.step == step)))
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<Incident, Problem> {
    let found = match is_execution_id(id) {
        true => app.ledger.incident(&caller.tenant, id).await?,
        false => None,
    };
    found.ok_or_else(|| no_such(id))
}

fn no_such(id: &str) -> Problem {
    Problem::not_found(format!(
        "there is no incident {} for this tenant",
        quoted(id)
    ))
}

/// Where the next page begins: after this incident.
fn cursor(last: &Incident) -> String {
    format!("{}~{}", last.opened_at, last.id)
}

fn read_cursor(cursor: &str) -> Result<(Timestamp, String), Problem> {
    let read = cursor.split_once('~').and_then(|(at, id)| {
        let at: Timestamp = at.parse().ok()?;
        is_execution_id(id).then(|| (at, id.to_owned()))
    });
    read.ok_or_else(|| Problem::bad_request("cursor is what `next` of the page before said"))
}

fn shown(incident: &Incident) -> Value {
    json!({
        "incident_id": incident.id,
        "workflow_id": incident.workflow,
        "tenant": incident.tenant,
        "state": incident.state,
        "error": incident.error,
        "message": incident.message,
        "status": incident.status,
        "opened_at": incident.opened_at,
        "handled": incident.handled,
        "href": format!("/v1/incidents/{}", incident.id),
    })
}

pub(crate) fn shown_question(question: &Question) -> Value {
    let (state, ruling) = match &question.state {
        QuestionState::Open => ("OPEN", None),
        QuestionState::Ruled { ruling, .. } => ("DECIDED", Some(ruling)),
        QuestionState::Expired { .. } => ("EXPIRED", None),
    };
    json!({
        "step": question.step,
        "kind": question.kind,
        "message": question.message,
        "status": state,
        "until": question.until,
        "decisions": question.kind.decisions().iter().map(|one| one.name()).collect::<Vec<_>>(),
        "decision": ruling.map(|ruling| json!({
            "decision": ruling.decision.name(), "by": ruling.by, "reason": ruling.reason, "at": ruling.at,
        })),
        "incident": format!("/v1/incidents/{}", question.incident),
    })
}
