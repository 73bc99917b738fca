//! What a definition demands of a start beside its input: times, an approval, budgets, limits.

use serde::{Deserialize, Serialize};

/// Everything of it. The default demands nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StartConditions {
    /// When it may start; empty: always.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<Hours>,
    /// When it may not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<Freeze>,
    /// Whether another person must have agreed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approval: bool,
    /// What a tenant may use up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
    /// Whether it is accepted while it is paused, to wait before its first step; else it is refused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub queued_when_paused: bool,
    /// How many executions of a tenant may be open at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_executions: Option<u32>,
    /// How many a tenant may start in a minute of the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_per_minute: Option<u32>,
}

impl StartConditions {
    /// Whether nothing is demanded.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Hours of some days of the week, by the clocks of a time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// IANA name.
    pub zone: String,
    /// The days on which they begin, sorted.
    pub days: Vec<Day>,
    /// Minutes after midnight at which they begin.
    pub from: u16,
    /// Minutes after midnight at which they are over; at or before `from`: on the next day.
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

    /// As definitions write it.
    pub fn name(self) -> &'static str {
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][self as usize]
    }

    /// The day before.
    pub fn before(self) -> Self {
        Self::ALL[(self as usize + 6) % 7]
    }
}

/// A time in which nothing may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// IANA name.
    pub zone: String,
    /// When it begins, by the clocks there: `2026-12-24T00:00`.
    pub from: String,
    /// When it is over.
    pub to: String,
    /// Said to the person whose start is rejected.
    pub reason: String,
}

/// What a tenant may use up of something in a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Its name: workflows of a tenant that name the same one use it up together.
    pub name: String,
    /// What an execution uses: in a definition an expression or a literal, in a machine without its `{% %}`.
    pub amount: String,
    /// What may be used, in ten-thousandths.
    pub limit: i64,
    /// In which time.
    pub per: Period,
    /// IANA name: by whose clocks a period begins.
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
    /// As definitions write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}
