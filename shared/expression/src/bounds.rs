//! The bounds of expressions that our functions evaluate: each must end and not multiply its input.
//!
//! The evaluation also limits time, depth and sequences. An expression that is refused here would
//! fill the memory before such a limit applies.

use jsonata_core::ast::{AstNode, BinaryOp};

use super::uses::Walk;

/// The functions that call a function for each item.
const EACH: [&str; 7] = ["map", "filter", "reduce", "sort", "single", "sift", "each"];
/// Largest factor by which names that are read repeatedly may enlarge a value.
const MAX_GROWTH: u64 = 1_000;
/// Longest padding, in characters.
const MAX_PAD: f64 = 1_000.0;
/// Longest text that is inserted at many places of a value, in bytes.
const MAX_LITERAL: usize = 1_000;

/// Checks that `ast` ends and stays within bounds. The error names the fix.
pub fn bounded(ast: &AstNode) -> Result<(), String> {
    let walk = Walk::through(ast);
    match walk.endless {
        Some(why) => Err(why),
        None if walk.growth > MAX_GROWTH => Err(format!(
            "its names, read repeatedly, can make a value {} times as large; at most {MAX_GROWTH}: read each less often",
            walk.growth
        )),
        None => Ok(()),
    }
}

/// Returns the reason why the evaluation of `node` may not end or may multiply its input, if there
/// is one. A function may occur only where it is called once for each item and cannot call itself.
/// A text or width that one call can multiply must be a literal.
pub(crate) fn endless(node: &AstNode, walk: &Walk) -> Option<String> {
    match node {
        AstNode::Function { name, args, .. } => of_function(name, args, walk),
        AstNode::Call { .. } => {
            Some("it calls what it has made; call JSONata's functions by name".to_owned())
        }
        AstNode::Placeholder => {
            Some("`?` makes a function of its own; write the call out".to_owned())
        }
        AstNode::Binary {
            op: BinaryOp::ColonEqual,
            rhs,
            ..
        } if is_function(rhs) => Some(own()),
        AstNode::Binary {
            op: BinaryOp::ChainPipe,
            rhs,
            ..
        } => match &**rhs {
            AstNode::Function { .. } | AstNode::Transform { .. } => None,
            AstNode::Variable(name) if !walk.is_bound(name) => None,
            _ => Some(own()),
        },
        // In the place of a value, a function could be passed on and called elsewhere.
        AstNode::Array(values) | AstNode::ArrayGroup(values) | AstNode::Block(values) => {
            values.iter().any(is_function).then(own)
        }
        AstNode::Object(pairs) => pairs.iter().any(|(_, value)| is_function(value)).then(own),
        AstNode::Lambda { body, .. } => is_function(body).then(own),
        AstNode::Conditional {
            then_branch,
            else_branch,
            ..
        } => {
            (is_function(then_branch) || else_branch.as_deref().is_some_and(is_function)).then(own)
        }
        _ => None,
    }
}

fn own() -> String {
    format!(
        "a function of its own is allowed only inside ${}, where it is called once for each item",
        EACH.join(", $")
    )
}

fn is_function(node: &AstNode) -> bool {
    matches!(node, AstNode::Lambda { .. })
}

fn of_function(name: &str, args: &[AstNode], walk: &Walk) -> Option<String> {
    if walk.is_bound(name) {
        return Some(own());
    }
    let literal = |place: usize| match args.get(place) {
        None => None,
        Some(AstNode::String(text)) if text.len() <= MAX_LITERAL => None,
        Some(AstNode::String(_)) => Some(format!(
            "${name} inserts its text many times over: at most {MAX_LITERAL} bytes"
        )),
        Some(_) => Some(format!(
            "${name} needs its text written out, not taken from a value"
        )),
    };
    let each = EACH.contains(&name);
    let misplaced = args
        .iter()
        .enumerate()
        .any(|(place, argument)| match argument {
            AstNode::Lambda { .. } => !(each && place == 1 || name == "replace" && place == 2),
            AstNode::Variable(variable) => each && place == 1 && walk.is_bound(variable),
            AstNode::Function { .. } | AstNode::Path { .. } => false,
            _ => each && place == 1,
        });
    if misplaced {
        return Some(own());
    }
    match name {
        "pad" => match args.get(1) {
            Some(AstNode::Number(width)) if width.abs() <= MAX_PAD => None,
            Some(AstNode::Unary { operand, .. }) if matches!(**operand, AstNode::Number(width) if width <= MAX_PAD) => None,
            _ => Some(format!("$pad needs its width written out, at most {MAX_PAD}")),
        },
        "join" => literal(1),
        "replace" if !args.get(2).is_some_and(is_function) => literal(2),
        "reduce" => args.get(1).and_then(doubles).map(|read| {
            format!("$reduce reads ${read} more than once, so that it can double with each item; use it once, or $sum, $max, $count")
        }),
        "eval" => Some("$eval runs text that was not checked; write the expression itself".to_owned()),
        _ => None,
    }
}

