//! The rule for approvals of several people: who counts, for which group, and when it is enough.

use holdfast_receipt::Decision;
use holdfast_task::{Approvers, QuestionKind};

use crate::{
    ExecutionRecord, Question, QuestionState, QuestionTransition, Request, RulingTransition,
    StandIn, Voter, VoterRole, decide,
    fixtures::{at, execution, key, question},
    put_question,
};

fn approval(by: &[&str], count: u32, distinct_groups: bool) -> Question {
    Question {
        kind: QuestionKind::Approval,
        approvers: Some(Approvers {
            by: by.iter().map(|&group| group.to_owned()).collect(),
            count,
            distinct_groups,
            remind_every_s: None,
        }),
        shown_sha256: "5".repeat(64),
        ..question(&key("q"))
    }
}

fn requested_by(person: &str) -> ExecutionRecord {
    ExecutionRecord {
        requested_by: Some(person.to_owned()),
        ..execution(&key("q"))
    }
}

fn member(name: &str, groups: &[&str]) -> Voter {
    Voter {
        subject: name.to_owned(),
        role: VoterRole::Approver,
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        stands_in: Vec::new(),
        read_sha256: None,
    }
}

fn standing_in(name: &str, seats: &[(&str, &str)]) -> Voter {
    let stands_in = seats.iter().map(|(group, person)| StandIn {
        group: (*group).to_owned(),
        person: (*person).to_owned(),
        delegation: "d-1".to_owned(),
    });
    Voter {
        stands_in: stands_in.collect(),
        ..member(name, &[])
    }
}

fn votes(question: &Question, voter: &Voter, decision: Decision) -> RulingTransition {
    let request = Request {
        by: voter.subject.clone(),
        reason: "so".to_owned(),
    };
    let execution = requested_by("alice");
    decide(question, &execution, decision, voter, &request, at(1))
}

/// The question after the approvals of these people, each of whom must count.
fn after(mut question: Question, voters: &[Voter]) -> Question {
    for voter in voters {
        let voted = votes(&question, voter, Decision::Approve);
        let RulingTransition::Write(next) = voted else {
            panic!("{}: {voted:?}", voter.subject);
        };
        assert_eq!(next.rev, question.rev + 1);
        question = *next;
    }
    question
}

fn approved(question: &Question) -> bool {
    let ruling = question.ruling();
    ruling.is_some_and(|ruling| ruling.decision == Decision::Approve)
}

/// The group and the member for whom each vote counts.
fn seats(question: &Question) -> Vec<(&str, Option<&str>)> {
    let votes = question.votes.iter();
    votes
        .map(|vote| {
            (
                vote.group.as_deref().unwrap_or("-"),
                vote.acting_for.as_deref(),
            )
        })
        .collect()
}

#[test]
fn an_approval_is_open_until_enough_people_have_approved() {
    let one = after(approval(&["cfo"], 2, false), &[member("bob", &["cfo"])]);
    assert_eq!((&one.state, one.votes.len()), (&QuestionState::Open, 1));
    let two = after(one, &[member("carol", &["cfo"])]);
    assert!(approved(&two), "{two:?}");
    let shown: Vec<_> = two.votes.iter().map(|vote| &*vote.shown_sha256).collect();
    assert_eq!(shown, ["5".repeat(64), "5".repeat(64)]);
}

#[test]
fn a_decision_about_another_question_than_the_one_that_was_read_is_refused() {
    let asked = approval(&["cfo"], 1, false);
    let reads = |sha256: String| Voter {
        read_sha256: Some(sha256),
        ..member("bob", &["cfo"])
    };
    for decision in [Decision::Approve, Decision::Reject] {
        let other = votes(&asked, &reads("6".repeat(64)), decision);
        let RulingTransition::Refused(why) = other else {
            panic!("{other:?}");
        };
        assert!(why.contains("has changed"), "{why}");
    }
    assert!(approved(&after(asked, &[reads("5".repeat(64))])));
}

#[test]
fn one_person_counts_once_however_the_name_is_written() {
    let one = after(approval(&["cfo"], 2, false), &[member("bob", &["cfo"])]);
    for name in ["bob", "Bob", " BOB "] {
        for voter in [member(name, &["cfo"]), standing_in(name, &[("cfo", "dan")])] {
            let again = votes(&one, &voter, Decision::Approve);
            assert_eq!(again, RulingTransition::Already(Box::new(one.clone())));
        }
    }
}

