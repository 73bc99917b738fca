//! The list of paused scopes, of which several copies exist. An attempt reads one copy instead of
//! the three controls around its execution (decision 0109).

use std::collections::BTreeSet;

use holdfast_ids::keys::ExecutionKey;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::control::{Control, ControlState, Scope};

/// The number of copies. One item serves [3,000 strongly consistent read units a second][item], so
/// that 16 serve 48,000 attempts. That is more than the 20,000 attempts a second that a table on
/// demand serves by [its default quota][table] of 40,000 units, at two units an attempt.
///
/// [item]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
/// [table]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
pub const COPIES: u8 = 16;

/// The most bytes of names in a list. With its other attributes a copy stays below 4 KB, so that
/// one read unit covers it. The longest name of a scope has 70 bytes.
const NAMES_MAX: usize = 3_500;

/// The time after which no program of an earlier release changes controls: it would change no copy.
const PROBATION: SignedDuration = SignedDuration::from_mins(10);

/// The time for which a check vouches for a list. The sweep checks more often.
const LEASE: SignedDuration = SignedDuration::from_mins(15);

/// The list of paused scopes, as each copy has it. A copy only shows that a scope is *not* paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedScopes {
    /// Counts the writes, from 1.
    pub rev: u64,
    /// The names of the paused scopes. Absent if they are too many or not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<BTreeSet<String>>,
    /// The time from which the list is valid.
    from: Timestamp,
    /// The time until which the list is valid.
    until: Timestamp,
}

impl PausedScopes {
    /// A list without a scope that is always valid, for a ledger that one program writes.
    pub(crate) fn none() -> Self {
        Self {
            rev: 0,
            scopes: Some(BTreeSet::new()),
            from: Timestamp::MIN,
            until: Timestamp::MAX,
        }
    }

    /// The number of the copy that an execution reads. Ids are hashes, so that their first digit
    /// spreads evenly.
    pub fn copy_of(at: &ExecutionKey) -> u8 {
        let digit = at.execution.chars().next();
        let digit = digit.and_then(|digit| digit.to_digit(16));
        (digit.unwrap_or_default() % u32::from(COPIES)) as u8
    }

    /// Returns whether the list shows that none of these scopes is paused.
    pub fn excludes(&self, scopes: &[Scope], now: Timestamp) -> bool {
        let valid = (self.from..=self.until).contains(&now);
        let listed =
            |names: &BTreeSet<String>| scopes.iter().any(|one| names.contains(&one.name()));
        valid && self.scopes.as_ref().is_some_and(|names| !listed(names))
    }

    /// The names in the list.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.scopes.iter().flatten()
    }

    /// The list after a change of a control. If the copies differ or one is absent, the list
    /// becomes unknown until a check.
    pub fn changed(copies: &[Option<Self>], control: &Control) -> Self {
        let rev = next_rev(copies);
        let Some(list) = common(copies) else {
            return Self {
                rev,
                scopes: None,
                from: Timestamp::UNIX_EPOCH,
                until: Timestamp::UNIX_EPOCH,
            };
        };
        let scopes = list.scopes.clone().and_then(|mut names| {
            let name = control.scope.name();
            match control.state {
                ControlState::Paused => names.insert(name),
                ControlState::Running => names.remove(&name),
            };
            bounded(names)
        });
        Self {
            rev,
            scopes,
            ..list.clone()
        }
    }

    /// The list after a check, which has read the controls of every scope that the copies or the
    /// list of controls name. A list that was unknown or past its time is valid only after a
    /// probation, in which the checks find controls that an index did not show yet.
    pub fn checked(copies: &[Option<Self>], controls: &[Control], now: Timestamp) -> Self {
        let paused = controls.iter();
        let paused = paused.filter(|control| control.state == ControlState::Paused);
        let vouched = common(copies).filter(|list| list.scopes.is_some() && now <= list.until);
        Self {
            rev: next_rev(copies),
            scopes: bounded(paused.map(|control| control.scope.name()).collect()),
            from: vouched.map_or(now + PROBATION, |list| list.from),
            until: now + LEASE,
        }
    }
}

/// The list that every copy has. `None` if they differ or one is absent.
fn common(copies: &[Option<PausedScopes>]) -> Option<&PausedScopes> {
    let (first, others) = copies.split_first()?;
    let first = first.as_ref()?;
    let same = |copy: &Option<PausedScopes>| copy.as_ref() == Some(first);
    others.iter().all(same).then_some(first)
}

fn next_rev(copies: &[Option<PausedScopes>]) -> u64 {
    let revs = copies.iter().flatten().map(|copy| copy.rev);
    revs.max().unwrap_or_default() + 1
}

