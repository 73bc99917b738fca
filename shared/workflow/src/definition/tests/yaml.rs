//! Tests of YAML that readers of different versions take differently, which is refused.

use super::read;

/// The messages about a workflow whose `input.default` is this YAML.
fn value_problems(value: &str) -> Vec<String> {
    let text = format!(
        "workflow: WF-A\nversion: 1\ninput: {{ type: object, default: {value} }}\nsteps: [{{ name: a, wait: 1s }}]\n"
    );
    let problems = read(&text).err().unwrap_or_default();
    assert!(
        problems.iter().all(|one| one.at.line == 3),
        "{value}: {problems:?}"
    );
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_value_that_some_reader_of_yaml_takes_otherwise_is_refused_with_its_quoted_form() {
    for text in [
        "yes",
        "No",
        "ON",
        "off",
        "y",
        "N",
        "True",
        "FALSE",
        "NULL",
        "Null",
        "~",
        "=",
        "<<",
        "007",
        "010",
        "0x1F",
        "0o17",
        "0b101",
        "-0x1",
        "1_000",
        "0x_1",
        "1_0.5",
        "+1",
        "+0.5",
        ".5",
        "-.5",
        "5.",
        "-0",
        "-0.0",
        "1e3",
        "1.5e3",
        "1E-2",
        ".inf",
        "-.INF",
        "+.Inf",
        ".NaN",
        "12:30",
        "12:30:45",
        "-1:30",
        "190:20:30.15",
        "08:00",
        "2026-12-24",
        "2026-1-4",
        "2026-12-24T10:00:00Z",
        "2026-12-24t10:00:00.5+01:00",
    ] {
        let found = value_problems(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].contains("can be read in two ways"), "{found:?}");
        assert!(found[0].contains(&format!("\"{text}\"")), "{found:?}");
        assert_eq!(
            value_problems(&format!("\"{text}\"")),
            [""; 0],
            "{text} as a text"
        );
        let key = value_problems(&format!("{{ {text}: 1 }}"));
        assert_eq!(key.len(), 1, "{text} as a key: {key:?}");
    }
}

#[test]
fn a_value_that_every_reader_of_yaml_takes_alike_is_accepted() {
    for text in [
        "null",
        "true",
        "false",
        "0",
        "12",
        "-7",
        "0.5",
        "-1.25",
        "1.5e+3",
        "abc",
        "a-b",
        "v1.0.0",
        "1.2.3",
        "10m",
        "15m",
        "2026-12-24T00:00",
        "2026-12",
        "a:b",
        "10.0.0.0/24",
        "e5",
        "0xyz",
        "_1",
        "inf",
        "nan",
        "no-reply",
        "mon-fri",
        "WF-A",
        "$x",
        "a=b",
        "+a",
        "-a",
        "1-2",
        "3#2",
    ] {
        assert_eq!(value_problems(text), [""; 0], "{text}");
    }
}

#[test]
fn tags_directives_and_line_ends_of_other_versions_are_refused() {
    for (value, message) in [
        ("!!str a", "the tag `!!str`"),
        ("! a", "the tag"),
        ("!If [a, b]", "the tag `!If`"),
        ("!!set { a: null }", "the tag `!!set`"),
        ("{ x: !Ref b }", "the tag `!Ref`"),
        ("{ <<: { a: 1 } }", "the merge key `<<`"),
        ("\"a\u{85}b\"", "the character U+0085"),
        ("\"a\u{2028}b\"", "the character U+2028"),
        ("{ 5: a }", "`5` can be read in two ways"),
        ("{ null: a }", "`null` can be read in two ways"),
    ] {
        let found = value_problems(value);
        assert_eq!(found.len(), 1, "{value}: {found:?}");
        assert!(found[0].contains(message), "{value}: {found:?}");
    }
    let directive = read("%YAML 1.1\n---\nworkflow: WF-A\n").expect_err("a directive");
    assert!(
        directive
            .iter()
            .any(|one| one.message == "a directive of YAML")
    );
}

#[test]
fn an_anchored_value_can_be_repeated() {
    assert_eq!(value_problems("{ a: &one { b: 1 }, c: *one }"), [""; 0]);
}
