//! `GET /v1/bulk/{bulk_id}`: the report of a bulk, which accounts for each execution.

use axum::Json;
use holdfast_ledger::{Bulk, BulkItem, BulkOutcomeKind, BulkState};

use super::{body::ReportQuery, find, names};
use crate::api::{
    answer::{BulkCounts, BulkReport, BulkReportItem, OutcomeName},
    extract::EmptyBody,
    page::limit,
    problem::Problem,
    route::AuthorizedRequest,
};

pub(crate) async fn report(
    AuthorizedRequest {
        caller, id, query, ..
    }: AuthorizedRequest<ReportQuery, EmptyBody>,
) -> Result<Json<BulkReport>, Problem> {
    let limit = limit(query.limit)?;
    let first = match query.cursor.as_deref() {
        None => 0,
        Some(cursor) => cursor
            .parse()
            .ok()
            .filter(|first| *first <= Bulk::MOST)
            .ok_or_else(|| Problem::bad_request("cursor must be `next` of the page before"))?,
    };
    let bulk = find(&caller, &id).await?;
    let parts = caller.ledger.bulk_parts(&bulk.key()).await?;
    let items: Vec<BulkItem> = parts.into_iter().flat_map(|part| part.items).collect();
    let page = page(&bulk.state, &items, query.outcome, first, limit);
    let (operation, decision) = names(bulk.operation);
    let (stopped_by, ended_at) = match &bulk.state {
        BulkState::Stopping { by, .. } => (Some(by.clone()), None),
        BulkState::Stopped { by, at } => (Some(by.clone()), Some(*at)),
        BulkState::Done { at } => (None, Some(*at)),
        BulkState::Shown | BulkState::Running { .. } => (None, None),
    };
    Ok(Json(BulkReport {
        counts: counts(&bulk.state, &items),
        operation,
        decision,
        by: bulk.by.subject,
        status: bulk.state.name(),
        stopped_by,
        total: bulk.total,
        shown_at: bulk.at,
        ended_at,
        items: page.0,
        next: page.1,
        reason: bulk.reason,
        tenant: bulk.tenant,
        bulk_id: bulk.id,
    }))
}

/// The outcome of an item. After a stop, an item without one is not reached.
fn outcome(state: &BulkState, item: &BulkItem) -> OutcomeName {
    match item.outcome.as_ref().map(|outcome| outcome.kind) {
        Some(BulkOutcomeKind::Done) => OutcomeName::Done,
        Some(BulkOutcomeKind::Already) => OutcomeName::Already,
        Some(BulkOutcomeKind::Refused) => OutcomeName::Refused,
        Some(BulkOutcomeKind::NotReached) => OutcomeName::NotReached,
        None if matches!(state, BulkState::Stopped { .. }) => OutcomeName::NotReached,
        None => OutcomeName::Pending,
    }
}

fn counts(state: &BulkState, items: &[BulkItem]) -> BulkCounts {
    let mut counts = BulkCounts::default();
    for item in items {
        let count = match outcome(state, item) {
            OutcomeName::Done => &mut counts.done,
            OutcomeName::Already => &mut counts.already,
            OutcomeName::Refused => &mut counts.refused,
            OutcomeName::NotReached => &mut counts.not_reached,
            OutcomeName::Pending => &mut counts.pending,
        };
        *count += 1;
    }
    counts
}

/// The items from the place `first` on, at most `limit`, and the place of the next page.
fn page(
    state: &BulkState,
    items: &[BulkItem],
    wanted: Option<OutcomeName>,
    first: usize,
    limit: usize,
) -> (Vec<BulkReportItem>, Option<String>) {
    let rest = items.iter().enumerate().skip(first);
    let fits = |item: &BulkItem| wanted.is_none_or(|wanted| outcome(state, item) == wanted);
    let mut found = rest.filter(|(_, item)| fits(item));
    let page: Vec<_> = found.by_ref().take(limit).collect();
    let next = found.next().map(|(place, _)| place.to_string());
    let shown = page.into_iter().map(|(_, item)| shown(state, item));
    (shown.collect(), next)
}

fn shown(state: &BulkState, item: &BulkItem) -> BulkReportItem {
    let BulkItem {
        target,
        outcome: stored,
        ..
    } = item;
    let stopped = || {
        let stopped = matches!(state, BulkState::Stopped { .. });
        stopped.then(|| "the bulk was stopped before".to_owned())
    };
    BulkReportItem {
        execution_id: target.execution.clone(),
        generation: target.generation,
        step: target.question.as_ref().map(|one| one.step.clone()),
        outcome: outcome(state, item),
        note: match stored {
            Some(stored) => stored.note.clone(),
            None => stopped(),
        },
        href: format!("/v1/executions/{}", target.execution),
    }
}

#[cfg(test)]
mod tests {
    use holdfast_ledger::{BulkOutcome, BulkTarget};
    use jiff::Timestamp;

    use super::*;

    fn items() -> Vec<BulkItem> {
        use BulkOutcomeKind::{Already, Done, NotReached, Refused};
        let kinds = [Some(Done), Some(Already), Some(Refused), Some(NotReached)];
        let kinds = kinds.into_iter().chain([Some(Done), None, None]);
        kinds
            .enumerate()
            .map(|(n, kind)| BulkItem {
                target: BulkTarget {
                    execution: format!("{n:040x}"),
                    generation: 0,
                    question: None,
                },
                failures: 0,
                outcome: kind.map(|kind| BulkOutcome { kind, note: None }),
            })
            .collect()
    }

    #[test]
    fn each_execution_is_counted_once_and_a_stop_leaves_none_pending() {
        let running = counts(&BulkState::Running { starts: 1 }, &items());
        let right = BulkCounts {
            done: 2,
            already: 1,
            refused: 1,
            not_reached: 1,
            pending: 2,
        };
        assert_eq!(running, right);
        let stopped = BulkState::Stopped {
            by: "root".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        let right = BulkCounts {
            not_reached: 3,
            pending: 0,
            ..right
        };
        assert_eq!(counts(&stopped, &items()), right);
    }

    #[test]
    fn pages_have_every_execution_once_whatever_the_filter() {
        let (state, items) = (BulkState::Running { starts: 1 }, items());
        for (wanted, total) in [
            (None, 7),
            (Some(OutcomeName::Done), 2),
            (Some(OutcomeName::Pending), 2),
        ] {
            for limit in 1..4 {
                let (mut first, mut seen) = (0, Vec::new());
                loop {
                    let (shown, next) = page(&state, &items, wanted, first, limit);
                    assert!((1..=limit).contains(&shown.len()));
                    seen.extend(shown.into_iter().map(|item| item.execution_id));
                    match next {
                        Some(next) => first = next.parse().expect("a place"),
                        None => break,
                    }
                }
                seen.dedup();
                assert_eq!(seen.len(), total, "{wanted:?} by {limit}");
            }
        }
    }
}
