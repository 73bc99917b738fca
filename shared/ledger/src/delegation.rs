//! Delegations: for a time, a member of a group lets another person decide for the group. The
//! records, and the pure rules that change them.

use holdfast_ids::{keys::delegation_id, names::same_person};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::voter::StandIn;

/// The key of a delegation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DelegationKey {
    /// The tenant.
    pub tenant: String,
    /// The delegation's id.
    pub id: String,
}

impl DelegationKey {
    /// The key of the one delegation that `member` can have for `group`.
    pub fn new(tenant: &str, group: &str, member: &str) -> Self {
        Self {
            tenant: tenant.to_owned(),
            id: delegation_id(tenant, group, member),
        }
    }
}

/// A delegation. It is written whole, on condition that `rev` is still the one that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// Counts the writes, from 1.
    pub rev: u64,
    /// The tenant.
    pub tenant: String,
    /// The group for which the stand-in decides.
    pub group: String,
    /// The member of the group who delegates, as their token names them.
    pub by: String,
    /// The stand-in, as their token will name them.
    pub to: String,
    /// The time from which the stand-in may decide.
    pub from: Timestamp,
    /// The time from which the stand-in may no longer decide.
    pub until: Timestamp,
    /// The reason, in the member's own words.
    pub reason: String,
    /// The time of the last change.
    pub at: Timestamp,
    /// True if the member has removed it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
}

impl Delegation {
    /// Longest time of a delegation, and longest time before it begins: the membership of the
    /// member is not checked again meanwhile.
    pub const LONGEST: SignedDuration = SignedDuration::from_hours(90 * 24);
}

/// A request of a member of a group for a stand-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationRequest {
    /// The stand-in.
    pub to: String,
    /// The time from which the stand-in may decide; now, if there is none.
    pub from: Option<Timestamp>,
    /// The time from which the stand-in may no longer decide.
    pub until: Timestamp,
    /// The reason, in the member's own words.
    pub reason: String,
}

impl Delegation {
    /// Its key.
    pub fn key(&self) -> DelegationKey {
        DelegationKey::new(&self.tenant, &self.group, &self.by)
    }

    /// Returns whether the stand-in may decide at `now`: from `from` on, and before `until`.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        !self.removed && self.from <= now && now < self.until
    }

    /// Returns whether the stand-in may decide at `now` or later.
    pub fn is_current(&self, now: Timestamp) -> bool {
        !self.removed && now < self.until
    }
}

/// Decides on the delegation of `member` for `group`: the record to write, or `None` if it is
/// stored already. The error says what is wrong with the request.
pub fn delegate(
    current: Option<&Delegation>,
    (tenant, group, member): (&str, &str, &str),
    request: &DelegationRequest,
    now: Timestamp,
) -> Result<Option<Delegation>, String> {
    let DelegationRequest {
        to,
        from,
        until,
        reason,
    } = request;
    if same_person(to, member) {
        return Err("to must name another person than you".to_owned());
    }
    // A delegation says nothing about the past.
    let from = from.unwrap_or(now).max(now);
    if *until <= from {
        return Err(format!("until must be later than {from}"));
    }
    let longest = Delegation::LONGEST;
    if until.duration_since(from) > longest || from.duration_since(now) > longest {
        let days = longest.as_hours() / 24;
        return Err(format!(
            "a delegation begins within {days} days and lasts {days} days at most"
        ));
    }
    let same = |stored: &&Delegation| {
        let begins = stored.from.max(now) == from;
        let rest = (&stored.to, stored.until, &stored.reason) == (to, *until, reason);
        !stored.removed && begins && rest
    };
    if current.filter(same).is_some() {
        return Ok(None);
    }
    Ok(Some(Delegation {
        rev: current.map_or(1, |stored| stored.rev + 1),
        tenant: tenant.to_owned(),
        group: group.to_owned(),
        by: member.to_owned(),
        to: to.clone(),
        from,
        until: *until,
        reason: reason.clone(),
        at: now,
        removed: false,
    }))
}

/// Decides on the end of a delegation: the record to write, or `None` if it has ended.
pub fn end_delegation(current: &Delegation, now: Timestamp) -> Option<Delegation> {
    current.is_current(now).then(|| Delegation {
        rev: current.rev + 1,
        at: now,
        removed: true,
        ..current.clone()
    })
}

