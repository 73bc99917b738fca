//! Checks that the attempts and the items of a definition fit into the history of one execution.

use super::{model::Definition, reader::Reader};
use crate::compile::{MAX_EVENTS, event_limit_of, item_limits_of};

impl Reader<'_> {
    /// Reports a definition whose attempts, those of polls included, can fill the history. It ends
    /// at its limit, without a rollback in the same state machine.
    pub(super) fn attempts_in_history(&mut self, definition: &Definition) {
        let limit = event_limit_of(definition);
        let actions = definition.action_steps();
        let most = actions
            .iter()
            .max_by_key(|(_, action, _)| action.retry.max_attempts);
        let Some((step, action, _)) = most.filter(|_| limit.events > limit.most) else {
            return;
        };
        let Some(at) = self.names.get(&step.name).map(|declared| declared.at) else {
            return;
        };
        let message = format!(
            "all attempts together can add {} events to the history of one execution, at most {} \
             fit: it ends at {MAX_EVENTS}, and the rest is for pauses and questions",
            limit.events, limit.most
        );
        let help = format!(
            "an attempt adds 3 events, and `{}` may have {}: allow fewer attempts, poll less often, \
             or start another workflow for a part of the steps",
            step.name, action.retry.max_attempts
        );
        self.problem(at, message, help);
    }

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
