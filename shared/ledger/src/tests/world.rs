//! A small world for the rules: attempts that can stop between any two actions, a target, a clock,
//! one record.

use std::collections::{BTreeMap, BTreeSet};

use futures_executor::block_on;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::{
    AttemptReport, Claim, ClaimTransition, CompletionTransition, Expect, Ledger, MemoryLedger, Put,
    StepRecord, StepState, UndoClaim, UndoClaimTransition, UndoCompletionTransition, UndoNeed,
    UndoReport, claim, claim_undo, complete, complete_undo,
    fixtures::{at, claim_by, execution, inline, key},
    need,
};
use holdfast_ids::keys::ExecutionKey;
use holdfast_receipt::AttemptOutcome;

/// The number of attempts; the maximum of the step is three.
pub(super) const ATTEMPTS: usize = 5;
const MAX_ATTEMPTS: u32 = 3;

/// The outcome of a call to the target.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reply {
    /// The target acts and answers.
    Done,
    /// The target acts and the answer is lost.
    DoneUnheard,
    /// The target does nothing and names a wait, in seconds.
    Busy(i64),
    /// The target answers with a permanent failure.
    No,
    /// The call is lost on the way.
    Dropped,
}

/// The stage of an attempt between two actions.
#[derive(Debug, Clone)]
enum Stage {
    /// About to decide on the record that it read last.
    Claiming(Option<StepRecord>),
    /// About to write its claim, or an unknown outcome.
    Writing(Box<StepRecord>, Expect),
    /// About to check that the execution is running.
    Checking(StepRecord),
    /// About to call the target.
    Acting(StepRecord),
    /// About to decide its completion on the record that it read last.
    Acted(StepRecord, AttemptReport),
    /// About to write its outcome over the record that it read last.
    Recording(Box<StepRecord>, StepRecord, AttemptReport),
    /// Ended or crashed.
    Gone,
}

/// The stage of the rollback between two actions.
#[derive(Debug, Clone)]
enum Undoing {
    /// About to read the record.
    Idle,
    /// About to write its decision.
    Writing(Box<StepRecord>, Expect),
    /// About to call the target, with its claim written.
    Acting(StepRecord),
    /// About to record that it is undone.
    Acted(StepRecord),
}

pub(super) struct World {
    pub(super) now_s: i64,
    pub(super) closing: bool,
    ledger: MemoryLedger,
    of: ExecutionKey,
    idempotent: bool,
    stages: Vec<Stage>,
    claims: Vec<Option<Claim>>,
    sent: Vec<Option<(StepRecord, Expect)>>,
    undoing: Undoing,
    released: BTreeSet<String>,
    undos: u64,
    last: Option<StepRecord>,
    writes: u64,
    completed: BTreeSet<String>,
    acted: BTreeMap<String, usize>,
}

impl World {
    pub(super) fn new(idempotent: bool) -> Self {
        let (ledger, of) = (MemoryLedger::default(), key("k"));
        block_on(ledger.put(&execution(&of), Expect::Absent)).unwrap();
        Self {
            now_s: 0,
            closing: false,
            ledger,
            of,
            idempotent,
            stages: vec![Stage::Claiming(None); ATTEMPTS],
            claims: vec![None; ATTEMPTS],
            sent: vec![None; ATTEMPTS],
            undoing: Undoing::Idle,
            released: BTreeSet::new(),
            undos: 0,
            last: None,
            writes: 0,
            completed: BTreeSet::new(),
            acted: BTreeMap::new(),
        }
    }

    fn now(&self) -> Timestamp {
        at(self.now_s)
    }

    fn record(&self) -> Option<StepRecord> {
        let snapshot = block_on(self.ledger.snapshot(&self.of)).unwrap();
        snapshot.and_then(|snapshot| snapshot.steps.into_iter().next())
    }

    /// The number of times the target acted, over all keys.
    pub(super) fn effects(&self) -> usize {
        self.acted.values().sum()
    }

