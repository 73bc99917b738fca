//! Reads the output of an execution: an expression for each member.

use std::collections::BTreeMap;

use super::{reader::Reader, scope::Scope, text::Expression, tree::Node};

/// Longest name of a member, in characters.
const MAX_NAME: usize = 60;

impl Reader<'_> {
    /// Reads the members of `output`. Each sees what the last step leaves.
    pub(super) fn output(&mut self, node: &Node, scope: &Scope) -> BTreeMap<String, Expression> {
        let scope = scope.optional();
        let fields = self.any_fields(node, "output");
        if fields.is_map && fields.entries.is_empty() {
            let help = "name what the execution yields, or leave `output` out";
            self.problem(node.at, "an output without members", help);
        }
        let mut output = BTreeMap::new();
        for (key, value) in fields.entries {
            if !is_name(&key.name) {
                let help = format!(
                    "letters, digits and _, not beginning with a digit, at most {MAX_NAME}: order_id"
                );
                let message = format!("`{}` cannot be a member of output", key.name);
                self.problem(key.at, message, help);
            }
            let what = format!("output.{}", key.name);
            output.insert(key.name.clone(), self.expression(value, &what, &scope));
        }
        output
    }
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.len() <= MAX_NAME
        && name.chars().all(plain)
        && name.starts_with(|c: char| !c.is_ascii_digit())
}