/// Returns the accumulator of a function for `$reduce`, if the function reads it more than once.
fn doubles(function: &AstNode) -> Option<&str> {
    let AstNode::Lambda { params, body, .. } = function else {
        return None;
    };
    let accumulator = params.first()?;
    (Walk::count_reads(body, accumulator) > 1).then_some(accumulator)
}

#[cfg(test)]
mod tests {
    use jsonata_core::parser::parse;

    use super::*;

    fn checked(expression: &str) -> Result<(), String> {
        bounded(&parse(expression).expect(expression))
    }

    #[test]
    fn usual_guardrails_are_bounded() {
        for expression in [
            "$input.hold_days <= 30",
            "$sum($input.payments.amount) < 100000 and $count($input.payments) <= 50",
            "$not($exists($input.vendors[status = 'closed']))",
            "($v := $input.vendors; $count($v) > 0 and $sum($v.amount) < 10 and $max($v.amount) < 5)",
            "$count($filter($input.vendors, function($v) { $v.amount > 10 and $v.region = 'EU' })) = 0",
            "$reduce($input.amounts, function($sum, $n) { $sum + $n }, 0) < 7",
            "$input.days in [1..30]",
            "$join($map($input.ids, $uppercase), '-')",
            "$event.detail.vendor ~> $uppercase() ~> $trim",
            "$replace($input.id, /[^a-z]/, '-')",
            "$pad($input.n, -8, '0')",
            "$input.vendors@$v#$i.{ 'n': $i, 'v': $v }",
            "$sort($input.vendors, function($a, $b) { $a.amount > $b.amount })[0].id",
            "$input ~> |vendors|{ 'seen': true }|",
        ] {
            assert_eq!(checked(expression), Ok(()), "{expression}");
        }
    }

    #[test]
    fn a_function_that_can_call_itself_is_refused() {
        for expression in [
            "($f := function($n) { $f($n) }; $f(1))",
            "($f := function($n) { $n }; $f(1))",
            "(function($f) { $f($f) })(function($f) { $f($f) })",
            "($f := $append(function($x) { $map([1], $f) }, []); $map([1], $f))",
            "($f := [function($x) { $map([1], $f) }]; $map([1], $f))",
            "($f := ($uppercase ~> function($x) { $map([1], $f) }); $map([1], $f))",
            "($f := $map(?, function($x) { [1] ~> $f }); [1] ~> $f)",
            "($f := true ? function($x) { $f(1) } : 1; $f(1))",
            "$map([1], function($x) { function($y) { $y } })",
            "($o := { 'f': function($x) { $x } }; $o.f(1))",
            "$eval('[1..10]')",
        ] {
            checked(expression).expect_err(expression);
        }
    }

    #[test]
    fn an_expression_that_multiplies_its_input_is_refused() {
        let chain = |step: fn(u32) -> String| {
            let steps: String = (0..40).map(step).collect();
            format!("($v0 := $input.a; {steps}$v40)")
        };
        let texts = chain(|n| format!("$v{} := $v{n} & $v{n}; ", n + 1));
        let lists = chain(|n| format!("$v{} := [$v{n}, $v{n}]; ", n + 1));
        let nested = (1..12).fold("1".to_owned(), |inner, n| {
            let outer = n + 1;
            format!(
                "$map([$string($a{outer}) & $string($a{outer})], function($a{n}) {{ {inner} }})"
            )
        });
        let long = |length| format!("$replace($input.a, 'a', '{}')", "x".repeat(length));
        assert_eq!(checked(&long(MAX_LITERAL)), Ok(()));
        for expression in [
            texts.as_str(),
            &lists,
            &nested,
            "$reduce($input.a, function($a, $b) { $a & $a }, 'x')",
            "$pad('x', 1e12)",
            "$pad('x', $input.n)",
            "$join($input.a, $input.b)",
            "$replace($input.a, /./, $input.b)",
            &long(MAX_LITERAL + 1),
        ] {
            checked(expression).expect_err(expression);
        }
    }
}
