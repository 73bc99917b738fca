//! `POST /v1/incidents/{incident_id}/{decision|acknowledge|resolve}`: records what a person does
//! about an incident.

use axum::Json;
use futures_util::future::join_all;
use holdfast_audit::Kind;
use holdfast_aws::{SystemHost, trace};
use holdfast_engine::{Host, deliver};
use holdfast_ids::{keys::ExecutionKey, names::is_execution_id, reason::REASON_MAX};
use holdfast_ledger::{
    Expect, Incident, IncidentStatus, Ledger, Link, Put, Question, QuestionKey, QuestionState,
    Request, RulingTransition, Voter, VoterRole, WAITING, handle, reopen, rule,
};
use holdfast_receipt::Decision;
use holdfast_task::QuestionKind;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    answer::{self, DecisionResult, ExecutionLinks},
    app::App,
    extract::{JsonBody, TenantQuery},
    incident::{find, question, shown, shown_question},
    principal::{AuthorizedCaller, Resource, not_found},
    problem::Problem,
    reason::{REASON, Reason, ReasonRequest, request_of},
    route::AuthorizedRequest,
};

/// Number of executions whose question is read at the same time.
const AT_ONCE: usize = 16;

/// The body of a decision.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DecisionRequest")]
pub(crate) struct DecisionBody {
    decision: Decision,
    #[schemars(length(min = 1, max = REASON_MAX), extend("pattern" = REASON))]
    reason: String,
    /// The execution, if several wait for a decision.
    #[schemars(regex(pattern = "^[0-9a-f]{40}$"))]
    execution_id: Option<String>,
    /// The `shown_sha256` of the question that you read. The decision is refused if the question is
    /// another one by now.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    shown_sha256: Option<String>,
}

pub(crate) async fn acknowledge(
    AuthorizedRequest {
        caller,
        id,
        body: JsonBody(Reason { reason }),
        ..
    }: ReasonRequest,
) -> Result<Json<answer::Incident>, Problem> {
    let request = request_of(&caller, &reason)?;
    let incident = find(&caller, &id).await?;
    let incident = handled(&caller, incident, IncidentStatus::Acknowledged, &request).await?;
    Ok(Json(shown(&incident, caller.sees_payloads)))
}

pub(crate) async fn resolve(
    AuthorizedRequest {
        caller,
        id,
        body: JsonBody(Reason { reason }),
        ..
    }: ReasonRequest,
) -> Result<Json<answer::Incident>, Problem> {
    let request = request_of(&caller, &reason)?;
    let incident = find(&caller, &id).await?;
    refuse_if_waits(&caller, &incident).await?;
    let incident = handled(&caller, incident, IncidentStatus::Resolved, &request).await?;
    // `Ask` writes its link and then reads the incident. This wrote the incident and now reads the
    // links, so that one of both sees the other.
    refuse_if_waits(&caller, &incident).await?;
    Ok(Json(shown(&incident, caller.sees_payloads)))
}

/// Refuses to resolve an incident for which an execution waits, by 409. If it is resolved, it is
/// opened again.
async fn refuse_if_waits(caller: &AuthorizedCaller, incident: &Incident) -> Result<(), Problem> {
    let Some(link) = undecided_link(caller, incident).await? else {
        return Ok(());
    };
    let asked = question(caller, &link, &incident.state).await?;
    // A later question about the step can have another incident.
    let asks_here = asked.is_some_and(|question| question.incident == incident.id);
    let mut incident = incident.clone();
    while asks_here && incident.status == IncidentStatus::Resolved {
        let next = reopen(&incident, &link, SystemHost.now());
        match caller.ledger.put(&next, Expect::Rev(incident.rev)).await? {
            Put::Done | Put::Lost(None) => break,
            Put::Lost(Some(winner)) => incident = *winner,
        }
    }
    Err(Problem::conflict(format!(
        "execution {} still waits for a decision: decide first, then resolve",
        link.execution
    )))
}

