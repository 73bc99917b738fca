//! `GET /v1/questions`: the open questions that wait for people, one query per page of a tenant.

use axum::Json;
use holdfast_access::Role;
use holdfast_aws::SystemHost;
use holdfast_engine::Host;
use holdfast_ledger::{LOOKED_AT, Question};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    answer::{ListedQuestion, QuestionLinks, Questions},
    every_tenant::{Entry, PageRequest, page_of},
    extract::{EmptyBody, NamesTenant},
    page::{Ids, STEP_CURSOR, cursor, limit},
    principal::ListCaller,
    problem::Problem,
    progress::linked_in,
    route::AuthorizedRequest,
};

/// The questions that a list is limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum QuestionFilter {
    /// Those that the caller may decide now.
    Me,
    /// Those that name one of the caller's groups.
    Groups,
    /// All of them.
    #[default]
    Tenant,
}

/// The query of the list of questions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuestionQuery {
    /// The tenant; your own if left out. A role of every tenant may write `*` for all of them.
    tenant: Option<String>,
    /// `me` for the questions that you may decide now, `groups` for those of your groups, `tenant`
    /// for all; `tenant` if left out.
    #[serde(default, rename = "for")]
    whose: QuestionFilter,
    /// Longest page; 25 if left out.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[schemars(extend("pattern" = STEP_CURSOR))]
    cursor: Option<String>,
}

impl NamesTenant for QuestionQuery {
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

pub(crate) async fn list(
    AuthorizedRequest {
        app, caller, query, ..
    }: AuthorizedRequest<QuestionQuery, EmptyBody, ListCaller>,
) -> Result<Json<Questions>, Problem> {
    let limit = limit(query.limit)?;
    // An approver sees what asks their groups, and nothing else.
    let whose = match (query.whose, caller.role) {
        (QuestionFilter::Tenant, Role::Approver) => QuestionFilter::Groups,
        (whose, _) => whose,
    };
    let wanted = PageRequest {
        after: cursor(query.cursor.as_deref(), Ids::Steps)?,
        limit: match whose {
            QuestionFilter::Tenant => limit,
            QuestionFilter::Me | QuestionFilter::Groups => LOOKED_AT,
        },
        ..PageRequest::default()
    };
    let page = page_of(&app, &caller, &wanted, |tenant, window| {
        let (ledger, limit) = (caller.ledger.clone(), wanted.limit);
        async move { ledger.questions(&tenant, &window, limit).await }
    });
    let mut page = page.await?;
    let (now, voter) = (SystemHost.now(), &caller.voter);
    page.entries.retain(|Entry { value, .. }| {
        let fits = match whose {
            QuestionFilter::Me => value.waits_for(voter),
            QuestionFilter::Groups => voter.is_asked(value.approvers.as_ref()),
            QuestionFilter::Tenant => true,
        };
        fits && value.until > now
    });
    let page = page.cut(limit, caller.tenant.is_none());
    let questions = page.entries.into_iter().map(|entry| entry.value);
    let questions = linked_in(&app, &caller, questions.collect()).await?;
    // The message of a question is for the people whom it asks.
    let texts = caller.sees_payloads || caller.role == Role::Approver;
    let questions = questions.into_iter();
    Ok(Json(Questions {
        questions: questions.map(|question| shown(question, texts)).collect(),
        next: page.next.map(|next| next.text()),
    }))
}

/// The answer for an open question. Without `texts` it has no message and no subject.
fn shown(question: Question, texts: bool) -> ListedQuestion {
    let execution = format!("/v1/executions/{}", question.at.execution);
    let incident = format!("/v1/incidents/{}", question.incident);
    let asked_by = question.asked_by;
    let (workflow_id, subject) = asked_by
        .map(|execution| (execution.workflow, execution.subject))
        .unwrap_or_default();
    let decisions = question.kind.decisions().iter();
    let approvers = question.approvers;
    ListedQuestion {
        execution_id: question.at.execution,
        workflow_id,
        tenant: question.at.tenant,
        step: question.step,
        kind: question.kind,
        message: texts.then_some(question.message),
        subject: subject.filter(|_| texts),
        incident_id: question.incident,
        count: approvers.as_ref().map_or(1, |approvers| approvers.count),
        by: approvers.map(|approvers| approvers.by).unwrap_or_default(),
        votes: question.votes.len(),
        decisions: decisions.map(|decision| decision.name()).collect(),
        opened_at: question.entered,
        until: question.until,
        links: QuestionLinks {
            decision: format!("{incident}/decision"),
            execution,
            incident,
        },
    }
}
