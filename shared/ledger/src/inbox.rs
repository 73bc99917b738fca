//! The questions that a person finds in the list of open questions.

use holdfast_ids::names::same_person;
use holdfast_task::QuestionKind;

use super::{question::Question, voter::Voter};

impl Question {
    /// Returns whether the open question waits for this person: they can take a seat, have not
    /// voted, and did not request the execution of an approval.
    pub fn waits_for(&self, voter: &Voter) -> bool {
        let asked_by = self.asked_by.as_ref();
        let requester = asked_by.and_then(|execution| execution.requested_by.as_deref());
        let is_voter = |person: &str| same_person(person, &voter.subject);
        let own = self.kind == QuestionKind::Approval && requester.is_some_and(is_voter);
        let voted = self.votes.iter().any(|vote| is_voter(&vote.by));
        !own && !voted && !voter.seats(self.approvers.as_ref(), requester).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use holdfast_receipt::{Decision, Vote};
    use holdfast_task::Approvers;

    use super::*;
    use crate::{
        AskingExecution, ExecutionRecord, StandIn, VoterRole,
        fixtures::{at, execution, key, question},
    };

    fn approval(requested_by: &str, by: &[&str]) -> Question {
        let execution = ExecutionRecord {
            requested_by: Some(requested_by.to_owned()),
            ..execution(&key("q"))
        };
        Question {
            kind: QuestionKind::Approval,
            asked_by: Some(AskingExecution::of(&execution)),
            approvers: Some(Approvers {
                by: by.iter().map(|by| (*by).to_owned()).collect(),
                count: 2,
                distinct_groups: false,
                remind_every_s: None,
            }),
            ..question(&key("q"))
        }
    }

    fn member(subject: &str, group: &str) -> Voter {
        Voter {
            role: VoterRole::Approver,
            groups: vec![group.to_owned()],
            ..Voter::platform_admin(subject)
        }
    }

    fn stand_in(subject: &str, group: &str, person: &str) -> Voter {
        Voter {
            groups: Vec::new(),
            stands_in: vec![StandIn {
                group: group.to_owned(),
                person: person.to_owned(),
                delegation: "d-1".to_owned(),
            }],
            ..member(subject, group)
        }
    }

    #[test]
    fn a_question_waits_for_who_may_decide_it_now() {
        let asked = approval("alice", &["cfo"]);
        for (voter, waits) in [
            (member("bob", "cfo"), true),
            (member("bob", "treasury"), false),
            (member(" ALICE", "cfo"), false),
            (stand_in("bob", "cfo", "carol"), true),
            // A requester does not choose who approves.
            (stand_in("bob", "cfo", "alice"), false),
            (Voter::platform_admin("root"), true),
            (Voter::platform_admin("alice"), false),
        ] {
            assert_eq!(asked.waits_for(&voter), waits, "{voter:?}");
        }
        let mut voted = asked;
        voted.votes.push(Vote {
            decision: Decision::Approve,
            by: "bob".to_owned(),
            group: Some("cfo".to_owned()),
            acting_for: None,
            in_place_of_group: false,
            at: at(1),
            reason: "so".to_owned(),
            shown_sha256: String::new(),
        });
        assert!(!voted.waits_for(&member("BOB", "cfo")));
        assert!(voted.waits_for(&member("carol", "cfo")));
    }

    #[test]
    fn the_requester_may_decide_about_a_failed_step() {
        let escalation = Question {
            kind: QuestionKind::Escalation,
            approvers: None,
            ..approval("root", &[])
        };
        assert!(escalation.waits_for(&Voter::platform_admin("root")));
        assert!(!escalation.waits_for(&member("bob", "cfo")));
    }
}
