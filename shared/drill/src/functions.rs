//! Runs the deployed functions: the code that a task's resource names, in a process of its own,
//! over the real engine.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc, time::Duration};

use futures_executor::LocalSpawner;
use futures_util::task::LocalSpawnExt;
use holdfast_engine::{Engine, Host, QuestionAnswer, TaskError};
use holdfast_task::{AskCall, AskResult, AskTask, ErrorName, PlanCall, StepCall};
use holdfast_workflow::compile::{ASK_ARN, BEGIN_ARN, FINISH_ARN, PLAN_ARN, arn_of};
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    action::FaultyAction,
    clock::{Clock, Slot},
    fault::Fault,
    machine::RaisedError,
    meter::Meter,
    outage::SigningKey,
    people,
    plan::{DrilledStep, DrilledWorkflow},
    process::Process,
    query::KnownExpressions,
    store::Store,
    target::Promise,
    world::World,
};

/// Time from an invocation to its immediate duplicate.
const AT_ONCE: Duration = Duration::from_millis(2);
/// Time from an invocation to its later duplicate.
const LATER: Duration = Duration::from_secs(600);

/// The state that the executions of one run share.
pub(crate) struct Room {
    pub(crate) world: Arc<World>,
    pub(crate) deployed: Arc<DrilledWorkflow>,
    pub(crate) parsed: Rc<KnownExpressions>,
    pub(crate) spawner: LocalSpawner,
    /// Tasks that wait for people, by token.
    pub(crate) tokens: RefCell<BTreeMap<String, Waiting>>,
}

/// The slot for the answer of a task that waits.
pub(crate) type Waiting = Rc<Slot<Result<Value, RaisedError>>>;

/// An invocation of a function.
#[derive(Clone)]
pub(crate) struct Invocation {
    /// Place at which faults strike it.
    pub(crate) place: String,
    /// Item of a `for_each`.
    pub(crate) item: Option<String>,
    /// Function, as the task's resource names it.
    pub(crate) function: String,
    /// Message to the function.
    pub(crate) payload: Value,
}

pub(crate) type DrillEngine = Engine<Process, Store, Clock>;

impl Room {
    /// Runs a future beside the executions.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        // The pool outlives every run, so that it refuses nothing.
        drop(self.spawner.spawn_local(future));
    }

    /// Invokes a function. It runs to its end even if its caller is stopped.
    pub(crate) async fn invoke(
        self: Rc<Self>,
        invocation: Invocation,
    ) -> Result<Value, RaisedError> {
        let fits = |fault: Fault| !fault.kills() && !fault.is_human();
        let item = invocation.item.as_deref();
        let fault = self.world.strikes(&invocation.place, item, fits);
        let again = match fault {
            Some(Fault::Duplicate) => Some(AT_ONCE),
            Some(Fault::DuplicateLater) => Some(LATER),
            _ => None,
        };
        if let Some(after) = again {
            let (room, invocation) = (self.clone(), invocation.clone());
            self.spawn(async move {
                room.world.clock.sleep(after).await;
                drop(room.process(&invocation, None).await);
            });
        }
        let answer = Rc::new(Slot::default());
        let (room, slot) = (self.clone(), answer.clone());
        self.spawn(async move { slot.put(room.process(&invocation, fault).await) });
        answer.take().await
    }

    /// Runs one process from its start to its answer or its death.
    async fn process(
        self: &Rc<Self>,
        invocation: &Invocation,
        fault: Option<Fault>,
    ) -> Result<Value, RaisedError> {
        let place = &invocation.place;
        self.world.record(|| format!("function   {place} begins"));
        self.world.meter(Meter::call);
        let began = self.world.clock.now();
        let process = Process::new(self.world.clone(), fault);
        let work = self.handle(&process, invocation);
        let work = async {
            let answer = work.await;
            match fault {
                Some(Fault::CrashAfterCompletion) => process.die().await,
                _ => answer,
            }
        };
        let answer = process.run(work).await;
        if let Some(call) = self.world.call {
            let call = SignedDuration::try_from(call).unwrap_or(SignedDuration::MAX);
            let ends = began.saturating_add(call).unwrap_or(Timestamp::MAX);
            self.world.clock.until(ends).await;
        }
        answered(&self.world, place, answer)
    }

    async fn handle(
        self: &Rc<Self>,
        process: &Process,
        invocation: &Invocation,
    ) -> Result<Value, TaskError> {
        let asked = |task: &AskTask, answer: Option<QuestionAnswer>| match answer {
            Some(answer) => self.answer_token(&task.token, answer),
            None => people::decide(self, task),
        };
        handle(process, &self.deployed.steps, invocation, &asked).await
    }

    /// Answers the task that waits under this token. A task that no longer waits is ignored.
    pub(crate) fn answer_token(&self, token: &str, answer: Result<AskResult, TaskError>) {
        if let Some(slot) = self.tokens.borrow().get(token) {
            slot.put(token_answer(answer));
        }
    }
}

