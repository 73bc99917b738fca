//! Performs the action of a step under a fault. It runs the action's own code if the drill has a
//! system for it. Otherwise it simulates the target, and answers in the form of the output schema.

use std::{future::pending, sync::Arc, time::Duration};

use holdfast_action::{
    AnyAction, AppliedEffect, BoxFuture, Call, Effect, StepError, Verdict, judge,
};
use holdfast_engine::Host;
use holdfast_task::timing::LEASE_MARGIN_S;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    fault::Fault,
    process::Process,
    sample::sample,
    simulation::{Hazard, Weather},
    target::{Promise, Target, TargetCall, What},
};

/// Time that a target takes to answer.
const ANSWERS_AFTER: Duration = Duration::from_millis(50);
/// Pause that a target asks for.
const PAUSE: Duration = Duration::from_secs(45);
/// Pause that a gateway asks for with 503.
const ANSWERED_WAIT: Duration = Duration::from_secs(5);
/// Time from the end of a lease to a late call.
const TOO_LATE: SignedDuration = SignedDuration::from_secs(20);

/// Reads an input as an action does. The error is the one with which the action answers.
pub(crate) type ReadsInput = fn(Value) -> Result<(), StepError>;

/// An action in one process.
#[derive(Clone)]
pub(crate) struct FaultyAction {
    pub(crate) process: Process,
    /// Name of the action.
    pub(crate) name: String,
    pub(crate) promise: Promise,
    /// Reads an input as the action does.
    pub(crate) reads_input: ReadsInput,
    pub(crate) output_schema: Arc<Value>,
    /// Code of the failure after which the definition continues, if it lists one.
    pub(crate) continues_on: Option<String>,
    /// Outputs of successive calls. None if each is made from the schema.
    pub(crate) answers: Arc<[Value]>,
    /// Real code of the action, if the drill has a system for it. Otherwise the target is
    /// simulated.
    pub(crate) own: Option<Arc<dyn AnyAction>>,
}

/// A way to call the target, with what the call receives.
type Act<G, T> = fn(&FaultyAction, &Call, G) -> Result<T, StepError>;

impl FaultyAction {
    /// Calls the target once, as the fault allows.
    async fn call<G: Send + 'static, T: Send + 'static>(
        &self,
        call: &Call,
        given: G,
        act: Act<G, T>,
    ) -> Result<T, StepError> {
        let process = &self.process;
        let clock = &process.world().clock;
        clock.sleep(ANSWERS_AFTER).await;
        let act_now = |given: G| {
            process.has_acted();
            act(self, call, given)
        };
        if let Some(weather) = &process.world().weather {
            return self.call_under(weather, call, given, act).await;
        }
        match process.fault() {
            Some(Fault::TransientOnce | Fault::TransientAlways) => {
                Err(StepError::transient("the target is busy"))
            }
            Some(Fault::AsksToWait) => {
                Err(StepError::retry_after(PAUSE, "the target asks to wait"))
            }
            Some(Fault::Permanent) => Err(self.refusal()),
            Some(Fault::LostAnswer | Fault::LostAnswerAlways) => {
                let done = act_now(given);
                done.and(Err(StepError::unknown("the connection dropped")))
            }
            Some(Fault::UnavailableAfterEffect | Fault::UnavailableAfterEffectAlways) => {
                drop(act_now(given));
                Err(self.judged(answered(503, call)))
            }
            Some(Fault::MovedAfterEffect) => {
                drop(act_now(given));
                Err(answered(302, call))
            }
            Some(Fault::Missing | Fault::MissingAlways) => {
                Err(StepError::missing("the target answers 404"))
            }
            Some(Fault::TimeoutBeforeEffect) => pending().await,
            Some(Fault::TimeoutAfterEffect) => {
                // The answer of the target is lost.
                drop(act_now(given));
                pending().await
            }
            Some(Fault::LateCall) => {
                let at = too_late(clock.now(), call.time_left);
                let (late, call) = (self.clone(), call.clone());
                clock.at(at, move || drop(act(&late, &call, given)));
                pending().await
            }
            Some(Fault::Zombie) => {
                process.pause(too_late(clock.now(), call.time_left)).await;
                act_now(given)
            }
            Some(Fault::CrashAfterEffect) => {
                drop(act_now(given));
                process.die().await
            }
            _ => act_now(given),
        }
    }
}

/// Returns the error that the answer to a POST makes, as the actions judge it. Some gateways name a
/// wait with every 503, also after they have forwarded the request.
fn answered(status: u16, call: &Call) -> StepError {
    let effect = match call.reads {
        true => Effect::None,
        false => Effect::Single,
    };
    let wait = (status == 503).then_some(ANSWERED_WAIT);
    let error = judge(status, effect, call.attempt).error(format!("answered {status}"), wait);
    error.unwrap_or_else(|| StepError::unknown("no failure"))
}

impl FaultyAction {
    /// Reads the input before the call, as the action does. Real code reads it by itself. A version
    /// of a simulated schedule has inputs that the simulator made up, which fit no action.
    fn read(&self, input: &Value) -> Result<(), StepError> {
        let made_up = self.process.world().weather.is_some();
        match self.own.is_some() || made_up {
            true => Ok(()),
            false => (self.reads_input)(input.clone()),
        }
    }

    /// Returns the error of a target that refuses, with the code by which the definition continues.
    fn refusal(&self) -> StepError {
        let refusal = StepError::permanent("the target refuses");
        match &self.continues_on {
            Some(code) => refusal.with_code(code),
            None => refusal,
        }
    }

    /// Returns the error of an answer whose effect happened, as the action judges it.
    fn judged(&self, error: StepError) -> StepError {
        match self.process.world().old {
            Some(old) => old.judged(error),
            None => error,
        }
    }

