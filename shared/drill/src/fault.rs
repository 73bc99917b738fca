//! Defines every fault, its name, and the kinds of places at which it can strike.

/// A fault, or the decision of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The target fails once and applies nothing.
    TransientOnce,
    /// The target always fails and applies nothing.
    TransientAlways,
    /// The target asks for a pause that is longer than a function waits.
    AsksToWait,
    /// The target fails permanently.
    Permanent,
    /// The effect happens and the connection drops.
    LostAnswer,
    /// Every attempt loses its answer.
    LostAnswerAlways,
    /// The effect happens, and a gateway answers that the target is unavailable (503).
    UnavailableAfterEffect,
    /// The same at every attempt.
    UnavailableAfterEffectAlways,
    /// The effect happens, and the target answers with a redirect (302).
    MovedAfterEffect,
    /// The target answers once that it has no such thing (404), and applies nothing.
    Missing,
    /// The target always answers that it has no such thing, and applies nothing.
    MissingAlways,
    /// The target never answers, and nothing happened.
    TimeoutBeforeEffect,
    /// The effect happens, and the target never answers.
    TimeoutAfterEffect,
    /// The call is carried out only after the attempt's lease has ended.
    LateCall,
    /// The process pauses after its claim and makes its call after its lease has ended.
    Zombie,
    /// The process dies before its first write.
    CrashBeforeClaim,
    /// The process dies after its first write.
    CrashAfterClaim,
    /// The process dies after its effect, or after its second write if it has no effect.
    CrashAfterEffect,
    /// The process dies after its last write, before it answers.
    CrashAfterCompletion,
    /// The ledger throttles one attempt.
    Throttled,
    /// The ledger throttles every attempt.
    ThrottledAlways,
    /// The ledger throttles for so long that a state machine gives up.
    ThrottledLong,
    /// The ledger throttles after the effect has happened.
    ThrottledAfterEffect,
    /// The first write is done and its answer is lost.
    LostClaimAnswer,
    /// The second write is done and its answer is lost.
    LostCompletionAnswer,
    /// The function is called twice at once.
    Duplicate,
    /// The function is called again ten minutes later.
    DuplicateLater,
    /// The execution is stopped before it enters the state, without an event. The sweeper finds it.
    KilledBefore,
    /// The execution is stopped while the function of the state runs. The status event starts
    /// recovery at once.
    KilledDuring,
    /// A person decides to retry the step.
    DecidesRetry,
    /// A person decides to continue without the step.
    DecidesSkip,
    /// A person rejects.
    DecidesReject,
    /// No person decides.
    Silence,
    /// A person decides after the deadline.
    DecidesLate,
    /// A person decides, and the token is not answered.
    LostDecision,
}

use Fault::{
    AsksToWait, CrashAfterClaim, CrashAfterCompletion, CrashAfterEffect, CrashBeforeClaim,
    DecidesLate, DecidesReject, DecidesRetry, DecidesSkip, Duplicate, DuplicateLater, KilledBefore,
    KilledDuring, LateCall, LostAnswer, LostAnswerAlways, LostClaimAnswer, LostCompletionAnswer,
    LostDecision, Missing, MissingAlways, MovedAfterEffect, Permanent, Silence, Throttled,
    ThrottledAfterEffect, ThrottledAlways, ThrottledLong, TimeoutAfterEffect, TimeoutBeforeEffect,
    TransientAlways, TransientOnce, UnavailableAfterEffect, UnavailableAfterEffectAlways, Zombie,
};

/// Faults of a function that calls a target.
const CALLS: [Fault; 27] = [
    TransientOnce,
    TransientAlways,
    AsksToWait,
    Permanent,
    LostAnswer,
    LostAnswerAlways,
    UnavailableAfterEffect,
    UnavailableAfterEffectAlways,
    MovedAfterEffect,
    Missing,
    MissingAlways,
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

/// Faults of a function that only reads and writes the ledger.
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

/// Decisions of a person who is asked for an approval.
const APPROVAL: [Fault; 4] = [DecidesReject, Silence, DecidesLate, LostDecision];

/// Decisions of a person who is asked about a failed step. Without one of them the person rolls
/// back.
const ESCALATION: [Fault; 5] = [
    DecidesRetry,
    DecidesSkip,
    Silence,
    DecidesLate,
    LostDecision,
];

/// The kind of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A function that calls a target.
    Calls,
    /// A function that only reads and writes the ledger.
    Writes,
    /// A question whether the workflow may continue.
    Approval,
    /// A question about a failure.
    Escalation,
    /// Any other state.
    State,
}

impl Fault {
    /// Returns every fault, in the order of the matrix.
    pub fn all() -> Vec<Self> {
        let mut all = CALLS.to_vec();
        all.extend([ThrottledLong, KilledBefore]);
        all.extend(ESCALATION);
        all.extend([DecidesReject]);
        all
    }

    /// Returns the faults that can strike at a place.
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

    /// Returns its name in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            TransientOnce => "transient-once",
            TransientAlways => "transient-always",
            AsksToWait => "asks-to-wait",
            Permanent => "permanent",
            LostAnswer => "lost-answer",
            LostAnswerAlways => "lost-answer-always",
            UnavailableAfterEffect => "unavailable-after-effect",
            UnavailableAfterEffectAlways => "unavailable-after-effect-always",
            MovedAfterEffect => "moved-after-effect",
            Missing => "missing",
            MissingAlways => "missing-always",
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

    /// Returns the fault of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|fault| fault.name() == name)
    }

    /// Returns the number of attempts that it strikes.
    pub(crate) fn times(self) -> u32 {
        match self {
            TransientAlways | LostAnswerAlways | ThrottledAlways => u32::MAX,
            UnavailableAfterEffectAlways | MissingAlways => u32::MAX,
            // A state machine calls our own functions nine times.
            ThrottledLong => 12,
            _ => 1,
        }
    }

    /// Returns true if it strikes every attempt.
    pub(crate) fn lasts(self) -> bool {
        self.times() == u32::MAX
    }

    /// Returns true if it stops the execution.
    pub(crate) fn kills(self) -> bool {
        matches!(self, KilledBefore | KilledDuring)
    }

    /// Returns true if it is a decision of a person.
    pub(crate) fn is_human(self) -> bool {
        ESCALATION.contains(&self) || APPROVAL.contains(&self)
    }
}
