//! The processor time of a thread, as another thread reads it, and its priority.

use std::{fs::File, os::unix::fs::FileExt, time::Duration};

use rustix::{
    param::clock_ticks_per_second,
    process::{Pid, setpriority_process},
    thread::gettid,
};

/// The places of user and system time among the fields that follow the name of a thread: fields 14
/// and 15 of the line, of which the name is the second (man proc_pid_stat).
const TIMES: std::ops::Range<usize> = 11..13;

/// The priority of a thread that gets only what other threads do not use (man setpriority).
const LOWEST: i32 = 19;

/// The clock of a thread that counts its processor time from now on.
pub(crate) struct ThreadClock {
    thread: Pid,
    stat: File,
    begun: Duration,
}

impl ThreadClock {
    /// The clock of this thread; `None` if the system does not tell it.
    pub(crate) fn of_this_thread() -> Option<Self> {
        // The open file is that of this thread, whichever thread reads it (man proc_thread-self).
        let stat = File::open("/proc/thread-self/stat").ok()?;
        let begun = total(&stat)?;
        let thread = gettid();
        Some(Self {
            thread,
            stat,
            begun,
        })
    }

    /// Gives the thread the lowest priority, since no caller waits for its work any more. The
    /// thread still runs or waits.
    pub(crate) fn lower(&self) {
        // On Linux, the id of a thread changes this thread alone (man setpriority). A thread that
        // keeps its priority only slows the others.
        let _ = setpriority_process(Some(self.thread), LOWEST);
    }

    /// The processor time that the thread has used since. A thread that has ended uses none.
    pub(crate) fn used(&self) -> Duration {
        let total = total(&self.stat).unwrap_or_default();
        total.saturating_sub(self.begun)
    }
}

/// The processor time of the thread of this file, in user and in system mode.
fn total(stat: &File) -> Option<Duration> {
    let mut line = [0; 1_024];
    let length = stat.read_at(&mut line, 0).ok()?;
    let line = std::str::from_utf8(line.get(..length)?).ok()?;
    // The name is in brackets, and can hold any character.
    let (_, fields) = line.rsplit_once(')')?;
    let times = fields
        .split_whitespace()
        .skip(TIMES.start)
        .take(TIMES.len());
    let ticks: u64 = times.map(|ticks| ticks.parse().unwrap_or(0)).sum();
    Some(Duration::from_millis(
        ticks * 1_000 / clock_ticks_per_second(),
    ))
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc::channel, thread};

    use rustix::process::getpriority_process;

    use super::*;
    use crate::limit::processor_time;

    #[test]
    fn a_thread_whose_work_is_not_awaited_yields_to_all_others() {
        let (send, sent) = channel();
        let (end, ended) = channel::<()>();
        let left = thread::spawn(move || {
            send.send(ThreadClock::of_this_thread().expect("Linux"))
                .expect("it is awaited");
            ended.recv().expect("it is ended");
        });
        let clock = sent.recv().expect("a clock");
        let own = getpriority_process(Some(gettid()));
        clock.lower();
        assert_eq!(getpriority_process(Some(clock.thread)), Ok(LOWEST));
        assert_eq!(getpriority_process(Some(gettid())), own);
        end.send(()).expect("it waits");
        left.join().expect("it ends");
    }

    #[test]
    fn another_thread_reads_what_a_thread_has_used() {
        let time = Duration::from_millis(100);
        let clock = thread::spawn(move || {
            let clock = ThreadClock::of_this_thread().expect("Linux");
            assert!(clock.used() < time);
            let begun = processor_time();
            while processor_time() - begun < 2 * time {}
            let (used, own) = (clock.used(), processor_time() - begun);
            assert!(used > time && used <= own + time, "{used:?} of {own:?}");
            clock
        });
        let clock = clock.join().expect("it ends");
        let begun = processor_time();
        while processor_time() - begun < 2 * time {}
        assert_eq!(clock.used(), Duration::ZERO, "the thread has ended");
    }
}
