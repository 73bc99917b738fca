//! The end of a definition: what a ledger must show so that every step of an execution was reached.

use super::{
    model::{Choose, Definition, Step, StepKind},
    names::{CLOCKS, DICE},
    text::Expression,
};

/// The last steps and approvals: once all of them are done, every step was reached.
///
/// A wait at the end proves nothing and holds up no effect, so what precedes it is the end.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ends<'a> {
    /// The action steps. One inside a `for_each` is done once it is done for every item.
    pub steps: Vec<&'a str>,
    /// The approvals.
    pub approvals: Vec<&'a str>,
}

impl Definition {
    /// Returns the end; it is empty if no record can prove that every step was reached.
    pub fn ends(&self) -> Ends<'_> {
        of_row(&self.steps).unwrap_or_default()
    }
}

fn of_row(steps: &[Step]) -> Option<Ends<'_>> {
    let Some((last, earlier)) = steps.split_last() else {
        return Some(Ends::default());
    };
    let mut ends = Ends::default();
    match &last.kind {
        StepKind::Action(_) => ends.steps.push(&last.name),
        StepKind::Approve(_) => ends.approvals.push(&last.name),
        StepKind::Wait(_) | StepKind::Stop(_) => return of_row(earlier),
        StepKind::Choose(choose) => return of_choose(choose),
        StepKind::Parallel(branches) => {
            for branch in branches {
                let of_branch = of_row(&branch.steps)?;
                ends.steps.extend(of_branch.steps);
                ends.approvals.extend(of_branch.approvals);
            }
        }
        StepKind::ForEach(each) if is_repeatable(&each.items) => ends = of_row(&each.steps)?,
        StepKind::ForEach(_) => return None,
    }
    // Only waits: what precedes them is the end.
    if ends == Ends::default() {
        return of_row(earlier);
    }
    Some(ends)
}

/// Returns the last steps of every branch, of which one branch proves the end. A branch without
/// steps leaves no record, and the records of approvals name no branch, so that such a branch
/// proves nothing.
fn of_choose(choose: &Choose) -> Option<Ends<'_>> {
    let rows = choose.rows().filter_map(|(_, row)| of_row(row));
    let rows = rows.filter(|ends| ends.approvals.is_empty());
    let steps: Vec<&str> = rows.flat_map(|ends| ends.steps).collect();
    (!steps.is_empty()).then_some(Ends {
        steps,
        approvals: Vec::new(),
    })
}

/// Returns whether each evaluation yields the same list, so that its length can be recorded.
fn is_repeatable(items: &Expression) -> bool {
    let mut changing = CLOCKS.iter().chain(&DICE);
    !changing.any(|name| items.jsonata().contains(&format!("${name}")))
}
