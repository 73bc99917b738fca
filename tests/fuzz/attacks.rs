//! Lists starts that are made to take long, or to fill the memory.

use holdfast_admission::INPUT_MAX_BYTES;
use serde_json::{Map, Value, json};

/// The part of a definition that an attack makes admission evaluate.
#[derive(Debug, Clone)]
pub(crate) enum AttackTarget {
    /// The assertion of a guardrail, over an input as large as admission accepts.
    Guardrail(String),
    /// The schema of `t`, `n` and `o` in the input.
    Schema(Value),
    /// The `input` of a trigger, over an event of the same size.
    Mapping(String),
}

/// Expressions over `$input`: `t` is a long text, `p` a part of it that is never found, `n` a long
/// list and `o` an object with many members.
const EXPRESSIONS: [&str; 62] = [
    "true",
    "$contains($input.t, /(a+)+b/)",
    "$contains($input.t, /(?:a|aa|a.)*b/)",
    "$contains($input.t, /a{1,1000}a{1,1000}b/)",
    "$match($input.t, /a/)",
    "$match($input.t, /((((((((a))))))))/)",
    "$count($match($input.t, /a*?/))",
    "$replace($input.t, /a/, 'bbbbbbbbbbbbbbbbbbbb')",
    "$replace($input.t, 'a', 'bbbbbbbbbbbbbbbbbbbb')",
    "$replace($input.t, 'a', function($m) { $m.match & $input.t })",
    "$replace($input.t, /a/, function($m) { $m.match & $input.t })",
    "$replace($input.t, $input.p, '')",
    "$split($input.t, '')",
    "$split($input.t, /a/)",
    "$split($input.t, $input.p)",
    "$join($split($input.t, ''), ',')",
    "$contains($input.t, $input.p)",
    "$substringBefore($input.t, $input.p)",
    "$substringAfter($input.t, $input.p)",
    "$input.p in $input.t",
    "$sort($input.n)",
    "$sort($input.n, function($a, $b) { $a > $b })",
    "$input.n^(>$)",
    "$distinct($input.n)",
    "$distinct($append($input.n, $input.n))",
    "$shuffle($input.n)",
    "$reverse($input.n)",
    "$sum($input.n)",
    "$string($input)",
    "$string($input, true)",
    "$input.n@$x.$input.n@$y.[$x, $y]",
    "$input.n@$x.$input.n@$y[$x = $y].[$x, $y]",
    "$filter($input.n, function($v) { $v in $input.n })",
    "$map($input.n, function($v) { $input.n })",
    "$map($input.n, function($v) { $string($input) })",
    "$reduce($input.n, function($sum, $v) { $sum & $v })",
    "$single($input.n, function($v) { $v = -1 })",
    "$sift($input.o, function($v) { $v = $input.n })",
    "$each($input.o, function($v, $k) { $k & $input.t })",
    "$keys($input.o)",
    "$keys($input.n)",
    "$spread($input.o)",
    "$merge($spread($input.o))",
    "$lookup($input.n, 'a')",
    "$input.**",
    "$count($input.**.**)",
    "$input.n{ $string($): $ }",
    "$input ~> |**|{ 'x': 1 }|",
    "$zip($input.n, $input.n, $input.n)",
    "[1..9999999]",
    "[1..100000].[1..100]",
    "$formatNumber($input.n[0], $input.t)",
    "$formatNumber(1, $input.p)",
    "$toMillis($input.t, $input.t)",
    "$toMillis($input.t, '[Y]' & $input.t)",
    "$fromMillis(0, $input.t)",
    "$formatInteger(1e15, 'I')",
    "$parseInteger($input.t, 'w')",
    "$uppercase($trim($input.t))",
    "$base64decode($base64encode($input.t))",
    "$decodeUrlComponent($encodeUrlComponent($input.t))",
    "$error($string($input) & $string($input))",
];

/// The kinds of inputs.
pub(crate) const INPUTS: [&str; 7] = [
    "text", "search", "pictures", "numbers", "lists", "objects", "members",
];

