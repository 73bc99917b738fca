//! Reads `poll`: the condition under which a step that only reads is done, and its attempts.

use super::{
    model::{Limits, Poll, Retry},
    policy::MAX_DELAY_S,
    reader::{Fields, Reader},
    scope::Scope,
};
use holdfast_task::timing::TASK_MARGIN_S;

/// Most attempts, because the ledger's record of a step keeps each one.
const MAX_ATTEMPTS: u64 = 100;

impl Poll {
    /// Returns the longest duration of all attempts and delays, in seconds. An attempt that fails
    /// is followed after the delay of the policy of retries.
    pub fn longest_s(&self, timeout_s: u64, retry: &Retry) -> u64 {
        let delays = retry.delays_s().map(|delay| delay.max(self.every_s));
        u64::from(retry.max_attempts) * (timeout_s + TASK_MARGIN_S) + delays.sum::<u64>()
    }
}

impl Reader<'_> {
    /// Reads `poll`. Its `at_most` becomes the number of attempts in `retry`.
    pub(super) fn poll(
        &mut self,
        fields: &Fields<'_>,
        (timeout_s, retry): (u64, &mut Retry),
        reads: bool,
        limits: &Limits,
    ) -> Option<Poll> {
        let node = fields.get("poll")?;
        if !reads {
            let help = "a call that has an effect would have it each time: start the work in one step, \
                        and poll in a later one that only reads";
            self.problem(node.at, "`poll` on a step that does not only read", help);
        }
        let inner = self.fields(node, "poll", &["until", "every", "at_most"]);
        let scope = Scope::of_poll();
        let until = self.required(
            &inner,
            "until",
            "until: \"{% $result.body.status = 'DONE' %}\"",
        );
        let until = until.map(|node| self.expression(node, "until", &scope));
        let every = self.required(&inner, "every", "every: 30s");
        let every = every.map(|node| self.seconds(node, "every", 1..=MAX_DELAY_S));
        let at_most = self.required(&inner, "at_most", "at_most: 20");
        let at_most = at_most.map(|node| self.integer(node, "at_most", 2..=MAX_ATTEMPTS));
        let written = fields.get("retry");
        if let Some(node) = written.and_then(|node| node.get("max_attempts")) {
            let help = "leave it out: `at_most` of `poll` bounds all attempts";
            self.problem(node.at, "`max_attempts` beside `poll`", help);
        }
        let (Some(until), Some(every_s), Some(at_most)) = (until, every, at_most) else {
            return None;
        };
        let poll = Poll { until, every_s };
        retry.max_attempts = u32::try_from(at_most).unwrap_or(u32::MAX);
        let what = format!("{at_most} attempts of this poll");
        let longest_s = poll.longest_s(timeout_s, retry);
        self.within_limit(node.at, &what, longest_s, limits);
        Some(poll)
    }
}
