//! Interprets a compiled state machine on the virtual clock, as Step Functions would.

mod containers;
#[cfg(test)]
mod tests;
mod view;

use std::cell::Cell;

use futures_util::future::{Either, LocalBoxFuture, select};
use holdfast_asl::{Inner, JitterStrategy, Machine, Retrier, State, States, Task};
use holdfast_engine::Host;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use view::{Scope, StateExit};

use crate::{clock::Clock, query::Query};

/// Name that matches every error.
const ALL: &str = "States.ALL";
/// Error of an expression.
const EVALUATION: &str = "States.QueryEvaluationError";
/// Error of a task or an execution that took too long.
pub(crate) const TIMEOUT: &str = "States.Timeout";

/// An error on its way to a catcher.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RaisedError {
    /// Name that retriers and catchers match.
    pub(crate) error: String,
    /// Cause of the error. A timeout has none.
    pub(crate) cause: Option<String>,
}

impl RaisedError {
    pub(crate) fn new(error: &str, cause: impl Into<String>) -> Self {
        Self {
            error: error.to_owned(),
            cause: Some(cause.into()),
        }
    }
}

/// The surroundings of a state machine.
pub(crate) trait Surroundings {
    /// Enters a state. Returns when the execution may continue, which is never for a stopped one.
    fn entered<'a>(&'a self, state: &'a str) -> LocalBoxFuture<'a, ()>;
    /// Performs a task.
    fn perform<'a>(&'a self, task: TaskCall<'a>) -> LocalBoxFuture<'a, Result<Value, RaisedError>>;
}

/// A task to perform.
pub(crate) struct TaskCall<'a> {
    /// Name of the state.
    pub(crate) state: &'a str,
    /// Resource of the state.
    pub(crate) resource: &'a str,
    /// Arguments, evaluated.
    pub(crate) arguments: Value,
    /// Token by which a waiting task is answered.
    pub(crate) token: String,
}

/// A Step Functions execution of a state machine.
pub(crate) struct Interpreter<S> {
    pub(crate) clock: Clock,
    pub(crate) query: Query,
    pub(crate) surroundings: S,
    /// `$states.context.Execution` and `StateMachine`.
    pub(crate) context: Value,
    /// Events in the history so far.
    pub(crate) events: Cell<u64>,
    /// State transitions so far. A retry is one
    /// (aws.amazon.com/step-functions/pricing).
    pub(crate) transitions: Cell<u64>,
}

/// Most events of an execution
/// (docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
const MAX_EVENTS: u64 = 25_000;
/// Events of the entry and the exit of a state, and of the start and the end of what is inside it.
const PAIR: u64 = 2;
/// Events of an attempt at a task: scheduled, started, ended.
const ATTEMPT: u64 = 3;

impl<S: Surroundings> Interpreter<S> {
    /// Adds events to the history. The error of a full history escapes every catcher.
    fn add_events(&self, count: u64) -> Result<(), RaisedError> {
        self.events.set(self.events.get() + count);
        match self.events.get() > MAX_EVENTS {
            true => Err(RaisedError::new(
                "States.Runtime",
                format!("the history has more than {MAX_EVENTS} events"),
            )),
            false => Ok(()),
        }
    }

    fn add_transition(&self) {
        self.transitions.set(self.transitions.get() + 1);
    }

    /// Runs a state machine to its end.
    pub(crate) async fn run(&self, machine: &Machine, input: Value) -> Result<Value, RaisedError> {
        let Machine {
            start_at, states, ..
        } = machine;
        self.row(start_at, states, input, Scope::top()).await
    }