#[test]
fn the_requester_cannot_approve_in_any_role_nor_choose_who_does() {
    let open = approval(&["cfo"], 1, false);
    let admin = Voter::platform_admin("Alice ");
    for voter in [
        member("alice", &["cfo"]),
        standing_in("ALICE", &[("cfo", "bob")]),
        standing_in("bob", &[("cfo", " Alice")]),
        admin,
    ] {
        let refused = votes(&open, &voter, Decision::Approve);
        assert!(
            matches!(refused, RulingTransition::Forbidden(_)),
            "{refused:?}"
        );
    }
    let named = standing_in("bob", &[("cfo", " Alice")]);
    let RulingTransition::Forbidden(why) = votes(&open, &named, Decision::Approve) else {
        panic!("a requester does not choose who approves");
    };
    assert!(why.contains("named you as a stand-in"), "{why}");
    let no = votes(&open, &member("alice", &["cfo"]), Decision::Reject);
    assert!(matches!(no, RulingTransition::Write(_)), "{no:?}");
}

#[test]
fn an_approval_without_groups_is_decided_by_one_platform_admin_but_the_requester() {
    let open = Question {
        approvers: None,
        ..approval(&[], 1, false)
    };
    for name in ["alice", " ALICE"] {
        let own = Voter::platform_admin(name);
        let refused = votes(&open, &own, Decision::Approve);
        assert!(
            matches!(refused, RulingTransition::Forbidden(_)),
            "{refused:?}"
        );
        let no = votes(&open, &own, Decision::Reject);
        assert!(matches!(no, RulingTransition::Write(_)), "{no:?}");
    }
    assert!(approved(&after(
        open.clone(),
        &[Voter::platform_admin("bob")]
    )));
    let unfit = votes(&open, &Voter::platform_admin("bob"), Decision::Skip);
    assert!(matches!(unfit, RulingTransition::Unfit(_)), "{unfit:?}");
}

#[test]
fn a_skipped_approval_takes_no_vote() {
    let skipped = Question {
        state: QuestionState::Skipped {
            at: at(0),
            rule: "$input.amount > 50000".to_owned(),
        },
        ..approval(&["cfo"], 1, false)
    };
    let refused = votes(&skipped, &member("bob", &["cfo"]), Decision::Approve);
    assert!(
        matches!(&refused, RulingTransition::Refused(why) if why.contains("$input.amount")),
        "{refused:?}"
    );
    assert!(skipped.is_approved("hold", 0) && !skipped.is_approved("hold", 1));
    assert_eq!((skipped.due(), skipped.next_reminder()), (None, None));
}

#[test]
fn only_members_their_stand_ins_and_platform_admins_decide() {
    let open = approval(&["cfo"], 1, false);
    let other_role = Voter {
        role: VoterRole::Other,
        ..member("bob", &["cfo"])
    };
    for voter in [
        member("bob", &[]),
        member("bob", &["CFO"]),
        standing_in("bob", &[("treasury", "carol")]),
        other_role,
    ] {
        for decision in [Decision::Approve, Decision::Reject] {
            let refused = votes(&open, &voter, decision);
            assert!(
                matches!(refused, RulingTransition::Forbidden(_)),
                "{refused:?}"
            );
        }
    }
    let of_admins = votes(
        &Question {
            approvers: None,
            ..open
        },
        &member("bob", &["cfo"]),
        Decision::Approve,
    );
    assert!(
        matches!(of_admins, RulingTransition::Forbidden(_)),
        "{of_admins:?}"
    );
}

#[test]
fn a_platform_admin_in_the_place_of_a_group_is_named_as_one() {
    let admin = Voter::platform_admin("root");
    let any = after(
        approval(&["cfo", "treasury"], 1, false),
        std::slice::from_ref(&admin),
    );
    assert!(any.votes[0].in_place_of_group);
    assert_eq!(seats(&any), [("-", None)]);
    let distinct = approval(&["cfo", "treasury"], 2, true);
    let distinct = after(distinct, &[admin.clone(), member("bob", &["cfo"])]);
    assert_eq!(seats(&distinct), [("treasury", None), ("cfo", None)]);
    assert!(distinct.votes[0].in_place_of_group && !distinct.votes[1].in_place_of_group);
    let own = Voter {
        groups: vec!["cfo".to_owned()],
        ..admin
    };
    let own = after(approval(&["cfo"], 1, false), &[own]);
    assert!(!own.votes[0].in_place_of_group);
}