    pub(super) fn state(&self) -> &'static str {
        self.record().map_or("NONE", |record| record.state.name())
    }

    pub(super) fn attempts(&self) -> usize {
        self.record().map_or(0, |record| record.attempts.len())
    }

    pub(super) fn crash(&mut self, attempt: usize) {
        self.stages[attempt] = Stage::Gone;
    }

    /// The next action of an attempt.
    pub(super) fn go(&mut self, n: usize, reply: Reply, unheard: bool) {
        let now = self.now();
        let mine = self.claims[n]
            .get_or_insert_with(|| {
                let mut claim = claim_by(&self.of, &format!("attempt-{n}"), self.now_s);
                claim.max_attempts = MAX_ATTEMPTS;
                claim.first.idempotent = self.idempotent;
                claim
            })
            .clone();
        let stage = std::mem::replace(&mut self.stages[n], Stage::Gone);
        self.stages[n] = match stage {
            Stage::Gone => Stage::Gone,
            Stage::Claiming(stored) => match claim(stored.as_ref(), &mine, now) {
                ClaimTransition::Write(next) | ClaimTransition::Unknown(Some(next)) => {
                    let rev = stored.map(|stored| Expect::Rev(stored.rev));
                    Stage::Writing(next, rev.unwrap_or(Expect::Absent))
                }
                ClaimTransition::Mine => Stage::Checking(stored.expect("it saw itself")),
                ClaimTransition::Held(_) | ClaimTransition::NotBefore(_) => {
                    Stage::Claiming(self.record())
                }
                ClaimTransition::Succeeded(_)
                | ClaimTransition::Changed
                | ClaimTransition::Failed
                | ClaimTransition::Withdrawn
                | ClaimTransition::Unknown(None) => Stage::Gone,
            },
            Stage::Writing(next, expect) => {
                let stored = self.record();
                match self.write(n, &next, expect) {
                    _ if unheard => Stage::Claiming(stored),
                    Put::Lost(winner) => Stage::Claiming(winner.map(|winner| *winner)),
                    Put::Done if matches!(next.state, StepState::Unknown) => Stage::Gone,
                    Put::Done => Stage::Checking(*next),
                }
            }
            Stage::Checking(record) if self.closing => {
                Stage::Acted(record, AttemptReport::Halted("closing".to_owned()))
            }
            Stage::Checking(record) => Stage::Acting(record),
            Stage::Acting(record) => {
                let attempted = self.call(&record, reply);
                Stage::Acted(record, attempted)
            }
            Stage::Acted(stored, attempted) => {
                match complete(&stored, &mine.token, &attempted, MAX_ATTEMPTS, now) {
                    CompletionTransition::Write(next) => Stage::Recording(next, stored, attempted),
                    CompletionTransition::Mine | CompletionTransition::Fenced => Stage::Gone,
                }
            }
            Stage::Recording(next, stored, attempted) => {
                let put = self.write(n, &next, Expect::Rev(stored.rev));
                if put == Put::Done {
                    let held = matches!(&stored.state, StepState::Running { token, .. } if *token == mine.token);
                    assert!(held, "only the holder completes");
                    assert!(self.completed.insert(mine.token.clone()), "twice");
                }
                match put {
                    _ if unheard => Stage::Acted(stored, attempted),
                    Put::Done => Stage::Gone,
                    Put::Lost(winner) => Stage::Acted(*winner.expect("never gone"), attempted),
                }
            }
        };
    }

    /// Calls the target. If it honours keys, it acts once for each key.
    fn call(&mut self, record: &StepRecord, reply: Reply) -> AttemptReport {
        if self.released.contains(&record.key) {
            return AttemptReport::Permanent("released before".to_owned());
        }
        if matches!(reply, Reply::Done | Reply::DoneUnheard) {
            let times = self.acted.entry(record.key.clone()).or_default();
            *times = if self.idempotent { 1 } else { *times + 1 };
        }
        match reply {
            Reply::Done => AttemptReport::Succeeded(inline(json!({"hold": record.key}))),
            Reply::DoneUnheard | Reply::Dropped => AttemptReport::Unknown {
                error: "no answer".to_owned(),
                wait: SignedDuration::ZERO,
            },
            Reply::Busy(wait_s) => AttemptReport::Transient {
                error: "busy".to_owned(),
                wait: SignedDuration::from_secs(wait_s),
            },
            Reply::No => AttemptReport::Permanent("no".to_owned()),
        }
    }

    fn write(&mut self, n: usize, next: &StepRecord, expect: Expect) -> Put<StepRecord> {
        self.sent[n] = Some((next.clone(), expect));
        self.put(next, expect)
    }

    fn put(&mut self, next: &StepRecord, expect: Expect) -> Put<StepRecord> {
        let put = block_on(self.ledger.put(next, expect)).unwrap();
        self.writes += u64::from(put == Put::Done);
        put
    }

    /// Repeats a write that was applied or refused; the repeat must be refused.
    pub(super) fn resend(&mut self, n: usize) {
        let Some((next, expect)) = self.sent[n].clone() else {
            return;
        };
        assert_ne!(self.put(&next, expect), Put::Done, "a repeated write");
    }

    /// The next action of the rollback; one that loses a race reads again.
    pub(super) fn undo(&mut self) {
        let claim = UndoClaim {
            token: format!("undo-{}", self.undos),
            epoch: 2,
            execution_generation: 0,
        };
        self.undoing = match std::mem::replace(&mut self.undoing, Undoing::Idle) {
            Undoing::Idle => {
                let Some(record) = self.record().filter(|_| self.closing) else {
                    return;
                };
                self.undos += 1;
                let UndoClaimTransition::Write(next) = claim_undo(&record, &claim, self.now())
                else {
                    return;
                };
                Undoing::Writing(next, Expect::Rev(record.rev))
            }
            Undoing::Writing(next, expect) => match self.put(&next, expect) {
                Put::Done if matches!(next.state, StepState::Undoing { .. }) => {
                    Undoing::Acting(*next)
                }
                _ => Undoing::Idle,
            },
            Undoing::Acting(record) => {
                self.acted.remove(&record.key);
                self.released.insert(record.key.clone());
                Undoing::Acted(record)
            }
            Undoing::Acted(record) => {
                let StepState::Undoing { token, .. } = &record.state else {
                    panic!("it holds the claim");
                };
                let now = self.now();
                if let UndoCompletionTransition::Write(next) =
                    complete_undo(&record, token, &UndoReport::Undone, now)
                {
                    self.put(&next, Expect::Rev(record.rev));
                }
                Undoing::Idle
            }
        };
    }

    /// Ends the execution: the rollback closes the record whatever happened.
    pub(super) fn end(&mut self) {
        self.closing = true;
        self.now_s += 1000;
        self.undoing = Undoing::Idle;
        for _ in 0..4 {
            self.undo();
        }
        self.check();
        if let Some(record) = self.record() {
            assert_eq!(
                need(&record, 0, self.now()),
                UndoNeed::Nothing,
                "{record:?}"
            );
        }
    }

    /// Runs every attempt that did not crash to its end.
    pub(super) fn wake_everyone(&mut self) {
        for n in 0..ATTEMPTS {
            for _ in 0..12 {
                self.go(n, Reply::Done, false);
                self.check();
            }
        }
    }

    /// Checks what must hold after every event.
    pub(super) fn check(&mut self) {
        let record = self.record();
        let effects = self.effects();
        assert!(effects <= 1, "the target acted {effects} times");
        let Some(now) = record else {
            assert_eq!(
                (self.writes, effects),
                (0, 0),
                "a claim comes before an effect"
            );
            return;
        };
        assert_eq!(now.rev, self.writes, "one write, one rev");
        assert!(now.attempts.len() <= MAX_ATTEMPTS as usize);
        let open = |attempt: &&super::super::Attempt| attempt.outcome.is_none();
        let working = matches!(now.state, StepState::Running { .. });
        assert_eq!(
            now.attempts.iter().filter(open).count(),
            usize::from(working)
        );
        match now.state {
            StepState::FailedClean => assert_eq!(effects, 0, "a clean failure: {now:?}"),
            StepState::Succeeded => assert_eq!(effects, 1, "a success: {now:?}"),
            StepState::Undone => assert_eq!(effects, 0, "undone: {now:?}"),
            _ => {}
        }
        if let Some(before) = self.last.replace(now.clone()) {
            follows(&before, &now);
        }
    }
}

/// Checks what must hold between two reads of the record.
fn follows(before: &StepRecord, now: &StepRecord) {
    let closed = matches!(before.state, StepState::Undone | StepState::FailedClean);
    assert!(!closed || before == now, "{before:?} changed to {now:?}");
    assert_eq!((&before.key, &before.input), (&now.key, &now.input));
    // A claim that came too late is taken back.
    assert!(
        now.attempts.len() >= before.attempts.len() || !now.was_claimed(),
        "nothing is deleted"
    );
    for (old, new) in before.attempts.iter().zip(&now.attempts) {
        assert!(
            old.outcome.is_none() || old == new,
            "an end is final: {old:?} {new:?}"
        );
    }
    let unknown = |outcome| matches!(outcome, AttemptOutcome::Unknown | AttemptOutcome::Lost);
    let tainted = before
        .attempts
        .iter()
        .filter_map(|attempt| attempt.outcome)
        .any(unknown);
    if tainted && !now.idempotent {
        assert_eq!(
            now.attempts.len(),
            before.attempts.len(),
            "acted again after an unknown"
        );
    }
}
