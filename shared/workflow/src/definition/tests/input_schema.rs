//! Tests of the input schema: a keyword, format or reference that holds nothing is refused.

use super::{problems, read};

fn with_input(input: &str) -> String {
    format!(
        "workflow: WF-A\nversion: 1\ninput: {{ type: object, {input} }}\nsteps: [{{ name: a, wait: 1s }}]\n"
    )
}

#[test]
fn an_unknown_keyword_is_refused_at_every_nesting_with_the_meant_one() {
    for (input, message, help) in [
        (
            "properites: { a: { type: string } }",
            "`properites` is no keyword",
            "did you mean `properties`?",
        ),
        (
            "additionalProperty: false",
            "`additionalProperty` is no keyword",
            "did you mean `additionalProperties`?",
        ),
        (
            "properties: { a: { typ: string } }",
            "`typ` is no keyword",
            "did you mean `type`?",
        ),
        (
            "properties: { a: { items: { minLenght: 1 } } }",
            "`minLenght` is no keyword",
            "did you mean `minLength`?",
        ),
        (
            "allOf: [{ not: { requird: [a] } }]",
            "`requird` is no keyword",
            "did you mean `required`?",
        ),
        (
            "$defs: { a: { if: { maxLegnth: 1 } } }",
            "`maxLegnth` is no keyword",
            "did you mean `maxLength`?",
        ),
        (
            "dependentSchemas: { a: { patern: x } }",
            "`patern` is no keyword",
            "did you mean `pattern`?",
        ),
        (
            "patternProperties: { a: { enums: [x] } }",
            "`enums` is no keyword",
            "did you mean `enum`?",
        ),
        (
            "definitions: { a: {} }",
            "`definitions` is no keyword",
            "write `$defs`",
        ),
        (
            "dependencies: { a: [b] }",
            "`dependencies` is no keyword",
            "dependentRequired",
        ),
        (
            "properties: { a: { nullable: true } }",
            "`nullable` is no keyword",
            "[string, \"null\"]",
        ),
        (
            "properties: { a: { $id: 'https://a.example' } }",
            "`$id` is no keyword",
            "leave it out",
        ),
        (
            "vendor_id: { type: string }",
            "`vendor_id` is no keyword",
            "goes into `properties`",
        ),
    ] {
        let drawn = problems(&with_input(input));
        let drawn = drawn.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(drawn.contains(message), "{input}: {drawn}");
        assert!(drawn.contains(help), "{input}: {drawn}");
        assert!(drawn.contains("test.yaml:3:"), "{input}: {drawn}");
    }
}

#[test]
fn an_unknown_format_a_reference_to_nowhere_and_a_field_that_cannot_be_are_refused() {
    for (input, message) in [
        (
            "properties: { a: { format: datetime } }",
            "there is no format `datetime`",
        ),
        (
            "properties: { a: { items: { format: int64 } } }",
            "there is no format `int64`",
        ),
        (
            "properties: { a: { $ref: '#/$defs/b' } }, $defs: { c: {} }",
            "`#/$defs/b` leads nowhere",
        ),
        ("properties: { a: { $ref: '#b' } }", "`#b` leads nowhere"),
        (
            "properties: { a: { $ref: 'b.json' } }",
            "`b.json` leads out of this schema",
        ),
        (
            "properties: { a: { $ref: '#/x-own' } }, x-own: { typ: string }",
            "`#/x-own` leads to no schema",
        ),
        (
            "properties: { a: { $ref: '#/properties' } }",
            "`#/properties` leads to no schema",
        ),
        (
            "properties: { a: { $ref: '#own' } }, x-own: { $anchor: own, typ: string }",
            "`#own` leads to no schema",
        ),
        (
            "allOf: [{ properties: { a: { $ref: '#' } } }, { properties: { a: { $ref: '#' } } }]",
            "schemas apply to one value of the input again, more than 100 times",
        ),
        ("$ref: '#'", "`#` leads back to itself"),
        (
            "$defs: { a: { $ref: '#/$defs/b' }, b: { allOf: [{ $ref: '#/$defs/a' }] } }",
            "leads back to itself",
        ),
        (
            "$schema: 'http://json-schema.org/draft-07/schema#'",
            "another version of JSON Schema",
        ),
        (
            "additionalProperties: false, properties: { a: {} }, required: [a, b]",
            "the required field `b` is not in `properties`",
        ),
    ] {
        let drawn = problems(&with_input(input));
        assert!(drawn.contains(message), "{input}: {drawn}");
    }
}

#[test]
fn a_schema_of_known_keywords_is_accepted() {
    for input in [
        "properties: { properites: { type: string } }",
        "x-owner: finance, properties: { a: { x-label: A } }",
        "default: { properites: 1 }, examples: [{ typ: 1 }], properties: { a: { const: { typ: 1 }, enum: [{ typ: 1 }] } }",
        "properties: { a: { $ref: '#/$defs/b' } }, $defs: { b: { type: string, format: date-time } }",
        "properties: { a: { $ref: '#b' } }, $defs: { c: { $anchor: b } }",
        "properties: { a: { $ref: '#' } }",
        "required: [a, b], properties: { a: {} }",
        "properties: { a: true }, additionalProperties: false, unevaluatedProperties: false",
        "$schema: 'https://json-schema.org/draft/2020-12/schema', title: T, $comment: c",
        "properties: { a: { type: array, prefixItems: [{ type: string }], items: false, contains: {}, minContains: 1, uniqueItems: true } }",
    ] {
        if let Err(found) = read(&with_input(input)) {
            panic!("{input}: {found:?}");
        }
    }
}
