//! The timeline's scale: one scale for the whole timeline, except for long idle stretches, which
//! are cut out and marked.

use jiff::{SignedDuration, Timestamp};

/// The width of a stretch that is cut out, in percent of the timeline's width.
const CUT_WIDTH: f64 = 9.0;
/// The most stretches that are cut out.
const CUTS: usize = 4;
/// The shortest stretch that is cut out, in milliseconds.
const CUT_FROM_MS: i64 = 60_000;

/// A stretch of time, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Span {
    pub(super) fn new(from: Timestamp, to: Timestamp) -> Self {
        let (from, to) = (from.as_millisecond(), to.as_millisecond());
        Self {
            from,
            to: to.max(from),
        }
    }

    fn length(self) -> i64 {
        self.to - self.from
    }
}

/// The scale: it converts a time to a place, in percent of the width.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    whole: Span,
    cuts: Vec<Span>,
    per_ms: f64,
}

/// A mark on the axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    /// The place, in percent of the width.
    pub(super) at: f64,
    /// The text of the mark.
    pub(super) text: String,
}

impl Scale {
    /// The scale of the stretch `whole`, in which the stretches `busy` are not idle.
    pub(super) fn of(whole: Span, busy: &[Span]) -> Self {
        let mut gaps = gaps(whole, busy);
        gaps.sort_by_key(|gap| -gap.length());
        let mut drawn = whole.length();
        let mut cuts = Vec::new();
        for gap in gaps.into_iter().take(CUTS) {
            let rest = drawn - gap.length();
            if gap.length() < CUT_FROM_MS || gap.length() < 4 * rest {
                break;
            }
            drawn = rest;
            cuts.push(gap);
        }
        cuts.sort();
        let width = 100.0 - CUT_WIDTH * cuts.len() as f64;
        let per_ms = width / drawn.max(1) as f64;
        Self {
            whole,
            cuts,
            per_ms,
        }
    }

    /// The place of a time, in percent of the width.
    pub(super) fn at(&self, moment: i64) -> f64 {
        let moment = moment.clamp(self.whole.from, self.whole.to);
        let mut at = 0.0;
        let mut since = self.whole.from;
        for cut in self.cuts.iter().filter(|cut| cut.from < moment) {
            at += (cut.from - since) as f64 * self.per_ms;
            since = cut.to.min(moment);
            let part = (since - cut.from) as f64 / cut.length().max(1) as f64;
            at += CUT_WIDTH * part;
        }
        at + (moment - since) as f64 * self.per_ms
    }

    /// The stretches that are cut out: left edge and width in percent, and duration.
    pub(super) fn cuts(&self) -> impl Iterator<Item = (f64, f64, String)> {
        self.cuts.iter().map(|cut| {
            let lasted = super::text::lasted(SignedDuration::from_millis(cut.length()));
            (self.at(cut.from), CUT_WIDTH, lasted)
        })
    }

    /// The marks at round times since the start, outside the cuts and not too close to one another.
    pub(super) fn marks(&self) -> Vec<Mark> {
        let drawn = (100.0 - CUT_WIDTH * self.cuts.len() as f64) / self.per_ms;
        let step = round_step(drawn / 5.0);
        let mut marks: Vec<Mark> = Vec::new();
        let cut = |at: i64| self.cuts.iter().any(|cut| cut.from < at && at < cut.to);
        let starts = std::iter::once(self.whole.from).chain(self.cuts.iter().map(|cut| cut.to));
        let ends = self.cuts.iter().map(|cut| cut.from);
        for (from, to) in starts.zip(ends.chain([self.whole.to])) {
            let since = from - self.whole.from;
            let first = since + (step - since % step) % step;
            for offset in (first..=to - self.whole.from).step_by(step as usize) {
                let at = self.at(self.whole.from + offset);
                let room = marks.last().is_none_or(|before| at - before.at >= 11.0);
                if room && at <= 89.0 && !cut(self.whole.from + offset) {
                    let lasted = super::text::lasted(SignedDuration::from_millis(offset));
                    let text = if offset == 0 { "0".to_owned() } else { lasted };
                    marks.push(Mark { at, text });
                }
            }
        }
        marks
    }
}

/// The idle stretches of `whole`.
fn gaps(whole: Span, busy: &[Span]) -> Vec<Span> {
    let mut busy = busy.to_vec();
    busy.sort();
    let mut since = whole.from;
    let mut gaps = Vec::new();
    let end = Span {
        from: whole.to,
        to: whole.to,
    };
    for span in busy.into_iter().chain([end]) {
        if span.from > since {
            gaps.push(Span {
                from: since,
                to: span.from,
            });
        }
        since = since.max(span.to);
    }
    gaps
}

/// The smallest round number of milliseconds that is at least `minimum`.
fn round_step(minimum: f64) -> i64 {
    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let small = (0..5).flat_map(|zeros| [1, 2, 5].map(|digit| digit * 10_i64.pow(zeros)));
    let large = [
        MINUTE,
        2 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        30 * MINUTE,
        HOUR,
        2 * HOUR,
        6 * HOUR,
        12 * HOUR,
        DAY,
    ];
    let steps = small.filter(|step| *step < MINUTE).chain(large);
    let days = DAY * (minimum / DAY as f64).ceil().max(1.0) as i64;
    steps
        .into_iter()
        .find(|step| *step as f64 >= minimum)
        .unwrap_or(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: i64, to: i64) -> Span {
        Span { from, to }
    }

    fn texts(scale: &Scale) -> Vec<String> {
        let marks = scale.marks().into_iter();
        marks.map(|mark| mark.text).collect()
    }

    #[test]
    fn equal_times_have_equal_widths() {
        let scale = Scale::of(span(0, 10_000), &[span(0, 1000), span(5000, 9000)]);
        assert_eq!(scale.cuts().count(), 0);
        assert_eq!(
            [0, 2500, 5000, 10_000].map(|at| scale.at(at)),
            [0.0, 25.0, 50.0, 100.0]
        );
        assert_eq!(texts(&scale), ["0", "2 s", "4 s", "6 s", "8 s"]);
    }

    #[test]
    fn an_idle_day_is_cut_out_and_the_rest_keeps_one_scale() {
        let day = 86_400_000;
        let busy = [span(0, 4000), span(day, day + 4000)];
        let scale = Scale::of(span(0, day + 4000), &busy);
        let cuts: Vec<_> = scale.cuts().collect();
        assert_eq!(cuts, [(45.5, CUT_WIDTH, "23 h 59 min".to_owned())]);
        let (before, after) = (scale.at(2000), scale.at(day + 2000) - scale.at(day));
        assert!((before - after).abs() < 1e-9, "{before} {after}");
        assert!((scale.at(day + 4000) - 100.0).abs() < 1e-9);
        assert_eq!(texts(&scale)[..3], ["0", "2 s", "4 s"]);
    }

    #[test]
    fn an_execution_without_duration_has_a_scale_too() {
        let scale = Scale::of(span(7, 7), &[span(7, 7)]);
        assert_eq!(scale.at(7), 0.0);
        assert_eq!(texts(&scale), ["0"]);
    }
}
