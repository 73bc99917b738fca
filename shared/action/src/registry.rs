//! The action registry: typed actions, called with JSON and answering JSON.

use std::{future::ready, sync::Arc};

use holdfast_ids::numbers::write_whole;
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    Action, AppliedEffect, BoxFuture, Call, Check, Setting, Settings, StepError, Undo, Verdict,
    to_value,
};

/// An action behind JSON, as the engine calls it.
pub trait AnyAction: Send + Sync {
    /// See [`Action::run`]. An input that does not fit the type is a permanent error.
    fn run<'a>(&'a self, call: &'a Call, input: Value) -> BoxFuture<'a, Result<Value, StepError>>;
    /// See [`Action::undo`].
    fn undo<'a>(
        &'a self,
        call: &'a Call,
        done: AppliedEffect<Value, Value>,
    ) -> BoxFuture<'a, Result<(), StepError>>;
    /// See [`Action::verify`].
    fn verify<'a>(
        &'a self,
        call: &'a Call,
        input: Value,
    ) -> BoxFuture<'a, Result<Verdict<Value>, StepError>>;
    /// See [`Action::check`].
    fn check(&self) -> BoxFuture<'_, Vec<Check>> {
        Box::pin(ready(Vec::new()))
    }
}

/// The description of an action, for the compiler.
#[derive(Debug, Clone)]
pub struct ActionInfo {
    /// The name in definitions.
    pub name: &'static str,
    /// A summary for people, on one line.
    pub summary: &'static str,
    /// The way in which the effect can be undone, if it can.
    pub undo: Undo,
    /// True if the undo keeps a delayed call from taking effect.
    pub undo_fences: bool,
    /// Returns true if a step with this input only reads, see [`Action::only_reads`].
    pub only_reads: fn(&Value) -> bool,
    /// The deployment settings that the action reads.
    pub settings: &'static [Setting],
    /// Reads an input as the action does. The error is the one of [`AnyAction::run`].
    pub reads_input: fn(Value) -> Result<(), StepError>,
    /// JSON Schema of the input.
    pub input_schema: Value,
    /// JSON Schema of the output.
    pub output_schema: Value,
}

type Make = fn(&Settings) -> Result<Arc<dyn AnyAction>, String>;

/// The actions of a deployment, in the order they were added.
#[derive(Default)]
pub struct Registry {
    entries: Vec<(ActionInfo, Make)>,
}

impl Registry {
    /// Adds an action.
    #[must_use]
    pub fn with<A: Action>(mut self) -> Self {
        let info = ActionInfo {
            name: A::NAME,
            summary: A::SUMMARY,
            undo: A::UNDO,
            undo_fences: A::UNDO_FENCES,
            only_reads: A::only_reads,
            settings: A::SETTINGS,
            reads_input: |input| parse::<A::Input>(input, "input").map(drop),
            input_schema: schema_of::<A::Input>(),
            output_schema: schema_of::<A::Output>(),
        };
        self.entries.push((info, |settings| {
            Ok(Arc::new(TypedAction(A::new(settings)?)))
        }));
        self
    }

    /// The descriptions of all actions.
    pub fn infos(&self) -> impl Iterator<Item = &ActionInfo> {
        self.entries.iter().map(|(info, _)| info)
    }

    /// Builds the action called `name`.
    pub fn make(&self, name: &str, settings: &Settings) -> Result<Arc<dyn AnyAction>, String> {
        match self.entries.iter().find(|(info, _)| info.name == name) {
            Some((_, make)) => make(settings),
            None => {
                let known: Vec<_> = self.infos().map(|info| info.name).collect();
                Err(format!(
                    "no action is called {name:?}; there are {}",
                    known.join(", ")
                ))
            }
        }
    }
}

/// Declares the modules of a crate's actions and a `registry()` of them: one line per action,
/// `module::Type`.
#[macro_export]
macro_rules! actions {
    ($($module:ident :: $action:ident),+ $(,)?) => {
        $(pub mod $module;)+

        /// Every action of this deployment.
        pub fn registry() -> $crate::Registry {
            $crate::Registry::default()$(.with::<$module::$action>())+
        }
    };
}

struct TypedAction<A>(A);

