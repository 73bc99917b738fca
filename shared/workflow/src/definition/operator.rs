//! Checks the operators of an event pattern: what each takes, and the bounds of its values.
//!
//! Sources: as for the pattern's fields, see `pattern`.

use std::net::IpAddr;

use serde_json::Number;

use super::{
    reader::Reader,
    suggest::suggest,
    tree::{Kind, MapKey, Node},
};

pub(super) const OPERATORS: [&str; 8] = [
    "prefix",
    "suffix",
    "equals-ignore-case",
    "wildcard",
    "anything-but",
    "numeric",
    "cidr",
    "exists",
];
/// Operators that `anything-but` can contain.
const NEGATED: [&str; 4] = ["prefix", "suffix", "equals-ignore-case", "wildcard"];
/// Bound of numbers that `numeric` compares, with six decimal places. Source: the user guide.
const MAX_NUMBER: f64 = 5.0e9;

impl Reader<'_> {
    /// Checks an operator. `texts` names the field of the event that it compares, if that is one
    /// of the event's own fields, which hold texts.
    pub(super) fn operator(&mut self, key: &MapKey, value: &Node, texts: Option<&str>) {
        match key.name.as_str() {
            "exists" => {
                if !matches!(value.kind, Kind::Bool(_)) {
                    let message = format!("`exists` is {}", value.describe());
                    self.problem(value.at, message, "write true or false");
                }
            }
            name @ ("prefix" | "suffix") => match &value.kind {
                Kind::Map(entries) => match entries.as_slice() {
                    [(inner, text)] if inner.name == "equals-ignore-case" => {
                        self.operand(&inner.name, text);
                    }
                    _ => {
                        let message = format!("`{name}` is a mapping");
                        let help = format!(
                            "write [{{ {name}: a }}] or [{{ {name}: {{ equals-ignore-case: a }} }}]"
                        );
                        self.problem(value.at, message, help);
                    }
                },
                _ => self.operand(name, value),
            },
            name @ ("equals-ignore-case" | "wildcard" | "cidr") => self.operand(name, value),
            "numeric" if texts.is_none() => self.numeric(value),
            "numeric" => {
                let help = "fields of an event outside `detail` hold texts: leave it out";
                self.problem(key.at, "`numeric` never matches here", help);
            }
            "anything-but" => self.anything_but(value),
            "exactly" => {
                let help = "write the value itself: [a]";
                self.problem(key.at, "EventBridge does not document `exactly`", help);
            }
            name => {
                let help = suggest(name, OPERATORS, "EventBridge has");
                self.problem(key.at, format!("there is no operator `{name}`"), help);
            }
        }
    }

    /// Checks the text of an operator.
    fn operand(&mut self, operator: &str, node: &Node) {
        let Kind::Text(text) = &node.kind else {
            let message = format!("`{operator}` is {}", node.describe());
            return self.problem(node.at, message, "a text belongs here");
        };
        // A parameter is filled in at deployment.
        if text.contains("${") {
            return;
        }
        let checked = match operator {
            "wildcard" => check_wildcard(text),
            "cidr" => check_cidr(text),
            _ => Ok(()),
        };
        if let Err(help) = checked {
            let message = format!("{} is not what `{operator}` matches", node.describe());
            self.problem(node.at, message, help);
        }
    }

    fn anything_but(&mut self, node: &Node) {
        let help =
            "a text, a number, a list of texts, a list of numbers, or { prefix: a } belongs here";
        match &node.kind {
            Kind::Text(_) => {}
            Kind::Number(number) => self.compared(node, number),
            Kind::List(items) => {
                let texts = items.iter().all(|item| matches!(item.kind, Kind::Text(_)));
                let numbers = items
                    .iter()
                    .all(|item| matches!(item.kind, Kind::Number(_)));
                if items.is_empty() || !(texts || numbers) {
                    let message = "`anything-but` with an empty or a mixed list";
                    self.problem(node.at, message, help);
                }
                for item in items {
                    if let Kind::Number(number) = &item.kind {
                        self.compared(item, number);
                    }
                }
            }
            Kind::Map(entries) => match entries.as_slice() {
                [(key, value)] if NEGATED.contains(&key.name.as_str()) => {
                    self.negated(&key.name, value);
                }
                [(key, _)] => {
                    let help = suggest(&key.name, NEGATED, "it can have");
                    let message = format!("`anything-but` cannot have `{}`", key.name);
                    self.problem(key.at, message, help);
                }
                _ => self.problem(node.at, "`anything-but` with several operators", help),
            },
            Kind::Bool(_) | Kind::Null => {
                let message = format!("`anything-but` is {}", node.describe());
                self.problem(node.at, message, help);
            }
        }
    }

    /// Checks what an operator inside `anything-but` takes: a text or a list of texts.
    fn negated(&mut self, operator: &str, node: &Node) {
        let values = match &node.kind {
            Kind::List(items) if items.is_empty() => {
                let message = format!("`{operator}` is an empty list");
                return self.problem(node.at, message, "a text belongs here, or several");
            }
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        for value in values {
            self.operand(operator, value);
            let empty = matches!(&value.kind, Kind::Text(text) if text.is_empty());
            if empty && matches!(operator, "prefix" | "suffix") {
                let message = format!("`anything-but` with an empty `{operator}`");
                self.problem(value.at, message, "every text has it: leave it out");
            }
        }
    }

    fn numeric(&mut self, node: &Node) {
        let Kind::List(items) = &node.kind else {
            let message = format!("`numeric` is {}", node.describe());
            return self.problem(
                node.at,
                message,
                "a list belongs here: [\">\", 0, \"<=\", 5]",
            );
        };
        for (n, item) in items.iter().enumerate() {
            match &item.kind {
                Kind::Number(number) if n % 2 == 1 => self.compared(item, number),
                _ => {}
            }
        }
        if let Err(help) = check_comparison(items) {
            self.problem(
                node.at,
                "`numeric` with another form than EventBridge has",
                help,
            );
        }
    }

    /// Checks a number that EventBridge compares by its value.
    fn compared(&mut self, node: &Node, number: &Number) {
        let value = number.as_f64().unwrap_or(f64::INFINITY);
        let six_places: Result<f64, _> = format!("{value:.6}").parse();
        if value.abs() > MAX_NUMBER || six_places != Ok(value) {
            let message = format!("EventBridge cannot compare {}", node.describe());
            let help = "from -5000000000 to 5000000000, with at most six decimal places";
            self.problem(node.at, message, help);
        }
    }
}

