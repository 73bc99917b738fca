//! Reads the guardrails besides assertions: hours, freezes, an approval, pauses, budgets, limits.

use serde_json::Value;

use super::{
    reader::{Fields, Reader},
    schedule::check_timezone,
    scope::Scope,
    tree::{Kind, Node},
};
use holdfast_admission::{MAX_AMOUNT, RESERVED, SCOPE, format_amount, freeze_span, parse_amount};
use holdfast_expression::expression_in;
use holdfast_task::{Budget, Day, Freeze, Hours, Period, StartConditions};

/// Highest limit of executions.
pub(super) const MAX_LIMIT: u32 = 1_000_000;
/// Most budgets of a workflow: a start reserves from all of them in one write.
pub(super) const MAX_BUDGETS: usize = 10;

/// The names of guardrails and budgets, with their lines.
pub(super) type NamesByLine = Vec<(String, usize)>;

/// Returns the scope of guardrails and amounts. Every attempt to begin must yield the same values.
pub(super) fn scope(field: &'static str) -> Scope {
    Scope::of_admission(&SCOPE).repeatable(field)
}

impl Reader<'_> {
    /// Reads all of them except the limits, which the caller has read.
    pub(super) fn rules(
        &mut self,
        top: &Fields<'_>,
        seen: &mut NamesByLine,
        limits: StartConditions,
    ) -> StartConditions {
        let mut rules = limits;
        for node in several(top.get("hours")) {
            rules.hours.extend(self.hours(node));
        }
        for node in several(top.get("freeze")) {
            rules.freezes.extend(self.freeze(node));
        }
        rules.approval = top.get("approval").is_some_and(|node| {
            let required = self.choice(node, "approval", &[("required", true)]);
            required.unwrap_or_default()
        });
        rules.unsigned_approvals = top.get("unsigned_approvals").is_some_and(|node| {
            let unsigned = self.boolean(node, "unsigned_approvals");
            if !rules.approval {
                self.problem(
                    node.at,
                    "`unsigned_approvals` without an approval that is required",
                    "add `approval: required`, or leave it out",
                );
            }
            unsigned
        });
        rules.queued_when_paused = top.get("when_paused").is_some_and(|node| {
            let choices = [("refuse", false), ("queue", true)];
            self.choice(node, "when_paused", &choices)
                .unwrap_or_default()
        });
        let budgets = several(top.get("budget"));
        if let Some(node) = budgets.get(MAX_BUDGETS) {
            let message = format!("more than {MAX_BUDGETS} budgets");
            self.problem(
                node.at,
                message,
                "a start reserves from all of them in one write",
            );
        }
        for node in budgets {
            rules.budgets.extend(self.budget(node, seen));
        }
        rules
    }

    /// Reads a bound of `limits`.
    pub(super) fn bound(&mut self, fields: &Fields<'_>, name: &str) -> Option<u32> {
        let node = fields.get(name)?;
        let what = format!("limits.{name}");
        u32::try_from(self.integer(node, &what, 1..=u64::from(MAX_LIMIT))).ok()
    }

    /// Reads the name of a guardrail or a budget.
    pub(super) fn outcome_name(
        &mut self,
        node: &Node,
        what: &str,
        example: &str,
        seen: &mut NamesByLine,
    ) -> String {
        let name = self.name(node, &format!("a {what}'s name"), example);
        if RESERVED.contains(&name.as_str()) {
            let message = format!("`{name}` is the name of a check of the engine in receipts");
            self.problem(node.at, message, format!("another name, such as {example}"));
        }
        self.unique(seen, &name, node.at, what);
        name
    }

    fn hours(&mut self, node: &Node) -> Option<Hours> {
        let fields = self.fields(node, "hours", &["zone", "days", "from", "to"]);
        let zone = self.zone(&fields, true);
        let days = match fields.get("days") {
            Some(node) => self.days(node),
            None => Day::ALL.to_vec(),
        };
        let from = self.clock(&fields, "from", "from: \"08:00\"", 0..=23 * 60 + 59);
        let to = self.clock(&fields, "to", "to: \"18:00\"", 0..=24 * 60);
        if let (Some(from), Some(to)) = (from, to)
            && from == to
        {
            let help = "leave hours out for any time; the end of a day is \"24:00\"";
            self.problem(node.at, "hours that end when they begin", help);
        }
        Some(Hours {
            zone,
            days,
            from: from?,
            to: to?,
        })
    }

    fn days(&mut self, node: &Node) -> Vec<Day> {
        let day = |name: &str| Day::ALL.into_iter().find(|day| day.name() == name);
        let mut days = Vec::new();
        for item in self.list(node, "days") {
            let text = self.text(item, "a day", "mon-fri");
            let ends = match text.split_once('-') {
                Some((first, last)) => day(first).zip(day(last)),
                None => day(&text).map(|day| (day, day)),
            };
            match ends {
                Some((first, last)) => {
                    let from_first = Day::ALL.into_iter().cycle().skip(first as usize).take(7);
                    let count = (last as usize + 7 - first as usize) % 7 + 1;
                    days.extend(from_first.take(count));
                }
                None if text.is_empty() => {}
                None => {
                    let help = "mon, tue, wed, thu, fri, sat, sun, or from one to another: mon-fri";
                    self.problem(item.at, format!("`{text}` is not a day"), help);
                }
            }
        }
        days.sort();
        days.dedup();
        days
    }

    /// Reads a time of day, in minutes.
    fn clock(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        example: &str,
        range: std::ops::RangeInclusive<u16>,
    ) -> Option<u16> {
        let node = self.required(fields, name, example)?;
        let text = self.text(node, name, example);
        let two = |part: &str| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_digit());
        let minutes = text.split_once(':').and_then(|(hour, minute)| {
            let (hour, minute): (u16, u16) = (two(hour) && two(minute))
                .then(|| Some((hour.parse().ok()?, minute.parse().ok()?)))??;
            Some(hour * 60 + minute).filter(|minutes| minute < 60 && range.contains(minutes))
        });
        if minutes.is_none() && !text.is_empty() {
            let message = format!("`{text}` is not a time of day");
            self.problem(node.at, message, format!("two digits each: `{example}`"));
        }
        minutes
    }

    /// Reads `zone`. UTC if it is absent and optional.
    fn zone(&mut self, fields: &Fields<'_>, required: bool) -> String {
        let example = "zone: Europe/Berlin";
        let node = match required {
            true => self.required(fields, "zone", example),
            false => fields.get("zone"),
        };
        let Some(node) = node else {
            return "UTC".to_owned();
        };
        let zone = self.text(node, "zone", example);
        let known = check_timezone(&zone);
        if !zone.is_empty() && !known {
            let message = format!("`{zone}` is not a time zone");
            self.problem(
                node.at,
                message,
                "an IANA name such as Europe/Berlin, or UTC",
            );
        }
        zone
    }

    fn freeze(&mut self, node: &Node) -> Option<Freeze> {
        let fields = self.fields(node, "a freeze", &["zone", "from", "to", "reason"]);
        let before = self.problems.len();
        let zone = self.zone(&fields, true);
        let mut text = |name: &str, example: &str| {
            let node = self.required(&fields, name, example)?;
            self.plain(node, name);
            Some(self.text(node, name, example))
        };
        let from = text("from", "from: 2026-12-24T00:00");
        let to = text("to", "to: 2026-12-27T00:00");
        let reason = text("reason", "reason: year-end closing");
        let freeze = Freeze {
            zone,
            from: from?,
            to: to?,
            reason: reason?,
        };
        if self.problems.len() == before {
            match freeze_span(&freeze) {
                Ok((from, to)) if from < to => {}
                Ok(_) => self.problem(
                    node.at,
                    "a freeze that ends before it begins",
                    "swap from and to",
                ),
                Err(why) => {
                    let help = "a date and time by the clocks there: 2026-12-24T00:00";
                    self.problem(node.at, why, help);
                }
            }
        }
        Some(freeze)
    }

    fn budget(&mut self, node: &Node, seen: &mut NamesByLine) -> Option<Budget> {
        let known = ["name", "amount", "limit", "per", "zone"];
        let fields = self.fields(node, "a budget", &known);
        let name = self.required(&fields, "name", "name: held_amount");
        let name = name.map(|node| self.outcome_name(node, "budget", "held_amount", seen));
        let amount = self.required(&fields, "amount", "amount: \"{% $input.amount %}\"");
        let amount = amount.map(|node| match &node.kind {
            Kind::Number(number) => {
                self.amount(node, "amount", 0..=MAX_AMOUNT);
                number.to_string()
            }
            _ => {
                let amount = self.expression(node, "amount", &scope("amount"));
                amount.written().to_owned()
            }
        });
        let limit = self.required(&fields, "limit", "limit: 100000");
        let limit = limit.and_then(|node| self.amount(node, "limit", 1..=MAX_AMOUNT));
        let per = self.required(&fields, "per", "per: day").and_then(|node| {
            let periods = [Period::Hour, Period::Day, Period::Week, Period::Month];
            self.choice(node, "per", &periods.map(|period| (period.name(), period)))
        });
        let zone = self.zone(&fields, false);
        Some(Budget {
            name: name?,
            amount: amount?,
            limit: limit?,
            per: per?,
            zone,
        })
    }

    /// Reads a decimal, in ten-thousandths.
    fn amount(
        &mut self,
        node: &Node,
        what: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let help = format!(
            "from {} to {}",
            format_amount(*range.start()),
            format_amount(*range.end())
        );
        let value = match &node.kind {
            Kind::Number(number) => parse_amount(&Value::Number(number.clone())),
            _ => Err(help.clone()),
        };
        let value = value.and_then(|value| range.contains(&value).then_some(value).ok_or(help));
        match value {
            Ok(value) => Some(value),
            Err(help) => {
                self.problem(node.at, format!("{what} is {}", node.describe()), help);
                None
            }
        }
    }
}

/// Returns the entries of a field that holds one value or a list.
fn several(node: Option<&Node>) -> Vec<&Node> {
    match node {
        None => Vec::new(),
        Some(Node {
            kind: Kind::List(items),
            ..
        }) if !items.is_empty() => items.iter().collect(),
        Some(one) => vec![one],
    }
}

/// Returns a budget whose amount is the bare expression that the admission check evaluates.
pub(crate) fn bare(budget: &Budget) -> Budget {
    Budget {
        amount: expression_in(&budget.amount)
            .unwrap_or(&budget.amount)
            .to_owned(),
        ..budget.clone()
    }
}
