//! `GET /v1/incidents` and `GET /v1/incidents/{incident_id}`: incidents and the questions of their
//! executions.

use std::cmp::Reverse;

use axum::Json;
use holdfast_aws::SystemHost;
use holdfast_engine::Host;
use holdfast_ids::{keys::ExecutionKey, names::is_execution_id};
use holdfast_ledger::{
    IncidentKey, IncidentStatus, Ledger, Question as QuestionRecord, QuestionState, WAITING,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    answer::{
        DecisionView, Incident, IncidentActionView, IncidentInFull, Incidents, Link, Question,
    },
    extract::NamesTenant,
    page::{cursor, limit, place},
    principal::{AuthorizedCaller, Resource, not_found},
    problem::Problem,
    route::AuthorizedRequest,
};

/// Executions of an incident that are shown, since tens of thousands may have met one cause.
const EXECUTIONS_MAX: usize = 500;
/// Executions of an incident whose question is looked up.
const WAITING_MAX: usize = 25;

/// The query of the list of incidents.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentQuery {
    /// The tenant; your own if left out.
    tenant: Option<String>,
    /// Only incidents of this status; `open` if left out.
    #[schemars(extend("enum" = ["open", "acknowledged", "resolved"]))]
    status: Option<String>,
    /// Longest page; 25 if left out.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[schemars(regex(pattern = "^[0-9]{13}-[0-9a-f]{40}$"))]
    cursor: Option<String>,
}

impl NamesTenant for IncidentQuery {
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

pub(crate) async fn list(
    AuthorizedRequest { caller, query, .. }: AuthorizedRequest<IncidentQuery>,
) -> Result<Json<Incidents>, Problem> {
    let status = match query.status.as_deref() {
        None | Some("open") => IncidentStatus::Open,
        Some("acknowledged") => IncidentStatus::Acknowledged,
        Some("resolved") => IncidentStatus::Resolved,
        Some(_) => {
            let why = "status must be one of open, acknowledged, resolved";
            return Err(Problem::bad_request(why));
        }
    };
    let limit = limit(query.limit)?;
    let after = query.cursor.as_deref().map(place).transpose()?;
    let (found, more) = caller
        .ledger
        .incidents(&caller.tenant, status, limit, after)
        .await?;
    let last = found.last().filter(|_| more);
    let next = last.map(|last| cursor(&(last.opened_at, last.id.clone())));
    let incidents = found.iter();
    let payloads = caller.sees_payloads;
    Ok(Json(Incidents {
        incidents: incidents
            .map(|incident| shown(incident, payloads))
            .collect(),
        next,
    }))
}

pub(crate) async fn read(
    AuthorizedRequest { caller, id, .. }: AuthorizedRequest,
) -> Result<Json<IncidentInFull>, Problem> {
    let payloads = caller.sees_payloads;
    let incident = find(&caller, &id).await?;
    let mut links = caller.ledger.links(&caller.tenant, &id).await?;
    let executions_total = links.len();
    links.sort_by_key(|link| (link.status != WAITING, Reverse(link.at)));
    links.truncate(EXECUTIONS_MAX);
    let mut waiting = 0;
    let mut executions = Vec::new();
    for link in links {
        let mut question_record = None;
        if link.status == WAITING && waiting < WAITING_MAX {
            waiting += 1;
            question_record = question(&caller, &link, &incident.state).await?;
        }
        executions.push(Link {
            href: format!("/v1/executions/{}", link.execution),
            execution_id: link.execution,
            subject: link.subject.filter(|_| payloads),
            generation: link.generation,
            at: link.at,
            status: link.status,
            // Effects name items, which come from inputs.
            stands: payloads.then_some(link.stands),
            stands_total: link.stands_total,
            reason: link.reason.filter(|_| payloads),
            question: question_record.map(|question| shown_question(&question, payloads)),
        });
    }
    Ok(Json(IncidentInFull {
        incident: shown(&incident, payloads),
        executions,
        executions_total,
    }))
}

/// The question that the step of an execution put to people, if any. It has expired if the
/// execution no longer waits.
pub(crate) async fn question(
    caller: &AuthorizedCaller,
    link: &holdfast_ledger::Link,
    step: &str,
) -> Result<Option<QuestionRecord>, Problem> {
    let at = ExecutionKey {
        tenant: link.tenant.clone(),
        execution: link.execution.clone(),
    };
    let snapshot = caller.ledger.snapshot(&at).await?;
    let questions = snapshot.map(|snapshot| snapshot.current_questions(SystemHost.now()));
    Ok(questions.and_then(|all| all.into_iter().find(|question| question.step == step)))
}

/// The incident, or 404.
pub(crate) async fn find(
    caller: &AuthorizedCaller,
    id: &str,
) -> Result<holdfast_ledger::Incident, Problem> {
    let found = match is_execution_id(id) {
        true => {
            caller
                .ledger
                .read(&IncidentKey::new(&caller.tenant, id))
                .await?
        }
        false => None,
    };
    found.ok_or_else(|| not_found(Resource::Incident(id), &caller.tenant))
}

/// The answer for an incident. Without `payloads` it has no subject, no messages of targets and no
/// reasons of people.
pub(crate) fn shown(incident: &holdfast_ledger::Incident, payloads: bool) -> Incident {
    let handled = incident.handled.iter().map(|action| IncidentActionView {
        status: action.status,
        by: action.by.clone(),
        reason: payloads.then(|| action.reason.clone()),
        at: action.at,
    });
    Incident {
        incident_id: incident.id.clone(),
        workflow_id: incident.workflow.clone(),
        tenant: incident.tenant.clone(),
        subject: incident.subject.clone().filter(|_| payloads),
        state: incident.state.clone(),
        error: incident.error.clone(),
        status: incident.status,
        standing: incident.standing,
        opened_at: incident.opened_at,
        handled: handled.collect(),
        href: format!("/v1/incidents/{}", incident.id),
        message: payloads.then(|| incident.message.clone()),
    }
}

/// The answer for a question. Without `payloads` it has no message and no reason.
pub(crate) fn shown_question(question: &QuestionRecord, payloads: bool) -> Question {
    let (status, ruling) = match &question.state {
        QuestionState::Open => ("OPEN", None),
        QuestionState::Ruled { ruling, .. } => ("DECIDED", Some(ruling)),
        QuestionState::Skipped { .. } => ("SKIPPED", None),
        QuestionState::Expired { .. } => ("EXPIRED", None),
    };
    let decisions = question.kind.decisions().iter();
    Question {
        step: question.step.clone(),
        kind: question.kind,
        status,
        until: question.until,
        decisions: decisions.map(|decision| decision.name()).collect(),
        decision: ruling.map(|ruling| DecisionView {
            decision: ruling.decision.name(),
            by: ruling.by.clone(),
            reason: payloads.then(|| ruling.reason.clone()),
            at: ruling.at,
        }),
        incident: format!("/v1/incidents/{}", question.incident),
        message: payloads.then(|| question.message.clone()),
    }
}
