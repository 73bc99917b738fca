//! Generates expressions over the inputs of attacks, and patterns of their schemas.

use proptest::prelude::*;

/// Functions that take a text.
const OF_TEXTS: [&str; 14] = [
    "uppercase",
    "lowercase",
    "trim",
    "length",
    "base64encode",
    "base64decode",
    "encodeUrl",
    "encodeUrlComponent",
    "decodeUrl",
    "decodeUrlComponent",
    "number",
    "string",
    "toMillis",
    "boolean",
];
/// Functions that take two texts.
const OF_TWO: [&str; 4] = ["contains", "split", "substringBefore", "substringAfter"];
/// Functions that take a list or an object.
const OF_LISTS: [&str; 14] = [
    "count", "sum", "max", "average", "distinct", "reverse", "sort", "shuffle", "merge", "keys",
    "spread", "string", "join", "type",
];
/// Functions that call a function for each item.
const EACH: [&str; 5] = ["map", "filter", "single", "sift", "each"];
const REGEXES: [&str; 8] = [
    "/a/",
    "/(a+)+b/",
    "/(?:a|aa)*b/",
    "/[^a]/",
    "/a{1,99}b/",
    "/.*.*b/",
    "/(a)|b/i",
    "/^a*?/",
];
const PICTURES: [&str; 6] = [
    "'#,##0.00'",
    "'[Y0001]-[M01]-[D01]'",
    "'w'",
    "'I'",
    "'0'",
    "'[Y][[D]'",
];
const LEAVES: [&str; 12] = [
    "$input.t",
    "$input.p",
    "$input.n",
    "$input.o",
    "$input",
    "$input.**",
    "$input.n[0]",
    "1",
    "'a'",
    "[1..9999]",
    "-1",
    "null",
];
const OPERATORS: [&str; 13] = [
    "&", "+", "-", "*", "/", "%", "=", "!=", "<", "<=", "in", "and", "or",
];

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(words)
}

pub(crate) fn expressions() -> impl Strategy<Value = String> {
    one_of(&LEAVES)
        .prop_map(str::to_owned)
        .prop_recursive(4, 24, 3, |inner| {
            let (a, b, c) = (inner.clone(), inner.clone(), inner);
            let two = (a.clone(), b.clone());
            prop_oneof![
                (one_of(&OF_TEXTS), a.clone()).prop_map(|(f, x)| format!("${f}({x})")),
                (one_of(&OF_LISTS), a.clone()).prop_map(|(f, x)| format!("${f}({x})")),
                (one_of(&OF_TWO), a.clone(), b.clone())
                    .prop_map(|(f, x, y)| format!("${f}({x}, {y})")),
                (one_of(&OF_TWO), a.clone(), one_of(&REGEXES))
                    .prop_map(|(f, x, regex)| format!("${f}({x}, {regex})")),
                (a.clone(), one_of(&REGEXES))
                    .prop_map(|(x, regex)| format!("$match({x}, {regex})")),
                (a.clone(), one_of(&REGEXES))
                    .prop_map(|(x, regex)| format!("$replace({x}, {regex}, 'bb')")),
                (a.clone(), b.clone()).prop_map(|(x, y)| format!("$replace({x}, {y}, 'bb')")),
                (
                    one_of(&[
                        "formatNumber",
                        "formatInteger",
                        "fromMillis",
                        "toMillis",
                        "parseInteger"
                    ]),
                    a.clone(),
                    one_of(&PICTURES)
                )
                    .prop_map(|(f, x, picture)| format!("${f}({x}, {picture})")),
                (
                    one_of(&["append", "zip", "lookup", "formatBase"]),
                    a.clone(),
                    b.clone()
                )
                    .prop_map(|(f, x, y)| format!("${f}({x}, {y})")),
                (one_of(&EACH), a.clone(), b.clone())
                    .prop_map(|(f, x, y)| format!("${f}({x}, function($v) {{ $v = {y} }})")),
                (one_of(&EACH), a.clone(), b.clone())
                    .prop_map(|(f, x, y)| format!("${f}({x}, function($v) {{ {y} }})")),
                (a.clone(), b.clone()).prop_map(|(x, y)| format!(
                    "$reduce({x}, function($sum, $v) {{ $sum & {y} }})"
                )),
                (one_of(&OPERATORS), two)
                    .prop_map(|(operator, (x, y))| format!("({x} {operator} {y})")),
                (a.clone(), b.clone()).prop_map(|(x, y)| format!("{x}[{y}]")),
                (a.clone(), b.clone()).prop_map(|(x, y)| format!("({x}).({y})")),
                (a.clone(), b.clone()).prop_map(|(x, y)| format!("({x})@$x.({y})@$y.[$x, $y]")),
                a.clone().prop_map(|x| format!("({x})^(>$)")),
                (a.clone(), b.clone()).prop_map(|(x, y)| format!("({x}){{ $string($): {y} }}")),
                (a.clone(), b.clone()).prop_map(|(x, y)| format!("[{x}, {y}]")),
                (a.clone(), b.clone()).prop_map(|(x, y)| format!("($v := {x}; [$v, {y}, $v])")),
                (a, b, c).prop_map(|(x, y, z)| format!("({x} ? {y} : {z})")),
            ]
        })
}

/// Generates patterns of a schema.
pub(crate) fn patterns() -> impl Strategy<Value = String> {
    let leaves = ["a", ".", "b", r"\w", r"\d", "[a-m]", "[^a]", "m", "ab"];
    let leaf = prop::sample::select(leaves.map(str::to_owned).to_vec());
    let bounds = one_of(&["*", "+", "?", "{1,9}", "{99}", "{0,999}", "{1,99}?", "*?"]);
    leaf.prop_recursive(5, 20, 3, move |inner| {
        let (a, b) = (inner.clone(), inner);
        prop_oneof![
            (a.clone(), bounds.clone()).prop_map(|(x, bound)| format!("(?:{x}){bound}")),
            (a.clone(), b.clone()).prop_map(|(x, y)| format!("{x}{y}")),
            (a.clone(), b.clone()).prop_map(|(x, y)| format!("(?:{x}|{y})")),
            (a, b).prop_map(|(x, y)| format!("^(?:{x})*{y}$")),
        ]
    })
}
