//! `holdfast drill FILE --schedules N`: runs random schedules of several executions at once.

use std::time::Instant;

use holdfast_drill::{BrokenSchedule, ScheduleSource, Simulator};

use crate::{
    drill::DrillArgs,
    output::{line, say},
    report::Trouble,
};

/// Runs the schedules that the command asks for.
pub(crate) fn run(simulator: &Simulator, args: &DrillArgs) -> Result<(), Trouble> {
    let (source, all) = match (args.follow_ups, args.races) {
        (true, _) => (ScheduleSource::FollowUps, simulator.follow_ups()),
        (_, true) => (ScheduleSource::Races, simulator.races()),
        _ => (ScheduleSource::Seeds, 0),
    };
    match args.schedules.unwrap_or(all) {
        1 => one(simulator, source, args.seed),
        schedules => many(simulator, source, args.seed, schedules),
    }
}

/// Runs `schedules` schedules from seed `first` on.
fn many(
    simulator: &Simulator,
    source: ScheduleSource,
    first: u64,
    schedules: u64,
) -> Result<(), Trouble> {
    let began = Instant::now();
    let ran = simulator
        .run(source, first, schedules)
        .map_err(Trouble::Other)?;
    let seconds = began.elapsed().as_secs_f64();
    say(&format!(
        "{} schedules in {seconds:.1} s, {:.0} a second",
        ran.schedules,
        ran.schedules as f64 / seconds.max(0.001)
    ));
    judge(&ran.broken)?;
    line(&format!("{} schedules, and every one held", ran.schedules))
}

/// Runs the schedule of one seed and shows its story if it is broken.
fn one(simulator: &Simulator, source: ScheduleSource, seed: u64) -> Result<(), Trouble> {
    match simulator.replay(source, seed).map_err(Trouble::Other)? {
        None => line(&format!("the schedule of seed {seed} held")),
        Some(broken) => {
            broken.story.iter().try_for_each(|entry| line(entry))?;
            line("")?;
            judge(&[broken])
        }
    }
}

/// Names every broken schedule, with the events that break it.
fn judge(broken: &[BrokenSchedule]) -> Result<(), Trouble> {
    if broken.is_empty() {
        return Ok(());
    }
    let listed = broken.iter().map(|one| {
        let violations = one.violations.iter().map(|what| format!("\n    {what}"));
        let events = one.events.iter().map(|event| format!("\n      {event}"));
        let times = match one.times {
            1 => String::new(),
            many => format!(", and {} like it", many - 1),
        };
        let seed = format!("\n  seed {}{times}", one.seed);
        std::iter::once(seed)
            .chain(violations)
            .chain(events)
            .collect::<String>()
    });
    Err(Trouble::Other(format!(
        "schedules have violations; holdfast drill FILE --schedules 1 --seed SEED shows one:{}",
        listed.collect::<String>()
    )))
}