/// Checks `=`, a bound, or a lower and an upper bound. The error is the fix.
fn check_comparison(items: &[Node]) -> Result<(), String> {
    let help = "[\"=\", 5], one of > >= < <= and a number, or [\">\", 0, \"<=\", 5]".to_owned();
    let part = |operator: &Node, number: &Node| match (&operator.kind, &number.kind) {
        (Kind::Text(operator), Kind::Number(number)) => Some((operator.clone(), number.as_f64()?)),
        _ => None,
    };
    match items {
        [operator, number] => match part(operator, number) {
            Some((operator, _)) if ["=", ">", ">=", "<", "<="].contains(&operator.as_str()) => {
                Ok(())
            }
            _ => Err(help),
        },
        [low, bottom, high, top] => match (part(low, bottom), part(high, top)) {
            (Some((low, bottom)), Some((high, top)))
                if [">", ">="].contains(&low.as_str()) && ["<", "<="].contains(&high.as_str()) =>
            {
                match bottom < top {
                    true => Ok(()),
                    false => Err(format!("{bottom} must be less than {top}")),
                }
            }
            _ => Err(help),
        },
        _ => Err(help),
    }
}

/// Most stars of one wildcard. EventBridge refuses a rule that is too complex to match, without a
/// number ([AWS][complexity]); LocalStack refuses more than five.
///
/// [complexity]: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
const MAX_STARS: usize = 5;

/// Checks the stars and escapes of a wildcard. The error is the fix.
fn check_wildcard(text: &str) -> Result<(), &'static str> {
    let (mut chars, mut stars) = (text.chars().peekable(), 0);
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('*', Some('*')) => {
                return Err("one * matches any number of characters: write it once");
            }
            ('*', _) => stars += 1,
            ('\\', Some('*' | '\\')) => {
                chars.next();
            }
            ('\\', _) => return Err("\\ escapes only * and itself: \\* or \\\\"),
            _ => {}
        }
    }
    match stars > MAX_STARS {
        true => Err("EventBridge refuses it as too complex: at most 5 *, or use prefix and suffix"),
        false => Ok(()),
    }
}

/// Checks a range of IP addresses. The error is the fix.
fn check_cidr(text: &str) -> Result<(), &'static str> {
    let help = "an address and a number of bits, below 32 or for IPv6 below 128: 10.0.0.0/24";
    let (address, bits) = text.split_once('/').ok_or(help)?;
    let digits = !bits.is_empty() && bits.chars().all(|c| c.is_ascii_digit());
    let bits: u32 = bits.parse().ok().filter(|_| digits).ok_or(help)?;
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 31,
        Ok(IpAddr::V6(_)) => 127,
        Err(_) => return Err(help),
    };
    if bits <= most { Ok(()) } else { Err(help) }
}
