//! The approvals whose votes are checked, and their people.

use holdfast_model::votes::{ApprovalSetting, Person};
use holdfast_receipt::Decision;

const BOB: Person = Person::member("bob", &["cfo"]);
const CAROL: Person = Person::member("carol", &["cfo"]);
/// The person who requested the execution.
const ALICE: Person = Person::member("Alice ", &["cfo"]);

/// Bob with another spelling of his name, as a stand-in of Dan.
const BOB_FOR_DAN: Person = Person {
    groups: &[],
    stands_in_for: Some(("cfo", "dan")),
    ..Person::member("BOB", &[])
};

/// Two members of one group, and one of them again by another spelling of the name, as a stand-in.
pub(super) const SPELLINGS: ApprovalSetting = ApprovalSetting {
    by: &["cfo"],
    count: 2,
    distinct_groups: false,
    people: &[BOB, BOB_FOR_DAN, CAROL],
    faults: 1,
    redrive: false,
};

/// A member and two people who stand in for that member.
pub(super) const STAND_INS: ApprovalSetting = ApprovalSetting {
    people: &[
        BOB,
        Person {
            stands_in_for: Some(("cfo", "Bob")),
            ..Person::member("eve", &[])
        },
        Person {
            stands_in_for: Some(("cfo", "bob")),
            ..Person::member("fay", &["cfo"])
        },
    ],
    faults: 0,
    ..SPELLINGS
};

/// One person of two groups, a member of one of them, and a platform admin.
pub(super) const GROUPS: ApprovalSetting = ApprovalSetting {
    by: &["cfo", "treasury"],
    distinct_groups: true,
    people: &[
        Person::member("gil", &["cfo", "treasury"]),
        BOB,
        Person {
            platform_admin: true,
            ..Person::member("root", &[])
        },
    ],
    ..SPELLINGS
};

/// The requester as a member and as a platform admin, a stand-in of the requester, and a member.
pub(super) const REQUESTER: ApprovalSetting = ApprovalSetting {
    count: 1,
    people: &[
        ALICE,
        Person {
            platform_admin: true,
            groups: &[],
            ..Person::member("alice", &[])
        },
        Person {
            stands_in_for: Some(("cfo", "ALICE")),
            ..Person::member("eve", &[])
        },
        BOB,
    ],
    faults: 0,
    ..SPELLINGS
};

/// Two people approve and one rejects.
pub(super) const REJECTION: ApprovalSetting = ApprovalSetting {
    people: &[
        BOB,
        CAROL,
        Person {
            decision: Decision::Reject,
            ..Person::member("dan", &["cfo"])
        },
    ],
    ..SPELLINGS
};

/// Two people approve, beside a redrive that asks about other values.
pub(super) const REDRIVE: ApprovalSetting = ApprovalSetting {
    people: &[BOB, CAROL],
    redrive: true,
    ..SPELLINGS
};
