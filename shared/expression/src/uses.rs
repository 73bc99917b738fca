//! The names that a JSONata expression takes from outside: free variables, functions and fields.

use jsonata_core::{
    ast::{AstNode, BinaryOp, PathStep, Stage},
    parser,
};

use crate::{
    bounds, clock,
    names::{Read, Use},
};

/// Returns the names that `expression` uses, in order and without repetitions. The error is the
/// parser's.
pub fn uses(expression: &str) -> Result<Vec<Use>, String> {
    let ast = parser::parse(expression).map_err(|error| error.to_string())?;
    Ok(Walk::through(&ast).found)
}

/// Returns the reads of free variables in `expression`, in order. The error is the parser's.
pub fn reads(expression: &str) -> Result<Vec<Read>, String> {
    let ast = parser::parse(expression).map_err(|error| error.to_string())?;
    Ok(Walk::through(&ast).reads)
}

/// Returns the read that is all of `expression`, if it is `$name` or a path of fields below it. The
/// error is the parser's.
pub fn plain_read(expression: &str) -> Result<Option<Read>, String> {
    let ast = parser::parse(expression).map_err(|error| error.to_string())?;
    let names = match &ast {
        AstNode::Variable(_) => true,
        AstNode::Path { steps } => steps.iter().enumerate().all(|(n, step)| {
            let name = match &step.node {
                AstNode::Variable(_) => n == 0,
                AstNode::Name(_) => n > 0,
                _ => false,
            };
            let binds = step.focus.is_some() || step.index_var.is_some();
            name && !binds && step.stages.is_empty()
        }),
        _ => false,
    };
    let read = Walk::through(&ast).reads.pop();
    Ok(read.filter(|_| names))
}

/// Returns the reads of free variables in one part of an expression.
pub(crate) fn reads_in(node: &AstNode) -> Vec<Read> {
    Walk::through(node).reads
}

/// A walk over the syntax tree of an expression, and its findings.
pub(crate) struct Walk {
    /// The names bound by `:=`, lambda parameters, `@$` and `#$`, innermost last, each with its
    /// number of reads.
    bound: Vec<(String, u64)>,
    pub(crate) found: Vec<Use>,
    reads: Vec<Read>,
    /// The patterns of its regexes, each with its flags.
    pub(crate) patterns: Vec<(String, String)>,
    /// The factor by which names that are read repeatedly can enlarge a value.
    pub(crate) growth: u64,
    /// The reason why the expression is unbounded, if it is.
    pub(crate) endless: Option<String>,
    /// True if `%` or `@` reads a value from elsewhere than where it is written.
    strays: bool,
}

impl Walk {
    pub(crate) fn through(ast: &AstNode) -> Self {
        let mut walk = Self::new();
        walk.node(ast, false);
        walk.close(0);
        if walk.strays {
            walk.reads.iter_mut().for_each(|read| read.depth = 0);
        }
        walk
    }

    fn new() -> Self {
        Self {
            bound: Vec::new(),
            found: Vec::new(),
            reads: Vec::new(),
            patterns: Vec::new(),
            growth: 1,
            endless: None,
            strays: false,
        }
    }

    /// Ends the scope of every name after the first `outer`.
    fn close(&mut self, outer: usize) {
        for (_, read) in self.bound.drain(outer..) {
            self.growth = self.growth.saturating_mul(read.max(1));
        }
    }

    /// Counts the reads of `name` in `node`.
    pub(crate) fn count_reads(node: &AstNode, name: &str) -> u64 {
        let mut walk = Self::new();
        walk.bound.push(unread(name.to_owned()));
        walk.node(node, false);
        walk.bound[0].1
    }

    pub(crate) fn is_bound(&self, name: &str) -> bool {
        self.bound.iter().any(|(bound, _)| bound == name)
    }

    fn found(&mut self, found: Use) {
        if !self.found.contains(&found) {
            self.found.push(found);
        }
    }

