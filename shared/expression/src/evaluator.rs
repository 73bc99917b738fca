//! The evaluator of expressions: the reference implementation of JSONata 2.0.6 in QuickJS, within
//! limits of time, memory and stack.

use std::{cell::Cell, rc::Rc};

use rquickjs::{Context, Ctx, Exception, Function, IntoJs, Object, Runtime, Undefined};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::{
    error::{EvaluationError, EvaluationLimit},
    limit::TimeLimit,
};

/// JSONata as npm publishes it. infra/local/expressions.mjs compares the two.
const JSONATA: &str = include_str!("jsonata/jsonata.min.js");
const BUFFER: &str = include_str!("jsonata/buffer.js");
const NATIVE: &str = include_str!("jsonata/native.js");
const HOST: &str = include_str!("jsonata/host.js");
const FORM: &str = include_str!("jsonata/form.js");
const STATES: &str = include_str!("jsonata/states.js");
/// Most memory of one evaluator, in bytes. The functions have 256 MB.
const MAX_MEMORY: usize = 96 << 20;
/// Deepest stack of one evaluator, in bytes. A thread of Rust has 2 MB.
const MAX_STACK: usize = 1 << 20;

/// The error of an evaluation that needs more memory.
const TOO_LARGE: EvaluationError = EvaluationError::Limit(EvaluationLimit::Memory(MAX_MEMORY));
/// The time and the chance of an evaluation in a state of Step Functions.
#[derive(Debug, Clone, Copy)]
pub struct ClockAndChance {
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
    /// Decides what `$random`, `$shuffle` and `$uuid` yield.
    pub seed: u32,
}

/// The form of an expression, as JSONata's own syntax tree has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    /// Most evaluations that are open at once.
    pub(crate) depth: usize,
    /// The first operator or function whose number may not be finite and may be the result.
    pub(crate) loose: Option<String>,
}

/// An evaluator with JSONata loaded. Loading takes some milliseconds.
pub(crate) struct Evaluator {
    runtime: Runtime,
    context: Context,
    limit: Rc<Cell<Option<TimeLimit>>>,
}

