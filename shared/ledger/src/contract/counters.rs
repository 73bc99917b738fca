//! The contract's checks of counters: they change with an execution record or not at all, up to
//! their maximum.

use futures_util::future::join_all;

use super::compare::{WRITERS, same, text};
use crate::{
    CountedPut, Counter, CounterChange, CounterKind, ExecutionRecord, Expect, Ledger, LedgerError,
    Reservation, fixtures::execution,
};
use holdfast_ids::keys::{ExecutionKey, execution_id};

/// A counter that belongs to this check alone.
fn counter(of: &ExecutionKey, kind: CounterKind) -> Counter {
    Counter {
        tenant: of.tenant.clone(),
        kind,
        name: format!("WF-{}", of.execution),
        period: String::new(),
    }
}

fn take(counter: &Counter, amount: i64, most: i64) -> CounterChange {
    CounterChange {
        counter: counter.clone(),
        amount,
        most: Some(most),
        until: None,
    }
}

fn give_back(counter: &Counter, amount: i64) -> CounterChange {
    CounterChange {
        most: None,
        ..take(counter, -amount, 0)
    }
}

/// Another execution of the same tenant.
fn another(of: &ExecutionKey, n: usize) -> ExecutionRecord {
    execution(&ExecutionKey {
        execution: execution_id(&of.tenant, &of.execution, &n.to_string()),
        ..of.clone()
    })
}

async fn put_with_change<L: Ledger>(
    ledger: &L,
    execution: &ExecutionRecord,
    expect: Expect,
    changes: &[CounterChange],
    right: CountedPut,
) -> Result<(), String> {
    let answer = ledger
        .put_execution_and_counters(execution, expect, changes)
        .await;
    same("answer", &answer.map_err(text)?, &right)
}

async fn count<L: Ledger>(ledger: &L, of: &Counter, right: i64) -> Result<(), String> {
    let found = ledger.count(of).await.map_err(text)?;
    same(&format!("the count of {of:?}"), &found, &right)
}

pub(super) async fn a_write_that_loses_changes_no_counter<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    let one = counter(of, CounterKind::Budget);
    count(ledger, &one, 0).await?;
    let mut first = execution(of);
    first.reservations.push(Reservation {
        kind: one.kind,
        name: one.name.clone(),
        period: "2026-W01".to_owned(),
        amount: 30,
    });
    put_with_change(
        ledger,
        &first,
        Expect::Absent,
        &[take(&one, 30, 100)],
        CountedPut::Done,
    )
    .await?;
    let stored = ledger.read(of).await.map_err(text)?;
    same("the record", &stored, &Some(first.clone()))?;
    let again = ExecutionRecord {
        owner: "arn:again".to_owned(),
        ..first.clone()
    };
    for amount in [30, 90] {
        let lost = CountedPut::Lost(Some(Box::new(first.clone())));
        put_with_change(
            ledger,
            &again,
            Expect::Absent,
            &[take(&one, amount, 100)],
            lost,
        )
        .await?;
    }
    let gone = another(of, 1);
    put_with_change(
        ledger,
        &gone,
        Expect::Rev(1),
        &[take(&one, 1, 100)],
        CountedPut::Lost(None),
    )
    .await?;
    count(ledger, &one, 30).await
}

pub(super) async fn a_change_over_the_maximum_writes_nothing_and_names_its_place<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    let kinds = [CounterKind::Budget, CounterKind::Open, CounterKind::Starts];
    let [budget, open, starts] = kinds.map(|kind| counter(of, kind));
    let changes = [
        take(&budget, 50, 49),
        take(&open, 1, 1),
        take(&starts, 3, 2),
    ];
    let refused = CountedPut::Refused(vec![0, 2]);
    put_with_change(ledger, &execution(of), Expect::Absent, &changes, refused).await?;
    same("no record", &ledger.read(of).await.map_err(text)?, &None)?;
    for one in [&budget, &open, &starts] {
        count(ledger, one, 0).await?;
    }
    let changes = [
        take(&budget, 50, 50),
        take(&open, 1, 1),
        take(&starts, 2, 2),
    ];
    put_with_change(
        ledger,
        &execution(of),
        Expect::Absent,
        &changes,
        CountedPut::Done,
    )
    .await?;
    let nothing = [take(&budget, 0, 50)];
    put_with_change(
        ledger,
        &another(of, 1),
        Expect::Absent,
        &nothing,
        CountedPut::Done,
    )
    .await?;
    let changes = [take(&budget, 1, 50), take(&open, 0, 1)];
    put_with_change(
        ledger,
        &another(of, 2),
        Expect::Absent,
        &changes,
        CountedPut::Refused(vec![0]),
    )
    .await?;
    count(ledger, &budget, 50).await
}

