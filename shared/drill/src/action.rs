//! The action of a step, simulated: it calls the target as the fault allows, and answers in the shape its schema promises.

use std::{future::pending, time::Duration};

use holdfast_core::{
    action::{AnyAction, Boxed, Call, Done, StepError, Verdict},
    engine::Host,
    timing::LEASE_MARGIN_S,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    fault::Fault,
    process::Process,
    sample::sample,
    target::{Asked, Promise, What},
};

/// How long a target takes to answer.
const ANSWERS_AFTER: Duration = Duration::from_millis(50);
/// The pause that a target asks for.
const PAUSE: Duration = Duration::from_secs(45);
/// How long after the end of a lease a late call is carried out.
const TOO_LATE: SignedDuration = SignedDuration::from_secs(20);

/// One call of an action in one process.
pub(crate) struct Simulated<'a> {
    pub(crate) process: Process,
    pub(crate) promise: Promise,
    pub(crate) output_schema: &'a Value,
}

/// What becomes of one call.
type Act<T> = fn(&Process, &Call, Promise, Value) -> Result<T, StepError>;

impl Simulated<'_> {
    /// Calls the target once, as the fault has it.
    async fn call<T: Send + 'static>(
        &self,
        call: &Call,
        answer: Value,
        act: Act<T>,
    ) -> Result<T, StepError> {
        let (process, promise) = (&self.process, self.promise);
        let clock = &process.world().clock;
        clock.sleep(ANSWERS_AFTER).await;
        let act_now = |answer: Value| {
            process.has_acted();
            act(process, call, promise, answer)
        };
        match process.fault() {
            Some(Fault::TransientOnce | Fault::TransientAlways) => {
                Err(StepError::transient("the target is busy"))
            }
            Some(Fault::AsksToWait) => {
                Err(StepError::retry_after(PAUSE, "the target asks to wait"))
            }
            Some(Fault::Permanent) => Err(StepError::permanent("the target refuses")),
            Some(Fault::LostAnswer | Fault::LostAnswerAlways) => {
                let done = act_now(answer);
                done.and(Err(StepError::unknown("the connection dropped")))
            }
            Some(Fault::TimeoutBeforeEffect) => pending().await,
            Some(Fault::TimeoutAfterEffect) => {
                // Nobody hears what the target says.
                drop(act_now(answer));
                pending().await
            }
            Some(Fault::LateCall) => {
                let at = too_late(clock.now(), call.time_left);
                let (process, call) = (process.clone(), call.clone());
                clock.at(at, move || drop(act(&process, &call, promise, answer)));
                pending().await
            }
            Some(Fault::Zombie) => {
                process
                    .stand_still(too_late(clock.now(), call.time_left))
                    .await;
                act_now(answer)
            }
            Some(Fault::CrashAfterEffect) => {
                drop(act_now(answer));
                process.die().await
            }
            _ => act_now(answer),
        }
    }
}

/// An instant after the end of the lease of a call that has `left`.
fn too_late(now: Timestamp, left: Duration) -> Timestamp {
    let left = SignedDuration::try_from(left).unwrap_or_default();
    now + left + SignedDuration::from_secs(LEASE_MARGIN_S as i64) + TOO_LATE
}

fn effect(
    process: &Process,
    call: &Call,
    promise: Promise,
    answer: Value,
) -> Result<Value, StepError> {
    let world = process.world();
    let asked = asked(process, call, promise);
    let (what, answer) = world.target.effect(&asked, answer);
    world.tell(|| format!("target     {}: {}", call.step, what.words()));
    answer
}

fn undo(process: &Process, call: &Call, promise: Promise, _: Value) -> Result<(), StepError> {
    let world = process.world();
    let what = world.target.undo(&asked(process, call, promise));
    world.tell(|| format!("target     {}: {}", call.step, what.words()));
    Ok(())
}

fn verify(
    process: &Process,
    call: &Call,
    _: Promise,
    _: Value,
) -> Result<Verdict<Value>, StepError> {
    let verdict = process.world().target.verdict(&call.forward_key);
    process
        .world()
        .tell(|| format!("target     {}: asked what became of it", call.step));
    Ok(verdict)
}

fn asked<'a>(process: &Process, call: &'a Call, promise: Promise) -> Asked<'a> {
    Asked {
        at: process.world().clock.now(),
        step: &call.step,
        key: &call.forward_key,
        promise,
    }
}

impl What {
    fn words(self) -> &'static str {
        match self {
            Self::Effect => "an effect",
            Self::Repeated => "the same call again, no second effect",
            Self::Refused => "refused, its key was undone",
            Self::Undone => "the effect is taken back",
            Self::NothingToUndo => "nothing to take back",
        }
    }
}

impl AnyAction for Simulated<'_> {
    fn run<'a>(&'a self, call: &'a Call, _: Value) -> Boxed<'a, Result<Value, StepError>> {
        let answer = sample(self.output_schema, &call.key[..8.min(call.key.len())]);
        Box::pin(self.call(call, answer, effect))
    }

    fn undo<'a>(
        &'a self,
        call: &'a Call,
        _: Done<Value, Value>,
    ) -> Boxed<'a, Result<(), StepError>> {
        Box::pin(self.call(call, Value::Null, undo))
    }

    fn verify<'a>(
        &'a self,
        call: &'a Call,
        _: Value,
    ) -> Boxed<'a, Result<Verdict<Value>, StepError>> {
        Box::pin(self.call(call, Value::Null, verify))
    }
}