/// The link of an execution that still waits for a decision on an incident, if one does.
async fn undecided_link(
    caller: &AuthorizedCaller,
    incident: &Incident,
) -> Result<Option<Link>, Problem> {
    let links = caller.ledger.links(&caller.tenant, &incident.id).await?;
    let undecided = undecided(caller, incident, &links).await?;
    let first = undecided.first().map(|execution| (*execution).to_owned());
    let mut waiting = links.into_iter().filter(|link| link.status == WAITING);
    Ok(first.and_then(|execution| waiting.find(|link| link.execution == execution)))
}

/// Writes the new status of an incident. If a concurrent request wrote the incident first, decides
/// again on its new record.
async fn handled(
    caller: &AuthorizedCaller,
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
        let put = caller.ledger.put(&next, Expect::Rev(incident.rev));
        match put.await? {
            Put::Done => {
                let audit = match status {
                    IncidentStatus::Resolved => Kind::IncidentResolved.name(),
                    _ => Kind::IncidentAcknowledged.name(),
                };
                tracing::warn!(
                    audit,
                    tenant = next.tenant,
                    incident = next.id,
                    workflow = next.workflow,
                    by = request.by,
                    "incident status changed"
                );
                return Ok(next);
            }
            Put::Lost(Some(winner)) => incident = *winner,
            Put::Lost(None) => {
                return Err(not_found(Resource::Incident(&incident.id), &caller.tenant));
            }
        }
    }
}

pub(crate) async fn decide(
    AuthorizedRequest {
        app,
        caller,
        id,
        body: JsonBody(body),
        ..
    }: AuthorizedRequest<TenantQuery, JsonBody<DecisionBody>>,
) -> Result<Json<DecisionResult>, Problem> {
    let incident = find(&caller, &id).await?;
    let request = request_of(&caller, &body.reason)?;
    let execution = execution_of(&caller, &incident, body.execution_id).await?;
    let asked = DecisionRequest {
        incident,
        execution,
        decision: body.decision,
        shown_sha256: body.shown_sha256,
    };
    Ok(Json(record_decision(&app, &caller, asked, &request).await?))
}

/// A decision, and the question that it answers.
pub(crate) struct DecisionRequest {
    pub(crate) incident: Incident,
    pub(crate) execution: String,
    pub(crate) decision: Decision,
    pub(crate) shown_sha256: Option<String>,
}

/// Records a decision and delivers it.
pub(crate) async fn record_decision(
    app: &App,
    caller: &AuthorizedCaller,
    DecisionRequest {
        incident,
        execution,
        decision,
        shown_sha256,
    }: DecisionRequest,
    request: &Request,
) -> Result<DecisionResult, Problem> {
    let at = ExecutionKey {
        tenant: caller.tenant.clone(),
        execution,
    };
    let now = SystemHost.now();
    check_question(caller, &at, &incident).await?;
    let voter = Voter {
        read_sha256: shown_sha256,
        ..caller.voter.clone()
    };
    let decided = rule(
        &caller.ledger,
        &at,
        &incident.state,
        decision,
        &voter,
        request,
        now,
    )
    .await?;
    let (question, replayed) = match decided {
        None => {
            let why = "this execution does not wait for a decision on this incident";
            return Err(Problem::conflict(why));
        }
        Some(RulingTransition::Refused(why)) => return Err(Problem::conflict(why)),
        Some(RulingTransition::TooEarly(why)) => return Err(Problem::too_early(why)),
        Some(RulingTransition::Forbidden(why)) => return Err(Problem::forbidden(why)),
        Some(RulingTransition::Unfit(why)) => return Err(Problem::bad_request(why)),
        Some(RulingTransition::Already(question)) => (question, true),
        Some(RulingTransition::Write(question)) => (question, false),
    };
    if !replayed {
        tracing::warn!(
            audit = Kind::IncidentDecided.name(),
            tenant = at.tenant,
            execution = at.execution,
            trace = trace().map(tracing::field::display),
            workflow = incident.workflow,
            incident = incident.id,
            step = question.step,
            decision = decision.name(),
            by = request.by,
            "decision recorded"
        );
    }
    // The decision is recorded, so the sweep delivers it if this delivery fails.
    let delivered = deliver(&caller.ledger, &app.machines, &question, SystemHost.now()).await;
    if let Err(error) = delivered {
        tracing::warn!(
            execution = at.execution,
            %error,
            "decision not delivered yet: the sweep delivers it"
        );
    }
    if question.kind == QuestionKind::Approval && question.ruling().is_some() {
        handled(caller, incident.clone(), IncidentStatus::Resolved, request).await?;
    }
    let view = shown_question(&question, caller.sees_texts_of(&question));
    Ok(DecisionResult {
        incident_id: incident.id,
        decided: question.ruling().is_some(),
        votes: view.votes,
        needed: view.needed,
        step: question.step,
        decision: decision.name(),
        replayed,
        links: ExecutionLinks {
            execution: format!("/v1/executions/{}", at.execution),
        },
        execution_id: at.execution,
    })
}