pub(super) async fn an_amount_that_is_given_back_can_be_taken_again<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    let one = counter(of, CounterKind::Open);
    let mut record = execution(of);
    put_with_change(
        ledger,
        &record,
        Expect::Absent,
        &[take(&one, 1, 1)],
        CountedPut::Done,
    )
    .await?;
    let full = CountedPut::Refused(vec![0]);
    put_with_change(
        ledger,
        &another(of, 1),
        Expect::Absent,
        &[take(&one, 1, 1)],
        full,
    )
    .await?;
    record.rev = 2;
    let back = [give_back(&one, 1)];
    put_with_change(ledger, &record, Expect::Rev(1), &back, CountedPut::Done).await?;
    // A repeat of the end gives nothing back.
    let lost = CountedPut::Lost(Some(Box::new(record.clone())));
    put_with_change(ledger, &record, Expect::Rev(1), &back, lost).await?;
    count(ledger, &one, 0).await?;
    put_with_change(
        ledger,
        &another(of, 1),
        Expect::Absent,
        &[take(&one, 1, 1)],
        CountedPut::Done,
    )
    .await?;
    // A count that was forgotten meanwhile takes it too.
    let forgotten = counter(of, CounterKind::Budget);
    record.rev = 3;
    put_with_change(
        ledger,
        &record,
        Expect::Rev(2),
        &[give_back(&forgotten, 5)],
        CountedPut::Done,
    )
    .await?;
    count(ledger, &forgotten, -5).await
}

pub(super) async fn counters_of_other_tenants_periods_and_kinds_are_separate<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    let one = counter(of, CounterKind::Budget);
    let others = [
        Counter {
            tenant: "acme-2".to_owned(),
            ..one.clone()
        },
        Counter {
            period: "2026-01".to_owned(),
            ..one.clone()
        },
        Counter {
            period: "2026-01-01T00+01:00".to_owned(),
            ..one.clone()
        },
        Counter {
            name: format!("{}#x", one.name),
            ..one.clone()
        },
        counter(of, CounterKind::Open),
    ];
    let changes: Vec<_> = others.iter().map(|other| take(other, 7, 9)).collect();
    put_with_change(
        ledger,
        &execution(of),
        Expect::Absent,
        &changes,
        CountedPut::Done,
    )
    .await?;
    count(ledger, &one, 0).await?;
    for other in &others {
        count(ledger, other, 7).await?;
    }
    Ok(())
}

pub(super) async fn fifty_concurrent_changes_stop_at_the_maximum<L: Ledger>(
    ledger: &L,
    of: &ExecutionKey,
) -> Result<(), String> {
    const MOST: i64 = 5;
    let one = counter(of, CounterKind::Open);
    let writes = (0..WRITERS).map(|n| {
        let one = &one;
        async move {
            let record = another(of, n);
            // A database may refuse concurrent writers, which then repeat the write.
            for _ in 0..100 {
                match ledger
                    .put_execution_and_counters(&record, Expect::Absent, &[take(one, 1, MOST)])
                    .await
                {
                    Err(LedgerError::Unavailable(_)) => {}
                    Ok(CountedPut::Lost(Some(stored))) if *stored == record => {
                        return Ok(CountedPut::Done);
                    }
                    answer => return answer.map_err(text),
                }
            }
            Err("unavailable a hundred times".to_owned())
        }
    });
    let puts: Result<Vec<_>, String> = join_all(writes).await.into_iter().collect();
    let puts = puts?;
    let done = puts.iter().filter(|one| **one == CountedPut::Done).count();
    let refused = CountedPut::Refused(vec![0]);
    let no = puts.iter().filter(|one| **one == refused).count();
    same(
        "done and refused",
        &(done as i64, no as i64),
        &(MOST, WRITERS as i64 - MOST),
    )?;
    count(ledger, &one, MOST).await
}
