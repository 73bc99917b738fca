//! Checks that the items that a definition declares fit into the history of one execution.

use super::{model::Definition, reader::Reader};
use crate::compile::{MAX_EVENTS, item_limits_of};

impl Reader<'_> {
    /// Reports each `for_each` whose declared items do not fit, or that has room for none.
    pub(super) fn history(&mut self, definition: &Definition) {
        for (name, limit) in item_limits_of(definition) {
            let most = limit.most;
            let Some(at) = self.names.get(&name).map(|declared| declared.at) else {
                continue;
            };
            let help = "declare fewer items (`maxItems` in the input's schema), allow each step fewer attempts, \
                        or start one execution for each part of the list";
            let history =
                format!("the history of one execution, which ends at {MAX_EVENTS} events");
            match limit.declared {
                Some(declared) if declared > most => {
                    let message = format!(
                        "`{name}` may have {declared} items, and at most {most} fit into {history}"
                    );
                    self.problem(at, message, help);
                }
                None if most == 0 => {
                    let message = format!("no item of `{name}` fits into {history}");
                    self.problem(at, message, help);
                }
                _ => {}
            }
        }
    }
}
