//! Draws a definition as a Mermaid flowchart: which step follows which, side by side, or per item.

use super::{
    duration::show_seconds,
    model::{ActionStep, Choose, Definition, OnFailure, Step, StepKind, Wait},
};
use holdfast_asl::{Flowchart, Shape, node_id};
use holdfast_task::Approvers;

/// The style of irreversible steps: a thick frame.
const IRREVERSIBLE: &str = "irreversible";
/// The last node, declared in each arrow that leads to it.
const FINISH: &str = "finish([\"receipt\"])";

/// Returns the flowchart's text. Irreversible steps have a thick frame, approvals are diamonds.
/// Labels include `when` and `on_failure`.
pub fn graph(definition: &Definition) -> String {
    let mut chart = Flowchart::default();
    let triggers = definition.triggers.iter();
    let triggers = triggers.map(|trigger| trigger.name.as_str());
    let sources: Vec<&str> = std::iter::once("API").chain(triggers).collect();
    let title = format!("{} version {}", definition.workflow, definition.version);
    let started = format!("started by {}", sources.join(", "));
    chart.node("begin", Shape::Stadium, &[&title, &started], None);
    let members: Vec<&str> = definition.output.keys().map(String::as_str).collect();
    let finish = match members.is_empty() {
        true => FINISH.to_owned(),
        false => format!("finish([\"receipt, output: {}\"])", members.join(", ")),
    };
    let begin = vec![("begin".to_owned(), None)];
    for (last, label) in draw_row(&mut chart, begin, &definition.steps) {
        chart.arrow(&last, &finish, label.as_deref());
    }
    chart.class(IRREVERSIBLE, "stroke-width:4px");
    chart.into_text()
}

/// An arrow that leads on from a node, and the text on it.
type OpenArrow = (String, Option<String>);

/// Draws steps in a row after the nodes `before`. Returns the arrows that lead on from the row.
fn draw_row(chart: &mut Flowchart, mut before: Vec<OpenArrow>, steps: &[Step]) -> Vec<OpenArrow> {
    for step in steps {
        let id = node_id("step", &step.name);
        draw_step(chart, &id, step);
        for (before, label) in before {
            chart.arrow(&before, &id, label.as_deref());
        }
        before = match &step.kind {
            StepKind::Choose(choose) => draw_branches(chart, &id, choose),
            StepKind::Stop(_) => {
                chart.arrow(&id, FINISH, Some("stop"));
                vec![(id, Some("else".to_owned()))]
            }
            _ => vec![(id, None)],
        };
    }
    before
}

/// Draws the branches of a `choose`, each behind its condition.
fn draw_branches(chart: &mut Flowchart, id: &str, choose: &Choose) -> Vec<OpenArrow> {
    let whens = choose.branches.iter().map(|branch| branch.when.jsonata());
    let labels: Vec<String> = whens
        .map(|when| format!("when {when}"))
        .chain(["otherwise".to_owned()])
        .collect();
    let rows = choose.rows().zip(labels);
    rows.flat_map(|((_, row), label)| draw_row(chart, vec![(id.to_owned(), Some(label))], row))
        .collect()
}

fn draw_step(chart: &mut Flowchart, id: &str, step: &Step) {
    let name = &step.name;
    match &step.kind {
        StepKind::Action(action) => draw_action(chart, id, name, action),
        StepKind::Wait(wait) => {
            let until = match wait {
                Wait::Seconds(seconds) => format!("wait {}", show_seconds(*seconds)),
                Wait::Until(until) => format!("wait until {}", until.jsonata()),
            };
            chart.node(id, Shape::Hexagon, &[name, &until], None);
        }
        StepKind::Approve(approve) => {
            let within = format!("approve within {}", show_seconds(approve.within_s));
            let people = approve.approvers.as_ref().and_then(people);
            let when = approve.when.as_ref();
            let when = when.map(|when| format!("only if {}", when.jsonata()));
            let more = people.as_deref().into_iter().chain(when.as_deref());
            let lines: Vec<_> = [name, within.as_str()]
                .into_iter()
                .chain(more)
                .chain([approve.message.content()])
                .collect();
            chart.node(id, Shape::Diamond, &lines, None);
        }
        StepKind::Choose(_) => chart.node(id, Shape::Diamond, &[name], None),
        StepKind::Stop(stop) => {
            let when = format!("stop when {}", stop.when.jsonata());
            chart.node(id, Shape::Diamond, &[name, &when, &stop.reason], None);
        }
        StepKind::Parallel(branches) => {
            chart.boxed(id, &format!("{name}: in parallel"), |chart| {
                for branch in branches {
                    draw_row(chart, Vec::new(), &branch.steps);
                }
            });
        }
        StepKind::ForEach(each) => {
            let (items, most) = (each.items.jsonata(), each.max_concurrency);
            let title = format!("{name}: for each of {items}, {most} at once");
            chart.boxed(id, &title, |chart| {
                draw_row(chart, Vec::new(), &each.steps);
            });
        }
    }
}

fn draw_action(chart: &mut Flowchart, id: &str, name: &str, action: &ActionStep) {
    let when = action.when.as_ref();
    let when = when.map(|when| format!("when {}", when.jsonata()));
    let poll = action.poll.as_ref();
    let poll = poll.map(|poll| {
        let (every, at_most) = (show_seconds(poll.every_s), action.retry.max_attempts);
        let until = poll.until.jsonata();
        format!("polls every {every}, {at_most} times at most, until {until}")
    });
    let failure = match &action.on_failure {
        OnFailure::Rollback => None,
        OnFailure::Continue => Some("continues if it fails".to_owned()),
        OnFailure::ContinueOn(codes) => {
            Some(format!("continues if it fails with {}", codes.join(", ")))
        }
        OnFailure::Escalate { within_s } => Some(format!(
            "asks within {} if it fails",
            show_seconds(*within_s)
        )),
    };
    let lines = [
        Some(name),
        Some(&action.action),
        when.as_deref(),
        poll.as_deref(),
        failure.as_deref(),
    ];
    let lines: Vec<&str> = lines.into_iter().flatten().collect();
    let irreversible = action.rollback.is_none() && !action.reads;
    let class = irreversible.then_some(IRREVERSIBLE);
    chart.node(id, Shape::Rectangle, &lines, class);
}

/// The people who must approve, in words; `None` if one platform admin does.
fn people(approvers: &Approvers) -> Option<String> {
    let (by, count) = (approvers.by.join(" or "), approvers.count);
    match (by.is_empty(), approvers.distinct_groups) {
        (true, _) if count == 1 => None,
        (true, _) => Some(format!("{count} platform admins")),
        (false, true) => Some(format!("{count} of distinct groups: {by}")),
        (false, false) => Some(format!("{count} of {by}")),
    }
}
