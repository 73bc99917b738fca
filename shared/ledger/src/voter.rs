//! Voters of a question: their role, groups and delegations, and the seats that they can take.

use holdfast_ids::names::{same_group, same_person};
use holdfast_task::Approvers;
use serde::{Deserialize, Serialize};

/// A person who decides a question, as their token and the delegations describe them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voter {
    /// The person, as the token names them.
    pub subject: String,
    /// The role of the token.
    pub role: VoterRole,
    /// The groups of the person in the question's tenant.
    pub groups: Vec<String>,
    /// The delegations to the person that are in force now.
    pub stands_in: Vec<StandIn>,
    /// The `shown_sha256` of the question that the person read, if the decision names it.
    pub read_sha256: Option<String>,
}

/// The role of a voter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoterRole {
    /// Decides every question; in the place of a group where the definition names groups.
    PlatformAdmin,
    /// Decides for its groups.
    Approver,
    /// Decides nothing.
    Other,
}

/// A delegation: a member of a group lets another person decide for the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIn {
    /// The group.
    pub group: String,
    /// The member for whom the other person decides.
    pub person: String,
    /// The id of the delegation.
    pub delegation: String,
}

/// A place among the approvers of a question that one voter can take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The group, if the definition names groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The member of the group for whom the voter stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting_for: Option<String>,
    /// True if a platform admin takes the place of a group.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_place_of_group: bool,
}

impl Voter {
    /// A platform admin without groups.
    pub fn platform_admin(subject: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            role: VoterRole::PlatformAdmin,
            groups: Vec::new(),
            stands_in: Vec::new(),
            read_sha256: None,
        }
    }

    /// Returns whether the voter is an approver and the approval names a group of theirs, or one
    /// for which they stand in.
    pub fn is_asked(&self, approvers: Option<&Approvers>) -> bool {
        self.role == VoterRole::Approver && !self.seats(approvers, None).is_empty()
    }

    /// The seats that the voter can take: own groups first, then those of delegations, then, for a
    /// platform admin of none of them, the places of groups. `void` is the person whose delegations
    /// do not count, since a requester does not choose who approves.
    pub(crate) fn seats(&self, approvers: Option<&Approvers>, void: Option<&str>) -> Vec<Seat> {
        let admin = self.role == VoterRole::PlatformAdmin;
        let Some(approvers) = approvers.filter(|approvers| !approvers.by.is_empty()) else {
            return admin.then(Seat::default).into_iter().collect();
        };
        if self.role == VoterRole::Other {
            return Vec::new();
        }
        let own = |group: &&String| self.groups.iter().any(|held| same_group(held, group));
        let own = approvers.by.iter().filter(own).map(|group| Seat {
            group: Some(group.clone()),
            ..Seat::default()
        });
        let valid = |one: &&StandIn| {
            !same_person(&one.person, &self.subject)
                && !void.is_some_and(|void| same_person(void, &one.person))
        };
        let delegated = self.stands_in.iter().filter(valid).filter_map(|one| {
            let group = approvers.by.iter().find(|by| same_group(by, &one.group))?;
            Some(Seat {
                group: Some(group.clone()),
                acting_for: Some(one.person.clone()),
                in_place_of_group: false,
            })
        });
        let seats: Vec<_> = own.chain(delegated).collect();
        if !seats.is_empty() || !admin {
            return seats;
        }
        let in_place = |group| Seat {
            group,
            acting_for: None,
            in_place_of_group: true,
        };
        match approvers.distinct_groups {
            true => approvers
                .by
                .iter()
                .cloned()
                .map(Some)
                .map(in_place)
                .collect(),
            false => vec![in_place(None)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approver(groups: &[&str], stands_in: &[(&str, &str)]) -> Voter {
        let stands_in = stands_in.iter().map(|(group, person)| StandIn {
            group: (*group).to_owned(),
            person: (*person).to_owned(),
            delegation: "d-1".to_owned(),
        });
        Voter {
            subject: "bob".to_owned(),
            role: VoterRole::Approver,
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            stands_in: stands_in.collect(),
            read_sha256: None,
        }
    }

    #[test]
    fn an_approval_asks_members_of_its_groups_and_their_stand_ins() {
        let by = |by: &[&str]| Approvers {
            by: by.iter().map(|group| (*group).to_owned()).collect(),
            count: 1,
            distinct_groups: false,
            remind_every_s: None,
        };
        let asked = by(&["cfo", "treasury"]);
        let other = Voter {
            role: VoterRole::Other,
            ..approver(&["cfo"], &[])
        };
        for (voter, right) in [
            (approver(&["ops", "treasury"], &[]), true),
            (approver(&[], &[("cfo", "ann")]), true),
            (approver(&["CFO", "cfo treasury"], &[]), false),
            (approver(&["ops"], &[("ops", "ann")]), false),
            // A stand-in of oneself.
            (approver(&[], &[("cfo", "BOB")]), false),
            (Voter::platform_admin("root"), false),
            (other, false),
        ] {
            assert_eq!(voter.is_asked(Some(&asked)), right, "{voter:?}");
        }
        for of_admins in [None, Some(by(&[]))] {
            assert!(!approver(&["cfo"], &[]).is_asked(of_admins.as_ref()));
        }
    }
}