    /// Runs the states inside a container to their end.
    fn inner<'a>(
        &'a self,
        inner: &'a Inner,
        input: Value,
        scope: Scope,
    ) -> LocalBoxFuture<'a, Result<Value, RaisedError>> {
        self.row(&inner.start_at, &inner.states, input, scope)
    }

    fn row<'a>(
        &'a self,
        start_at: &'a str,
        states: &'a States,
        mut input: Value,
        mut scope: Scope,
    ) -> LocalBoxFuture<'a, Result<Value, RaisedError>> {
        Box::pin(async move {
            let mut name = start_at;
            loop {
                self.surroundings.entered(name).await;
                self.add_events(PAIR)?;
                self.add_transition();
                let Some(state) = states.get(name) else {
                    return Err(RaisedError::new(
                        "States.Runtime",
                        format!("no state {name}"),
                    ));
                };
                let left = self.state(name, state, &input, &mut scope).await?;
                input = left.output;
                match left.next {
                    Some(next) => name = next,
                    None => return Ok(input),
                }
            }
        })
    }

    async fn state<'a>(
        &self,
        name: &str,
        state: &'a State,
        input: &Value,
        scope: &mut Scope,
    ) -> Result<StateExit<'a>, RaisedError> {
        match state {
            State::Task(task) => self.task(name, task, input, scope).await,
            State::Parallel(parallel) => {
                let result = self.parallel(parallel, input, scope).await;
                let (assign, output) = (parallel.assign.as_ref(), parallel.output.as_ref());
                let exit = &parallel.exit;
                let left = result.and_then(|result| {
                    self.leave(name, Some(result), (assign, output, exit), input, scope)
                });
                left.or_else(|raised| self.catch(name, raised, &parallel.catch, input, scope))
            }
            State::Map(map) => {
                let result = self.map(name, map, input, scope).await;
                let (assign, output) = (map.assign.as_ref(), map.output.as_ref());
                let left = result.and_then(|result| {
                    self.leave(
                        name,
                        Some(result),
                        (assign, output, &map.exit),
                        input,
                        scope,
                    )
                });
                left.or_else(|raised| self.catch(name, raised, &map.catch, input, scope))
            }
            State::Pass(pass) => {
                let leaves = (Some(&pass.assign), None, &pass.exit);
                self.leave(name, None, leaves, input, scope)
            }
            State::Wait(wait) => {
                let until = self.wait_until(name, wait, input, scope)?;
                self.clock.until(until).await;
                let leaves = (wait.assign.as_ref(), wait.output.as_ref(), &wait.exit);
                self.leave(name, None, leaves, input, scope)
            }
            State::Choice(choice) => {
                let next = self.chosen(name, choice, input, scope)?;
                let output = input.clone();
                Ok(StateExit {
                    next: Some(next),
                    output,
                })
            }
            State::Succeed {} => Ok(StateExit {
                next: None,
                output: input.clone(),
            }),
            State::Fail { error, cause } => {
                let view = self.view(name, input, scope);
                let text = |text| self.fill(&json!(text), &view, json!({})).map(text_of);
                Err(RaisedError {
                    error: text(error)?,
                    cause: Some(text(cause)?),
                })
            }
        }
    }

    async fn task<'a>(
        &self,
        name: &str,
        task: &'a Task,
        input: &Value,
        scope: &mut Scope,
    ) -> Result<StateExit<'a>, RaisedError> {
        let mut used = vec![0; task.retry.len()];
        let entered = self.clock.now();
        loop {
            let tried = used.iter().sum();
            let raised = match self
                .attempt(name, task, input, scope, (tried, entered))
                .await
            {
                Ok(result) => {
                    let (assign, output) = (task.assign.as_ref(), task.output.as_ref());
                    let result = Some(result);
                    match self.leave(name, result, (assign, output, &task.exit), input, scope) {
                        Ok(left) => return Ok(left),
                        Err(raised) => raised,
                    }
                }
                Err(raised) => raised,
            };
            let retrier = task.retry.iter().zip(&mut used);
            let mut retrier = retrier.filter(|(one, _)| matches(&one.error_equals, &raised));
            match retrier.next() {
                Some((retrier, used)) if *used < retrier.max_attempts => {
                    let delay = self.delay(retrier, *used);
                    *used += 1;
                    self.add_transition();
                    self.clock.until(self.clock.now() + delay).await;
                }
                _ => return self.catch(name, raised, &task.catch, input, scope),
            }
        }
    }

    async fn attempt(
        &self,
        name: &str,
        task: &Task,
        input: &Value,
        scope: &Scope,
        (tried, entered): (u32, Timestamp),
    ) -> Result<Value, RaisedError> {
        self.add_events(ATTEMPT)?;
        let token = self.clock.token();
        let mut view = self.view(name, input, scope);
        let waits = task.resource.ends_with(".waitForTaskToken");
        view.entered = Some((tried, entered, waits.then(|| token.clone())));
        let performed = TaskCall {
            state: name,
            resource: &task.resource,
            arguments: self.fill(&task.arguments, &view, json!({}))?,
            token,
        };
        let limit =
            SignedDuration::from_secs(i64::try_from(task.timeout_seconds).unwrap_or(i64::MAX / 2));
        let limit = self.clock.until(self.clock.now() + limit);
        match select(self.surroundings.perform(performed), limit).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => Err(RaisedError {
                error: TIMEOUT.to_owned(),
                cause: None,
            }),
        }
    }

    fn delay(&self, retrier: &Retrier, used: u32) -> SignedDuration {
        // Defaults are those of Step Functions.
        let interval = retrier.interval_seconds.unwrap_or(1) as f64;
        let delay = interval * retrier.backoff_rate.unwrap_or(2.0).powi(used as i32);
        let longest = retrier.max_delay_seconds.map(|seconds| seconds as f64);
        let delay = delay.min(longest.unwrap_or(f64::MAX));
        let delay = match retrier.jitter_strategy {
            Some(JitterStrategy::Full) => delay * self.clock.random(),
            Some(JitterStrategy::None) | None => delay,
        };
        SignedDuration::from_millis((delay * 1000.0) as i64)
    }
}

/// Returns true if one of these names matches the error.
fn matches(names: &[String], raised: &RaisedError) -> bool {
    let escapes = ["States.Runtime", "States.DataLimitExceeded"].contains(&&*raised.error);
    names
        .iter()
        .any(|name| *name == raised.error || (name == ALL && !escapes))
}

fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
