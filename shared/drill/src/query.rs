//! Evaluates the expressions of a state machine as Step Functions does: by JSONata's reference
//! implementation, each expression once for each value that it reads.

use std::{
    cell::{LazyCell, RefCell},
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use holdfast_engine::Host;
use holdfast_expression::{
    ClockAndChance, Read, Use, evaluate_in_state, expression_in, plain_read, reads, uses,
};
use serde_json::Value;

use crate::clock::Clock;

/// Most values of one expression that are remembered.
const MOST_REMEMBERED: usize = 20_000;

/// Functions whose value depends on the time or on chance.
const OF_THE_MOMENT: [&str; 5] = ["millis", "now", "random", "shuffle", "uuid"];

/// Variables by name, shared so that copies cost nothing.
pub(crate) type Variables = BTreeMap<String, Rc<Value>>;

/// An evaluator that remembers what each expression yields.
pub(crate) struct Query {
    clock: Clock,
    known: Rc<KnownExpressions>,
}

/// Expressions, and what they yielded for what they read.
#[derive(Default)]
pub(crate) struct KnownExpressions(RefCell<HashMap<String, Rc<Expression>>>);

struct Expression {
    /// The read that is the whole expression, if it is only one.
    plain: Option<Read>,
    /// Variables that it reads, each with the members that it reads of it.
    reads: BTreeMap<String, Members>,
    /// True if its value depends on the time or on chance.
    of_the_moment: bool,
    /// Its value by what it read, as JSON.
    values: RefCell<HashMap<String, Result<Value, String>>>,
}

/// The members that are read of a value. None means the whole value.
#[derive(Default)]
struct Members(Option<BTreeMap<String, Members>>);

impl Query {
    pub(crate) fn new(clock: Clock, known: Rc<KnownExpressions>) -> Self {
        Self { clock, known }
    }

    /// Returns a value in which texts in `{% %}` are evaluated. The error names the expression and
    /// the reason.
    pub(crate) fn fill(
        &self,
        template: &Value,
        variables: &Variables,
        states: &LazyCell<Value, impl FnOnce() -> Value>,
    ) -> Result<Value, String> {
        Ok(match template {
            Value::String(text) => match expression_in(text) {
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
        text: &str,
        variables: &Variables,
        states: &LazyCell<Value, impl FnOnce() -> Value>,
    ) -> Result<Value, String> {
        let expression = self.known.expression(text)?;
        let variable = |name: &str| match name {
            "states" => Some(LazyCell::force(states)),
            name => variables.get(name).map(|value| &**value),
        };
        if let Some(value) = expression.member(variable) {
            return Ok(value.clone());
        }
        let read = expression.read(variable);
        if expression.of_the_moment {
            let seed = (self.clock.random() * f64::from(u32::MAX)) as u32;
            return value_of(text, &read, self.moment(seed));
        }
        if let Some(value) = expression.values.borrow().get(&read) {
            return value.clone();
        }
        let value = value_of(text, &read, self.moment(0));
        let mut values = expression.values.borrow_mut();
        if values.len() >= MOST_REMEMBERED {
            values.clear();
        }
        values.insert(read, value.clone());
        value
    }

    fn moment(&self, seed: u32) -> ClockAndChance {
        let now_ms = self.clock.now().as_millisecond();
        ClockAndChance { now_ms, seed }
    }
}

impl KnownExpressions {
    fn expression(&self, text: &str) -> Result<Rc<Expression>, String> {
        if let Some(known) = self.0.borrow().get(text) {
            return Ok(known.clone());
        }
        let expression = Rc::new(Expression::new(text)?);
        let mut known = self.0.borrow_mut();
        known.insert(text.to_owned(), expression.clone());
        Ok(expression)
    }
}

impl Expression {
    fn new(text: &str) -> Result<Self, String> {
        let mut found: BTreeMap<String, Members> = BTreeMap::new();
        for read in reads(text)? {
            let path = &read.path[..read.depth];
            match found.get_mut(&read.variable) {
                Some(members) => members.add(path),
                None => {
                    found.insert(read.variable, Members::at(path));
                }
            }
        }
        let of_the_moment = uses(text)?.iter().any(|one| match one {
            Use::Function(name) | Use::Variable(name, _) => OF_THE_MOMENT.contains(&name.as_str()),
            _ => false,
        });
        Ok(Self {
            plain: plain_read(text)?,
            reads: found,
            of_the_moment,
            values: RefCell::default(),
        })
    }

    /// Returns the member that the expression is, if only objects lead there and it is neither a
    /// list nor changed by a reader of JSON. JSONata yields that member too. Most expressions of a
    /// state machine are such reads, of values that occur once.
    fn member<'a>(&self, variable: impl Fn(&str) -> Option<&'a Value>) -> Option<&'a Value> {
        let Read {
            variable: name,
            path,
            ..
        } = self.plain.as_ref()?;
        let member = |value: &'a Value, name: &String| value.as_object()?.get(name);
        let member = path.iter().try_fold(variable(name)?, member)?;
        (!member.is_array() && is_plain(member)).then_some(member)
    }

    /// Returns what the expression reads of the variables: a JSON object.
    fn read<'a>(&self, variable: impl Fn(&str) -> Option<&'a Value>) -> String {
        let mut json = "{".to_owned();
        for (name, members) in &self.reads {
            if let Some(value) = variable(name) {
                add_name(&mut json, name);
                members.write(value, &mut json);
            }
        }
        json.push('}');
        json
    }
}

impl Members {
    /// The member at `path` alone.
    fn at(path: &[String]) -> Self {
        Self(path.split_first().map(|(name, path)| {
            let member = (name.clone(), Self::at(path));
            BTreeMap::from([member])
        }))
    }

    fn add(&mut self, path: &[String]) {
        match (&mut self.0, path.split_first()) {
            (None, _) => {}
            (whole, None) => *whole = None,
            (Some(members), Some((name, path))) => match members.get_mut(name) {
                Some(member) => member.add(path),
                None => {
                    members.insert(name.clone(), Self::at(path));
                }
            },
        }
    }

    /// Writes the members of `value` that are read. A value that has no members is written whole.
    fn write(&self, value: &Value, json: &mut String) {
        let (Self(Some(read)), Value::Object(members)) = (self, value) else {
            return *json += &value.to_string();
        };
        json.push('{');
        for (name, member) in read {
            if let Some(value) = members.get(name) {
                add_name(json, name);
                member.write(value, json);
            }
        }
        json.push('}');
    }
}

/// Returns true if JavaScript reads and writes every number of a value as it is.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_i64().is_some_and(|n| n.unsigned_abs() < 1 << 53),
        Value::Array(items) => items.iter().all(is_plain),
        Value::Object(members) => members.values().all(is_plain),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// Adds the name of the next member to an object.
fn add_name(json: &mut String, name: &str) {
    if !json.ends_with('{') {
        json.push(',');
    }
    *json += &Value::from(name).to_string();
    json.push(':');
}

fn value_of(expression: &str, variables: &str, moment: ClockAndChance) -> Result<Value, String> {
    let json = evaluate_in_state(expression, variables, moment)?;
    let json = json.ok_or_else(|| "it yields nothing".to_owned())?;
    serde_json::from_str(&json).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(expression: &str, variables: &Value) -> String {
        let expression = Expression::new(expression).expect("an expression");
        expression.read(|name| variables.get(name))
    }

    #[test]
    fn an_expression_gets_what_it_reads_and_no_more() {
        let variables = json!({
            "states": { "input": { "id": 7, "list": [{ "a": 1, "b": 2 }] }, "context": { "t": 0 } },
            "other": "x",
        });
        for (expression, expected) in [
            ("$states.input.id", r#"{"states":{"input":{"id":7}}}"#),
            (
                "$states.input.list.a",
                r#"{"states":{"input":{"list":[{"a":1,"b":2}]}}}"#,
            ),
            (
                "$states.input.id & $states.input.none & $other.x",
                r#"{"other":"x","states":{"input":{"id":7}}}"#,
            ),
            ("($s := $states; $s.context.t)", ""),
            ("$states.*", ""),
            ("[$states.context.t, $states]", ""),
            ("$none.a & 'a'", "{}"),
        ] {
            let whole = json!({ "states": variables["states"] }).to_string();
            let expected = match expected {
                "" => &whole,
                some => some,
            };
            assert_eq!(read(expression, &variables), expected, "{expression}");
        }
    }

    #[test]
    fn a_part_of_the_variables_yields_what_all_of_them_yield() {
        let variables = json!({
            "states": { "input": { "a": [{ "b": [1] }, { "b": 2 }, { "c": {} }], "n": null, "e": "", "o": { "b": 2, "c": 3 } } },
            "item": [{ "k": 1 }, { "k": [2, 3] }],
        });
        let moment = ClockAndChance { now_ms: 0, seed: 0 };
        for expression in [
            "$states.input.a.b",
            "$states.input.a[0].b",
            "$states.input.a[b = 2]",
            "$states.input.o[b = 2].c",
            "$states.input[e = ''].o.c",
            "$states.input.o@$o.n",
            "$states.input.o@$o.(e = '').$o",
            "$states.input.o#$n.c",
            "$states.input.o^(b).c",
            "$states.input.a.c",
            "$states.input.n.x",
            "$states.input.e.length",
            "$states.input.*.b",
            "$states.**.b",
            "$states.input.a.%.n",
            "$states.input.(a.b)",
            "$states.input{ 'x': $count(a) }",
            "$states.input ~> |a|{ 'd': 1 }|",
            "$map($item, function($i) { $i.k })",
            "$item.k[]",
            "$item@$i.{ 'k': $i.k }",
            "$item#$n.[$n, k]",
            "$lookup($states.input, 'e')",
            "($a := $states.input; $a.a[-1])",
            "$states.`input`.a.b",
            "$exists($states.input.x) ? $states.input.x : $item[1].k",
            "$item^(>k[0]).k",
        ] {
            let part = evaluate_in_state(expression, &read(expression, &variables), moment);
            let whole = evaluate_in_state(expression, &variables.to_string(), moment);
            assert_eq!(part, whole, "{expression}");
        }
    }

    #[test]
    fn a_member_that_is_read_without_an_evaluation_is_what_the_reference_yields() {
        let variables = json!({
            "a": { "text": "t", "n": 7, "no": null, "f": false, "o": { "l": [1, [2]], "e": {} },
                   "list": [1], "none": [], "half": 0.5, "long": 9_007_199_254_740_993_i64,
                   "deep": [{ "x": 1 }] },
            "s": "text", "l": [{ "x": 1 }],
        });
        let moment = ClockAndChance { now_ms: 0, seed: 0 };
        let mut plain = 0;
        for expression in [
            "$a",
            "$s",
            "$l",
            "$none",
            "$a.text",
            "$a.n",
            "$a.no",
            "$a.f",
            "$a.o",
            "$a.o.l",
            "$a.o.e",
            "$a.list",
            "$a.none",
            "$a.half",
            "$a.long",
            "$a.deep",
            "$a.deep.x",
            "$l.x",
            "$a.no.x",
            "$s.length",
            "$a.text[0]",
            "$a.o.l[]",
            "$a.`text`",
            "$a . n",
            "($a.n)",
            "$not($a.f)",
            "$a.n = 7",
            "$a{ 'x': n }",
            "$a^(n).n",
            "$a#$n.n",
            "$a@$b.n",
        ] {
            let of = Expression::new(expression).expect("an expression");
            let Some(member) = of.member(|name| variables.get(name)) else {
                continue;
            };
            let reference = value_of(expression, &variables.to_string(), moment);
            assert_eq!(Ok(member.clone()), reference, "{expression}");
            plain += 1;
        }
        assert_eq!(plain, 9);
    }
}
