//! `holdfast statistics`: counts, rates and times of executions, and what waits now.

use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::Value;

use super::{
    options::{ReadOptions, Times, given},
    shape::outlook::{Count, Figures, Statistics},
    workflow::workflow_id,
};
use crate::{
    api::{ApiRequest, typed},
    audit::counted,
    report::Trouble,
    screen::{Screen, length},
    table::{Cell, Table},
};

/// The length of a bucket.
#[derive(Clone, Copy, ValueEnum)]
enum By {
    /// By hour, for a range of at most 7 days
    Hour,
    /// By day in UTC, for a range of at most 31 days
    Day,
}

impl By {
    /// Longest range: the days, and one row, since the first row is whole.
    fn longest(self) -> SignedDuration {
        match self {
            Self::Hour => SignedDuration::from_hours(7 * 24 + 1),
            Self::Day => SignedDuration::from_hours(31 * 24 + 24),
        }
    }
}

/// The range of the statistics.
#[derive(Args)]
pub(crate) struct StatisticsArgs {
    /// Only this workflow, such as WF-PAY-VENDOR
    #[arg(long, value_name = "WF-ID", value_parser = workflow_id)]
    workflow: Option<String>,
    /// The length of a row's time
    #[arg(long, value_enum, default_value_t = By::Hour)]
    by: By,
    #[command(flatten)]
    times: Times,
    #[command(flatten)]
    options: ReadOptions,
}

/// Prints the statistics of a time: its hours or days, its workflows, its slowest steps.
pub(crate) fn statistics(args: &StatisticsArgs) -> Result<(), Trouble> {
    let mut query = given(&[("workflow_id", &args.workflow)]);
    if args.times.length() > args.by.longest() {
        let why =
            "the time from --from to --until is too long: --by hour takes 7 days, --by day 31";
        return Err(Trouble::Usage(why.to_owned()));
    }
    query.extend(args.times.query()?);
    let by = args.by.to_possible_value();
    query.extend(by.map(|by| ("by", by.get_name().to_owned())));
    let answer = args.options.api.client()?.done(ApiRequest {
        query,
        ..ApiRequest::of(Method::GET, "/v1/statistics")
    })?;
    args.options
        .print(&answer, || text(&answer, &Screen::stdout()))
}

pub(super) fn text(answer: &Value, screen: &Screen) -> Result<String, Trouble> {
    let found: Statistics = typed(answer)?;
    let mut times = Table::new(&figures_by("FROM"));
    for bucket in found.buckets.iter().filter(|one| !is_empty(&one.figures)) {
        times.row(row(bucket.at.to_string(), &bucket.figures));
    }
    times.row(row("total".to_owned(), &found.total));
    let mut workflows = Table::new(&figures_by("WORKFLOW"));
    for one in &found.workflows {
        workflows.row(row(one.workflow_id.clone(), &one.figures));
    }
    let mut steps = Table::new(&["WORKFLOW", "SLOWEST STEP", "ENDED", "ATTEMPTS", "MEAN"]);
    for one in found.steps.iter().take(10) {
        steps.row(vec![
            Cell::of(&one.workflow_id),
            Cell::of(&one.step),
            Cell::of(one.ended.to_string()),
            Cell::of(one.attempts.to_string()),
            Cell::of(time(Some(one.mean_ms))),
        ]);
    }
    let tables = match found.workflows.is_empty() {
        true => format!("no executions from {} until {}\n", found.from, found.until),
        false => [times, workflows, steps]
            .map(|one| one.render(screen))
            .join("\n"),
    };
    let paused = found.now.paused.len();
    Ok(format!(
        "{tables}\nnow: {}, {}, {paused} paused\n",
        count(&found.now.open_incidents, "open incident"),
        count(&found.now.waiting_questions, "waiting question")
    ))
}

/// The heads of a table of figures, each by what `by` names.
const fn figures_by(by: &str) -> [&str; 8] {
    [
        by,
        "STARTED",
        "ENDED",
        "EXECUTED",
        "WITHDRAWN",
        "TO COMPLETE",
        "DECISIONS",
        "TO DECIDE",
    ]
}

fn row(name: String, figures: &Figures) -> Vec<Cell> {
    let some = |count: u64| match count {
        0 => String::new(),
        count => count.to_string(),
    };
    let rate = figures.success_rate;
    let ended: u64 = figures.ended.values().sum();
    vec![
        Cell::of(name),
        Cell::of(figures.started.to_string()),
        Cell::of(ended.to_string()),
        Cell::of(rate.map_or_else(String::new, |rate| format!("{:.1} %", rate * 100.0))),
        Cell::of(some(figures.withdrawn)),
        Cell::of(time(figures.mean_time_to_complete_ms)),
        Cell::of(some(figures.decisions)),
        Cell::of(time(figures.mean_time_to_decide_ms)),
    ]
}

fn is_empty(figures: &Figures) -> bool {
    figures.started == 0 && figures.ended.is_empty() && figures.decisions == 0
}

fn time(ms: Option<u64>) -> String {
    let ms = ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
    ms.map_or_else(String::new, |ms| length(SignedDuration::from_millis(ms)))
}

fn count(count: &Count, what: &str) -> String {
    let more = if count.more { "more than " } else { "" };
    format!("{more}{}", counted(count.count as usize, what))
}
