//! Tests of the texts that no expression may compute: addresses and names of secrets.

use insta::assert_snapshot;

use super::step_problems;

#[test]
fn the_address_of_a_step_and_of_its_undo_is_literal() {
    assert_snapshot!(step_problems(r#"  - name: a
    action: http
    input: { method: PUT, url: "{% 'https://a.example/' & $input.vendor_id %}" }
    rollback: { input: { method: PUT, url: "{% $input.vendor_id %}" } }
  - name: b
    action: http
    input: { method: PUT, url: "https://a.example", path: ["{% $input.vendor_id %}"], query: { a: "{% $input.vendor_id %}", b: 1 } }
    irreversible: true
"#), @r#"
  × `url` is an expression
    ╭─[workflows/test.yaml:10:32]
 10 │     input: { method: PUT, url: "{% 'https://a.example/' & $input.vendor_id %}" }
    ·                                ───────────────────────────────────────────────
    ╰────
  help: write the origin and the fixed path here, and the rest as parts, which are escaped: path: ["{%
        $input.vendor_id %}"], query: { day: "{% $input.day %}" }

  × `url` is an expression
    ╭─[workflows/test.yaml:11:44]
 11 │     rollback: { input: { method: PUT, url: "{% $input.vendor_id %}" } }
    ·                                            ────────────────────────
    ╰────
  help: write the origin and the fixed path here, and the rest as parts, which are escaped: path: ["{%
        $input.vendor_id %}"], query: { day: "{% $input.day %}" }
"#);
}

#[test]
fn the_name_of_a_secret_is_literal() {
    assert_snapshot!(step_problems(r#"  - name: a
    action: http
    input: { method: PUT, url: "${VendorSystemUrl}", auth: { secret: "{% $input.vendor_id %}" } }
    rollback: { input: { method: PUT, url: u, auth: { secret: "{% $execution.tenant %}" } } }
  - { name: b, action: http, input: { method: PUT, url: u, auth: "{% $input.vendors[0] %}" }, irreversible: true }
  - { name: c, action: http, input: "{% $input %}", irreversible: true }
"#), @r#"
  × the name of a secret is an expression
    ╭─[workflows/test.yaml:10:70]
 10 │     input: { method: PUT, url: "${VendorSystemUrl}", auth: { secret: "{% $input.vendor_id %}" } }
    ·                                                                      ────────────────────────
    ╰────
  help: write it out, or use a parameter: "${ApiSecret}"; the function may read only what is named

  × the name of a secret is an expression
    ╭─[workflows/test.yaml:11:63]
 11 │     rollback: { input: { method: PUT, url: u, auth: { secret: "{% $execution.tenant %}" } } }
    ·                                                               ─────────────────────────
    ╰────
  help: write it out, or use a parameter: "${ApiSecret}"; the function may read only what is named

  × `auth`, and in it the name of a secret, is an expression
    ╭─[workflows/test.yaml:12:66]
 12 │   - { name: b, action: http, input: { method: PUT, url: u, auth: "{% $input.vendors[0] %}" }, irreversible: true }
    ·                                                                  ─────────────────────────
    ╰────
  help: write it out, or use a parameter: "${ApiSecret}"; the function may read only what is named

  × the whole input, and in it the name of a secret, is an expression
    ╭─[workflows/test.yaml:13:37]
 13 │   - { name: c, action: http, input: "{% $input %}", irreversible: true }
    ·                                     ──────────────
    ╰────
  help: write it out, or use a parameter: "${ApiSecret}"; the function may read only what is named
"#);
}

#[test]
fn the_header_of_a_secret_is_literal() {
    for (member, what) in [
        ("header", "the header that"),
        ("scheme", "the scheme before"),
    ] {
        let problems = step_problems(&format!(
            "  - {{ name: a, action: http, input: {{ method: GET, url: u, auth: {{ secret: s, {member}: \"{{% $input.h %}}\" }} }} }}\n"
        ));
        assert!(problems.contains(what), "{problems}");
        assert!(problems.contains("is an expression"), "{problems}");
    }
}
