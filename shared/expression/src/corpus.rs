//! Compares our evaluation with what Node.js recorded of the reference implementation.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

use crate::{EvaluationError, check_dialect, evaluate::evaluate_over};

/// Cases of JSONata's own test suite, from its repository at v2.0.6.
#[derive(Deserialize)]
struct Suite {
    datasets: BTreeMap<String, Value>,
    cases: Vec<SuiteCase>,
}

#[derive(Deserialize)]
struct SuiteCase {
    group: String,
    expression: String,
    dataset: Option<String>,
    #[serde(default, deserialize_with = "present")]
    data: Option<Value>,
    #[serde(default)]
    variables: BTreeMap<String, Value>,
}

/// Our own cases: each expression is evaluated with each value as `$v`.
#[derive(Deserialize)]
struct Group {
    about: String,
    expressions: Vec<String>,
    values: Vec<Value>,
}

/// Reads a member that may be null.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// Returns true if two values are one to JSONata: 1 and 1.0 are, and members have no order.
fn is_same(ours: &Value, reference: &Value) -> bool {
    match (ours, reference) {
        (Value::Number(ours), Value::Number(reference)) => ours.as_f64() == reference.as_f64(),
        (Value::Array(ours), Value::Array(reference)) => {
            ours.len() == reference.len() && ours.iter().zip(reference).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(ours), Value::Object(reference)) => {
            let alike = |(name, ours): (&String, &Value)| {
                reference
                    .get(name)
                    .is_some_and(|value| is_same(ours, value))
            };
            ours.len() == reference.len() && ours.iter().all(alike)
        }
        _ => ours == reference,
    }
}

/// One case and its outcome.
struct Comparison {
    kind: String,
    expression: String,
    about: String,
    ours: Result<Option<Value>, String>,
    reference: Value,
}

impl Comparison {
    fn differs(&self) -> bool {
        let recorded = |member| self.reference.get(member);
        match (&self.ours, recorded("value"), recorded("error")) {
            (Ok(Some(ours)), Some(reference), _) => !is_same(ours, reference),
            (Ok(None), None, None) | (Err(_), _, Some(_)) => false,
            _ => true,
        }
    }
}

/// Evaluates a case again if a limit ended it, since a busy machine can use up its time.
fn evaluated(
    expression: &str,
    input: Option<&Value>,
    variables: &[(&str, &Value)],
) -> Result<Option<Value>, EvaluationError> {
    match evaluate_over(expression, input, variables) {
        Err(EvaluationError::Limit(_)) => evaluate_over(expression, input, variables),
        evaluated => evaluated,
    }
}

fn compared() -> Vec<Comparison> {
    let suite: Suite = read(include_str!("../corpus/suite.json"));
    let own: Vec<Group> = read(include_str!("../corpus/own.json"));
    let recorded: Vec<Value> = read(include_str!("../corpus/recorded.json"));
    let mut recorded = recorded.into_iter();
    let mut compare =
        |kind: &str, expression: &str, input: Option<&Value>, variables: &[(&str, &Value)]| {
            let about = variables.iter().map(|(_, value)| value.to_string());
            Comparison {
                kind: kind.to_owned(),
                expression: expression.to_owned(),
                about: about.collect::<Vec<_>>().join(" "),
                ours: evaluated(expression, input, variables).map_err(|error| error.to_string()),
                reference: recorded.next().expect("an outcome for each case"),
            }
        };
    let mut found = Vec::new();
    for case in &suite.cases {
        let input = match &case.dataset {
            Some(name) => Some(&suite.datasets[name]),
            None => case.data.as_ref(),
        };
        let variables = case.variables.iter();
        let variables: Vec<_> = variables
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        let kind = format!("suite {}", case.group);
        found.push(compare(&kind, &case.expression, input, &variables));
    }
    for group in &own {
        for expression in &group.expressions {
            let values = group.values.iter();
            found.extend(
                values.map(|value| compare(&group.about, expression, None, &[("v", value)])),
            );
        }
    }
    assert!(recorded.next().is_none(), "an outcome without a case");
    found
}

fn read<T: for<'de> Deserialize<'de>>(text: &str) -> T {
    serde_json::from_str(text).expect("the corpus is JSON")
}

#[test]
fn every_accepted_expression_of_the_corpus_means_what_the_reference_says() {
    let compared = compared();
    assert!(compared.len() > 4_000, "{}", compared.len());
    let accepted = |case: &&Comparison| check_dialect(&case.expression).is_ok();
    let different = compared.iter().filter(|case| case.differs());
    let different = different.filter(accepted);
    let different: Vec<String> = different
        .map(|case| {
            let Comparison {
                kind,
                expression,
                about,
                ours,
                reference,
                ..
            } = case;
            format!("{kind}: {expression} with {about}: {ours:?}, not {reference}")
        })
        .collect();
    assert_eq!(different, [""; 0]);
}