#[test]
fn the_order_of_votes_does_not_make_distinct_groups_impossible() {
    let people = [
        member("both", &["cfo", "treasury"]),
        member("cfo", &["cfo"]),
        standing_in("deputy", &[("board", "eve"), ("treasury", "dan")]),
    ];
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for order in orders {
        let voters = order.map(|n| people[n].clone());
        let done = after(approval(&["cfo", "treasury", "board"], 3, true), &voters);
        assert!(approved(&done), "{order:?}");
        let mut groups: Vec<_> = seats(&done).into_iter().map(|(group, _)| group).collect();
        groups.sort_unstable();
        assert_eq!(groups, ["board", "cfo", "treasury"], "{order:?}");
    }
}

#[test]
fn a_second_person_of_the_same_group_does_not_count_for_distinct_groups() {
    let one = after(
        approval(&["cfo", "treasury"], 2, true),
        &[member("bob", &["cfo"])],
    );
    let refused = votes(&one, &member("carol", &["cfo"]), Decision::Approve);
    assert!(
        matches!(refused, RulingTransition::Refused(_)),
        "{refused:?}"
    );
    assert!(approved(&after(one, &[member("dan", &["treasury"])])));
}

#[test]
fn a_member_does_not_count_again_through_a_stand_in() {
    let open = approval(&["cfo"], 2, false);
    let dan = member("dan", &["cfo"]);
    let deputy = standing_in("eve", &[("cfo", "Dan")]);
    let second = standing_in("fay", &[("cfo", "dan ")]);
    for [first, other] in [[&dan, &deputy], [&deputy, &dan], [&deputy, &second]] {
        let one = after(open.clone(), std::slice::from_ref(first));
        let refused = votes(&one, other, Decision::Approve);
        assert!(
            matches!(refused, RulingTransition::Refused(_)),
            "{refused:?}"
        );
    }
    // A stand-in of two members takes the other's place.
    let of_two = standing_in("eve", &[("cfo", "dan"), ("cfo", "gil")]);
    let done = after(open, &[of_two, dan]);
    assert_eq!(seats(&done), [("cfo", Some("gil")), ("cfo", None)]);
}

#[test]
fn one_rejection_rejects_also_by_a_person_who_had_approved() {
    let one = after(approval(&["cfo"], 3, false), &[member("bob", &["cfo"])]);
    for name in ["bob", "carol"] {
        let refused = votes(&one, &member(name, &["cfo"]), Decision::Reject);
        let RulingTransition::Write(next) = refused else {
            panic!("{refused:?}");
        };
        let ruling = next.ruling().map(|ruling| (ruling.decision, &*ruling.by));
        assert_eq!(ruling, Some((Decision::Reject, name)));
        assert_eq!(next.votes.len(), 2, "the approval stays on record");
        let late = votes(&next, &member("dan", &["cfo"]), Decision::Approve);
        assert!(matches!(late, RulingTransition::Refused(_)), "{late:?}");
    }
}

#[test]
fn a_repeated_ask_keeps_the_votes_and_the_question_of_a_redrive_has_none() {
    let asked = || approval(&["cfo"], 2, false);
    let one = after(asked(), &[member("bob", &["cfo"])]);
    let repeated = Question {
        retry: one.retry + 1,
        ..asked()
    };
    let redriven = Question {
        entered: at(9),
        ..asked()
    };
    for (put, votes) in [(repeated, 1), (redriven, 0)] {
        let QuestionTransition::Write(next) = put_question(Some(&one), &put) else {
            panic!("{put:?} is put");
        };
        assert_eq!((next.votes.len(), next.seats.len()), (votes, votes));
    }
}

#[test]
fn a_group_is_the_same_in_either_unicode_spelling() {
    let open = approval(&["tr\u{e9}so"], 1, false);
    assert!(approved(&after(open, &[member("bob", &["tre\u{301}so"])])));
}

#[test]
fn reminders_come_at_their_interval_and_none_after_the_deadline() {
    let mut open = approval(&["cfo"], 1, false);
    open.until = at(3000);
    assert_eq!(open.next_reminder(), None);
    open.approvers.as_mut().unwrap().remind_every_s = Some(1200);
    assert_eq!(
        open.due(),
        Some(at(120)),
        "the first look is at the question"
    );
    assert_eq!(open.after_reminder(at(1199)), None);
    let once = open.after_reminder(at(1300)).expect("it is due");
    assert_eq!(once.reminded.as_ref().map(|one| one.n), Some(1));
    assert_eq!(once.due(), Some(at(2500)));
    assert_eq!(once.after_reminder(at(1301)), None, "a repeated sweep");
    let late = once.after_reminder(at(2900)).expect("it is due");
    assert_eq!((late.due(), late.next_reminder()), (None, None));
    assert_eq!(once.after_reminder(at(3000)), None, "the time is over");
}
