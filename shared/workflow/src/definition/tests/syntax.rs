//! Tests of mistakes in the YAML itself, and of ambiguous values.

use insta::assert_snapshot;

use super::{drawn, problems, read};

#[test]
fn an_empty_file_gets_a_hint_how_to_begin() {
    assert_snapshot!(problems(r#""#), @r#"
      × the file is empty
       ╭─[workflows/test.yaml:1:1]
       ╰────
      help: start from what `holdfast new NAME` writes
    "#);
}

#[test]
fn an_expression_without_quotes_gets_a_hint() {
    assert_snapshot!(problems(r#"workflow: {% $input.a %}
"#), @r#"
  × not YAML: unexpected character: `%'
   ╭─[workflows/test.yaml:1:12]
 1 │ workflow: {% $input.a %}
   ·            ─────────────
   ╰────
  help: write an expression in quotes: "{% $input.name %}"
"#);
}

#[test]
fn quotes_inside_quotes_get_a_hint() {
    assert_snapshot!(problems(r#"workflow: "{% $input["a"] %}"
"#), @r#"
  × not YAML: invalid trailing content after double-quoted scalar
   ╭─[workflows/test.yaml:1:23]
 1 │ workflow: "{% $input["a"] %}"
   ·                       ───────
   ╰────
  help: inside "…" write quotes as \", or put the whole in single quotes: '{% $input["name"] %}'
"#);
}

#[test]
fn a_tab_is_not_indentation() {
    assert_snapshot!(problems(r#"limits:
	timeout: 15m
"#), @r#"
  × not YAML: tabs disallowed within this context (block indentation)
   ╭─[workflows/test.yaml:2:2]
 2 │     timeout: 15m
   ·     ────────────
   ╰────
  help: indent with spaces: YAML does not allow tabs there
"#);
}

#[test]
fn a_missing_bracket_is_reported_at_the_end() {
    assert_snapshot!(problems(r#"tenants: [acme,
"#), @r#"
  × not YAML: while parsing a node, did not find expected node content
   ╭─[workflows/test.yaml:1:15]
 1 │ tenants: [acme,
   ·               ─
   ╰────
  help: check indentation, quotes and brackets on this line and the one before
"#);
}

#[test]
fn a_colon_in_plain_text_gets_a_hint() {
    assert_snapshot!(problems(r#"description: note: this
"#), @r#"
  × not YAML: mapping values are not allowed in this context
   ╭─[workflows/test.yaml:1:18]
 1 │ description: note: this
   ·                  ──────
   ╰────
  help: check the indentation, and quote a text that contains `: `
"#);
}

#[test]
fn an_alias_needs_its_anchor() {
    assert_snapshot!(problems(r#"tenants: *nobody
"#), @r#"
  × not YAML: while parsing node, found unknown anchor
   ╭─[workflows/test.yaml:1:10]
 1 │ tenants: *nobody
   ·          ───────
   ╰────
  help: check indentation, quotes and brackets on this line and the one before
"#);
}

#[test]
fn a_second_document_is_refused() {
    assert_snapshot!(problems(r#"workflow: WF-A
---
workflow: WF-B
"#), @r#"
  × a second document
   ╭─[workflows/test.yaml:2:1]
 2 │ ---
   · ───
   ╰────
  help: one file holds one workflow: make another file
"#);
}

#[test]
fn ambiguous_values_must_be_quoted() {
    assert_snapshot!(problems(r#"workflow: WF-A
version: 007
description: yes
input: { type: object, default: [0x10, .inf, 12345678901234567890, False], const: !!str 1 }
steps: [{ name: a, wait: 1s }]
"#), @r#"
  × `007` can be read in two ways
   ╭─[workflows/test.yaml:2:10]
 2 │ version: 007
   ·          ───
   ╰────
  help: write a number as JSON does, or "007" for the text

  × version is the text "007"
   ╭─[workflows/test.yaml:2:10]
 2 │ version: 007
   ·          ───
   ╰────
  help: a whole number from 1 to 4294967295 belongs here

  × `yes` can be read in two ways
   ╭─[workflows/test.yaml:3:14]
 3 │ description: yes
   ·              ───
   ╰────
  help: write true, or "yes" for the text

  × `0x10` can be read in two ways
   ╭─[workflows/test.yaml:4:34]
 4 │ input: { type: object, default: [0x10, .inf, 12345678901234567890, False], const: !!str 1 }
   ·                                  ────
   ╰────
  help: write a number as JSON does, or "0x10" for the text

  × `.inf` can be read in two ways
   ╭─[workflows/test.yaml:4:40]
 4 │ input: { type: object, default: [0x10, .inf, 12345678901234567890, False], const: !!str 1 }
   ·                                        ────
   ╰────
  help: JSON has no such number; quote it for the text: ".inf"

  × the number 12345678901234567890 is too large
   ╭─[workflows/test.yaml:4:46]
 4 │ input: { type: object, default: [0x10, .inf, 12345678901234567890, False], const: !!str 1 }
   ·                                              ────────────────────
   ╰────
  help: beyond ±(2^53 - 1) JSON readers round: carry it as a text, "12345678901234567890"

  × `False` can be read in two ways
   ╭─[workflows/test.yaml:4:68]
 4 │ input: { type: object, default: [0x10, .inf, 12345678901234567890, False], const: !!str 1 }
   ·                                                                    ─────
   ╰────
  help: write false, or "False" for the text

  × the tag `!!str`
   ╭─[workflows/test.yaml:4:83]
 4 │ input: { type: object, default: [0x10, .inf, 12345678901234567890, False], const: !!str 1 }
   ·                                                                                   ───────
   ╰────
  help: leave tags out; a quoted value is a text
"#);
}

#[test]
fn a_repeated_key_is_refused() {
    assert_snapshot!(problems(r#"workflow: WF-A
version: 1
version: 2
input: { type: object }
steps: [{ name: a, wait: 1s, wait: 2s }]
"#), @r#"
  × `version` appears twice in this mapping
   ╭─[workflows/test.yaml:3:1]
 3 │ version: 2
   · ───────
   ╰────
  help: the first is on line 2: keep one of them

  × `wait` appears twice in this mapping
   ╭─[workflows/test.yaml:5:30]
 5 │ steps: [{ name: a, wait: 1s, wait: 2s }]
   ·                              ────
   ╰────
  help: the first is on line 5: keep one of them
"#);
}

#[test]
fn merge_keys_are_refused() {
    assert_snapshot!(problems(r#"workflow: WF-A
version: 1
input: { type: object }
limits: &limits { timeout: 15m }
steps:
  - name: a
    action: vendor-hold
    input: { vendor_id: v, days: 1 }
    retry: { <<: *limits }
    rollback: {}
"#), @r#"
  × the merge key `<<`
   ╭─[workflows/test.yaml:9:14]
 9 │     retry: { <<: *limits }
   ·              ──
   ╰────
  help: YAML 1.2 has no merge keys: anchor the whole value, or repeat the fields
"#);
}

#[test]
fn a_file_that_is_too_costly_to_read_is_refused() {
    let nested = |levels: usize| {
        (0..levels)
            .map(|level| format!("{}a:\n", "  ".repeat(level)))
            .collect::<String>()
    };
    let laughs: String = (1..12)
        .map(|n| {
            format!(
                "a{n}: &a{n} [{}]\n",
                vec![format!("*a{}", n - 1); 9].join(", ")
            )
        })
        .collect();
    let chain: String = (1..100)
        .map(|n| format!("a{n}: &a{n} [*a{}]\n", n - 1))
        .collect();
    for (text, message) in [
        ("a: 1\n".repeat(2_000_000), "the file has 10000000 bytes"),
        (nested(200), "nested too deeply"),
        ("[".repeat(10_000), "recursion limit exceeded"),
        ("- ".repeat(10_000), "nested too deeply"),
        (format!("a0: &a0 [x]\n{laughs}"), "too many values"),
        (format!("a0: &a0 [x]\n{chain}"), "nested too deeply"),
    ] {
        let problems = read(&text).expect_err(message);
        assert!(
            problems.len() == 1 && drawn(&text, &problems).contains(message),
            "{problems:?}"
        );
    }
}