impl<A: Action> AnyAction for TypedAction<A> {
    fn run<'a>(&'a self, call: &'a Call, input: Value) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(async move { to_value(&self.0.run(call, parse(input, "input")?).await?) })
    }

    fn undo<'a>(
        &'a self,
        call: &'a Call,
        done: AppliedEffect<Value, Value>,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            let done = AppliedEffect {
                input: parse(done.input, "input")?,
                output: done
                    .output
                    .map(|output| parse(output, "output"))
                    .transpose()?,
                undo_input: done
                    .undo_input
                    .map(|input| parse(input, "rollback.input"))
                    .transpose()?,
            };
            self.0.undo(call, done).await
        })
    }

    fn verify<'a>(
        &'a self,
        call: &'a Call,
        input: Value,
    ) -> BoxFuture<'a, Result<Verdict<Value>, StepError>> {
        Box::pin(async move {
            Ok(match self.0.verify(call, parse(input, "input")?).await? {
                Verdict::Happened(output) => Verdict::Happened(to_value(&output)?),
                Verdict::DidNotHappen => Verdict::DidNotHappen,
                Verdict::CannotTell => Verdict::CannotTell,
            })
        })
    }

    fn check(&self) -> BoxFuture<'_, Vec<Check>> {
        Box::pin(self.0.check())
    }
}

/// Reads a value into an action's type. The error names place and expected type, since serde's own
/// message would quote the value. A type that takes no `30.0` reads it as the integer 30, which has
/// the same digest.
fn parse<T: DeserializeOwned>(mut value: Value, what: &str) -> Result<T, StepError> {
    if let Ok(read) = T::deserialize(&value) {
        return Ok(read);
    }
    write_whole(&mut value);
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = match error.path().to_string() {
            root if root == "." => what.to_owned(),
            path => format!("{what}.{path}"),
        };
        let message = error.inner().to_string();
        StepError::permanent(match message.split_once(", expected ") {
            Some((start, expected)) if start.starts_with("invalid ") => {
                format!("{path} must be {expected}")
            }
            Some((start, expected)) if start.starts_with("unknown variant ") => {
                format!("{path} must be {expected}")
            }
            _ => format!("{path}: {message}"),
        })
    })
}

fn schema_of<T: schemars::JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    SchemaGenerator::new(settings)
        .into_root_schema_for::<T>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        card: Card,
    }

    #[derive(Debug, Deserialize)]
    struct Card {
        digits: u16,
    }

    #[test]
    fn an_integer_is_read_in_any_spelling_of_its_value() {
        for digits in ["3", "3.0", "3e0", "30e-1", "-0.0"] {
            let input = format!(r#"{{"card":{{"digits":{digits}}}}}"#);
            let input = serde_json::from_str(&input).expect("JSON");
            let read = parse::<Input>(input, "input").expect(digits);
            assert_eq!(read.card.digits, if digits == "-0.0" { 0 } else { 3 });
        }
        let half = parse::<Input>(json!({"card": {"digits": 2.5}}), "input");
        let error = half.expect_err("it is no integer");
        assert_eq!(error.message, "input.card.digits must be u16");
    }

    #[test]
    fn a_value_that_a_type_takes_as_it_is_keeps_its_spelling() {
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(untagged)]
        enum Amount {
            Cents(i64),
            Units(f64),
        }
        let read = parse::<Amount>(json!(30.0), "input").expect("it fits");
        assert_eq!(read, Amount::Units(30.0));
        let read = parse::<serde_json::Value>(json!({"amount": 10.0}), "input");
        assert_eq!(read.expect("it fits").to_string(), r#"{"amount":10.0}"#);
        assert_eq!(
            parse::<Amount>(json!(3), "input").expect("it fits"),
            Amount::Cents(3)
        );
    }

    #[test]
    fn an_input_that_does_not_fit_is_described_without_its_values() {
        let message = |value| {
            parse::<Input>(value, "input")
                .expect_err("it does not fit")
                .message
        };
        let wrong = message(json!({"card": {"digits": "4111-1111"}}));
        assert_eq!(wrong, "input.card.digits must be u16");
        assert_eq!(
            message(json!({"card": {}})),
            "input.card: missing field `digits`"
        );
        assert_eq!(
            message(json!({"card": {"digits": 1}, "x": 1})),
            "input.x: unknown field `x`, expected `card`"
        );
    }
}
