//! The people of an approval: each votes, and so do those whose vote must not count. Checks that no
//! execution continued past an approval without enough people.

use std::collections::BTreeSet;

use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    Ledger, LedgerError, Question, Request, RulingTransition, Voter, VoterRole, rule,
};
use holdfast_receipt::{ApprovalOutcome, Decision, Receipt, ReceiptApproval, Status};
use holdfast_task::{Ask, QuestionKind};
use jiff::Timestamp;

/// Returns the people who decide a question, as many as it needs.
pub(crate) fn voters(ask: &Ask) -> Vec<Voter> {
    let Some(approvers) = &ask.approvers else {
        return vec![Voter::platform_admin("decider-0")];
    };
    let voter = |n: usize| {
        let subject = format!("decider-{n}");
        match approvers.by.get(n % approvers.by.len().max(1)) {
            None => Voter::platform_admin(&subject),
            Some(group) => Voter {
                subject,
                role: VoterRole::Approver,
                groups: vec![group.clone()],
                stands_in: Vec::new(),
                read_sha256: None,
            },
        }
    };
    (0..approvers.count as usize).map(voter).collect()
}

/// Records the decision of each person until the question is decided. If `intruders` is set, the
/// requester, a stranger to the groups and a person who has approved vote too before each approval,
/// and must not count. Returns the question; `None` if a decision is refused.
pub(crate) async fn vote<L: Ledger>(
    ledger: &L,
    at: &ExecutionKey,
    ask: &Ask,
    decision: Decision,
    now: Timestamp,
    intruders: bool,
) -> Result<Option<Box<Question>>, LedgerError> {
    let mut voted: Option<Voter> = None;
    let mut last = None;
    for voter in voters(ask) {
        if intruders && decision == Decision::Approve && ask.kind == QuestionKind::Approval {
            let requester = ledger.read(at).await?.and_then(|one| one.requested_by);
            let stranger = Voter {
                subject: "stranger".to_owned(),
                role: VoterRole::Approver,
                groups: vec!["no group of any definition".to_owned()],
                stands_in: Vec::new(),
                read_sha256: None,
            };
            let as_requester = requester.map(|subject| Voter {
                subject,
                ..voter.clone()
            });
            let again = voted.take().map(|voted| Voter {
                subject: format!(" {}", voted.subject.to_uppercase()),
                ..voted
            });
            for other in [Some(stranger), as_requester, again].into_iter().flatten() {
                cast(ledger, at, ask, decision, &other, now).await?;
            }
        }
        match cast(ledger, at, ask, decision, &voter, now).await? {
            Some(RulingTransition::Write(question) | RulingTransition::Already(question)) => {
                let decided = question.ruling().is_some();
                last = Some(question);
                if decided {
                    return Ok(last);
                }
            }
            _ => return Ok(None),
        }
        voted = Some(voter);
    }
    Ok(last)
}

async fn cast<L: Ledger>(
    ledger: &L,
    at: &ExecutionKey,
    ask: &Ask,
    decision: Decision,
    voter: &Voter,
    now: Timestamp,
) -> Result<Option<RulingTransition>, LedgerError> {
    let request = Request {
        by: voter.subject.clone(),
        reason: "the drill decides".to_owned(),
    };
    rule(ledger, at, &ask.step, decision, voter, &request, now).await
}

/// Returns what a receipt says against enough people at each approval. It counts names and groups
/// by itself, without the ledger's rule.
pub(crate) fn violations(receipt: &Receipt) -> Vec<String> {
    let mut found = Vec::new();
    for approval in &receipt.approvals {
        let passed = matches!(
            approval.outcome,
            ApprovalOutcome::Approved | ApprovalOutcome::Skipped
        );
        let reached = approval.generation == receipt.generation;
        if receipt.status == Status::Executed && reached && !passed {
            let outcome = approval.outcome;
            found.push(format!(
                "{}: it executed, and is {outcome:?}",
                approval.step
            ));
        }
        if approval.outcome == ApprovalOutcome::Approved && !enough(approval, receipt) {
            let by: Vec<_> = approval.votes.iter().map(|vote| &vote.by).collect();
            found.push(format!(
                "{}: too few people approved: {by:?}",
                approval.step
            ));
        }
    }
    found
}

fn enough(approval: &ReceiptApproval, receipt: &Receipt) -> bool {
    let name = |name: &str| name.trim().to_lowercase();
    let requester = receipt.requested_by.as_deref().map(name);
    let approved = approval
        .votes
        .iter()
        .filter(|vote| vote.decision == Decision::Approve);
    let people: BTreeSet<_> = approved.clone().map(|vote| name(&vote.by)).collect();
    let groups: BTreeSet<_> = approved.clone().map(|vote| &vote.group).collect();
    let count = approval.count as usize;
    let of_groups = |group: &Option<String>| {
        let named = |group: &String| approval.by.contains(group);
        approval.by.is_empty() || group.as_ref().is_some_and(named)
    };
    people.len() >= count
        && !requester.is_some_and(|requester| people.contains(&requester))
        && groups.iter().all(|group| of_groups(group))
        && (!approval.distinct_groups || groups.len() >= count)
}
