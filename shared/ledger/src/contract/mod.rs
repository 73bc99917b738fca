//! The contract of every ledger, as checks against any: in memory, the local stack's, a real table.

mod compare;
mod counters;
mod shapes;

use futures_util::future::join_all;
use serde_json::json;

use self::compare::{WRITERS, put, same, text};
use self::counters::{
    a_change_over_the_maximum_writes_nothing_and_names_its_place,
    a_write_that_loses_changes_no_counter, an_amount_that_is_given_back_can_be_taken_again,
    counters_of_other_tenants_periods_and_kinds_are_separate,
    fifty_concurrent_changes_stop_at_the_maximum,
};
use self::shapes::{
    an_incident_comes_back_as_it_was_and_only_to_its_tenant, every_json_value_comes_back_as_it_was,
    every_shape_of_a_question_comes_back_as_it_was,
    every_shape_of_a_steps_record_comes_back_as_it_was,
    every_shape_of_an_executions_record_comes_back_as_it_was,
    the_latest_link_of_an_incident_comes_back_as_it_was,
};
use super::{
    ControlState, Duplicate, Duplicates, ExecutionRecord, Expect, Ledger, PauseBehavior, Put,
    Request, Scope, Snapshot, StepRecord, StepState, control,
    fixtures::{at, claim_by, execution, inline, key},
};
use holdfast_ids::keys::ExecutionKey;

/// Declares the runner of all checks, by name.
macro_rules! checks {
    ($($check:ident),+ $(,)?) => {
        /// Runs every check and returns its result by name. `unique` separates the records of runs
        /// that share a table; it may be any text.
        pub async fn check_all<L: Ledger>(
            ledger: &L,
            unique: &str,
        ) -> Vec<(&'static str, Result<(), String>)> {
            vec![$((
                stringify!($check),
                $check(ledger, &key(&format!("{unique}/{}", stringify!($check)))).await,
            )),+]
        }
    };
}

checks!(
    an_execution_without_records_is_absent,
    a_first_write_is_applied_once_and_the_loser_gets_the_winners_record,
    a_write_is_applied_only_to_the_revision_that_was_read,
    a_write_on_an_absent_record_loses_without_a_winner,
    every_shape_of_an_executions_record_comes_back_as_it_was,
    every_shape_of_a_steps_record_comes_back_as_it_was,
    every_json_value_comes_back_as_it_was,
    every_shape_of_a_question_comes_back_as_it_was,
    an_incident_comes_back_as_it_was_and_only_to_its_tenant,
    the_latest_link_of_an_incident_comes_back_as_it_was,
    items_of_a_step_have_records_of_their_own,
    executions_do_not_share_records,
    a_snapshot_has_everything_in_declared_order,
    a_snapshot_of_many_large_records_is_complete,
    fifty_concurrent_claims_have_one_winner_that_the_losers_see,
    fifty_concurrent_takeovers_have_one_winner,
    fifty_concurrent_duplicates_are_all_counted,
    a_duplicate_is_counted_without_disturbing_a_write,
    a_request_that_is_counted_again_counts_once,
    a_write_that_loses_changes_no_counter,
    a_change_over_the_maximum_writes_nothing_and_names_its_place,
    an_amount_that_is_given_back_can_be_taken_again,
    counters_of_other_tenants_periods_and_kinds_are_separate,
    fifty_concurrent_changes_stop_at_the_maximum,
    an_execution_is_read_with_every_control_that_applies_to_it,
);

