//! Broken rules, each with the property that detects it, so that the checks can fail.

use std::collections::BTreeMap;

use holdfast_ledger::{
    ExecutionRecord, Phase, Question, QuestionState, QuestionTransition, RulingTransition, Voter,
    decide, put_question, stand_ins,
};
use holdfast_model::votes::{ApprovalModel, ApprovalSetting, VOTES, VoteRules};
use holdfast_receipt::Decision;
use jiff::Timestamp;
use stateright::{Checker, HasDiscoveries, Model};

use super::casts::{GROUPS, REDRIVE, REJECTION, REQUESTER, SPELLINGS, STAND_INS};

/// Expects a counterexample to this property.
fn breaks(setting: ApprovalSetting, rules: VoteRules, property: &'static str) {
    let checker = ApprovalModel { setting, rules }
        .checker()
        .finish_when(HasDiscoveries::AnyOf([property].into()))
        .spawn_bfs()
        .join();
    let found = checker.discovery(property);
    let found = found.unwrap_or_else(|| panic!("nothing broke: {property}"));
    eprintln!(
        "{property}: broken in {} events",
        found.into_actions().len()
    );
}

/// The transition, with another record to write.
fn written(
    transition: RulingTransition,
    change: impl FnOnce(Question) -> Question,
) -> RulingTransition {
    match transition {
        RulingTransition::Write(next) => RulingTransition::Write(Box::new(change(*next))),
        other => other,
    }
}

/// The question with other rules for its approvers.
fn asking(question: &Question, count: u32, distinct_groups: bool) -> Question {
    let mut question = question.clone();
    if let Some(approvers) = &mut question.approvers {
        approvers.count = count;
        approvers.distinct_groups = distinct_groups;
    }
    question
}

#[test]
fn a_person_who_counts_again_under_another_spelling_is_caught() {
    let rules = VoteRules {
        decide: |question, execution, decision, voter, request, now| {
            // Other names, so that no two votes are one person's.
            let mut names = BTreeMap::new();
            let mut other = question.clone();
            for (n, vote) in other.votes.iter_mut().enumerate() {
                let name = format!("voter {n}");
                names.insert(name.clone(), std::mem::replace(&mut vote.by, name));
            }
            let decided = decide(&other, execution, decision, voter, request, now);
            written(decided, |mut next| {
                for vote in &mut next.votes {
                    if let Some(name) = names.get(&vote.by) {
                        vote.by.clone_from(name);
                    }
                }
                next
            })
        },
        ..VOTES
    };
    breaks(SPELLINGS, rules, "an approval has enough distinct people");
}

#[test]
fn a_member_who_counts_again_through_a_stand_in_is_caught() {
    let rules = VoteRules {
        decide: |question, execution, decision, voter, request, now| {
            let mut other = question.clone();
            for seat in other.seats.iter_mut().flatten() {
                seat.acting_for = None;
            }
            let decided = decide(&other, execution, decision, voter, request, now);
            let earlier = question.votes.clone();
            written(decided, |mut next| {
                next.votes.splice(..earlier.len(), earlier);
                next
            })
        },
        ..VOTES
    };
    breaks(STAND_INS, rules, "an approval has enough distinct people");
}

#[test]
fn an_approval_by_fewer_people_than_it_asks_for_is_caught() {
    let rules = VoteRules {
        decide: |question, execution, decision, voter, request, now| {
            let fewer = asking(question, 1, false);
            decide(&fewer, execution, decision, voter, request, now)
        },
        ..VOTES
    };
    breaks(REJECTION, rules, "an approval has enough distinct people");
}

#[test]
fn a_group_that_counts_twice_is_caught() {
    let rules = VoteRules {
        decide: |question, execution, decision, voter, request, now| {
            let any = asking(question, 2, false);
            let decided = decide(&any, execution, decision, voter, request, now);
            written(decided, |next| asking(&next, 2, true))
        },
        ..VOTES
    };
    breaks(
        GROUPS,
        rules,
        "no group counts twice where groups are distinct",
    );
}

#[test]
fn a_requester_who_approves_is_caught() {
    let rules = VoteRules {
        decide: |question, execution, decision, voter, request, now| {
            let unnamed = ExecutionRecord {
                requested_by: None,
                ..execution.clone()
            };
            decide(question, &unnamed, decision, voter, request, now)
        },
        ..VOTES
    };
    breaks(REQUESTER, rules, "the requester never counts");
}

