//! Derives how often Step Functions retries a step during a pause, so that a pause does not fill
//! the history of its execution.

use super::history::ATTEMPT;
use crate::definition::{Definition, Jitter, Retry, Step, StepKind};

/// Most events that such retries may add to the history within `limits.timeout`, if items of a
/// `for_each` take the rest. They belong to the events that are reserved for what no policy bounds.
const EVENTS_BESIDE_ITEMS: u64 = 4_000;
/// The same without a `for_each`: the steps themselves need few of the 25,000.
const EVENTS: u64 = 20_000;
/// The delay before the first retry, in seconds. Each delay is twice the one before.
const FIRST_S: u64 = 5;
/// Least bound of the delay, in seconds.
const LEAST_BOUND_S: u64 = 120;

/// Returns the retries during a pause, which lasts as long as people want. Step Functions allows no
/// more retries.
pub(super) fn patience(definition: &Definition) -> Retry {
    let each = |(.., each): &(_, _, Option<&str>)| each.is_some();
    let most = match definition.action_steps().iter().any(each) {
        true => EVENTS_BESIDE_ITEMS,
        false => EVENTS,
    };
    let together = at_once(&definition.steps);
    Retry {
        max_attempts: 100_000_000,
        interval_s: FIRST_S,
        backoff: 2.0,
        max_delay_s: bound_s(together, most, definition.limits.timeout_s),
        jitter: Jitter::None,
    }
}

/// Returns the bound of the delay for this many steps that wait at once. It is the least one with
/// which their retries fit into the history, or else about the whole timeout.
fn bound_s(together: u64, most: u64, timeout_s: u64) -> u64 {
    let mut bound = LEAST_BOUND_S;
    while bound < timeout_s && together * ATTEMPT * looks(bound, timeout_s) > most {
        bound *= 2;
    }
    bound
}

/// Returns the number of retries of one step within `timeout_s`.
fn looks(bound_s: u64, timeout_s: u64) -> u64 {
    let (mut delay, mut elapsed, mut looks) = (FIRST_S, 0, 0);
    while delay < bound_s && elapsed + delay <= timeout_s {
        elapsed += delay;
        delay *= 2;
        looks += 1;
    }
    looks + timeout_s.saturating_sub(elapsed) / bound_s
}

/// Returns the most steps that can wait at once.
fn at_once(steps: &[Step]) -> u64 {
    let each = steps.iter().map(|step| match &step.kind {
        StepKind::Action(_) | StepKind::Wait(_) | StepKind::Approve(_) | StepKind::Stop(_) => 1,
        StepKind::Choose(choose) => {
            let rows = choose.rows().map(|(_, row)| at_once(row));
            rows.max().unwrap_or(1)
        }
        StepKind::Parallel(branches) => branches.iter().map(|branch| at_once(&branch.steps)).sum(),
        StepKind::ForEach(each) => u64::from(each.max_concurrency) * at_once(&each.steps),
    });
    each.max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: u64 = 86_400;

    #[test]
    fn a_pause_as_long_as_the_timeout_does_not_fill_the_history() {
        let timeouts = [60, 900, 3_600, DAY_S, 30 * DAY_S, 365 * DAY_S];
        let cases = [1, 2, 10, 40, 58].map(|together| (together, EVENTS_BESIDE_ITEMS));
        for (together, most) in cases.into_iter().chain([(1, EVENTS), (200, EVENTS)]) {
            for timeout_s in timeouts {
                let bound = bound_s(together, most, timeout_s);
                // What Step Functions would do, second by second of its delays.
                let (mut delay, mut elapsed, mut events) = (FIRST_S, FIRST_S, 0);
                while elapsed <= timeout_s {
                    events += together * ATTEMPT;
                    delay = (delay * 2).min(bound);
                    elapsed += delay;
                }
                assert!(
                    events <= most,
                    "{together} steps, {timeout_s} s: {events} events with {bound} s"
                );
            }
        }
    }

    #[test]
    fn an_execution_of_an_hour_continues_within_two_minutes_of_a_resume() {
        for (together, timeout_s) in [(1, 900), (40, 900), (40, 3_600), (1, DAY_S)] {
            let bound = bound_s(together, EVENTS_BESIDE_ITEMS, timeout_s);
            assert_eq!(bound, LEAST_BOUND_S, "{together}, {timeout_s} s");
        }
        // The table of docs/controls.md.
        assert_eq!(bound_s(1, EVENTS, 30 * DAY_S), 480);
        assert_eq!(bound_s(10, EVENTS_BESIDE_ITEMS, DAY_S), 960);
        assert_eq!(bound_s(40, EVENTS_BESIDE_ITEMS, DAY_S), 3_840);
    }
}