async fn an_execution_is_read_with_every_control_that_applies_to_it<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    // A tenant and a workflow of its own; the platform belongs to every run.
    let of = ExecutionKey {
        tenant: of.execution.clone(),
        ..of.clone()
    };
    let workflow = format!("WF-{}", of.execution.to_uppercase());
    let own = async |workflow: &str| {
        let read = ledger.phase_and_controls(&of, workflow).await;
        let (phase, mut controls) = read.map_err(text)?;
        controls.retain(|one| one.scope != Scope::Platform);
        controls.sort_by(|a, b| a.scope.cmp(&b.scope));
        Ok::<_, String>((phase, controls))
    };
    same("nothing", &own(&workflow).await?, &(None, vec![]))?;
    let [_, tenant, by_workflow] = Scope::around(&of.tenant, &workflow);
    let mut right = Vec::new();
    for (n, scope) in [tenant, by_workflow].into_iter().enumerate() {
        let request = Request {
            by: "Zo\u{eb}".to_owned(),
            reason: "a leak".to_owned(),
        };
        let behavior = [PauseBehavior::Wait, PauseBehavior::Rollback][n];
        let paused = control(
            None,
            &scope,
            ControlState::Paused,
            behavior,
            &request,
            at(n as i64),
        );
        let paused = paused.ok_or("it was not paused")?;
        put(ledger, &paused, Expect::Absent, Put::Done).await?;
        let lost = Put::Lost(Some(Box::new(paused.clone())));
        put(ledger, &paused, Expect::Absent, lost).await?;
        let read = ledger.read(&scope).await.map_err(text)?;
        same("read", &read, &Some(paused.clone()))?;
        right.push(paused);
    }
    put(ledger, &execution(&of), Expect::Absent, Put::Done).await?;
    let phase = Some(execution(&of).epoch_and_phase());
    let all = (phase.clone(), right.clone());
    same("all", &own(&workflow).await?, &all)?;
    let of_tenant = (phase, right[..1].to_vec());
    same("its tenant's", &own("WF-OTHER").await?, &of_tenant)
}

async fn an_execution_without_records_is_absent<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    same("execution", &ledger.read(of).await.map_err(text)?, &None)?;
    same("snapshot", &ledger.snapshot(of).await.map_err(text)?, &None)
}

async fn a_first_write_is_applied_once_and_the_loser_gets_the_winners_record<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    let first = execution(of);
    let second = ExecutionRecord {
        owner: "arn:second".to_owned(),
        ..first.clone()
    };
    put(ledger, &first, Expect::Absent, Put::Done).await?;
    let lost = Put::Lost(Some(Box::new(first.clone())));
    put(ledger, &second, Expect::Absent, lost).await?;
    let stored = ledger.read(of).await.map_err(text)?;
    same("the stored record", &stored, &Some(first))?;

    let first = claim_by(of, "a", 0).first;
    let second = claim_by(of, "b", 0).first;
    put(ledger, &first, Expect::Absent, Put::Done).await?;
    let lost = Put::Lost(Some(Box::new(first)));
    put(ledger, &second, Expect::Absent, lost).await
}

async fn a_write_is_applied_only_to_the_revision_that_was_read<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    let (mut one, mut two, mut three) = (execution(of), execution(of), execution(of));
    (one.rev, two.rev, three.rev) = (1, 2, 3);
    put(ledger, &one, Expect::Absent, Put::Done).await?;
    put(ledger, &two, Expect::Rev(1), Put::Done).await?;
    for stale in [0, 1, 3] {
        let lost = Put::Lost(Some(Box::new(two.clone())));
        put(ledger, &three, Expect::Rev(stale), lost).await?;
    }
    put(ledger, &three, Expect::Rev(2), Put::Done).await?;

    let mut record = claim_by(of, "a", 0).first;
    put(ledger, &record, Expect::Absent, Put::Done).await?;
    let before = record.clone();
    record.rev = 2;
    record.state = StepState::Unknown;
    put(ledger, &record, Expect::Rev(1), Put::Done).await?;
    let lost = Put::Lost(Some(Box::new(record)));
    put(ledger, &before, Expect::Rev(1), lost).await
}

async fn a_write_on_an_absent_record_loses_without_a_winner<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    put(ledger, &execution(of), Expect::Rev(1), Put::Lost(None)).await?;
    let record = claim_by(of, "a", 0).first;
    put(ledger, &record, Expect::Rev(1), Put::Lost(None)).await?;
    same("snapshot", &ledger.snapshot(of).await.map_err(text)?, &None)
}

