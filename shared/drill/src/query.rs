//! Evaluates the expressions of a state machine as Step Functions does: JSONata, variables, and the
//! functions that it adds.

use std::{
    cell::{Cell, LazyCell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use holdfast_engine::Host;
use holdfast_expression::{evaluate, is_same};
use holdfast_ids::digest::sha256_hex;
use jsonata_core::{
    ast::AstNode,
    evaluator::{Context, Evaluator, EvaluatorError, EvaluatorOptions, HostFnResult},
    parser,
    value::JValue,
};
use serde_json::Value;

use crate::clock::Clock;

/// Deepest nesting of calls.
const MAX_DEPTH: usize = 500;

/// Variables by name, as the evaluator holds them, so that copies cost nothing.
pub(crate) type Variables = BTreeMap<String, JValue>;

/// An evaluator that parses each expression once.
pub(crate) struct Query {
    clock: Clock,
    parsed: Rc<ParsedExpressions>,
}

/// The parsed expressions. Parsing costs more than evaluating.
#[derive(Default)]
pub(crate) struct ParsedExpressions(RefCell<BTreeMap<String, Rc<Expression>>>);

struct Expression {
    ast: AstNode,
    mentions: Vec<String>,
    /// True until its first value has been compared with that of the reference implementation.
    uncompared: Cell<bool>,
}

/// Functions that the reference implementation lacks, or that depend on time or chance.
const OWN_FUNCTIONS: [&str; 9] = [
    "hash",
    "millis",
    "now",
    "parse",
    "partition",
    "random",
    "range",
    "shuffle",
    "uuid",
];

impl Query {
    pub(crate) fn new(clock: Clock, parsed: Rc<ParsedExpressions>) -> Self {
        Self { clock, parsed }
    }

    /// Returns a value in which texts in `{% %}` are evaluated. The error names the expression and
    /// the reason.
    pub(crate) fn fill(
        &self,
        template: &Value,
        variables: &Variables,
        states: &LazyCell<JValue, impl FnOnce() -> JValue>,
    ) -> Result<Value, String> {
        Ok(match template {
            Value::String(text) => match inside(text) {
                Some(expression) => self
                    .evaluate(expression, variables, states)
                    .map_err(|error| format!("{expression}: {error}"))?,
                None => template.clone(),
            },
            Value::Array(items) => {
                let items = items.iter().map(|item| self.fill(item, variables, states));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.fill(value, variables, states)?)));
                Value::Object(members.collect::<Result<_, String>>()?)
            }
            literal => literal.clone(),
        })
    }

    fn evaluate(
        &self,
        expression: &str,
        variables: &Variables,
        states: &LazyCell<JValue, impl FnOnce() -> JValue>,
    ) -> Result<Value, String> {
        let text = expression;
        let expression = self.parse(text)?;
        let mut context = Context::new();
        let mut bound = Vec::new();
        for name in &expression.mentions {
            let value = match name.as_str() {
                "states" => Some(LazyCell::force(states)),
                name => variables.get(name),
            };
            if let Some(value) = value {
                context.bind(name.clone(), value.clone());
                bound.push((name.as_str(), value));
            }
        }
        let options = EvaluatorOptions {
            max_stack_depth: Some(MAX_DEPTH),
            ..EvaluatorOptions::default()
        };
        let mut evaluator = Evaluator::with_options(context, options);
        for name in &expression.mentions {
            self.add_function(name, &mut evaluator)
                .map_err(|error| error.message().to_owned())?;
        }
        let value = value_of(evaluator.evaluate(&expression.ast, &JValue::Null));
        if expression.uncompared.replace(false) {
            compare(text, &bound, &value)?;
        }
        value?.ok_or_else(|| "it yields nothing".to_owned())
    }

    fn parse(&self, text: &str) -> Result<Rc<Expression>, String> {
        if let Some(known) = self.parsed.0.borrow().get(text) {
            return Ok(known.clone());
        }
        let expression = Rc::new(Expression {
            ast: parser::parse(text).map_err(|error| error.display_message())?,
            mentions: mentions(text),
            uncompared: Cell::new(true),
        });
        let own = |name: &String| OWN_FUNCTIONS.contains(&name.as_str());
        if expression.mentions.iter().any(own) {
            expression.uncompared.set(false);
        }
        let mut parsed = self.parsed.0.borrow_mut();
        parsed.insert(text.to_owned(), expression.clone());
        Ok(expression)
    }

    /// Adds the function of this name, if Step Functions adds it or it depends on time or chance.
    fn add_function(&self, name: &str, to: &mut Evaluator) -> Result<(), EvaluatorError> {
        let clock = self.clock.clone();
        match name {
            "parse" => to.register_fn(name, parse),
            "hash" => to.register_fn(name, hash),
            "range" => to.register_fn(name, range),
            "partition" => to.register_fn(name, partition),
            "uuid" => to.register_fn(name, move |_: &[JValue]| {
                Ok(JValue::from(uuid(clock.random(), clock.random())))
            }),
            "random" => to.register_fn_override(name, move |_: &[JValue]| {
                Ok(JValue::from_f64(clock.random()))
            }),
            "now" => to.register_fn_override(name, move |_: &[JValue]| {
                Ok(JValue::from(clock.now().to_string()))
            }),
            "millis" => to.register_fn_override(name, move |_: &[JValue]| {
                Ok(JValue::from_i64(clock.now().as_millisecond()))
            }),
            _ => Ok(()),
        }
    }
}

