//! The executions that the filter of a bulk chooses, and what would be refused now.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::{Duration, Instant},
};

use holdfast_access::Operation;
use holdfast_aws::{SystemHost, Window};
use holdfast_engine::Host;
use holdfast_ledger::{
    Bulk, BulkFilter, BulkOperation, BulkQuestion, BulkRequest, BulkTarget, LOOKED_AT, Link,
    Question, VoterRole, WAITING,
};
use holdfast_receipt::Decision;

use super::refusals::{CHECKED, refused_now};
use crate::api::{
    answer::{BulkSample, RefusalCount, StatusCount},
    app::App,
    incident,
    list::{ExecutionFilter, found},
    page::times,
    principal::AuthorizedCaller,
    problem::Problem,
    progress::linked,
};

/// Executions that the answer shows.
const SAMPLE: usize = 20;
/// The longest time for the choice of executions. API Gateway ends a request after 30 seconds, and
/// the list must be stored before that.
const CHOOSES_FOR: Duration = Duration::from_secs(20);

/// The chosen executions, and what the answer shows of them.
pub(super) struct Selection {
    pub(super) targets: Vec<BulkTarget>,
    pub(super) statuses: Vec<StatusCount>,
    pub(super) sample: Vec<BulkSample>,
    pub(super) checked: u32,
    pub(super) refused_now: Vec<RefusalCount>,
}

/// A chosen execution, as the list shows it.
pub(super) struct Candidate {
    pub(super) target: BulkTarget,
    workflow: String,
    subject: Option<String>,
    status: String,
    /// The question, if the bulk decides.
    pub(super) question: Option<Box<Question>>,
}

/// Chooses the executions of a bulk and checks the first of them.
pub(super) async fn select(
    app: &App,
    caller: &AuthorizedCaller,
    request: &BulkRequest,
) -> Result<Selection, Problem> {
    let filter = &request.filter;
    let chosen = match (request.operation, &filter.incident_id) {
        (BulkOperation::Decide { decision }, _) => questions_of(caller, filter, decision).await?,
        (_, Some(id)) => of_incident(caller, filter, id).await?,
        (_, None) => of_filter(app, caller, filter).await?,
    };
    if chosen.is_empty() {
        let what = match request.operation {
            BulkOperation::Decide { .. } => "open question that you may decide so",
            _ => "execution",
        };
        return Err(Problem::conflict(format!(
            "no {what} of this tenant fits the filter: nothing to do"
        )));
    }
    if chosen.len() > Bulk::MOST {
        return Err(Problem::conflict(format!(
            "more than {} executions fit the filter, the most of one bulk: narrow it, such as by \
             workflow_id, status, from or until",
            Bulk::MOST
        )));
    }
    let refused = refused_now(app, caller, request, &chosen).await?;
    let mut statuses = BTreeMap::<_, u32>::new();
    for candidate in &chosen {
        *statuses.entry(candidate.status.clone()).or_default() += 1;
    }
    let statuses = statuses.into_iter();
    Ok(Selection {
        statuses: statuses
            .map(|(status, count)| StatusCount { status, count })
            .collect(),
        sample: chosen
            .iter()
            .take(SAMPLE)
            .map(|one| sample(caller, one))
            .collect(),
        checked: chosen.len().min(CHECKED) as u32,
        refused_now: refused,
        targets: chosen.into_iter().map(|one| one.target).collect(),
    })
}

/// Refuses a filter whose executions take too long to find.
fn check_time(began: Instant) -> Result<(), Problem> {
    if began.elapsed() < CHOOSES_FOR {
        return Ok(());
    }
    Err(Problem::conflict(format!(
        "the executions of this filter were not found within {} seconds: narrow it, such as by \
         workflow_id, from or until",
        CHOOSES_FOR.as_secs()
    )))
}

fn sample(caller: &AuthorizedCaller, one: &Candidate) -> BulkSample {
    let question = one.question.as_ref();
    let texts = caller.sees_payloads || question.is_some_and(|one| caller.is_asked(one));
    BulkSample {
        execution_id: one.target.execution.clone(),
        workflow_id: one.workflow.clone(),
        subject: one.subject.clone().filter(|_| texts),
        status: one.status.clone(),
        generation: one.target.generation,
        step: question.map(|question| question.step.clone()),
        message: question
            .filter(|question| caller.sees_texts_of(question))
            .map(|question| question.message.clone()),
        href: format!("/v1/executions/{}", one.target.execution),
    }
}