/// The groups and members for whom `person` may decide at `now`.
pub fn stand_ins(all: &[Delegation], person: &str, now: Timestamp) -> Vec<StandIn> {
    // A right is granted by the exact subject alone: OpenID Connect compares `sub` case by case.
    let given = all.iter().filter(|one| one.to == person);
    given
        .filter(|one| one.is_in_force(now))
        .map(|one| StandIn {
            group: one.group.clone(),
            person: one.by.clone(),
            delegation: one.key().id,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn days(days: i64) -> Timestamp {
        NOW + SignedDuration::from_hours(24 * days)
    }

    fn request(to: &str, from: Option<Timestamp>, until: Timestamp) -> DelegationRequest {
        DelegationRequest {
            to: to.to_owned(),
            from,
            until,
            reason: "leave".to_owned(),
        }
    }

    /// Delegates the group `cfo` of `acme` for `ann`.
    fn put(
        current: Option<&Delegation>,
        request: &DelegationRequest,
        now: Timestamp,
    ) -> Result<Option<Delegation>, String> {
        delegate(current, ("acme", "cfo", "ann"), request, now)
    }

    fn stored(from: Option<Timestamp>, until: Timestamp) -> Delegation {
        let new = put(None, &request("bob", from, until), NOW);
        new.expect("it is right").expect("it is new")
    }

    #[test]
    fn a_stand_in_may_decide_from_from_until_just_before_until() {
        let one = stored(Some(days(1)), days(2));
        let tick = SignedDuration::from_nanos(1);
        for (now, may) in [
            (days(1) - tick, false),
            (days(1), true),
            (days(2) - tick, true),
            (days(2), false),
        ] {
            assert_eq!(one.is_in_force(now), may, "{now}");
            let found = stand_ins(std::slice::from_ref(&one), "bob", now);
            assert_eq!(found.len(), usize::from(may), "{now}");
        }
        // Another spelling may be another account, which gets no right by a likeness.
        assert!(stand_ins(std::slice::from_ref(&one), " BOB", days(1)).is_empty());
        assert!(stand_ins(std::slice::from_ref(&one), "eve", days(1)).is_empty());
        let [found] = &stand_ins(std::slice::from_ref(&one), "bob", days(1))[..] else {
            panic!("one delegation");
        };
        assert_eq!((&*found.group, &*found.person), ("cfo", "ann"));
    }

    #[test]
    fn a_delegation_is_to_another_person_and_bounded() {
        for to in ["ann", "ANN", " ann\u{200b}", "ａｎｎ"] {
            let error = put(None, &request(to, None, days(1)), NOW).expect_err(to);
            assert!(error.contains("another person"), "{error}");
        }
        for (from, until) in [
            (None, NOW),
            (Some(days(2)), days(2)),
            (Some(days(-3)), days(-2)),
            (None, days(91)),
            (Some(days(5)), days(96)),
            (Some(days(91)), days(92)),
        ] {
            put(None, &request("bob", from, until), NOW).expect_err(&until.to_string());
        }
        for (from, until) in [(None, days(90)), (Some(days(90)), days(180))] {
            put(None, &request("bob", from, until), NOW)
                .unwrap_or_else(|why| panic!("{until}: {why}"));
        }
    }

    #[test]
    fn a_delegation_never_begins_in_the_past() {
        assert_eq!(stored(Some(days(-30)), days(1)).from, NOW);
        assert_eq!(stored(None, days(1)).from, NOW);
    }

    #[test]
    fn the_same_request_writes_once_and_another_one_replaces_the_record() {
        let first = stored(None, days(9));
        let later = days(1);
        let again = put(Some(&first), &request("bob", None, days(9)), later);
        assert_eq!(again, Ok(None));
        let other = put(Some(&first), &request("eve", None, days(9)), later);
        let other = other.expect("it is right").expect("it is another");
        assert_eq!((other.rev, &*other.to, other.from), (2, "eve", later));
        assert_eq!(other.key(), first.key());
        let removed = end_delegation(&other, later).expect("it is in force");
        assert_eq!((removed.rev, removed.is_current(later)), (3, false));
        assert!(other.is_in_force(later) && !removed.is_in_force(later));
        assert!(end_delegation(&removed, later).is_none());
        let new = put(Some(&removed), &request("eve", None, days(9)), later);
        assert_eq!(new.expect("it is right").map(|new| new.rev), Some(4));
    }

    #[test]
    fn a_delegation_that_is_over_cannot_be_removed() {
        let one = stored(None, days(1));
        assert!(end_delegation(&one, days(1)).is_none());
        assert!(end_delegation(&stored(Some(days(3)), days(4)), days(1)).is_some());
    }

    #[test]
    fn a_member_has_one_delegation_for_a_group_under_any_spelling() {
        let key = |group, member| DelegationKey::new("acme", group, member);
        assert_eq!(key("cfo", "ann"), key("cfo", "Ann "));
        assert_eq!(key("tr\u{e9}so", "ann"), key("tre\u{301}so", "ann"));
        assert_ne!(key("cfo", "ann"), key("CFO", "ann"));
        assert_ne!(
            key("cfo", "ann"),
            DelegationKey::new("acme-2", "cfo", "ann")
        );
    }
}