/// The names, unless they are too many. An element of a list takes a byte more than its text.
fn bounded(names: BTreeSet<String>) -> Option<BTreeSet<String>> {
    let bytes: usize = names.iter().map(|name| name.len() + 1).sum();
    (bytes <= NAMES_MAX).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PauseBehavior, Request, control};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(60 + minutes)
    }

    fn tenant(name: &str) -> Scope {
        Scope::Tenant(name.to_owned())
    }

    fn changed_to(state: ControlState, scope: Scope) -> Control {
        Control {
            rev: 1,
            scope,
            state,
            running_executions: PauseBehavior::Wait,
            reason: "why".to_owned(),
            by: "root".to_owned(),
            at: at(0),
        }
    }

    fn paused(scope: Scope) -> Control {
        changed_to(ControlState::Paused, scope)
    }

    fn copies(list: &PausedScopes) -> Vec<Option<PausedScopes>> {
        vec![Some(list.clone()); COPIES.into()]
    }

    /// A list that checks have vouched for since minute 0.
    fn valid(controls: &[Control], now: i64) -> PausedScopes {
        let first = PausedScopes::checked(&copies(&PausedScopes::none()), controls, at(now));
        PausedScopes {
            from: at(0),
            ..first
        }
    }

    #[test]
    fn a_change_is_in_the_list_at_once_and_a_resume_is_not() {
        let around = Scope::around("acme", "WF-X");
        for scope in around.clone() {
            let before = valid(&[], 20);
            assert!(before.excludes(&around, at(20)));
            let list = PausedScopes::changed(&copies(&before), &paused(scope.clone()));
            assert!(!list.excludes(&around, at(20)), "{scope:?}");
            assert_eq!(list.rev, before.rev + 1);
            let resumed = changed_to(ControlState::Running, scope);
            let list = PausedScopes::changed(&copies(&list), &resumed);
            assert!(list.excludes(&around, at(20)));
        }
        let other = PausedScopes::changed(&copies(&valid(&[], 20)), &paused(tenant("other")));
        assert!(other.excludes(&around, at(20)));
    }

    #[test]
    fn a_new_list_is_valid_only_after_its_probation() {
        let around = Scope::around("acme", "WF-X");
        let absent = vec![None; COPIES.into()];
        let first = PausedScopes::checked(&absent, &[], at(0));
        assert!(!first.excludes(&around, at(9)));
        // A program of an earlier release has paused a scope without a change of the copies.
        let second = PausedScopes::checked(&copies(&first), &[paused(tenant("acme"))], at(5));
        assert!(!second.excludes(&around, at(11)));
        assert!(second.excludes(&Scope::around("globex", "WF-X"), at(11)));
    }

    #[test]
    fn a_list_that_no_check_has_vouched_for_in_time_is_not_valid() {
        let around = Scope::around("acme", "WF-X");
        let list = valid(&[], 20);
        assert!(list.excludes(&around, at(35)));
        assert!(!list.excludes(&around, at(36)));
        let late = PausedScopes::checked(&copies(&list), &[], at(36));
        assert!(!late.excludes(&around, at(36)), "it is on probation again");
        let in_time = PausedScopes::checked(&copies(&list), &[], at(35));
        assert!(in_time.excludes(&around, at(36)));
    }

    #[test]
    fn copies_that_differ_or_are_absent_are_unknown_until_a_check() {
        let around = Scope::around("acme", "WF-X");
        let mut differing = copies(&valid(&[], 20));
        differing[3] = Some(valid(&[paused(Scope::Platform)], 20));
        let mut incomplete = copies(&valid(&[], 20));
        incomplete[15] = None;
        for broken in [differing, incomplete] {
            let list = PausedScopes::changed(&broken, &paused(tenant("other")));
            assert!(!list.excludes(&around, at(20)));
            let checked = PausedScopes::checked(&copies(&list), &[], at(21));
            assert!(!checked.excludes(&around, at(21)));
            assert!(checked.excludes(&around, at(31)));
        }
    }

    #[test]
    fn more_scopes_than_fit_are_no_list_until_a_check_finds_fewer() {
        let around = Scope::around("acme", "WF-X");
        let mut list = valid(&[], 20);
        let mut controls = Vec::new();
        for n in 0..1_000 {
            let pause = paused(tenant(&format!("tenant-{n:04}")));
            list = PausedScopes::changed(&copies(&list), &pause);
            let names: usize = list.names().map(|name| name.len() + 1).sum();
            assert!(names <= NAMES_MAX);
            controls.push(pause);
        }
        assert!(!list.excludes(&around, at(20)), "it does not fit");
        let checked = PausedScopes::checked(&copies(&list), &controls, at(21));
        assert!(!checked.excludes(&around, at(32)), "it does not fit yet");
        let fewer = PausedScopes::checked(&copies(&checked), &controls[..9], at(22));
        assert!(!fewer.excludes(&around, at(31)), "it is on probation");
        assert!(fewer.excludes(&around, at(32)));
    }

    #[test]
    fn a_change_of_a_control_changes_a_list_that_names_it_already() {
        let request = Request {
            by: "root".to_owned(),
            reason: "why".to_owned(),
        };
        let waits = paused(Scope::Platform);
        let (state, rolls_back) = (ControlState::Paused, PauseBehavior::Rollback);
        let harder = control(
            Some(&waits),
            &waits.scope,
            state,
            rolls_back,
            &request,
            at(9),
        );
        let list = valid(&[waits], 20);
        let next = PausedScopes::changed(&copies(&list), &harder.expect("a change"));
        // Its revision rises, so that a concurrent check that read the earlier control fails.
        assert_eq!(next.rev, list.rev + 1);
        assert!(next.names().eq(list.names()));
    }
}
