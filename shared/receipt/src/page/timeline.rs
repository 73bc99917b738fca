//! The timeline: every attempt at a step, every attempt to undo it and every decision, drawn to
//! scale.

use maud::{Markup, html};

use super::{
    scale::{Scale, Span},
    text::{between, lasted, moment, plain, quoted},
    words::{outcome_class, outcome_word},
};
use crate::{
    outcome::AttemptOutcome,
    receipt::{Receipt, ReceiptAttempt, ReceiptStep},
};

/// The timeline with its description in words, if a step was attempted.
pub(super) fn timeline(receipt: &Receipt) -> Option<Markup> {
    let spans: Vec<Span> = attempts(receipt)
        .filter_map(|attempt| span(attempt, receipt))
        .collect();
    let decided = receipt.decisions.iter();
    let decided = decided.filter_map(|decision| moment(&decision.at).map(|at| Span::new(at, at)));
    let busy: Vec<Span> = spans.iter().copied().chain(decided).collect();
    let attempted = !spans.is_empty();
    let whole = Span::new(moment(&receipt.started_at)?, moment(&receipt.timestamp)?);
    let whole = busy.iter().fold(whole, |whole, span| Span {
        from: whole.from.min(span.from),
        to: whole.to.max(span.to),
    });
    let scale = Scale::of(whole, &busy);
    let shown = receipt.steps.iter().filter(|step| !step.history.is_empty());
    attempted.then(|| {
        html! {
            figure.timeline {
                div.chart role="img" aria-label=(in_words(receipt)) {
                    @for step in shown {
                        div.lane {
                            span.label { (quoted(&step.label())) }
                            (lane(step, receipt, &scale))
                        }
                    }
                    @if !receipt.decisions.is_empty() {
                        div.lane {
                            span.label { "decisions" }
                            (decisions(receipt, &scale))
                        }
                    }
                    div.lane.axis {
                        span.label { "since the start" }
                        (axis(&scale))
                    }
                }
                figcaption { (legend(receipt, &scale)) }
            }
        }
    })
}

fn attempts(receipt: &Receipt) -> impl Iterator<Item = &ReceiptAttempt> {
    receipt.steps.iter().flat_map(|step| {
        let undo = step.undo.iter().flat_map(|undo| &undo.history);
        step.history.iter().chain(undo)
    })
}

/// The stretch of an attempt. An attempt without a recorded end lasts until the execution's end.
fn span(attempt: &ReceiptAttempt, receipt: &Receipt) -> Option<Span> {
    let ended = attempt.ended_at.as_deref().unwrap_or(&receipt.timestamp);
    Some(Span::new(moment(&attempt.started_at)?, moment(ended)?))
}

fn percent(share: f64) -> String {
    format!("{share:.2}%")
}

fn lane(step: &ReceiptStep, receipt: &Receipt, scale: &Scale) -> Markup {
    let undone = step.undo.iter().flat_map(|undo| &undo.history);
    html! {
        svg aria-hidden="true" focusable="false" {
            (ground(scale))
            @for (n, attempt) in step.history.iter().enumerate() {
                (bar(attempt, receipt, scale, ("bar", "4", "10"), &format!("attempt {}", n + 1)))
            }
            @for (n, attempt) in undone.enumerate() {
                (bar(attempt, receipt, scale, ("bar undo", "17", "5"), &format!("undo {}", n + 1)))
            }
        }
    }
}

/// The lines of the axis and the stretches that are cut out.
fn ground(scale: &Scale) -> Markup {
    html! {
        rect.track x="0" y="0" width="100%" height="100%" {}
        @for mark in scale.marks() {
            line.grid x1=(percent(mark.at)) x2=(percent(mark.at)) y1="0" y2="100%" {}
        }
        @for (at, width, _) in scale.cuts() {
            rect.cut x=(percent(at)) width=(percent(width)) y="0" height="100%" {}
        }
    }
}