impl Evaluator {
    pub(crate) fn new() -> Result<Self, String> {
        let load = || {
            let runtime = Runtime::new()?;
            runtime.set_memory_limit(MAX_MEMORY);
            runtime.set_max_stack_size(MAX_STACK);
            let context = Context::full(&runtime)?;
            context.with(|ctx| {
                ctx.eval::<(), _>(NATIVE)?;
                ctx.eval::<(), _>(BUFFER)?;
                ctx.eval::<(), _>(JSONATA)?;
                let host: Function = ctx.eval(HOST)?;
                let jsonata: Function = ctx.globals().get("jsonata")?;
                let host: Object = host.call((jsonata,))?;
                let states: Function = ctx.eval(STATES)?;
                let hash = Function::new(ctx.clone(), hash)?;
                let states: Function = states.call((host.clone(), hash))?;
                ctx.globals().set("states", states)?;
                let form: Function = ctx.eval(FORM)?;
                let form: Object = form.call((host.clone(),))?;
                ctx.globals().set("form", form)?;
                ctx.globals().set("host", host)
            })?;
            Ok((runtime, context))
        };
        let (runtime, context) = load().map_err(|error: rquickjs::Error| error.to_string())?;
        let limit = Rc::new(Cell::new(None));
        let running = limit.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || {
            running.get().is_some_and(TimeLimit::is_reached)
        })));
        Ok(Self {
            runtime,
            context,
            limit,
        })
    }

    /// Returns the reason why `expression` cannot be parsed, if it cannot.
    pub(crate) fn fault(&self, expression: &str, limit: TimeLimit) -> Option<String> {
        self.limit.set(Some(limit));
        let fault = self.context.with(|ctx| {
            let fault: Function = host(&ctx)?.get("fault")?;
            fault.call((expression,))
        });
        fault.unwrap_or_else(|error: rquickjs::Error| Some(error.to_string()))
    }

    /// Returns the form of `expression`. The error is the evaluator's.
    pub(crate) fn form(&self, expression: &str, limit: TimeLimit) -> Result<Form, EvaluationError> {
        self.limit.set(Some(limit));
        let form = self.context.with(|ctx| {
            let form: Object = ctx.globals().get("form")?;
            let (depth, loose): (Function, Function) = (form.get("depth")?, form.get("loose")?);
            let (depth, loose) = (depth.call((expression,))?, loose.call((expression,))?);
            Ok(Form { depth, loose })
        });
        form.map_err(|error: rquickjs::Error| EvaluationError::Expression(error.to_string()))
    }

    /// Evaluates `expression` over `input`, which is `$`, with `variables` bound. Returns `None` if
    /// the expression yields nothing.
    pub(crate) fn evaluate(
        &self,
        expression: &str,
        input: Option<&Value>,
        variables: &[(&str, &Value)],
        limit: TimeLimit,
    ) -> Result<Option<Value>, EvaluationError> {
        let outcome = self.outcome(limit, |ctx| {
            let evaluate: Function = host(ctx)?.get("evaluate")?;
            let input = match input {
                Some(input) => input.to_string().into_js(ctx)?,
                None => Undefined.into_js(ctx)?,
            };
            let bindings = variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).clone()));
            let bindings = Value::Object(bindings.collect::<Map<_, _>>()).to_string();
            evaluate.call((expression, input, bindings))
        })?;
        match outcome {
            None => Ok(None),
            Some(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| EvaluationError::Expression(error.to_string())),
        }
    }

    /// Evaluates `expression` as a state of Step Functions does. `variables` is a JSON object, and
    /// the result is JSON too.
    pub(crate) fn evaluate_in_state(
        &self,
        expression: &str,
        variables: &str,
        moment: ClockAndChance,
        limit: TimeLimit,
    ) -> Result<Option<String>, EvaluationError> {
        self.outcome(limit, |ctx| {
            let evaluate: Function = ctx.globals().get("states")?;
            let ClockAndChance { now_ms, seed } = moment;
            // Milliseconds are whole numbers that a double holds.
            evaluate.call((expression, variables, now_ms as f64, seed))
        })
    }

    /// Begins an evaluation and runs it to its end. Returns its value as JSON, or `None` if it
    /// yields nothing.
    fn outcome(
        &self,
        limit: TimeLimit,
        begin: impl for<'js> FnOnce(&Ctx<'js>) -> Result<Object<'js>, rquickjs::Error>,
    ) -> Result<Option<String>, EvaluationError> {
        self.limit.set(Some(limit));
        let outcome = self.context.with(|ctx| {
            let outcome = begin(&ctx)?;
            while !limit.is_reached() && ctx.execute_pending_job() {}
            Outcome::read(&outcome)
        });
        // An interrupt and a lack of memory end the evaluation in the same way.
        let ended = || match limit.is_reached() {
            true => limit.error(),
            false => TOO_LARGE,
        };
        match outcome.map_err(|_| ended())? {
            Outcome { done: false, .. } => Err(ended()),
            Outcome {
                error: Some(error),
                code: Some(code),
                ..
            } if !code.is_empty() => Err(EvaluationError::Expression(error)),
            Outcome {
                error: Some(error), ..
            } if error.contains("out of memory") => Err(TOO_LARGE),
            Outcome {
                error: Some(error), ..
            } => Err(EvaluationError::Expression(error)),
            Outcome { value, .. } => Ok(value),
        }
    }
}

impl Drop for Evaluator {
    fn drop(&mut self) {
        // What an interrupted evaluation left is freed with the runtime.
        self.runtime.set_interrupt_handler(None);
    }
}

/// The outcome that host.js gives an evaluation.
struct Outcome {
    done: bool,
    value: Option<String>,
    error: Option<String>,
    code: Option<String>,
}

impl Outcome {
    fn read(outcome: &Object<'_>) -> Result<Self, rquickjs::Error> {
        Ok(Self {
            done: outcome.get("done")?,
            value: outcome.get("value")?,
            error: outcome.get("error")?,
            code: outcome.get("code")?,
        })
    }
}

fn host<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>, rquickjs::Error> {
    ctx.globals().get("host")
}

/// `$hash` of Step Functions. Of its algorithms MD5 and SHA-1 are missing, which identify nothing
/// safely.
fn hash(ctx: Ctx<'_>, text: String, algorithm: String) -> Result<String, rquickjs::Error> {
    match algorithm.as_str() {
        "SHA-256" => Ok(hex::encode(Sha256::digest(text))),
        "SHA-384" => Ok(hex::encode(Sha384::digest(text))),
        "SHA-512" => Ok(hex::encode(Sha512::digest(text))),
        _ => Err(Exception::throw_message(
            &ctx,
            "$hash is known here by SHA-256, SHA-384 and SHA-512",
        )),
    }
}