/// The executions that the list of executions finds.
async fn of_filter(
    app: &App,
    caller: &AuthorizedCaller,
    filter: &BulkFilter,
) -> Result<Vec<Candidate>, Problem> {
    let list = caller.of_list();
    let (mut chosen, mut cursor) = (Vec::new(), None);
    let began = Instant::now();
    loop {
        check_time(began)?;
        let query = ExecutionFilter {
            workflow_id: filter.workflow_id.clone(),
            status: filter.status.clone(),
            subject: filter.subject.clone(),
            from: filter.from.clone(),
            until: filter.until.clone(),
            cursor,
            ..ExecutionFilter::default()
        };
        let (page, progress) = found(app, &list, query, LOOKED_AT).await?;
        chosen.extend(page.entries.into_iter().map(|entry| {
            let one = entry.value;
            Candidate {
                status: progress.status(&one.at, &one.shown.status).to_owned(),
                target: BulkTarget {
                    execution: one.at.execution,
                    generation: one.shown.generation,
                    question: None,
                },
                workflow: one.shown.workflow,
                subject: one.shown.subject,
                question: None,
            }
        }));
        match page.next {
            Some(next) if chosen.len() <= Bulk::MOST => cursor = Some(next.text()),
            _ => return Ok(chosen),
        }
    }
}

/// The executions that met an incident, each in the last generation that did.
async fn of_incident(
    caller: &AuthorizedCaller,
    filter: &BulkFilter,
    id: &str,
) -> Result<Vec<Candidate>, Problem> {
    let alone = BulkFilter {
        incident_id: filter.incident_id.clone(),
        ..BulkFilter::default()
    };
    if *filter != alone {
        return Err(Problem::bad_request(
            "filter.incident_id chooses the executions that met the incident: leave the other \
             members out",
        ));
    }
    caller.check(Operation::ReadIncidents)?;
    let incident = incident::find(caller, id).await?;
    let mut last: BTreeMap<String, Link> = BTreeMap::new();
    for link in caller.ledger.links(&caller.tenant, id).await? {
        match last.entry(link.execution.clone()) {
            Entry::Vacant(place) => {
                place.insert(link);
            }
            Entry::Occupied(mut place) if place.get().generation < link.generation => {
                place.insert(link);
            }
            Entry::Occupied(_) => {}
        }
    }
    let links = last.into_values();
    Ok(links
        .map(|link| Candidate {
            target: BulkTarget {
                execution: link.execution,
                generation: link.generation,
                question: None,
            },
            workflow: incident.workflow.clone(),
            subject: link.subject,
            status: link.status,
            question: None,
        })
        .collect())
}

/// The open questions that take the decision. An approver finds those that ask their groups.
async fn questions_of(
    caller: &AuthorizedCaller,
    filter: &BulkFilter,
    decision: Decision,
) -> Result<Vec<Candidate>, Problem> {
    if filter
        .status
        .as_deref()
        .is_some_and(|status| status != WAITING)
    {
        return Err(Problem::bad_request(
            "filter.status: an execution that waits for a decision is WAITING: leave it out",
        ));
    }
    if filter.subject.is_some() && !caller.sees_payloads && caller.voter.role != VoterRole::Approver
    {
        return Err(Problem::forbidden(
            "filter.subject comes from an input, which you may not see",
        ));
    }
    let (from, until) = times(filter.from.as_deref(), filter.until.as_deref())?;
    let mut window = Window {
        from,
        until,
        after: None,
    };
    let now = SystemHost.now();
    let fits = |question: &Question| {
        let asked_by = question.asked_by.as_ref();
        let equal = |wanted: &Option<String>, found: Option<&String>| {
            wanted.is_none() || wanted.as_ref() == found
        };
        let incident = filter.incident_id.as_ref();
        let asked = caller.voter.role != VoterRole::Approver || caller.is_asked(question);
        asked
            && question.until > now
            && question.kind.decisions().contains(&decision)
            && equal(&filter.workflow_id, asked_by.map(|one| &one.workflow))
            && equal(
                &filter.subject,
                asked_by.and_then(|one| one.subject.as_ref()),
            )
            && incident.is_none_or(|id| question.incidents().any(|one| one == id))
    };
    let mut chosen = Vec::new();
    let began = Instant::now();
    loop {
        check_time(began)?;
        let page = caller
            .ledger
            .questions(&caller.tenant, &window, LOOKED_AT)
            .await?;
        let questions = page.entries.into_iter().map(|(_, question)| question);
        let fitting = questions.filter(|question| fits(question)).collect();
        for question in linked(&caller.ledger, fitting).await? {
            let is_checked = chosen.len() < CHECKED;
            chosen.push(candidate_of(question, is_checked));
        }
        match page.next {
            Some(next) if chosen.len() <= Bulk::MOST => window.after = Some(next),
            _ => return Ok(chosen),
        }
    }
}

fn candidate_of(question: Question, is_checked: bool) -> Candidate {
    let asked_by = question.asked_by.as_ref();
    Candidate {
        target: BulkTarget {
            execution: question.at.execution.clone(),
            generation: question.execution_generation,
            question: Some(BulkQuestion {
                step: question.step.clone(),
                incident: question.incident.clone(),
                shown_sha256: question.shown_sha256.clone(),
            }),
        },
        workflow: asked_by.map_or_else(String::new, |one| one.workflow.clone()),
        subject: asked_by.and_then(|one| one.subject.clone()),
        status: WAITING.to_owned(),
        // Thousands of whole questions would fill the function's memory.
        question: is_checked.then(|| Box::new(question)),
    }
}
