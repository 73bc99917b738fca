//! The people of an approval, and the times that matter to them.

use holdfast_ledger::{Delegation, Voter, VoterRole};
use holdfast_receipt::Decision;
use holdfast_task::Approvers;
use jiff::Timestamp;

use super::VoteRules;
use crate::records::at;

/// The person who requested the execution.
pub(crate) const REQUESTER: &str = "alice";

/// The person behind a name. It is not the rule of the ledger, which it checks.
pub(crate) fn identity(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The setting of a check: the approval, its people, and the number of faults.
#[derive(Debug, Clone, Copy)]
pub struct ApprovalSetting {
    /// The groups whose members may approve.
    pub by: &'static [&'static str],
    /// The number of distinct people who must approve.
    pub count: u32,
    /// True if each of them must approve for another group.
    pub distinct_groups: bool,
    /// The people; each can decide once in each execution generation, at any time.
    pub people: &'static [Person],
    /// The number of faults: functions that die between a write and its answer.
    pub faults: u8,
    /// True if a redrive may ask again about other values.
    pub redrive: bool,
}

/// A person with a token of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// The name in the token. Two spellings of one name differ in case and outer spaces alone.
    pub subject: &'static str,
    /// True if the token has the role of a platform admin; otherwise it has that of an approver.
    pub platform_admin: bool,
    /// The groups of the token.
    pub groups: &'static [&'static str],
    /// The group and its member for whom the person stands in, from the beginning of the
    /// delegations to their end.
    pub stands_in_for: Option<(&'static str, &'static str)>,
    /// The decision of the person.
    pub decision: Decision,
}

impl Person {
    /// A member of these groups who approves.
    pub const fn member(subject: &'static str, groups: &'static [&'static str]) -> Self {
        Self {
            subject,
            platform_admin: false,
            groups,
            stands_in_for: None,
            decision: Decision::Approve,
        }
    }
}

/// A time at which something changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Instant {
    /// The start.
    #[default]
    Start,
    /// The delegations begin.
    Delegated,
    /// The delegations end.
    Returned,
    /// The deadline of the first execution generation.
    Deadline,
    /// The deadline of the second one.
    NextDeadline,
}

impl Instant {
    pub(crate) fn time(self) -> Timestamp {
        at(600 * self as i64)
    }

    /// The deadline of the question of an execution generation.
    pub(crate) fn deadline(execution_generation: u32) -> Self {
        match execution_generation {
            0 => Self::Deadline,
            _ => Self::NextDeadline,
        }
    }

    /// The next time at which something changes.
    pub(crate) fn next(self, setting: &ApprovalSetting) -> Option<Self> {
        let delegated = setting.people.iter().any(|one| one.stands_in_for.is_some());
        match self {
            Self::Start if delegated => Some(Self::Delegated),
            Self::Delegated => Some(Self::Returned),
            Self::Start | Self::Returned => Some(Self::Deadline),
            Self::Deadline if setting.redrive => Some(Self::NextDeadline),
            Self::Deadline | Self::NextDeadline => None,
        }
    }
}

impl ApprovalSetting {
    pub(crate) fn approvers(&self) -> Approvers {
        Approvers {
            by: self.by.iter().map(|&group| group.to_owned()).collect(),
            count: self.count,
            distinct_groups: self.distinct_groups,
            remind_every_s: None,
        }
    }

    /// The person as the API reads the token and the delegations at `now`.
    pub(crate) fn voter(&self, rules: &VoteRules, n: usize, read: &str, now: Timestamp) -> Voter {
        let person = &self.people[n];
        Voter {
            subject: person.subject.to_owned(),
            role: match person.platform_admin {
                true => VoterRole::PlatformAdmin,
                false => VoterRole::Approver,
            },
            groups: person
                .groups
                .iter()
                .map(|&group| group.to_owned())
                .collect(),
            stands_in: (rules.stand_ins)(&self.delegations(), person.subject, now),
            read_sha256: Some(read.to_owned()),
        }
    }

    fn delegations(&self) -> Vec<Delegation> {
        let delegation = |person: &Person| {
            let (group, member) = person.stands_in_for?;
            Some(Delegation {
                rev: 1,
                tenant: "acme".to_owned(),
                group: group.to_owned(),
                by: member.to_owned(),
                to: person.subject.to_owned(),
                from: Instant::Delegated.time(),
                until: Instant::Returned.time(),
                reason: String::new(),
                at: Instant::Start.time(),
                removed: false,
            })
        };
        self.people.iter().filter_map(delegation).collect()
    }
}
