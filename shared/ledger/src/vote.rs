//! Pure rules of decisions: who may decide, whose vote counts, and when a question is decided.

use holdfast_receipt::{Decision, Vote};
use holdfast_task::QuestionKind;
use jiff::Timestamp;

use super::{
    execution::{ExecutionRecord, Phase},
    question::{Question, QuestionState},
    request::Request,
    voter::{Seat, Voter},
};
use holdfast_ids::names::same_person;

/// The outcome of a decision.
#[derive(Debug, Clone, PartialEq)]
pub enum RulingTransition {
    /// Write this record. It stays open if an approval needs more people.
    Write(Box<Question>),
    /// The same decision was made before, by another person or by this one.
    Already(Box<Question>),
    /// The decision is too late, or another one was first: the reason.
    Refused(String),
    /// The decision is refused for now, and the same one can succeed soon: the reason.
    TooEarly(String),
    /// The voter may not decide: the reason.
    Forbidden(String),
    /// The question does not take this decision: the reason.
    Unfit(String),
}

/// Decides whether a person's decision is recorded: it is one conditional write on an open
/// question. One rejection rejects; enough distinct people approve.
pub fn decide(
    question: &Question,
    execution: &ExecutionRecord,
    decision: Decision,
    voter: &Voter,
    request: &Request,
    now: Timestamp,
) -> RulingTransition {
    let known = question.kind.decisions();
    if !known.contains(&decision) {
        let names: Vec<_> = known.iter().map(|decision| decision.name()).collect();
        return RulingTransition::Unfit(format!("decision must be one of {}", names.join(", ")));
    }
    let requester = execution.requested_by.as_deref();
    if decision == Decision::Approve
        && requester.is_some_and(|requester| same_person(requester, &voter.subject))
    {
        let why =
            "the person who requested an execution cannot approve it: another person must decide";
        return RulingTransition::Forbidden(why.to_owned());
    }
    let seats = voter.seats(question.approvers.as_ref(), requester);
    if seats.is_empty() {
        return RulingTransition::Forbidden(not_a_voter(question, voter));
    }
    if let Some(over) = over(question, execution, decision, now) {
        return over;
    }
    // A redrive asks again at the same incident, perhaps about other values.
    if voter
        .read_sha256
        .as_ref()
        .is_some_and(|read| *read != question.shown_sha256)
    {
        let why = "the question has changed since you read it: read it again, then decide";
        return RulingTransition::Refused(why.to_owned());
    }
    let vote = Vote {
        decision,
        by: request.by.clone(),
        group: seats[0].group.clone(),
        acting_for: seats[0].acting_for.clone(),
        in_place_of_group: seats[0].in_place_of_group,
        at: now,
        reason: request.reason.clone(),
        shown_sha256: question.shown_sha256.clone(),
    };
    match question.kind {
        QuestionKind::Escalation => {
            RulingTransition::Write(Box::new(question.ruled(&vote, Vec::new(), Vec::new())))
        }
        QuestionKind::Approval => voted(question, vote, seats),
    }
}

/// The answer to a decision on a question that takes none any more; `None` if it is open.
fn over(
    question: &Question,
    execution: &ExecutionRecord,
    decision: Decision,
    now: Timestamp,
) -> Option<RulingTransition> {
    let why = match &question.state {
        QuestionState::Ruled { ruling, .. } if ruling.decision == decision => {
            return Some(RulingTransition::Already(Box::new(question.clone())));
        }
        QuestionState::Ruled { ruling, .. } => {
            let (by, decided) = (&ruling.by, ruling.decision.name());
            format!("{by} decided {decided} at {}", ruling.at)
        }
        QuestionState::Skipped { rule, .. } => {
            format!("no person is asked, since `{rule}` yielded false")
        }
        QuestionState::Expired { at, closed: true } => {
            format!("the execution stopped waiting for a decision before {at}")
        }
        QuestionState::Expired { at, .. } => {
            format!("the time for a decision ended at {at}, and the execution is rolled back")
        }
        QuestionState::Open
            if execution.phase != Phase::Running || execution.epoch != question.epoch =>
        {
            let state = execution.phase.name();
            format!("the execution no longer waits for a decision: it is {state}")
        }
        QuestionState::Open if now >= question.until => {
            let until = question.until;
            format!("the time for a decision ended at {until}: the execution is rolled back")
        }
        QuestionState::Open => return None,
    };
    Some(RulingTransition::Refused(why))
}