/// Returns the input of a kind, a little shorter than admission accepts.
pub(crate) fn input(kind: &str) -> Value {
    let room = INPUT_MAX_BYTES - 1_000;
    let list = |item: Value| vec![item.clone(); room / (item.to_string().len() + 1)];
    let of = |text: String, part: String| json!({ "t": text, "p": part, "n": [1e9], "o": {} });
    let with = |items: Vec<Value>| json!({ "t": "a", "p": "b", "n": items, "o": {} });
    match kind {
        "text" => of("a".repeat(room), String::new()),
        "search" => of("a".repeat(room / 2), "a".repeat(room / 3) + "b"),
        "pictures" => of("[Y]".repeat(room / 8), "#,".repeat(room / 8)),
        "numbers" => with((0..room / 6).map(|n| json!(n)).collect()),
        "lists" => with(list(json!([]))),
        "objects" => with(list(json!({ "a": 1 }))),
        _ => {
            let members = (0..room / 14).map(|n| (format!("m{n}"), json!(n)));
            json!({ "t": "a", "p": "b", "n": [1], "o": members.collect::<Map<_, _>>() })
        }
    }
}

/// Schemas whose check is made to take long.
fn schemas() -> Vec<Value> {
    let texts = [
        "(a+)+b",
        "^(?:a?){500}a{500}b",
        "a{1,1000}a{1,1000}b",
        "^(?:a|aa|aaa|.){1,900}b",
        r"^\w{1,900}\W",
        r"[\w.-]{1,200}@[\w.-]{1,200}",
        "(?:[a-m]|[n-z]|a.){1,99}{1,9}b",
    ];
    let patterns = texts.map(|text| json!({ "properties": { "t": { "pattern": text } } }));
    let formats = [
        "regex",
        "uri",
        "iri",
        "email",
        "idn-email",
        "hostname",
        "date-time",
        "duration",
        "json-pointer",
        "uri-template",
        "ipv6",
        "uuid",
    ];
    let formats = formats.map(|format| json!({ "properties": { "t": { "format": format } } }));
    // Each level checks the next one twice.
    let levels: Map<String, Value> = (0..24)
        .map(|n| {
            let next = json!({ "$ref": format!("#/$defs/d{}", n + 1) });
            (format!("d{n}"), json!({ "allOf": [next, next] }))
        })
        .chain([("d24".to_owned(), json!({ "type": "object" }))])
        .collect();
    let mut schemas = vec![
        json!({ "properties": { "n": { "uniqueItems": true } } }),
        json!({ "properties": { "n": { "contains": { "const": "x" }, "minContains": 9 } } }),
        json!({ "properties": { "o": { "propertyNames": { "pattern": "^(?:m?){99}x" } } } }),
        json!({ "properties": { "o": { "patternProperties": { "^(?:m?){99}": { "type": "string" } } } } }),
        json!({ "properties": { "n": { "items": { "anyOf": [{ "const": 1 }, { "enum": [2, 3] }, { "type": "null" }] } } } }),
        json!({ "$defs": levels, "$ref": "#/$defs/d0" }),
    ];
    schemas.extend(patterns);
    schemas.extend(formats);
    schemas
}

/// Every target with every kind of input.
pub(crate) fn attacks() -> Vec<(String, AttackTarget, &'static str)> {
    let mut attacks = Vec::new();
    for target in targets() {
        for input in INPUTS {
            let what = match &target {
                AttackTarget::Guardrail(text) => format!("guardrail {text}"),
                AttackTarget::Mapping(text) => format!("mapping {text}"),
                AttackTarget::Schema(schema) => format!("schema {:.80}", schema.to_string()),
            };
            attacks.push((format!("{what} over {input}"), target.clone(), input));
        }
    }
    attacks
}

fn targets() -> Vec<AttackTarget> {
    let guardrails = EXPRESSIONS.map(|text| AttackTarget::Guardrail(text.to_owned()));
    let mappings =
        EXPRESSIONS.map(|text| AttackTarget::Mapping(text.replace("$input", "$event.detail")));
    let schemas = schemas().into_iter().map(AttackTarget::Schema);
    guardrails
        .into_iter()
        .chain(mappings)
        .chain(schemas)
        .collect()
}
