//! Warns where an expression has no value if an earlier step was skipped.

use super::{
    names::{FAILED_WITH_CODE, Sort},
    problem::Span,
    reader::Reader,
    scope::Scope,
};
use holdfast_expression::{is_absent_without, reads};

impl Reader<'_> {
    /// Warns about each step without which the expression has no value. The state that evaluates it
    /// would fail, and the execution would be rolled back.
    pub(super) fn check_skipped(&mut self, at: Span, expression: &str, scope: &Scope) {
        if !scope.in_machine || scope.optional {
            return;
        }
        let mut warnings = Vec::new();
        for declared in self.names.all() {
            let reason = match scope.branches.starts_with(&declared.branches) {
                true => declared.skippable,
                false => Some("its branch may not be taken"),
            };
            let Some(reason) = reason else { continue };
            let outer = declared
                .within
                .iter()
                .skip_while(|container| scope.within.contains(container));
            let path: Vec<&str> = outer.chain([&declared.name]).map(String::as_str).collect();
            let in_items = path.iter().any(|name| {
                let sort = self.names.get(name).map(|declared| declared.sort);
                matches!(sort, Some(Sort::ForEach(_)))
            });
            let visible = scope.visible.iter().any(|name| name == path[0]);
            let checked = scope
                .when
                .as_deref()
                .is_some_and(|when| reads_of(when, &path));
            if !in_items && visible && !checked && is_absent_without(expression, &path) {
                warnings.push((path.join("."), declared.name.clone(), reason));
            }
        }
        for (read, name, reason) in warnings {
            let at = at.narrow(self.source, &format!("${read}"));
            let (what, when) = match reason {
                FAILED_WITH_CODE => ("fails", format!("$not($exists(${read}.failed))")),
                _ => ("is skipped", format!("${read} != null")),
            };
            self.warning(
                at,
                format!("this fails if `{name}` {what}, and {reason}"),
                format!(
                    "give this step `when: \"{{% {when} %}}\"`, or check the field: \
                     `$exists(${read}.field) ? ${read}.field : 'none'`"
                ),
            );
        }
    }
}

/// Returns true if `expression` reads the value at `path`.
pub(super) fn reads_of(expression: &str, path: &[&str]) -> bool {
    let reads = reads(expression).unwrap_or_default();
    reads.iter().any(|read| {
        let whole = std::iter::once(&read.variable).chain(&read.path);
        whole
            .map(String::as_str)
            .take(path.len())
            .eq(path.iter().copied())
    })
}