fn value_of(result: Result<JValue, EvaluatorError>) -> Result<Option<Value>, String> {
    let result = result.map_err(|error| error.message().to_owned())?;
    if result.is_undefined() {
        return Ok(None);
    }
    if result.is_function() {
        return Err("it yields a function".to_owned());
    }
    let value = serde_json::to_value(&result).map_err(|error| error.to_string())?;
    Ok(Some(value))
}

/// Compares a value with that of the reference implementation, which Step Functions follows.
fn compare(
    expression: &str,
    bound: &[(&str, &JValue)],
    ours: &Result<Option<Value>, String>,
) -> Result<(), String> {
    let plain =
        |(name, value): &(_, &JValue)| serde_json::to_value(value).map(|value| (*name, value));
    let values: Result<Vec<(&str, Value)>, _> = bound.iter().map(plain).collect();
    let values = values.map_err(|error| error.to_string())?;
    let variables: Vec<_> = values.iter().map(|(name, value)| (*name, value)).collect();
    let alike = match (ours, evaluate(expression, &variables)) {
        (Ok(Some(ours)), Ok(Some(reference))) => is_same(ours, &reference),
        (Ok(None), Ok(None)) | (Err(_), Err(_)) => true,
        _ => false,
    };
    match alike {
        true => Ok(()),
        false => Err(
            "the drill evaluates it otherwise than JSONata 2.0.6: write it in another way"
                .to_owned(),
        ),
    }
}

fn inside(text: &str) -> Option<&str> {
    Some(text.strip_prefix("{%")?.strip_suffix("%}")?.trim())
}

/// Returns the variables that the text of `expression` mentions. One too many does no harm.
fn mentions(expression: &str) -> Vec<String> {
    let names = expression.split('$').skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        rest[..end.unwrap_or(rest.len())].to_owned()
    });
    let mut names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn wrong(message: &str) -> EvaluatorError {
    EvaluatorError::EvaluationError(message.to_owned())
}

fn parse(arguments: &[JValue]) -> HostFnResult {
    let text = arguments.first().and_then(JValue::as_str);
    let value = text.and_then(|text| JValue::from_json_str(text).ok());
    value.ok_or_else(|| wrong("$parse takes JSON in a string"))
}

fn hash(arguments: &[JValue]) -> HostFnResult {
    match arguments {
        [JValue::String(text), JValue::String(algorithm)] if &**algorithm == "SHA-256" => {
            Ok(JValue::from(sha256_hex(text.as_bytes())))
        }
        _ => Err(wrong("the drill knows $hash only of a string by SHA-256")),
    }
}

fn range(arguments: &[JValue]) -> HostFnResult {
    let numbers: Vec<i64> = arguments.iter().filter_map(JValue::as_i64).collect();
    let [first, last, step] = numbers[..] else {
        return Err(wrong("$range takes three whole numbers"));
    };
    let step = usize::try_from(step).ok().filter(|&step| step > 0);
    let step = step.ok_or_else(|| wrong("$range goes upwards"))?;
    let numbers = (first..=last).step_by(step).map(JValue::from_i64);
    Ok(JValue::array(numbers.collect()))
}

fn partition(arguments: &[JValue]) -> HostFnResult {
    let size = arguments.get(1).and_then(JValue::as_i64);
    let size = size
        .and_then(|size| usize::try_from(size).ok())
        .filter(|&size| size > 0);
    let (Some(JValue::Array(items)), Some(size)) = (arguments.first(), size) else {
        return Err(wrong("$partition takes an array and a size"));
    };
    let parts = items.chunks(size).map(|part| JValue::array(part.to_vec()));
    Ok(JValue::array(parts.collect()))
}

fn uuid(one: f64, other: f64) -> String {
    let digits = |number: f64| (number * (1u64 << 53) as f64) as u64;
    let (one, other) = (digits(one), digits(other));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        one & 0xffff_ffff,
        one >> 32 & 0xffff,
        other & 0xfff,
        other >> 12 & 0xfff,
        other >> 5 & 0xffff_ffff_ffff
    )
}
