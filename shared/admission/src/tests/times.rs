//! Tests of hours and freezes by clocks that skip and repeat hours.

use super::*;
use holdfast_task::{Freeze, Hours};

pub(super) fn hours(zone: &str, days: &[Day], from: u16, to: u16) -> Hours {
    Hours {
        zone: zone.to_owned(),
        days: days.to_vec(),
        from: from * 60,
        to: to * 60,
    }
}

#[test]
fn hours_follow_the_clocks_of_their_zone() {
    use Day::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let office = hours("Europe/Berlin", &[Mon, Tue, Wed, Thu, Fri], 8, 18);
    let night = hours("Europe/Berlin", &[Sat], 22, 6);
    let day = hours("Europe/Berlin", &[Sun], 0, 24);
    for (hours, now, inside) in [
        // Summer: two hours ahead of UTC. The end is outside.
        (&office, "2025-09-29T05:59:59.999Z", false),
        (&office, "2025-09-29T06:00:00Z", true),
        (&office, "2025-09-29T15:59:59.999Z", true),
        (&office, "2025-09-29T16:00:00Z", false),
        // Winter: one hour ahead of UTC.
        (&office, "2025-12-01T06:30:00Z", false),
        (&office, "2025-12-01T07:00:00Z", true),
        (&office, "2025-09-28T10:00:00Z", false),
        // Over midnight: the hours belong to the day on which they begin.
        (&night, "2025-09-27T19:59:59Z", false),
        (&night, "2025-09-27T20:00:00Z", true),
        (&night, "2025-09-28T03:59:59Z", true),
        (&night, "2025-09-28T04:00:00Z", false),
        (&night, "2025-09-27T01:00:00Z", false),
        (&night, "2025-09-28T21:00:00Z", false),
        (&day, "2025-09-27T21:59:59Z", false),
        (&day, "2025-09-27T22:00:00Z", true),
        (&day, "2025-09-28T21:59:59Z", true),
        (&day, "2025-09-28T22:00:00Z", false),
    ] {
        let found = check_hours(std::slice::from_ref(hours), at(now));
        assert_eq!(found.is_ok(), inside, "{hours:?} {now}: {found:?}");
    }
    let said = check_hours(&[office.clone(), night.clone()], at("2025-09-28T10:00:00Z"));
    assert_eq!(
        said,
        Err("it starts only mon tue wed thu fri 08:00 to 18:00 (Europe/Berlin; there it is sun 12:00), \
             or sat 22:00 to 06:00 (Europe/Berlin; there it is sun 12:00)"
            .to_owned())
    );
    assert_eq!(
        check_hours(&[office, night], at("2025-09-28T00:00:00Z")),
        Ok(())
    );
}

#[test]
fn a_skipped_hour_contains_no_instant_and_a_repeated_hour_counts_twice() {
    let skipped = [hours("Europe/Berlin", &Day::ALL, 2, 3)];
    for (now, inside) in [
        // 2025-03-30: at 01:00 UTC clocks go from 02:00 to 03:00.
        ("2025-03-30T00:59:59Z", false),
        ("2025-03-30T01:00:00Z", false),
        // 2025-10-26: at 01:00 UTC they go from 03:00 back to 02:00.
        ("2025-10-26T00:00:00Z", true),
        ("2025-10-26T00:59:59Z", true),
        ("2025-10-26T01:00:00Z", true),
        ("2025-10-26T01:59:59Z", true),
        ("2025-10-26T02:00:00Z", false),
    ] {
        assert_eq!(check_hours(&skipped, at(now)).is_ok(), inside, "{now}");
    }
}

pub(super) fn freeze(from: &str, to: &str) -> Freeze {
    Freeze {
        zone: "Europe/Berlin".to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        reason: "nobody is there".to_owned(),
    }
}

#[test]
fn a_freeze_is_never_shorter_than_written() {
    for (from, to, first, after) in [
        (
            "2026-12-24T00:00",
            "2026-12-27T00:00",
            "2026-12-23T23:00:00Z",
            "2026-12-26T23:00:00Z",
        ),
        (
            "2026-07-01",
            "2026-07-02",
            "2026-06-30T22:00:00Z",
            "2026-07-01T22:00:00Z",
        ),
        // A repeated hour: from its first time to its second.
        (
            "2025-10-26T02:30",
            "2025-10-26T02:45",
            "2025-10-26T00:30:00Z",
            "2025-10-26T01:45:00Z",
        ),
        // A skipped hour: from before the gap to after it.
        (
            "2025-03-30T02:30",
            "2025-03-30T02:45",
            "2025-03-30T00:30:00Z",
            "2025-03-30T01:45:00Z",
        ),
    ] {
        let freeze = freeze(from, to);
        assert_eq!(freeze_span(&freeze), Ok((at(first), at(after))), "{from}");
        let before = at(first) - jiff::SignedDuration::from_millis(1);
        let last = at(after) - jiff::SignedDuration::from_millis(1);
        for (now, frozen_then) in [
            (before, false),
            (at(first), true),
            (last, true),
            (at(after), false),
        ] {
            let found = check_freezes(std::slice::from_ref(&freeze), now);
            assert_eq!(found.is_err(), frozen_then, "{from} {now}");
        }
    }
    let said = check_freezes(
        &[
            freeze("2026-12-24T00:00", "2026-12-27T00:00"),
            freeze("2026-12-20", "2026-12-31"),
        ],
        at("2026-12-25T00:00:00Z"),
    );
    assert_eq!(
        said,
        Err(
            "frozen until 2026-12-27T00:00 (Europe/Berlin): nobody is there; \
             frozen until 2026-12-31 (Europe/Berlin): nobody is there"
                .to_owned()
        )
    );
}
