//! The rules under every order of events: attempts, crashes, zombies, repeated writes and a closing
//! execution.

use proptest::prelude::*;

use super::world::{ATTEMPTS, Reply, World};

/// One event; attempts have numbers.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// Time passes.
    Tick(i64),
    /// An attempt takes its next action. With `unheard`, the answer to a write is lost.
    Go {
        attempt: usize,
        reply: Reply,
        unheard: bool,
    },
    /// An attempt crashes between two actions.
    Crash(usize),
    /// The network delivers an attempt's last write once more.
    Resend(usize),
    /// The execution stops: no attempt may begin to act.
    Close,
    /// The rollback takes its next action.
    Undo,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let reply = prop_oneof![
        4 => Just(Reply::Done),
        3 => Just(Reply::DoneUnheard),
        2 => (0..30_i64).prop_map(Reply::Busy),
        1 => Just(Reply::No),
        2 => Just(Reply::Dropped),
    ];
    let go =
        (0..ATTEMPTS, reply, prop::bool::weighted(0.2)).prop_map(|(attempt, reply, unheard)| {
            Event::Go {
                attempt,
                reply,
                unheard,
            }
        });
    let event = prop_oneof![
        24 => go,
        6 => (0..50_i64).prop_map(Event::Tick),
        1 => (0..ATTEMPTS).prop_map(Event::Crash),
        2 => (0..ATTEMPTS).prop_map(Event::Resend),
        1 => Just(Event::Close),
        4 => Just(Event::Undo),
    ];
    prop::collection::vec(event, 1..80)
}

fn run(events: &[Event], idempotent: bool) -> World {
    let mut world = World::new(idempotent);
    for event in events {
        match *event {
            Event::Tick(seconds) => world.now_s += seconds,
            Event::Go {
                attempt,
                reply,
                unheard,
            } => world.go(attempt, reply, unheard),
            Event::Crash(attempt) => world.crash(attempt),
            Event::Resend(attempt) => world.resend(attempt),
            Event::Close => world.closing = true,
            Event::Undo => world.undo(),
        }
        world.check();
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_events_acts_twice_or_forgets_an_effect(events in events(), idempotent: bool) {
        let mut world = run(&events, idempotent);
        // Late attempts continue after the end, and the record can still be closed.
        for _ in 0..2 {
            world.end();
            world.wake_everyone();
        }
        world.end();
    }
}

#[test]
fn a_late_call_after_its_successors_is_one_effect() {
    let go = |attempt: usize, times: usize| {
        let event = Event::Go {
            attempt,
            reply: Reply::Done,
            unheard: false,
        };
        std::iter::repeat_n(event, times)
    };
    // It decides, writes its claim and checks the execution; then it stops.
    let mut events: Vec<_> = go(0, 3).collect();
    events.push(Event::Tick(36));
    events.extend(go(1, 8));
    events.extend(go(0, 8));
    let world = run(&events, true);
    assert_eq!(world.effects(), 1);
    assert_eq!(world.state(), "SUCCESS");
    assert_eq!(world.attempts(), 2);
}

#[test]
fn the_events_reach_every_final_state_of_a_step() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut ends = std::collections::BTreeMap::<String, usize>::new();
    for n in 0..400 {
        let events = events().new_tree(&mut runner).unwrap().current();
        let mut world = run(&events, n % 2 == 0);
        world.end();
        let effects = if world.effects() == 0 { "none" } else { "one" };
        *ends
            .entry(format!("{} {effects}", world.state()))
            .or_default() += 1;
    }
    let reached: Vec<_> = ends.keys().map(String::as_str).collect();
    let right = ["FAILED none", "NONE none", "UNDONE none"];
    assert_eq!(reached, right, "{ends:?}");
}