/// Returns the answer of a person as the state machine receives it.
pub(crate) fn token_answer(answer: Result<AskResult, TaskError>) -> Result<Value, RaisedError> {
    let answer = answer.and_then(|answer| answer_of(Ok(answer)));
    answer.map_err(raised)
}

/// Returns the error of a function as Lambda reports it.
fn raised(TaskError { name, message, .. }: TaskError) -> RaisedError {
    let cause = json!({ "errorType": name, "errorMessage": message });
    RaisedError::new(&name.to_string(), cause.to_string())
}

/// Returns the answer of a process as its caller receives it. `None` is a process that died.
pub(crate) fn answered(
    world: &World,
    place: &str,
    answer: Option<Result<Value, TaskError>>,
) -> Result<Value, RaisedError> {
    world.record(|| match &answer {
        Some(Ok(answer)) => format!("function   {place} answers {answer}"),
        Some(Err(error)) => format!("function   {place} raises {error}"),
        None => format!("function   {place} is gone"),
    });
    match answer {
        Some(answer) => answer.map_err(raised),
        None => {
            let names = ["Runtime.ExitError", "Lambda.Unknown", "Sandbox.Timedout"];
            let name = names[(world.clock.random() * 3.0) as usize % 3];
            let cause = json!({ "errorType": name, "errorMessage": "the process is gone" });
            Err(RaisedError::new(name, cause.to_string()))
        }
    }
}

/// Receives a question that was put to people, or its decision if a person decided before.
pub(crate) type QuestionHandler<'a> = &'a dyn Fn(&AskTask, Option<QuestionAnswer>);

/// Runs the code of a function in `process`. `steps` has every step that some function performs.
pub(crate) async fn handle(
    process: &Process,
    steps: &[DrilledStep],
    invocation: &Invocation,
    asked: QuestionHandler<'_>,
) -> Result<Value, TaskError> {
    let engine = process.engine();
    let old = process.world().old;
    let sent = old.map(|old| old.sent(invocation.payload.clone()));
    let payload = sent.as_ref().unwrap_or(&invocation.payload);
    let name = invocation
        .function
        .trim_start_matches("${")
        .trim_end_matches('}');
    match name {
        BEGIN_ARN => answer_of(engine.begin(&task(payload)?).await),
        FINISH_ARN => answer_of(engine.finish(&task(payload)?, &SigningKey(process)).await),
        PLAN_ARN => match task(payload)? {
            PlanCall::Plan(task) => answer_of(engine.plan(&task).await),
            PlanCall::GiveUp(task) => answer_of(engine.give_up(&task).await),
        },
        ASK_ARN => match task(payload)? {
            AskCall::Ask(task) => {
                let answer = engine.ask(&task).await?;
                asked(&task, answer);
                Ok(Value::Null)
            }
            AskCall::Expire(task) => answer_of(engine.expire(&task).await),
        },
        action => act(process, &engine, steps, action, payload).await,
    }
}

async fn act(
    process: &Process,
    engine: &DrillEngine,
    steps: &[DrilledStep],
    function: &str,
    payload: &Value,
) -> Result<Value, TaskError> {
    let call: StepCall = task(payload)?;
    let step = match &call {
        StepCall::Step(task) => &task.step.name,
        StepCall::Undo(task) => &task.undo.step,
    };
    let performs = |known: &&DrilledStep| known.name == *step && arn_of(&known.action) == function;
    let Some(known) = steps.iter().find(performs) else {
        return Err(malformed(format!("no function {function} performs {step}")));
    };
    let own = process.world().target.own.as_ref();
    let action = FaultyAction {
        process: process.clone(),
        name: known.action.clone(),
        promise: Promise {
            idempotent: known.idempotent,
            fences: known.fences,
        },
        reads_input: known.reads_input,
        output_schema: known.output_schema.clone(),
        continues_on: known.continues_on.clone(),
        answers: known.answers.clone(),
        own: own.and_then(|own| own.action(&known.action)),
    };
    match &call {
        StepCall::Step(task) => answer_of(engine.step(task, &action).await),
        StepCall::Undo(task) => answer_of(engine.undo(task, &action).await),
    }
}

fn task<T: DeserializeOwned>(payload: &Value) -> Result<T, TaskError> {
    T::deserialize(payload).map_err(|error| malformed(format!("the task cannot be read: {error}")))
}

fn malformed(message: String) -> TaskError {
    TaskError::new(ErrorName::Malformed, message)
}

fn answer_of<T: Serialize>(result: Result<T, TaskError>) -> Result<Value, TaskError> {
    serde_json::to_value(result?).map_err(|error| malformed(error.to_string()))
}
