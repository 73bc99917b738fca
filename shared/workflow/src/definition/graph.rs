//! Draws a definition as a Mermaid flowchart: what runs after what, side by side, or once per item.

use std::fmt::Write as _;

use super::{
    duration::show_seconds,
    model::{Definition, OnFailure, Step, StepKind, Wait},
};
use holdfast_expression::expression_in;

/// The flowchart's text. Irreversible steps have a thick frame, approvals are diamonds; `when` and `on_failure` are said.
pub fn graph(definition: &Definition) -> String {
    let mut chart = Chart {
        text: "flowchart TD\n".to_owned(),
        indent: 1,
    };
    let started = definition
        .triggers
        .iter()
        .map(|trigger| trigger.name.as_str());
    let doors: Vec<&str> = std::iter::once("API").chain(started).collect();
    chart.line(&format!(
        "begin([\"{} version {}<br/>started by {}\"])",
        definition.workflow,
        definition.version,
        doors.join(", ")
    ));
    let last = chart.row("begin".to_owned(), &definition.steps);
    chart.line(&format!("{last} --> finish([\"receipt\"])"));
    chart.line("classDef irreversible stroke-width:4px");
    chart.text
}

struct Chart {
    text: String,
    indent: usize,
}

impl Chart {
    fn line(&mut self, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{}{text}", "  ".repeat(self.indent));
    }

    /// Steps in a row after the node `before`; the last node's id comes back.
    fn row(&mut self, mut before: String, steps: &[Step]) -> String {
        for step in steps {
            let id = self.step(step);
            if !before.is_empty() {
                self.line(&format!("{before} --> {id}"));
            }
            before = id;
        }
        before
    }

    fn step(&mut self, step: &Step) -> String {
        // `end` and other words of Mermaid's cannot name a node.
        let id = format!("step_{}", step.name);
        match &step.kind {
            StepKind::Action(action) => {
                let when = action.when.as_deref().map_or_else(String::new, |when| {
                    format!("<br/>when {}", escape(expression_in(when).unwrap_or(when)))
                });
                let class = if action.rollback.is_none() {
                    ":::irreversible"
                } else {
                    ""
                };
                let failure = match action.on_failure {
                    OnFailure::Rollback => String::new(),
                    OnFailure::Continue => "<br/>goes on if it fails".to_owned(),
                    OnFailure::Escalate { within_s } => {
                        format!("<br/>asks within {} if it fails", show_seconds(within_s))
                    }
                };
                self.line(&format!(
                    "{id}[\"{}<br/>{}{when}{failure}\"]{class}",
                    step.name,
                    escape(&action.action)
                ));
            }
            StepKind::Wait(wait) => {
                let until = match wait {
                    Wait::Seconds(seconds) => format!("wait {}", show_seconds(*seconds)),
                    Wait::Until(until) => {
                        format!(
                            "wait until {}",
                            escape(expression_in(until).unwrap_or(until))
                        )
                    }
                };
                self.line(&format!("{id}{{{{\"{}<br/>{until}\"}}}}", step.name));
            }
            StepKind::Approve(approve) => {
                let message = expression_in(&approve.message).unwrap_or(&approve.message);
                self.line(&format!(
                    "{id}{{\"{}<br/>approve within {}<br/>{}\"}}",
                    step.name,
                    show_seconds(approve.within_s),
                    escape(message)
                ));
            }
            StepKind::Parallel(branches) => {
                self.subgraph(&id, &format!("{}: in parallel", step.name), |chart| {
                    for branch in branches {
                        chart.row(String::new(), &branch.steps);
                    }
                });
            }
            StepKind::ForEach(each) => {
                let items = escape(expression_in(&each.items).unwrap_or(&each.items));
                let title = format!(
                    "{}: for each of {items}, {} at once",
                    step.name, each.max_concurrency
                );
                self.subgraph(&id, &title, |chart| {
                    chart.row(String::new(), &each.steps);
                });
            }
        }
        id
    }

    fn subgraph(&mut self, id: &str, title: &str, inside: impl FnOnce(&mut Self)) {
        self.line(&format!("subgraph {id} [\"{title}\"]"));
        self.indent += 1;
        inside(self);
        self.indent -= 1;
        self.line("end");
    }
}

/// Text inside a label's quotes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('#', "&num;")
}