    /// Calls the target once in a simulated schedule.
    async fn call_under<G: Send + 'static, T: Send + 'static>(
        &self,
        weather: &Weather,
        call: &Call,
        given: G,
        act: Act<G, T>,
    ) -> Result<T, StepError> {
        let process = &self.process;
        let clock = &process.world().clock;
        let (number, hazard) = match call.key == call.forward_key {
            true => weather.strike_step(&call.step, clock.now()),
            false => weather.strike(clock.now()),
        };
        process.record_hazard(number, hazard);
        match hazard {
            None | Some(Hazard::Outage(_)) => act(self, call, given),
            Some(Hazard::Refusal) => Err(StepError::transient("the target is busy")),
            Some(Hazard::Permanent) => Err(self.refusal()),
            Some(Hazard::AsksToWait) => {
                Err(StepError::retry_after(PAUSE, "the target asks to wait"))
            }
            Some(Hazard::Deafness) => Err(StepError::unknown("the connection dropped")),
            Some(Hazard::LostAnswer | Hazard::Silence) => {
                let done = act(self, call, given);
                let error = StepError::unknown("the connection dropped");
                done.and(Err(self.judged(error)))
            }
            Some(Hazard::SlowCall(time)) => {
                let at = clock.now() + SignedDuration::try_from(time).unwrap_or_default();
                let (late, call) = (self.clone(), call.clone());
                clock.at(at, move || drop(act(&late, &call, given)));
                pending().await
            }
            Some(Hazard::SlowAnswer(time)) => {
                let done = act(self, call, given);
                clock.sleep(time).await;
                done
            }
            Some(Hazard::DeathBefore) => process.die().await,
            Some(Hazard::DeathAfter) => {
                drop(act(self, call, given));
                process.die().await
            }
            Some(Hazard::Freeze(time)) => {
                process.freeze(time).await;
                act(self, call, given)
            }
        }
    }
}

/// Returns an instant after the end of the lease of a call that has `left`.
fn too_late(now: Timestamp, left: Duration) -> Timestamp {
    let left = SignedDuration::try_from(left).unwrap_or_default();
    now + left + SignedDuration::from_secs(LEASE_MARGIN_S as i64) + TOO_LATE
}

fn effect(action: &FaultyAction, call: &Call, input: Value) -> Result<Value, StepError> {
    let simulate = |target: &Target, received: &TargetCall<'_>| {
        let answer = match &*action.answers {
            [] => sample(&action.output_schema, &call.key[..8.min(call.key.len())]),
            [always] => always.clone(),
            many => many[target.answered(received).min(many.len() - 1)].clone(),
        };
        if call.reads {
            return target.read(received, answer);
        }
        target.effect(received, answer)
    };
    action.act(call, false, simulate, |own| own.run(call, input.clone()))
}

fn undo(
    action: &FaultyAction,
    call: &Call,
    done: AppliedEffect<Value, Value>,
) -> Result<(), StepError> {
    let simulate = |target: &Target, received: &TargetCall<'_>| (target.undo(received), Ok(()));
    action.act(call, true, simulate, |own| own.undo(call, done.clone()))
}

fn verify(action: &FaultyAction, call: &Call, input: Value) -> Result<Verdict<Value>, StepError> {
    let world = action.process.world();
    world.record(|| format!("target     {}: asked to verify", call.step));
    match (&action.own, &world.target.own) {
        (Some(action), Some(own)) => {
            let answer = own.wait(action.verify(call, input));
            answer.unwrap_or_else(|why| Err(StepError::unknown(why)))
        }
        _ => Ok(world.target.verdict(&call.forward_key)),
    }
}

impl FaultyAction {
    /// Calls the simulated target, or runs the action's real code.
    fn act<'a, T>(
        &'a self,
        call: &Call,
        undoes: bool,
        simulate: impl FnOnce(&Target, &TargetCall<'_>) -> (What, Result<T, StepError>),
        really: impl FnOnce(&'a dyn AnyAction) -> BoxFuture<'a, Result<T, StepError>>,
    ) -> Result<T, StepError> {
        let world = self.process.world();
        let received = TargetCall {
            at: world.clock.now(),
            execution: &call.execution,
            action: &self.name,
            step: &call.step,
            key: &call.forward_key,
            promise: self.promise,
        };
        let (what, answer) = match (&self.own, &world.target.own) {
            (Some(action), Some(own)) => {
                let wait = || own.wait(really(&**action));
                world.target.observe(&received, undoes, wait)
            }
            _ => simulate(&world.target, &received),
        };
        world.record(|| format!("target     {}: {}", call.step, what.words()));
        answer
    }
}

impl What {
    fn words(self) -> &'static str {
        match self {
            Self::Effect => "an effect",
            Self::Read => "read",
            Self::Repeated => "the same call again, no second effect",
            Self::Refused => "refused",
            Self::Undone => "the effect is taken back",
            Self::NothingToUndo => "nothing to take back",
        }
    }
}

impl AnyAction for FaultyAction {
    fn run<'a>(&'a self, call: &'a Call, input: Value) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(async move {
            self.read(&input)?;
            self.call(call, input, effect).await
        })
    }

    fn undo<'a>(
        &'a self,
        call: &'a Call,
        done: AppliedEffect<Value, Value>,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            let answer = self.call(call, done, undo).await;
            match self.process.world().old {
                Some(old) => old.undone(answer),
                None => answer,
            }
        })
    }

    fn verify<'a>(
        &'a self,
        call: &'a Call,
        input: Value,
    ) -> BoxFuture<'a, Result<Verdict<Value>, StepError>> {
        Box::pin(self.call(call, input, verify))
    }
}