    fn nodes<'a>(&mut self, nodes: impl IntoIterator<Item = &'a AstNode>, context: bool) {
        nodes.into_iter().for_each(|node| self.node(node, context));
    }

    fn pairs(&mut self, pairs: &[(AstNode, AstNode)], context: bool) {
        pairs
            .iter()
            .for_each(|(key, value)| self.nodes([key, value], context));
    }

    fn variable(&mut self, name: &str, path: &[&str], depth: usize, context: bool) {
        let bound = self.bound.iter_mut().rev().find(|(bound, _)| bound == name);
        if name.is_empty() {
            if !context {
                self.found(Use::Context("$"));
            }
        } else if let Some((_, read)) = bound {
            *read += 1;
        } else {
            let field = path.first().map(|&field| field.to_owned());
            self.found(Use::Variable(name.to_owned(), field));
            self.reads.push(Read {
                variable: name.to_owned(),
                path: path.iter().map(|&field| field.to_owned()).collect(),
                depth: depth.min(path.len()),
            });
        }
    }

    /// Walks over one node. With `context`, bare fields and `$` have a current value to be read
    /// from.
    fn node(&mut self, node: &AstNode, context: bool) {
        if let (None, Some(why)) = (&self.endless, bounds::endless(node, self)) {
            self.endless = Some(why);
        }
        if let Some(why) = clock::read_by(node) {
            self.found(Use::Clock(why));
        }
        match node {
            AstNode::Variable(name) => self.variable(name, &[], 0, context),
            AstNode::ParentVariable(_) => self.found(Use::Context("$$")),
            AstNode::Name(name) if !context => self.found(Use::BareField(name.clone())),
            AstNode::Path { steps } => self.path(steps, context),
            AstNode::Binary {
                op: BinaryOp::ColonEqual,
                lhs,
                rhs,
            } => {
                // The name is bound first, so that a function that calls itself is seen.
                self.bind(lhs);
                self.node(rhs, context);
            }
            AstNode::Binary {
                op: BinaryOp::FocusBind | BinaryOp::IndexBind,
                lhs,
                rhs,
            } => {
                self.strays = true;
                self.node(lhs, context);
                self.bind(rhs);
            }
            AstNode::Binary { op, lhs, rhs } => {
                match op {
                    BinaryOp::Coalesce => self.found(Use::NewerOperator("??")),
                    BinaryOp::Default => self.found(Use::NewerOperator("?:")),
                    _ => {}
                }
                self.nodes([&**lhs, &**rhs], context);
            }
            AstNode::Unary { operand, .. } => self.node(operand, context),
            AstNode::Function {
                name,
                args,
                is_builtin,
            } => {
                if !is_builtin {
                    self.found(Use::BareFunction(name.clone()));
                } else if !self.is_bound(name) {
                    self.found(Use::Function(name.clone()));
                }
                self.nodes(args, context);
            }
            AstNode::Call { procedure, args } => {
                self.node(procedure, context);
                self.nodes(args, context);
            }
            AstNode::Lambda { params, body, .. } => {
                self.scoped(|walk| {
                    walk.bound.extend(params.iter().cloned().map(unread));
                    walk.node(body, context);
                });
            }
            AstNode::Block(nodes) => self.scoped(|walk| walk.nodes(nodes, context)),
            AstNode::Array(nodes) | AstNode::ArrayGroup(nodes) => self.nodes(nodes, context),
            AstNode::Object(pairs) => self.pairs(pairs, context),
            AstNode::ObjectTransform { input, pattern } => {
                self.node(input, context);
                self.pairs(pattern, true);
            }
            AstNode::Conditional {
                condition,
                then_branch,
                else_branch,
            } => {
                self.nodes([&**condition, &**then_branch], context);
                self.nodes(else_branch.as_deref(), context);
            }
            AstNode::FunctionApplication(inner) => self.node(inner, context),
            AstNode::Sort { input, terms } => {
                self.node(input, context);
                self.nodes(terms.iter().map(|(term, _)| term), true);
            }
            AstNode::Transform {
                location,
                update,
                delete,
            } => {
                self.nodes([&**location, &**update], true);
                self.nodes(delete.as_deref(), true);
            }
            AstNode::Regex { pattern, flags } => {
                self.patterns.push((pattern.clone(), flags.clone()));
            }
            AstNode::Wildcard | AstNode::Descendant if !context => self.found(Use::Context("*")),
            AstNode::Name(_)
            | AstNode::String(_)
            | AstNode::Number(_)
            | AstNode::Boolean(_)
            | AstNode::Null
            | AstNode::Undefined
            | AstNode::Placeholder
            | AstNode::Wildcard
            | AstNode::Descendant => {}
            AstNode::Parent(_) => self.strays = true,
        }
    }

    fn path(&mut self, steps: &[PathStep], context: bool) {
        for (n, step) in steps.iter().enumerate() {
            let context = context || n > 0;
            match &step.node {
                AstNode::Variable(name) => {
                    let fields = steps[n + 1..].iter().map_while(|next| match &next.node {
                        AstNode::Name(field) => Some(field.as_str()),
                        _ => None,
                    });
                    // The first step with a filter is the last that is read alone.
                    let plain = |step: &&PathStep| step.stages.is_empty();
                    let depth = steps[n..].iter().take_while(plain).count();
                    self.variable(name, &fields.collect::<Vec<_>>(), depth, context);
                }
                node => self.node(node, context),
            }
            self.strays |= step.focus.is_some();
            let names = step.focus.iter().chain(&step.index_var);
            self.bound.extend(names.cloned().map(unread));
            for stage in &step.stages {
                match stage {
                    Stage::Filter(filter) => self.node(filter, true),
                    Stage::Index(name) => self.bound.push(unread(name.clone())),
                    Stage::KeepArray => {}
                }
            }
        }
    }

    fn bind(&mut self, target: &AstNode) {
        if let AstNode::Variable(name) = target {
            self.bound.push(unread(name.clone()));
        }
    }

    fn scoped(&mut self, inside: impl FnOnce(&mut Self)) {
        let outer = self.bound.len();
        inside(self);
        self.close(outer);
    }
}

/// A bound name without reads.
fn unread(name: String) -> (String, u64) {
    (name, 0)
}

#[cfg(test)]
mod tests;
