//! Interprets a compiled state machine on the virtual clock, as Step Functions would.

mod containers;
#[cfg(test)]
mod tests;
mod view;

use futures_util::future::{Either, LocalBoxFuture, select};
use holdfast_engine::Host;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use view::{Left, Scope};

use crate::{
    asl::{Jitter, Retrier, State, States, Task},
    clock::Clock,
    query::Query,
};

/// Every error that can be caught.
const ALL: &str = "States.ALL";
/// An expression failed.
const EVALUATION: &str = "States.QueryEvaluationError";
/// A task or an execution took too long.
pub(crate) const TIMEOUT: &str = "States.Timeout";

/// An error on its way to a Catch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Raised {
    /// What Retry and Catch match.
    pub(crate) error: String,
    /// What led to it; a timeout has none.
    pub(crate) cause: Option<String>,
}

impl Raised {
    pub(crate) fn new(error: &str, cause: impl Into<String>) -> Self {
        Self {
            error: error.to_owned(),
            cause: Some(cause.into()),
        }
    }
}

/// The world that a machine runs in.
pub(crate) trait Surroundings {
    /// A state is entered; the answer comes when it may go on, which for an execution that is stopped is never.
    fn entered<'a>(&'a self, state: &'a str) -> LocalBoxFuture<'a, ()>;
    /// Performs a task: the resource with these arguments, for the state with this name.
    fn perform<'a>(&'a self, task: Performed<'a>) -> LocalBoxFuture<'a, Result<Value, Raised>>;
}

/// A task to perform.
pub(crate) struct Performed<'a> {
    /// The state's name.
    pub(crate) state: &'a str,
    /// The state's resource.
    pub(crate) resource: &'a str,
    /// Its arguments, evaluated.
    pub(crate) arguments: Value,
    /// By which a task that waits is told.
    pub(crate) token: String,
}

/// One execution of a machine.
pub(crate) struct Interpreter<S> {
    pub(crate) clock: Clock,
    pub(crate) query: Query,
    pub(crate) surroundings: S,
    /// `$states.context.Execution` and `StateMachine`.
    pub(crate) context: Value,
}

impl<S: Surroundings> Interpreter<S> {
    /// Runs the states to their end.
    pub(crate) async fn run(&self, states: &States, input: Value) -> Result<Value, Raised> {
        self.row(states, input, Scope::top()).await
    }

    fn row<'a>(
        &'a self,
        states: &'a States,
        mut input: Value,
        mut scope: Scope,
    ) -> LocalBoxFuture<'a, Result<Value, Raised>> {
        Box::pin(async move {
            let mut name = states.start_at.as_str();
            loop {
                self.surroundings.entered(name).await;
                let Some(state) = states.states.get(name) else {
                    return Err(Raised::new("States.Runtime", format!("no state {name}")));
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
    ) -> Result<Left<'a>, Raised> {
        match state {
            State::Task(task) => self.task(name, task, input, scope).await,
            State::Parallel(parallel) => {
                let result = self.parallel(parallel, input, scope).await;
                let (assign, output) = (&parallel.assign, &parallel.output);
                let next = &parallel.next;
                let left = result.and_then(|result| {
                    self.leave(name, result, (assign, output, next), input, scope)
                });
                left.or_else(|raised| self.catch(name, raised, &parallel.catch, input, scope))
            }
            State::Map(map) => {
                let result = self.map(name, map, input, scope).await;
                let (assign, output, next) = (&map.assign, &map.output, &map.next);
                let left = result.and_then(|result| {
                    self.leave(name, result, (assign, output, next), input, scope)
                });
                left.or_else(|raised| self.catch(name, raised, &map.catch, input, scope))
            }
            State::Pass(pass) => {
                let assign = Some(pass.assign.clone());
                self.leave(
                    name,
                    input.clone(),
                    (&assign, &None, &pass.next),
                    input,
                    scope,
                )
            }
            State::Wait(wait) => {
                let until = self.wait_until(name, wait, input, scope)?;
                self.clock.until(until).await;
                self.leave(
                    name,
                    input.clone(),
                    (&None, &wait.output, &wait.next),
                    input,
                    scope,
                )
            }
            State::Succeed => Ok(Left {
                next: None,
                output: input.clone(),
            }),
            State::Fail(fail) => {
                let view = self.view(name, input, scope);
                let text = |value| self.fill(value, &view, json!({})).map(text_of);
                Err(Raised {
                    error: text(&fail.error)?,
                    cause: Some(text(&fail.cause)?),
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
    ) -> Result<Left<'a>, Raised> {
        let mut used = vec![0; task.retry.len()];
        let entered = self.clock.now();
        loop {
            let tried = used.iter().sum();
            let raised = match self
                .attempt(name, task, input, scope, (tried, entered))
                .await
            {
                Ok(result) => {
                    let (assign, output, next) = (&task.assign, &task.output, &task.next);
                    match self.leave(name, result, (assign, output, next), input, scope) {
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
    ) -> Result<Value, Raised> {
        let token = self.clock.token();
        let mut view = self.view(name, input, scope);
        view.entered = Some((tried, entered, token.clone()));
        let performed = Performed {
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
            Either::Right(_) => Err(Raised {
                error: TIMEOUT.to_owned(),
                cause: None,
            }),
        }
    }

    fn delay(&self, retrier: &Retrier, used: u32) -> SignedDuration {
        let delay = retrier.interval_seconds * retrier.backoff_rate.powi(used as i32);
        let delay = delay.min(retrier.max_delay_seconds.unwrap_or(f64::MAX));
        let delay = match retrier.jitter_strategy {
            Jitter::Full => delay * self.clock.random(),
            Jitter::None => delay,
        };
        SignedDuration::from_millis((delay * 1000.0) as i64)
    }
}

/// Whether one of these names stands for the error.
fn matches(names: &[String], raised: &Raised) -> bool {
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
