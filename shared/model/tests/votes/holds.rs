//! The rules of the ledger: every property holds, and every case occurs.

use holdfast_model::votes::{ApprovalModel, ApprovalSetting, VOTES};
use stateright::{Checker, Model};

use super::casts::{GROUPS, REDRIVE, REJECTION, REQUESTER, SPELLINGS, STAND_INS};

/// Visits every state and prints their number.
fn holds(name: &str, setting: ApprovalSetting) {
    let rules = VOTES;
    let model = ApprovalModel { setting, rules };
    let checker = model.checker().spawn_dfs().join();
    eprintln!("{name}: {} states", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn a_person_counts_once_under_another_spelling_and_as_a_stand_in() {
    holds("spellings", SPELLINGS);
}

#[test]
fn a_member_counts_once_beside_two_stand_ins() {
    holds("stand-ins", STAND_INS);
}

#[test]
fn distinct_groups_need_a_person_for_each_in_any_order_of_votes() {
    holds("groups", GROUPS);
}

#[test]
fn the_requester_never_counts_in_any_role() {
    holds("requester", REQUESTER);
}

#[test]
fn one_rejection_rejects_in_any_order_of_votes() {
    holds("rejection", REJECTION);
}

#[test]
fn a_redrive_asks_again_and_takes_no_vote_about_the_earlier_values() {
    holds("redrive", REDRIVE);
}
