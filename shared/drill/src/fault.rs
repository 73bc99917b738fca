//! What can go wrong: every fault, its name, and the kinds of places at which it can strike.

/// A fault, or what a person does who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The target refuses once; nothing happened.
    TransientOnce,
    /// The target always refuses; nothing ever happens.
    TransientAlways,
    /// The target asks to be left alone for longer than a function waits.
    AsksToWait,
    /// The target refuses for good.
    Permanent,
    /// The effect happens and the connection drops.
    LostAnswer,
    /// The same with every attempt.
    LostAnswerAlways,
    /// The target never answers, and nothing happened.
    TimeoutBeforeEffect,
    /// The effect happens, and the target never answers.
    TimeoutAfterEffect,
    /// The call is carried out only after the attempt's lease has ended.
    LateCall,
    /// The process stands still after its claim and goes on, with its call, after its lease has ended.
    Zombie,
    /// The process dies before its first write.
    CrashBeforeClaim,
    /// The process dies after its first write.
    CrashAfterClaim,
    /// The process dies after its effect; where there is none, after its second write.
    CrashAfterEffect,
    /// The process dies after its last write, before it answers.
    CrashAfterCompletion,
    /// The ledger refuses everything to one attempt.
    Throttled,
    /// The ledger refuses everything to every attempt.
    ThrottledAlways,
    /// The ledger refuses everything for so long that a machine gives up.
    ThrottledLong,
    /// The ledger refuses everything once the effect has happened.
    ThrottledAfterEffect,
    /// The first write is done and its answer is lost.
    LostClaimAnswer,
    /// The second write is done and its answer is lost.
    LostCompletionAnswer,
    /// The function is called twice at once.
    Duplicate,
    /// The function is called again ten minutes later.
    DuplicateLater,
    /// The execution is stopped before it enters the state, and nobody is told: the sweeper finds it.
    KilledBefore,
    /// The execution is stopped while the state's function runs on; its status event starts recovery at once.
    KilledDuring,
    /// A person decides that the step is tried again.
    DecidesRetry,
    /// A person decides that the workflow goes on without the step.
    DecidesSkip,
    /// A person does not approve.
    DecidesReject,
    /// Nobody decides.
    Silence,
    /// Somebody decides when the time is over.
    DecidesLate,
    /// Somebody decides, and the machine is not told.
    LostDecision,
}

use Fault::{
    AsksToWait, CrashAfterClaim, CrashAfterCompletion, CrashAfterEffect, CrashBeforeClaim,
    DecidesLate, DecidesReject, DecidesRetry, DecidesSkip, Duplicate, DuplicateLater, KilledBefore,
    KilledDuring, LateCall, LostAnswer, LostAnswerAlways, LostClaimAnswer, LostCompletionAnswer,
    LostDecision, Permanent, Silence, Throttled, ThrottledAfterEffect, ThrottledAlways,
    ThrottledLong, TimeoutAfterEffect, TimeoutBeforeEffect, TransientAlways, TransientOnce, Zombie,
};

/// Of a function that calls a target.
const CALLS: [Fault; 22] = [
    TransientOnce,
    TransientAlways,
    AsksToWait,
    Permanent,
    LostAnswer,
    LostAnswerAlways,
    TimeoutBeforeEffect,
    TimeoutAfterEffect,
    LateCall,
    Zombie,
    CrashBeforeClaim,
    CrashAfterClaim,
    CrashAfterEffect,
    CrashAfterCompletion,
    Throttled,
    ThrottledAlways,
    ThrottledAfterEffect,
    LostClaimAnswer,
    LostCompletionAnswer,
    Duplicate,
    DuplicateLater,
    KilledDuring,
];

/// Of a function that only reads and writes the ledger.
const WRITES: [Fault; 11] = [
    CrashBeforeClaim,
    CrashAfterClaim,
    CrashAfterEffect,
    CrashAfterCompletion,
    Throttled,
    ThrottledLong,
    LostClaimAnswer,
    LostCompletionAnswer,
    Duplicate,
    DuplicateLater,
    KilledDuring,
];

/// Of people who are asked whether a workflow may go on.
const APPROVAL: [Fault; 4] = [DecidesReject, Silence, DecidesLate, LostDecision];

/// Of people who are asked about a step that failed; unless one strikes, they decide to roll back.
const ESCALATION: [Fault; 5] = [
    DecidesRetry,
    DecidesSkip,
    Silence,
    DecidesLate,
    LostDecision,
];

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A function that calls a target.
    Calls,
    /// A function that only reads and writes the ledger.
    Writes,
    /// People are asked whether the workflow may go on.
    Approval,
    /// People are asked about a failure.
    Escalation,
    /// Any other state.
    State,
}

impl Fault {
    /// Every fault, in the order of the matrix.
    pub fn all() -> Vec<Self> {
        let mut all = CALLS.to_vec();
        all.extend([ThrottledLong, KilledBefore]);
        all.extend(ESCALATION);
        all.extend([DecidesReject]);
        all
    }

    /// The faults that can strike at a place.
    pub(crate) fn of(kind: Kind) -> Vec<Self> {
        let mut faults = match kind {
            Kind::Calls => CALLS.to_vec(),
            Kind::Writes => WRITES.to_vec(),
            Kind::Approval => [&WRITES[..], &APPROVAL].concat(),
            Kind::Escalation => [&WRITES[..], &ESCALATION].concat(),
            Kind::State => Vec::new(),
        };
        faults.push(KilledBefore);
        faults
    }

    /// Its name in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            TransientOnce => "transient-once",
            TransientAlways => "transient-always",
            AsksToWait => "asks-to-wait",
            Permanent => "permanent",
            LostAnswer => "lost-answer",
            LostAnswerAlways => "lost-answer-always",
            TimeoutBeforeEffect => "timeout-before-effect",
            TimeoutAfterEffect => "timeout-after-effect",
            LateCall => "late-call",
            Zombie => "zombie",
            CrashBeforeClaim => "crash-before-claim",
            CrashAfterClaim => "crash-after-claim",
            CrashAfterEffect => "crash-after-effect",
            CrashAfterCompletion => "crash-after-completion",
            Throttled => "throttled",
            ThrottledAlways => "throttled-always",
            ThrottledLong => "throttled-long",
            ThrottledAfterEffect => "throttled-after-effect",
            LostClaimAnswer => "lost-claim-answer",
            LostCompletionAnswer => "lost-completion-answer",
            Duplicate => "duplicate",
            DuplicateLater => "duplicate-later",
            KilledBefore => "killed-before",
            KilledDuring => "killed-during",
            DecidesRetry => "decides-retry",
            DecidesSkip => "decides-skip",
            DecidesReject => "decides-reject",
            Silence => "silence",
            DecidesLate => "decides-late",
            LostDecision => "lost-decision",
        }
    }

    /// The fault of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|fault| fault.name() == name)
    }

    /// How many attempts it strikes.
    pub(crate) fn times(self) -> u32 {
        match self {
            TransientAlways | LostAnswerAlways | ThrottledAlways => u32::MAX,
            // A machine asks its own functions nine times.
            ThrottledLong => 12,
            _ => 1,
        }
    }

    /// Whether it strikes every attempt.
    pub(crate) fn lasts(self) -> bool {
        self.times() == u32::MAX
    }

    /// Whether it stops the execution.
    pub(crate) fn kills(self) -> bool {
        matches!(self, KilledBefore | KilledDuring)
    }

    /// Whether it is what a person does.
    pub(crate) fn is_human(self) -> bool {
        ESCALATION.contains(&self) || APPROVAL.contains(&self)
    }
}
