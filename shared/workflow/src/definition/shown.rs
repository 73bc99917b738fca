//! Reads the fields that people see of an execution: its subject, and what its receipts show.

use super::{reader::Reader, rules::scope, text::Expression, tree::Node};
use holdfast_expression::{Read, reads};
use holdfast_ids::names::is_hidden;

/// Most fields that a receipt shows beside the subject.
pub(super) const MAX_FIELDS: usize = 10;
/// Longest label of such a field, in characters.
pub(super) const MAX_LABEL: usize = 40;

impl Reader<'_> {
    /// Reads `subject`.
    pub(super) fn subject(&mut self, node: &Node) -> Expression {
        self.shown(node, "subject")
    }

    /// Reads `receipt`.
    pub(super) fn receipt(&mut self, node: &Node) -> Vec<(String, Expression)> {
        let fields = self.fields(node, "receipt", &["show"]);
        let example = "show: { order: \"{% $input.order_id %}\" }";
        let show = self.required(&fields, "show", example);
        show.map_or_else(Vec::new, |node| self.show(node))
    }

    fn show(&mut self, node: &Node) -> Vec<(String, Expression)> {
        let fields = self.any_fields(node, "receipt.show");
        if fields.is_map && fields.entries.is_empty() {
            let help = "name what its receipts show, or leave `receipt` out";
            self.problem(node.at, "a receipt that shows nothing", help);
        }
        if let Some((key, _)) = fields.entries.get(MAX_FIELDS) {
            let message = format!("more than {MAX_FIELDS} fields in receipt.show");
            self.problem(key.at, message, "show what people know the case by");
        }
        let mut show = Vec::new();
        for (key, value) in fields.entries {
            let label = &key.name;
            if !is_label(label) {
                let help =
                    format!("1 to {MAX_LABEL} visible characters without spaces around: order");
                self.problem(key.at, format!("`{label}` cannot be a label"), help);
            }
            let value = self.shown(value, &format!("receipt.show.{label}"));
            show.push((label.clone(), value));
        }
        show
    }

    /// Reads an expression whose value people see. To read the whole input is allowed and probably
    /// not meant, since every receipt keeps what it shows.
    fn shown(&mut self, node: &Node, what: &str) -> Expression {
        let expression = self.expression(node, what, &scope("a field that people see"));
        let reads = reads(expression.jsonata()).unwrap_or_default();
        let whole = |read: &Read| read.variable == "input" && read.path.is_empty();
        if reads.iter().any(whole) {
            let help = "name the field, such as $input.order_id: every receipt keeps what it shows";
            self.warning(node.at, format!("{what} reads the whole input"), help);
        }
        expression
    }
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.chars().count())
        && label.trim() == label
        && !label.contains("{%")
        && !label.chars().any(is_hidden)
}