async fn items_of_a_step_have_records_of_their_own<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    put(ledger, &execution(of), Expect::Absent, Put::Done).await?;
    for item in [None, Some("1"), Some("v-1"), Some("v:1@x.y")] {
        let mut record = claim_by(of, "a", 0).first;
        record.item = item.map(str::to_owned);
        put(ledger, &record, Expect::Absent, Put::Done).await?;
    }
    let found = ledger.snapshot(of).await.map_err(text)?;
    let steps = found.map(|found| found.steps).unwrap_or_default();
    let items: Vec<_> = steps.iter().map(|step| step.item.as_deref()).collect();
    same(
        "items",
        &items,
        &vec![None, Some("1"), Some("v-1"), Some("v:1@x.y")],
    )
}

async fn executions_do_not_share_records<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    let others_tenant = ExecutionKey {
        tenant: "acme-2".to_owned(),
        ..of.clone()
    };
    for key in [of, &others_tenant] {
        put(ledger, &execution(key), Expect::Absent, Put::Done).await?;
        let record = claim_by(key, &key.tenant, 0).first;
        put(ledger, &record, Expect::Absent, Put::Done).await?;
    }
    let repeat = duplicate(0);
    let counted = ledger.count_duplicate(of, "WF-HOLD", &repeat).await;
    counted.map_err(text)?;
    let found = ledger.snapshot(&others_tenant).await.map_err(text)?;
    let record = claim_by(&others_tenant, "acme-2", 0).first;
    let right = Snapshot::new(execution(&others_tenant), vec![record], 0);
    same("the other's", &found, &Some(right))
}

async fn a_snapshot_has_everything_in_declared_order<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    put(ledger, &execution(of), Expect::Absent, Put::Done).await?;
    // Neither the order of writing nor that of names is the declared one.
    for (number, name, item) in [
        (3, "a_last", None),
        (2, "middle", Some("b")),
        (2, "middle", Some("a")),
        (1, "z_first", None),
    ] {
        let mut record = claim_by(of, "a", 0).first;
        (record.number, record.step) = (number, name.to_owned());
        record.item = item.map(str::to_owned);
        put(ledger, &record, Expect::Absent, Put::Done).await?;
    }
    let found = ledger.snapshot(of).await.map_err(text)?;
    let steps = found.map(|found| found.steps).unwrap_or_default();
    let labels: Vec<_> = steps.iter().map(StepRecord::label).collect();
    let right = ["z_first", "middle[a]", "middle[b]", "a_last"];
    same("order", &labels, &right.map(str::to_owned).to_vec())
}

/// Writes more than a megabyte, so that a database that answers in pages needs several.
async fn a_snapshot_of_many_large_records_is_complete<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    const RECORDS: u32 = 320;
    put(ledger, &execution(of), Expect::Absent, Put::Done).await?;
    for numbers in (1..=RECORDS).collect::<Vec<_>>().chunks(WRITERS) {
        let writes = numbers.iter().map(|number| async move {
            let mut record = claim_by(of, "a", 0).first;
            (record.step, record.number) = (format!("step_{number}"), *number);
            record.input = inline(json!("x".repeat(4096)));
            put(ledger, &record, Expect::Absent, Put::Done).await
        });
        join_all(writes)
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
    }
    let found = ledger.snapshot(of).await.map_err(text)?;
    let steps = found.map(|found| found.steps).unwrap_or_default();
    let numbers: Vec<_> = steps.iter().map(|step| step.number).collect();
    same("numbers", &numbers, &(1..=RECORDS).collect::<Vec<_>>())
}

async fn fifty_concurrent_claims_have_one_winner_that_the_losers_see<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    race(ledger, of, Expect::Absent).await
}