/// The open question after a vote of a person who can take `seats`.
fn voted(question: &Question, vote: Vote, seats: Vec<Seat>) -> RulingTransition {
    let mut votes = question.votes.clone();
    let mut all_seats = question.seats.clone();
    if vote.decision != Decision::Approve {
        votes.push(vote.clone());
        all_seats.push(seats);
        return RulingTransition::Write(Box::new(question.ruled(&vote, votes, all_seats)));
    }
    if votes.iter().any(|cast| same_person(&cast.by, &vote.by)) {
        return RulingTransition::Already(Box::new(question.clone()));
    }
    votes.push(vote.clone());
    all_seats.push(seats);
    let approvers = question.approvers.as_ref();
    let distinct_groups = approvers.is_some_and(|approvers| approvers.distinct_groups);
    let Some(taken) = seating(&votes, &all_seats, distinct_groups) else {
        return RulingTransition::Refused(no_seat(question, &all_seats[votes.len() - 1]));
    };
    for (vote, seat) in votes.iter_mut().zip(taken) {
        vote.group = seat.group;
        vote.acting_for = seat.acting_for;
        vote.in_place_of_group = seat.in_place_of_group;
    }
    let enough = approvers.map_or(1, |approvers| approvers.count as usize);
    RulingTransition::Write(Box::new(match votes.len() < enough {
        true => Question {
            rev: question.rev + 1,
            votes,
            seats: all_seats,
            ..question.clone()
        },
        false => question.ruled(&vote, votes, all_seats),
    }))
}

/// Gives each vote one of its seats, so that no member of a group counts twice: neither by a
/// stand-in and in person nor by two stand-ins. `None` if that is impossible. Earlier votes may
/// change their seats, so that the order of votes decides nothing.
fn seating(votes: &[Vote], seats: &[Vec<Seat>], distinct_groups: bool) -> Option<Vec<Seat>> {
    let voted = |person: &String| votes.iter().any(|vote| same_person(&vote.by, person));
    let free = |seat: &&Seat| !seat.acting_for.as_ref().is_some_and(voted);
    let open: Vec<Vec<&Seat>> = seats
        .iter()
        .map(|seats| seats.iter().filter(free).collect())
        .collect();
    let mut taken = Vec::with_capacity(open.len());
    seat_next(&open, distinct_groups, &mut taken).then(|| taken.into_iter().cloned().collect())
}

/// Seats the votes after those in `taken`, with backtracking: at most ten people vote.
fn seat_next<'a>(open: &[Vec<&'a Seat>], distinct_groups: bool, taken: &mut Vec<&'a Seat>) -> bool {
    let Some(seats) = open.get(taken.len()) else {
        return true;
    };
    for &seat in seats {
        let clash = |other: &&Seat| {
            let same_member = match (&other.acting_for, &seat.acting_for) {
                (Some(one), Some(other)) => same_person(one, other),
                _ => false,
            };
            same_member || distinct_groups && other.group == seat.group
        };
        if taken.iter().any(clash) {
            continue;
        }
        taken.push(seat);
        if seat_next(open, distinct_groups, taken) {
            return true;
        }
        taken.pop();
    }
    false
}

/// The reason why a voter has no seat. Only the requester's own delegations take one away.
fn not_a_voter(question: &Question, voter: &Voter) -> String {
    if !voter.seats(question.approvers.as_ref(), None).is_empty() {
        let why = "the person who requested the execution named you as a stand-in, and does not \
                   choose who approves: another person must decide";
        return why.to_owned();
    }
    match &question.approvers {
        Some(approvers) if !approvers.by.is_empty() => format!(
            "{} is decided by members of {}: another person must decide",
            question.step,
            approvers.by.join(" or ")
        ),
        _ => format!(
            "{} is decided by platform admins: another person must decide",
            question.step
        ),
    }
}

/// The reason why a vote cannot count beside the earlier ones.
fn no_seat(question: &Question, seats: &[Seat]) -> String {
    let groups = seats.iter().filter_map(|seat| seat.group.as_deref());
    let mut groups: Vec<_> = groups.collect();
    groups.dedup();
    format!(
        "{} has a decision of each group for which you decide ({}), or of the member for whom you \
         stand in, or of your stand-in: another person must decide",
        question.step,
        groups.join(", ")
    )
}