fn bar(
    attempt: &ReceiptAttempt,
    receipt: &Receipt,
    scale: &Scale,
    (class, y, height): (&str, &str, &str),
    name: &str,
) -> Markup {
    let Some(span) = span(attempt, receipt) else {
        return html! {};
    };
    let (from, to) = (scale.at(span.from), scale.at(span.to));
    let class = format!("{class} {}", outcome_class(attempt.outcome));
    let took = between(&attempt.started_at, attempt.ended_at.as_deref()).unwrap_or_default();
    html! {
        rect class=(class) x=(percent(from)) y=(y) width=(percent(to - from)) height=(height) rx="1" {
            title { (name) ": " (outcome_word(attempt.outcome)) ", " (took) }
        }
    }
}

fn decisions(receipt: &Receipt, scale: &Scale) -> Markup {
    html! {
        svg aria-hidden="true" focusable="false" {
            (ground(scale))
            @for at in receipt.decisions.iter().filter_map(|decision| moment(&decision.at)) {
                circle.decision cx=(percent(scale.at(at.as_millisecond()))) cy="12" r="5" {}
            }
        }
    }
}

fn axis(scale: &Scale) -> Markup {
    html! {
        svg aria-hidden="true" focusable="false" {
            @for mark in scale.marks() {
                text x=(percent(mark.at)) y="15" { (mark.text) }
            }
            @for (at, width, lasted) in scale.cuts() {
                text.gap x=(percent(at + width / 2.0)) y="15" { (lasted) }
            }
        }
    }
}

fn legend(receipt: &Receipt, scale: &Scale) -> Markup {
    use AttemptOutcome::{Halted, Lost, Permanent, Succeeded, Transient, Unknown};
    let occurs = |outcome| attempts(receipt).any(|attempt| attempt.outcome == Some(outcome));
    let outcomes = [Succeeded, Transient, Permanent, Unknown, Lost, Halted];
    let undone = receipt.steps.iter().any(|step| step.undo.is_some());
    html! {
        ul.legend {
            @for outcome in outcomes.into_iter().filter(|outcome| occurs(*outcome)) {
                li { (swatch(outcome_class(Some(outcome)), "10")) (outcome_word(Some(outcome))) }
            }
            @if undone {
                li { (swatch("undo succeeded", "5")) "thin: an undo attempt" }
            }
            @if !receipt.decisions.is_empty() {
                li {
                    svg.swatch aria-hidden="true" { circle.decision cx="7" cy="7" r="5" {} }
                    "a person's decision"
                }
            }
        }
        p {
            "Drawn to scale"
            @if scale.cuts().next().is_some() { "; idle stretches are hatched and shortened" }
            ". The table of steps lists every attempt."
        }
    }
}

fn swatch(class: &str, height: &str) -> Markup {
    let class = format!("bar {class}");
    html! { svg.swatch aria-hidden="true" { rect class=(class) x="1" y="2" width="12" height=(height) rx="1" {} } }
}

/// The timeline in words, for a screen reader.
fn in_words(receipt: &Receipt) -> String {
    let steps = receipt.steps.iter().filter(|step| !step.history.is_empty());
    let each = steps.take(12).map(|step| {
        let took = between(
            step.started_at.as_deref().unwrap_or_default(),
            step.ended_at.as_deref(),
        );
        let undo = step.undo.as_ref().map(|undo| undo.attempts);
        let undo = undo.map(|times| format!(", then {} to undo it", counted(times)));
        format!(
            "{}: {} in {}{}",
            plain(&step.label()),
            counted(step.attempts),
            took.unwrap_or_else(|| "an unknown time".to_owned()),
            undo.unwrap_or_default()
        )
    });
    let each: Vec<_> = each.collect();
    let whole = lasted(jiff::SignedDuration::from_millis(receipt.duration_ms));
    format!(
        "Timeline over {whole}. {}. The table of steps lists every attempt.",
        each.join("; ")
    )
}

/// The number of attempts with its noun.
pub(super) fn counted(attempts: u32) -> String {
    match attempts {
        1 => "1 attempt".to_owned(),
        more => format!("{more} attempts"),
    }
}
