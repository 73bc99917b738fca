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
use holdfast_task::QuestionKind;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    answer::{
        DecisionView, Incident, IncidentActionView, IncidentInFull, Incidents, Link,
        NeededApprovals, Question, VoteView,
    },
    every_tenant::{PageRequest, page_of},
    extract::{EmptyBody, NamesTenant},
    page::{CURSOR, Ids, cursor, limit},
    principal::{AuthorizedCaller, ListCaller, Resource, not_found},
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
    /// The tenant; your own if left out. A role of every tenant may write `*` for all of them.
    tenant: Option<String>,
    /// Only incidents of this status; `open` if left out.
    #[schemars(extend("enum" = ["open", "acknowledged", "resolved"]))]
    status: Option<String>,
    /// Longest page; 25 if left out.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[schemars(extend("pattern" = CURSOR))]
    cursor: Option<String>,
}

impl NamesTenant for IncidentQuery {
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

pub(crate) async fn list(
    AuthorizedRequest {
        app, caller, query, ..
    }: AuthorizedRequest<IncidentQuery, EmptyBody, ListCaller>,
) -> Result<Json<Incidents>, Problem> {
    let status = status_of(query.status.as_deref())?;
    let wanted = PageRequest {
        after: cursor(query.cursor.as_deref(), Ids::Hex)?,
        limit: limit(query.limit)?,
        ..PageRequest::default()
    };
    let page = page_of(&app, &caller, &wanted, |tenant, window| {
        let (ledger, limit) = (caller.ledger.clone(), wanted.limit);
        async move { ledger.incidents(&tenant, status, &window, limit).await }
    });
    let page = page.await?;
    let incidents = page.entries.iter();
    let incidents = incidents.map(|entry| shown(&entry.value, caller.sees_payloads));
    Ok(Json(Incidents {
        incidents: incidents.collect(),
        next: page.next.map(|next| next.text()),
    }))
}

/// The status of incidents that a query names; open ones if it names none.
pub(crate) fn status_of(status: Option<&str>) -> Result<IncidentStatus, Problem> {
    match status {
        None | Some("open") => Ok(IncidentStatus::Open),
        Some("acknowledged") => Ok(IncidentStatus::Acknowledged),
        Some("resolved") => Ok(IncidentStatus::Resolved),
        Some(_) => {
            let why = "status must be one of open, acknowledged, resolved";
            Err(Problem::bad_request(why))
        }
    }
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
        let asked = question_record.as_ref();
        let texts = payloads || asked.is_some_and(|question| caller.is_asked(question));
        executions.push(Link {
            href: format!("/v1/executions/{}", link.execution),
            execution_id: link.execution,
            subject: link.subject.filter(|_| texts),
            generation: link.generation,
            at: link.at,
            status: link.status,
            // Effects name items, which come from inputs.
            stands: payloads.then_some(link.stands),
            stands_total: link.stands_total,
            reason: link.reason.filter(|_| payloads),
            question: question_record
                .map(|question| shown_question(&question, caller.sees_texts_of(&question))),
        });
    }
    Ok(Json(IncidentInFull {
        incident: shown(&incident, payloads),
        executions,
        executions_total,
    }))
}

/// The question that the step of an execution put to people, if any. It is closed if the
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

/// The answer for a question. Without `texts` it has no message and no reason.
pub(crate) fn shown_question(question: &QuestionRecord, texts: bool) -> Question {
    let (status, ruling) = match &question.state {
        QuestionState::Open => ("OPEN", None),
        QuestionState::Ruled { ruling, .. } => ("DECIDED", Some(ruling)),
        QuestionState::Skipped { .. } => ("SKIPPED", None),
        QuestionState::Expired { closed: true, .. } => ("CLOSED", None),
        QuestionState::Expired { .. } => ("EXPIRED", None),
    };
    let decisions = question.kind.decisions().iter();
    let approvers = question.approvers.as_ref();
    let votes = question.votes.iter().map(|vote| VoteView {
        decision: vote.decision.name(),
        by: vote.by.clone(),
        group: vote.group.clone(),
        acting_for: vote.acting_for.clone(),
        in_place_of_group: vote.in_place_of_group,
        reason: texts.then(|| vote.reason.clone()),
        at: vote.at,
    });
    Question {
        step: question.step.clone(),
        kind: question.kind,
        status,
        until: question.until,
        decisions: decisions.map(|decision| decision.name()).collect(),
        decision: ruling.map(|ruling| DecisionView {
            decision: ruling.decision.name(),
            by: ruling.by.clone(),
            reason: texts.then(|| ruling.reason.clone()),
            at: ruling.at,
        }),
        by: approvers.map_or_else(Vec::new, |approvers| approvers.by.clone()),
        count: approvers.map_or(1, |approvers| approvers.count),
        distinct_groups: approvers.is_some_and(|approvers| approvers.distinct_groups),
        votes: votes.collect(),
        needed: needed(question),
        incident: format!("/v1/incidents/{}", question.incident),
        message: texts.then(|| question.message.clone()),
        shown_sha256: Some(question.shown_sha256.clone())
            .filter(|sha256| texts && !sha256.is_empty()),
    }
}

/// The people who must still approve; `None` for a question that is not open, or no approval.
fn needed(question: &QuestionRecord) -> Option<NeededApprovals> {
    let open = question.state == QuestionState::Open && question.kind == QuestionKind::Approval;
    let approvers = question.approvers.as_ref();
    let count = approvers.map_or(1, |approvers| approvers.count);
    let distinct = approvers.is_some_and(|approvers| approvers.distinct_groups);
    let voted = |group: &String| {
        let mut groups = question.votes.iter().map(|vote| vote.group.as_ref());
        distinct && groups.any(|voted| voted == Some(group))
    };
    let by = approvers.into_iter().flat_map(|approvers| &approvers.by);
    open.then(|| NeededApprovals {
        people: count.saturating_sub(question.votes.len() as u32),
        groups: by.filter(|group| !voted(group)).cloned().collect(),
    })
}
