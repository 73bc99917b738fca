//! The events of an approval: the request, its last reminder, each vote, and its outcome.

use holdfast_ledger::{Question, QuestionState, Ruling};
use holdfast_receipt::{ApprovalOutcome, Decision, Vote};
use holdfast_task::QuestionKind;
use jiff::Timestamp;

use crate::{
    about::About,
    data::EventData,
    event::Event,
    notice::{Notice, minute, whose},
    people_data::{ApprovalDecidedData, ApprovalRequestData},
};

/// The events of a question that is an approval; none of another question.
///
/// The event of a vote leaves its group out, because a later vote can change it. Votes on an
/// earlier question about the step are not in the record, and have no event here.
pub(crate) fn approval_events(question: &Question, about: &About) -> Vec<Event> {
    if question.kind != QuestionKind::Approval {
        return Vec::new();
    }
    let asks = !matches!(question.state, QuestionState::Skipped { .. });
    let mut events: Vec<_> = asks
        .then(|| requested(question, about))
        .into_iter()
        .collect();
    events.extend(reminded(question, about));
    let votes = match question.ruling() {
        Some(ruling) => votes_of(ruling, &question.votes),
        None => question.votes.clone(),
    };
    events.extend(voted(question, &votes, about));
    events.extend(ended(question, about));
    events
}

fn event(question: &Question, about: &About, at: Timestamp, part: &str, data: EventData) -> Event {
    let parts = [question.step.as_str(), &at.to_string(), part];
    Event::new(at, about, &question.at.execution, &parts, data)
}

fn needed(question: &Question) -> u32 {
    let approvers = question.approvers.as_ref();
    approvers.map_or(1, |approvers| approvers.count)
}

fn requested(question: &Question, about: &About) -> Event {
    let data = EventData::ApprovalRequested(request_data(question, about, None));
    event(question, about, question.entered, "", data)
}

fn reminded(question: &Question, about: &About) -> Option<Event> {
    let reminders = question.reminded.as_ref()?;
    let data = request_data(question, about, Some(reminders.n));
    let data = EventData::ApprovalReminded(data);
    let (entered, n) = (question.entered, reminders.n);
    let part = format!("{entered}/{n}");
    Some(event(question, about, reminders.last, &part, data))
}

fn request_data(question: &Question, about: &About, reminder: Option<u32>) -> ApprovalRequestData {
    let by = question.approvers.as_ref();
    let by = by.map_or_else(Vec::new, |approvers| approvers.by.clone());
    let count = needed(question);
    let who = match (by.as_slice(), count) {
        ([], 1) => "a platform admin decides".to_owned(),
        ([], _) => format!("{count} platform admins decide"),
        (by, 1) => format!("one of {} decides", by.join(" or ")),
        (by, _) => format!("{count} of {} decide", by.join(" or ")),
    };
    let text = format!(
        "{}Approval needed until {}: {} — {}, step {}: {who}",
        reminder.map_or(String::new(), |n| format!("Reminder {n}. ")),
        minute(question.until),
        question.message,
        whose(about),
        question.step,
    );
    ApprovalRequestData {
        step: question.step.clone(),
        message: Some(question.message.clone()),
        by,
        count,
        until: question.until,
        incident: question.incident.clone(),
        reminder,
        about: Notice::new(&text),
    }
}

/// The votes of a ruling. A question of an earlier version has none, and its ruling is the vote.
fn votes_of(ruling: &Ruling, votes: &[Vote]) -> Vec<Vote> {
    if !votes.is_empty() {
        return votes.to_vec();
    }
    vec![Vote {
        decision: ruling.decision,
        by: ruling.by.clone(),
        group: None,
        acting_for: None,
        in_place_of_group: false,
        at: ruling.at,
        reason: ruling.reason.clone(),
        shown_sha256: String::new(),
    }]
}

fn voted(question: &Question, votes: &[Vote], about: &About) -> Vec<Event> {
    let count = needed(question);
    let mut approvals = 0;
    let events = votes.iter().map(|vote| {
        let approved = vote.decision == Decision::Approve;
        approvals += u32::from(approved);
        let (outcome, what) = match (approved, approvals >= count) {
            (true, true) => (Some(ApprovalOutcome::Approved), "approved".to_owned()),
            (true, false) => (None, format!("approved ({approvals} of {count})")),
            (false, _) => (Some(ApprovalOutcome::Rejected), "rejected".to_owned()),
        };
        let whose = whose(about);
        let text = format!("{} {what} step {} of {whose}", vote.by, question.step);
        let data = EventData::ApprovalDecided(ApprovalDecidedData {
            step: question.step.clone(),
            decision: Some(vote.decision),
            approvals,
            count,
            outcome,
            incident: question.incident.clone(),
            about: Notice::new(&text),
        });
        event(question, about, vote.at, &vote.by, data).by(Some(&vote.by))
    });
    events.collect()
}

/// The end of a question that people did not decide.
fn ended(question: &Question, about: &About) -> Option<Event> {
    let (step, whose) = (&question.step, whose(about));
    let (at, outcome, text) = match &question.state {
        QuestionState::Expired { at, .. } => (
            *at,
            ApprovalOutcome::Undecided,
            format!("Step {step} of {whose} was not decided"),
        ),
        QuestionState::Skipped { at, .. } => (
            *at,
            ApprovalOutcome::Skipped,
            format!("Step {step} of {whose} needs no approval, by its rule"),
        ),
        QuestionState::Open | QuestionState::Ruled { .. } => return None,
    };
    let approvals = u32::try_from(question.votes.len()).unwrap_or(u32::MAX);
    let data = EventData::ApprovalDecided(ApprovalDecidedData {
        step: step.clone(),
        decision: None,
        approvals,
        count: needed(question),
        outcome: Some(outcome),
        incident: question.incident.clone(),
        about: Notice::new(&text),
    });
    Some(event(question, about, at, "", data))
}