async fn fifty_concurrent_takeovers_have_one_winner<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    let first = claim_by(of, "first", 0).first;
    put(ledger, &first, Expect::Absent, Put::Done).await?;
    race(ledger, of, Expect::Rev(1)).await
}

async fn race<L: Ledger>(ledger: &L, of: &ExecutionKey, expect: Expect) -> Result<(), String> {
    let writes = (0..WRITERS).map(|n| async move {
        let mut record = claim_by(of, &format!("attempt-{n}"), 100).first;
        record.rev = 2;
        let put = ledger.put(&record, expect).await.map_err(text)?;
        Ok((record, put))
    });
    let puts: Vec<_> = join_all(writes)
        .await
        .into_iter()
        .collect::<Result<_, String>>()?;
    let winners: Vec<_> = puts.iter().filter(|(_, put)| *put == Put::Done).collect();
    let [(winner, _)] = winners.as_slice() else {
        return Err(format!("{} winners of {WRITERS}", winners.len()));
    };
    let seen = Put::Lost(Some(Box::new(winner.clone())));
    let losers = puts.iter().filter(|(_, put)| *put != Put::Done);
    for (_, put) in losers {
        same("what a loser sees", put, &seen)?;
    }
    Ok(())
}

async fn fifty_concurrent_duplicates_are_all_counted<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    put(ledger, &execution(of), Expect::Absent, Put::Done).await?;
    let repeats: Vec<_> = (0..WRITERS).map(duplicate).collect();
    let counts = repeats
        .iter()
        .map(|repeat| ledger.count_duplicate(of, "WF-HOLD", repeat));
    let counted: Result<Vec<()>, _> = join_all(counts).await.into_iter().collect();
    counted.map_err(text)?;
    let found = ledger.snapshot(of).await.map_err(text)?;
    let found = found.ok_or("no snapshot")?;
    same("count", &found.duplicates, &50)?;
    let mut times = found.duplicate_times;
    times.sort();
    let right: Vec<_> = repeats.iter().map(|repeat| repeat.at).collect();
    same("times", &times, &right)
}

async fn a_request_that_is_counted_again_counts_once<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    put(ledger, &execution(of), Expect::Absent, Put::Done).await?;
    let past_the_entries = Duplicates::ENTRIES_MAX + 3;
    for n in 0..past_the_entries {
        // The answer to the first update is lost, and the client sends it again.
        for _ in 0..2 {
            let repeat = duplicate(n);
            let counted = ledger.count_duplicate(of, "WF-HOLD", &repeat).await;
            counted.map_err(text)?;
        }
    }
    let found = ledger.snapshot(of).await.map_err(text)?;
    let found = found.ok_or("no snapshot")?;
    same("count", &found.duplicates, &(past_the_entries as u64))?;
    let entries = found.duplicate_times.len();
    same("times", &entries, &Duplicates::ENTRIES_MAX)
}

/// The repeat of a start with this number.
fn duplicate(n: usize) -> Duplicate {
    Duplicate {
        id: format!("{n:016}"),
        at: at(n as i64),
    }
}

async fn a_duplicate_is_counted_without_disturbing_a_write<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    let counted = ledger.count_duplicate(of, "WF-HOLD", &duplicate(0)).await;
    counted.map_err(text)?;
    same("execution", &ledger.read(of).await.map_err(text)?, &None)?;
    put(ledger, &execution(of), Expect::Absent, Put::Done).await?;
    let counted = ledger.count_duplicate(of, "WF-HOLD", &duplicate(1)).await;
    counted.map_err(text)?;
    let mut next = execution(of);
    next.rev = 2;
    put(ledger, &next, Expect::Rev(1), Put::Done).await?;
    let found = ledger.snapshot(of).await.map_err(text)?;
    let mut repeats = Duplicates::default();
    (0..2).for_each(|n| repeats.count(&duplicate(n)));
    let right = Snapshot::new(next, vec![], 0).repeated(&repeats);
    same("snapshot", &found, &Some(right))
}
