//! Checks event patterns by the grammar of EventBridge, so that no deployment refuses one.
//!
//! Sources: the comparison operators and quotas in EventBridge's user guide
//! (eb-create-pattern-operators.html, eb-quota.html), and the compiler of patterns that EventBridge
//! runs: JsonRuleCompiler, Constants, CIDR and Range of github.com/aws/event-ruler.

use serde_json::Value;

use super::{
    operator::OPERATORS,
    reader::Reader,
    tree::{Kind, MapKey, Node},
};

/// Fields of an EventBridge event, and so the fields that a pattern can match.
pub(super) const EVENT_FIELDS: [&str; 10] = [
    "source",
    "detail-type",
    "detail",
    "account",
    "region",
    "resources",
    "version",
    "id",
    "time",
    OR,
];
/// The field whose value is a list of alternative patterns.
const OR: &str = "$or";
/// Names that no field inside `$or` can have, besides the operators. Source: Constants of
/// event-ruler.
const RESERVED_IN_OR: [&str; 16] = [
    "exactly",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];
/// Longest pattern, in characters of JSON. Source: the EventBridge API's model.
const MAX_SIZE: usize = 4096;
/// Most combinations of alternatives. Source: the user guide, on `$or`.
const MAX_COMBINATIONS: usize = 1000;

/// The place of a field in a pattern.
#[derive(Clone, Copy)]
struct Level {
    /// True for a field of the event itself. All of them hold texts, except `detail`.
    top: bool,
    in_or: bool,
}

impl Reader<'_> {
    /// Reads the pattern of an event trigger.
    pub(super) fn pattern(&mut self, node: &Node) -> Value {
        let level = Level {
            top: true,
            in_or: false,
        };
        self.event_fields(node, level);
        if matches!(&node.kind, Kind::Map(entries) if entries.is_empty()) {
            self.problem(
                node.at,
                "an event pattern that matches every event",
                "add `source: [finops.risk]`",
            );
        }
        let pattern = self.plain(node, "an event pattern");
        let size = pattern.to_string().chars().count();
        if size > MAX_SIZE {
            let message = format!("an event pattern of {size} characters as JSON");
            let help = format!("at most {MAX_SIZE}: use operators such as prefix, or two triggers");
            self.problem(node.at, message, help);
        }
        if combinations(node) > MAX_COMBINATIONS {
            let message = "an event pattern with too many combinations of alternatives";
            let help = format!("at most {MAX_COMBINATIONS}, as the product of all `$or`");
            self.problem(node.at, message, help);
        }
        pattern
    }

    /// Checks the fields of a pattern, or of an alternative in `$or`, that name fields of the
    /// event.
    fn event_fields(&mut self, node: &Node, level: Level) {
        let fields = self.fields(node, "an event pattern", &EVENT_FIELDS);
        self.pattern_fields(fields.entries, level);
    }

    fn pattern_fields(&mut self, entries: &[(MapKey, Node)], level: Level) {
        for (key, value) in entries {
            if key.name == OR {
                self.pattern_or(value, level);
                continue;
            }
            let operator = OPERATORS.contains(&key.name.as_str());
            if level.in_or && (operator || RESERVED_IN_OR.contains(&key.name.as_str())) {
                let message = format!("the field `{}` inside `$or`", key.name);
                let help = "EventBridge reserves the names of operators there: match the field outside `$or`, or put an operator into a list: [{ prefix: a }]";
                self.problem(key.at, message, help);
            } else if operator {
                let message = format!(
                    "`{}` is a field of the event here, not an operator",
                    key.name
                );
                let help = format!("an operator is an entry of a list: [{{ {}: … }}]", key.name);
                self.warning(key.at, message, help);
            }
            self.pattern_field(key, value, level);
        }
    }

    /// Checks one field of a pattern: it holds further fields, or a list of values that match.
    fn pattern_field(&mut self, key: &MapKey, value: &Node, level: Level) {
        let name = &key.name;
        let is_detail = level.top && name == "detail";
        match &value.kind {
            Kind::List(items) if !items.is_empty() && !is_detail => {
                let texts = level.top.then_some(name.as_str());
                items
                    .iter()
                    .for_each(|item| self.pattern_value(item, texts));
            }
            Kind::Map(entries) if !entries.is_empty() && (is_detail || !level.top) => {
                let inner = Level {
                    top: false,
                    ..level
                };
                self.pattern_fields(entries, inner);
            }
            _ => {
                let message = format!("`{name}` in an event pattern is {}", value.describe());
                let help = match is_detail {
                    true => {
                        "EventBridge wants the fields of `detail`: { state: [VendorRiskRaised] }"
                    }
                    false => "EventBridge wants a list of what may match: [VendorRiskRaised]",
                };
                self.problem(value.at, message, help);
            }
        }
    }

    fn pattern_or(&mut self, node: &Node, level: Level) {
        let level = Level {
            in_or: true,
            ..level
        };
        let items = match &node.kind {
            Kind::List(items) if items.len() >= 2 => items,
            _ => {
                let message = format!("`$or` is {}", node.describe());
                let help =
                    "at least two alternatives belong here: [{ source: [a] }, { region: [b] }]";
                return self.problem(node.at, message, help);
            }
        };
        for item in items {
            match &item.kind {
                Kind::Map(entries) if !entries.is_empty() && level.top => {
                    self.event_fields(item, level);
                }
                Kind::Map(entries) if !entries.is_empty() => self.pattern_fields(entries, level),
                _ => {
                    let message = format!("an alternative of `$or` is {}", item.describe());
                    let help = "fields and what may match belong here: { state: [open] }";
                    self.problem(item.at, message, help);
                }
            }
        }
    }

    /// Checks one entry of a list: a value, or an operator. `texts` names the field of the event
    /// that holds it, since those are texts.
    fn pattern_value(&mut self, node: &Node, texts: Option<&str>) {
        match (&node.kind, texts) {
            (Kind::Text(_), _) | (Kind::Number(_) | Kind::Bool(_) | Kind::Null, None) => {}
            (Kind::Map(entries), _) => match entries.as_slice() {
                [(key, value)] => self.operator(key, value, texts),
                _ => {
                    let message = format!("an operator with {} names", entries.len());
                    let help = "one operator an entry: [{ prefix: a }, { suffix: b }]";
                    self.problem(node.at, message, help);
                }
            },
            (_, Some(field)) => {
                let message = format!("`{field}` matches {}", node.describe());
                let help = format!("`{field}` of an event holds texts: quote it");
                self.problem(node.at, message, help);
            }
            (Kind::List(_), None) => {
                let help = "one list holds all that may match: [a, b]";
                self.problem(node.at, "a list inside a list of an event pattern", help);
            }
        }
    }
}

/// Returns the number of patterns without `$or` that a pattern stands for.
fn combinations(node: &Node) -> usize {
    let Kind::Map(entries) = &node.kind else {
        return 1;
    };
    entries.iter().fold(1_usize, |product, (key, value)| {
        let own = match &value.kind {
            Kind::List(items) if key.name == OR => items
                .iter()
                .fold(0_usize, |sum, item| sum.saturating_add(combinations(item))),
            _ => combinations(value),
        };
        product.saturating_mul(own.max(1))
    })
}