/// Refuses a decision on an execution whose question belongs to another incident: otherwise the
/// wrong incident would be resolved. The incident of another execution is hidden from an approver.
async fn check_question(
    caller: &AuthorizedCaller,
    at: &ExecutionKey,
    incident: &Incident,
) -> Result<(), Problem> {
    let key = QuestionKey {
        at: at.clone(),
        step: incident.state.clone(),
    };
    let question = caller.ledger.read(&key).await?;
    let belongs = |question: &Question| question.incidents().any(|id| *id == incident.id);
    match question.filter(belongs) {
        Some(question)
            if caller.voter.role == VoterRole::Approver && !caller.is_asked(&question) =>
        {
            Err(not_found(Resource::Incident(&incident.id), &caller.tenant))
        }
        Some(_) => Ok(()),
        None => Err(Problem::conflict(
            "this execution does not wait for a decision on this incident",
        )),
    }
}

/// The execution that a decision is for: the one that the request names, or else the only one that
/// waits.
async fn execution_of(
    caller: &AuthorizedCaller,
    incident: &Incident,
    named: Option<String>,
) -> Result<String, Problem> {
    Ok(match named {
        Some(id) if is_execution_id(&id) => id,
        Some(_) => return Err(Problem::bad_request("execution_id must have 40 hex digits")),
        None => {
            let links = caller.ledger.links(&caller.tenant, &incident.id).await?;
            match (&undecided(caller, incident, &links).await?[..], &links[..]) {
                ([execution], _) => (*execution).to_owned(),
                // A repeated decision on the only execution that met the incident.
                ([], [link]) => link.execution.clone(),
                ([], _) => {
                    let why = "no execution waits for a decision on this incident";
                    return Err(Problem::conflict(why));
                }
                (open, _) => {
                    return Err(Problem::conflict(format!(
                        "several executions wait for a decision: name one as execution_id, \
                         such as {}",
                        open.join(" or ")
                    )));
                }
            }
        }
    })
}

/// Executions that still wait for a decision on an incident: the first two at most.
async fn undecided<'a>(
    caller: &AuthorizedCaller,
    incident: &Incident,
    links: &'a [Link],
) -> Result<Vec<&'a str>, Problem> {
    // A link says WAITING until its execution ends, even if the decision is recorded.
    let waiting: Vec<&Link> = links.iter().filter(|link| link.status == WAITING).collect();
    let mut open = Vec::new();
    for chunk in waiting.chunks(AT_ONCE) {
        let mut questions = Vec::new();
        for link in chunk {
            questions.push(question(caller, link, &incident.state));
        }
        for (link, question) in chunk.iter().zip(join_all(questions).await) {
            if question?.is_some_and(|question| question.state == QuestionState::Open) {
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
