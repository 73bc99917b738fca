//! Finds the calls of `$toMillis` whose value depends on the clock.
//!
//! With a picture that lacks the year, JSONata takes the missing parts from the current date
//! (jsonata 2.0.6, `parseDateTime`: "default the most significant unspecified parts to current
//! timestamp component").

use jsonata_core::ast::{AstNode, BinaryOp};

/// Returns the fix if `node` may read the clock by a picture.
pub(crate) fn read_by(node: &AstNode) -> Option<&'static str> {
    let picture = match node {
        AstNode::Function { name, args, .. } if name == "toMillis" => args.get(1)?,
        AstNode::Binary {
            op: BinaryOp::ChainPipe,
            rhs,
            ..
        } => match &**rhs {
            AstNode::Function { name, args, .. } if name == "toMillis" => args.first()?,
            _ => return None,
        },
        AstNode::Variable(name) if name == "toMillis" => {
            return Some("call it: `$toMillis($input.at)`");
        }
        _ => return None,
    };
    match picture {
        AstNode::String(picture) if has_year(picture) => None,
        AstNode::String(_) => Some(
            "without a year in its picture, `$toMillis` reads today's date: write `[Y0001]`, and the whole date in the text",
        ),
        _ => Some("write the picture of `$toMillis` out, with a year: `'[Y0001]-[M01]-[D01]'`"),
    }
}

/// Returns true if a picture has a marker of the year. `[[` is no marker.
fn has_year(picture: &str) -> bool {
    let plain = picture.replace("[[", "");
    let mut markers = plain.split('[').skip(1);
    markers.any(|marker| marker.trim_start().starts_with('Y'))
}

#[cfg(test)]
mod tests {
    use crate::{Use, uses};

    fn reads_the_clock(expression: &str) -> bool {
        let found = uses(expression).expect(expression);
        found.iter().any(|found| matches!(found, Use::Clock(_)))
    }

    #[test]
    fn a_picture_without_a_year_reads_the_clock() {
        for expression in [
            "$toMillis($input.at, '[H01]:[m01]')",
            "$toMillis($input.at, '[[Y]] [M01]-[D01]')",
            "$toMillis($input.at, $input.picture)",
            "$input.at ~> $toMillis('[M01]-[D01]')",
            "$map($input.all, $toMillis)",
            "$input.at ~> $toMillis",
        ] {
            assert!(reads_the_clock(expression), "{expression}");
        }
        for expression in [
            "$toMillis($input.at)",
            "$toMillis($input.at, '[D01].[M01].[ Y0001]')",
            "$input.at ~> $toMillis('[Y]-[M]-[D]')",
            "$fromMillis($input.n, '[H01]:[m01]')",
        ] {
            assert!(!reads_the_clock(expression), "{expression}");
        }
    }
}
