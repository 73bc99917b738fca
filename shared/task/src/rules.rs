//! Guardrails of a start beside assertions: hours, freezes, an approval, budgets and limits.

use serde::{Deserialize, Serialize};

/// The guardrails of a start. The default admits every start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StartConditions {
    /// The hours in which it may start; empty means always.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<Hours>,
    /// The times in which it may not start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<Freeze>,
    /// True if another person must have approved the start.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approval: bool,
    /// True if an approval without a signature counts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unsigned_approvals: bool,
    /// The budgets of a tenant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
    /// True if a start during a pause is admitted and waits before its first step. Otherwise it is
    /// refused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub queued_when_paused: bool,
    /// The maximum number of open executions of a tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_executions: Option<u32>,
    /// The maximum number of starts of a tenant in one minute of the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_per_minute: Option<u32>,
}

impl StartConditions {
    /// Returns whether every start is admitted.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Hours on days of the week, in a time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The time zone, by IANA name.
    pub zone: String,
    /// The days on which they begin, sorted.
    pub days: Vec<Day>,
    /// Minutes after midnight at which they begin.
    pub from: u16,
    /// Minutes after midnight at which they end; a value up to `from` is on the next day.
    pub to: u16,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// The week.
    pub const ALL: [Self; 7] = [
        Self::Mon,
        Self::Tue,
        Self::Wed,
        Self::Thu,
        Self::Fri,
        Self::Sat,
        Self::Sun,
    ];

    /// The name in definitions.
    pub fn name(self) -> &'static str {
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][self as usize]
    }

    /// The day before.
    pub fn before(self) -> Self {
        Self::ALL[(self as usize + 6) % 7]
    }
}

/// A time in which no execution may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// The time zone, by IANA name.
    pub zone: String,
    /// The start, in local time of the zone: `2026-12-24T00:00`.
    pub from: String,
    /// The end, in local time of the zone.
    pub to: String,
    /// The message for the caller whose start is rejected.
    pub reason: String,
}

/// The amount of something that a tenant may use in a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The name. A tenant's workflows that name the same budget share it.
    pub name: String,
    /// The amount that an execution uses: an expression or a literal, in a state machine without
    /// `{% %}`.
    pub amount: String,
    /// The limit, in ten-thousandths.
    pub limit: i64,
    /// The period.
    pub per: Period,
    /// The time zone in which a period begins, by IANA name.
    pub zone: String,
}

/// A period of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// An hour of the clock.
    Hour,
    /// A day.
    Day,
    /// Monday to Sunday.
    Week,
    /// A month.
    Month,
}

impl Period {
    /// The name in definitions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}