#[test]
fn a_platform_admin_who_is_not_named_is_caught() {
    let rules = VoteRules {
        decide: |question, execution, decision, voter, request, now| {
            let decided = decide(question, execution, decision, voter, request, now);
            written(decided, |mut next| {
                for vote in &mut next.votes {
                    vote.in_place_of_group = false;
                }
                next
            })
        },
        ..VOTES
    };
    breaks(
        GROUPS,
        rules,
        "each vote is of a person who may cast it, and says how",
    );
}

#[test]
fn a_stand_in_outside_the_time_of_the_delegation_is_caught() {
    let rules = VoteRules {
        stand_ins: |all, person, _| {
            let within = all.first().map_or(Timestamp::MAX, |one| one.from);
            stand_ins(all, person, within)
        },
        ..VOTES
    };
    breaks(
        STAND_INS,
        rules,
        "each vote is of a person who may cast it, and says how",
    );
}

#[test]
fn a_rejection_that_counts_as_one_vote_of_many_is_caught() {
    let rules = VoteRules {
        decide: |question, execution, decision, voter, request, now| {
            let decided = decide(question, execution, decision, voter, request, now);
            written(decided, |next| match decision {
                Decision::Reject => Question {
                    state: QuestionState::Open,
                    ..next
                },
                _ => next,
            })
        },
        ..VOTES
    };
    breaks(REJECTION, rules, "one rejection rejects");
}

#[test]
fn a_vote_about_values_that_its_person_did_not_read_is_caught() {
    let rules = VoteRules {
        decide: |question, execution, decision, voter, request, now| {
            let unread = Voter {
                read_sha256: None,
                ..voter.clone()
            };
            decide(question, execution, decision, &unread, request, now)
        },
        ..VOTES
    };
    breaks(REDRIVE, rules, "a vote is about what its person was shown");
}

#[test]
fn a_vote_after_the_deadline_is_caught() {
    let rules = VoteRules {
        decide: |question, execution, decision, voter, request, now| {
            let endless = Question {
                until: Timestamp::MAX,
                ..question.clone()
            };
            let decided = decide(&endless, execution, decision, voter, request, now);
            written(decided, |next| Question {
                until: question.until,
                ..next
            })
        },
        ..VOTES
    };
    breaks(REJECTION, rules, "no vote follows the deadline or the end");
}

#[test]
fn a_vote_that_reopens_an_expired_question_is_caught() {
    let rules = VoteRules {
        decide: |question, execution, decision, voter, request, now| {
            let open = Question {
                state: match &question.state {
                    QuestionState::Expired { .. } => QuestionState::Open,
                    other => other.clone(),
                },
                until: Timestamp::MAX,
                ..question.clone()
            };
            let running = ExecutionRecord {
                phase: Phase::Running,
                epoch: question.epoch,
                ..execution.clone()
            };
            decide(&open, &running, decision, voter, request, now)
        },
        ..VOTES
    };
    breaks(REJECTION, rules, "a decision never changes");
}

#[test]
fn an_end_that_leaves_its_question_open_is_caught() {
    let rules = VoteRules {
        close: |_, _| None,
        ..VOTES
    };
    breaks(REDRIVE, rules, "no vote follows the deadline or the end");
}

#[test]
fn a_repeated_ask_that_forgets_votes_is_caught() {
    let rules = VoteRules {
        put_question: |stored, put| match (stored, put_question(stored, put)) {
            (Some(stored), QuestionTransition::Write(next)) if stored.entered == put.entered => {
                QuestionTransition::Write(Box::new(Question {
                    votes: Vec::new(),
                    seats: Vec::new(),
                    ..*next
                }))
            }
            (_, other) => other,
        },
        ..VOTES
    };
    breaks(
        REJECTION,
        rules,
        "no recorded vote is lost, and none counts twice",
    );
}

#[test]
fn votes_that_are_written_without_a_condition_are_caught() {
    let rules = VoteRules {
        admits_write: |_, _| true,
        ..VOTES
    };
    breaks(
        REJECTION,
        rules,
        "no recorded vote is lost, and none counts twice",
    );
}

#[test]
fn an_approval_of_an_earlier_generation_that_a_redrive_continues_with_is_caught() {
    let rules = VoteRules {
        // The stored question counts as one of this entry.
        put_question: |stored, put| match stored {
            Some(stored) => {
                let mut same = put.clone();
                same.entered = stored.entered;
                same.retry = stored.retry + 1;
                put_question(Some(stored), &same)
            }
            None => put_question(None, put),
        },
        ..VOTES
    };
    breaks(REDRIVE, rules, "only what is approved continues");
}
