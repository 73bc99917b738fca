//! The outline of a workflow in an answer.

use holdfast_asl::NodeKind;
use schemars::JsonSchema;
use serde::Serialize;

/// A state of a workflow, and the states that follow it on the same level.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OutlineNode {
    /// The state's name, which is that of the step.
    pub(crate) name: String,
    /// `begin`, `step`, `approval`, `wait`, `choice`, `parallel`, `for_each`, `end` or `other`.
    pub(crate) kind: &'static str,
    /// The action of a step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<String>,
    /// True if the effect of the step can be undone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) undo: bool,
    /// True if the workflow continues if the step fails without an effect.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) optional: bool,
    /// True if a failure of the step is put to people.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) escalates: bool,
    /// The groups that decide an approval.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) by: Vec<String>,
    /// The states that follow.
    pub(crate) next: Vec<OutlineArrow>,
    /// The levels inside: the branches of a parallel, or the one of a `for_each`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) inside: Vec<Vec<OutlineNode>>,
}

/// An arrow to the next state.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OutlineArrow {
    pub(crate) to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<&'static str>,
}

impl From<holdfast_asl::OutlineNode> for OutlineNode {
    fn from(node: holdfast_asl::OutlineNode) -> Self {
        let inside = node.inside.into_iter();
        Self {
            kind: match node.kind {
                NodeKind::Begin => "begin",
                NodeKind::Step => "step",
                NodeKind::Approval => "approval",
                NodeKind::Wait => "wait",
                NodeKind::Choice => "choice",
                NodeKind::Parallel => "parallel",
                NodeKind::ForEach => "for_each",
                NodeKind::End => "end",
                NodeKind::Other => "other",
            },
            name: node.name,
            action: node.action,
            undo: node.undo,
            optional: node.optional,
            escalates: node.escalates,
            by: node.by,
            next: node
                .next
                .into_iter()
                .map(|(to, label)| OutlineArrow { to, label })
                .collect(),
            inside: inside
                .map(|level| level.into_iter().map(Self::from).collect())
                .collect(),
        }
    }
}
