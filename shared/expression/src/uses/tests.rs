//! Tests of the names that an expression takes from outside.

use super::*;

fn free(expression: &str) -> Vec<String> {
    uses(expression)
        .expect(expression)
        .into_iter()
        .map(|found| match found {
            Use::Variable(name, None) => format!("${name}"),
            Use::Variable(name, Some(field)) => format!("${name}.{field}"),
            Use::Function(name) => format!("${name}()"),
            Use::BareFunction(name) => format!("{name}()"),
            Use::BareField(name) => name,
            Use::Context(mark) | Use::NewerOperator(mark) | Use::Clock(mark) => mark.to_owned(),
        })
        .collect()
}

#[test]
fn a_name_is_free_unless_the_expression_binds_it() {
    let table: &[(&str, &[&str])] = &[
        ("$input.hold_days <= 30", &["$input.hold_days"]),
        ("'a' & $hold.hold_id & \"$no\"", &["$hold.hold_id"]),
        ("($x := $input.a; $x + $y)", &["$input.a", "$y"]),
        ("(($x := 1; $x); $x)", &["$x"]),
        (
            "$map($input.vendors, function($v) { $v.id & $w })",
            &["$map()", "$input.vendors", "$w"],
        ),
        (
            "($f := function($n) { $n = 0 ? 0 : $f($n - 1) }; $f(3))",
            &[],
        ),
        (
            "$input.vendors[id = $item.id].name",
            &["$input.vendors", "$item.id"],
        ),
        (
            "$input.vendors.(name & $suffix)",
            &["$input.vendors", "$suffix"],
        ),
        (
            "$input.vendors@$v#$i.{ 'n': $i, 'v': $v }",
            &["$input.vendors"],
        ),
        ("$input.vendors^(>amount).id", &["$input.vendors"]),
        (
            "$input.vendors{ id: $sum(amount) }",
            &["$input.vendors", "$sum()"],
        ),
        ("$input ~> |vendors|{ 'x': amount }|", &["$input"]),
        ("$input.a.$uppercase($)", &["$input.a", "$uppercase()"]),
        ("vendor_id", &["vendor_id"]),
        ("$.a + $$.b", &["$", "$$"]),
        ("string($input)", &["string()", "$input"]),
        ("{ 'a': [1..$input.n], 'b': -$m }", &["$input.n", "$m"]),
        ("$string(?, true)", &["$string()"]),
        ("/* $no */ 1", &[]),
        ("$input.a ?? 1", &["??", "$input.a"]),
        ("$f($input.a ?: 1)", &["$f()", "?:", "$input.a"]),
    ];
    for (expression, expected) in table {
        assert_eq!(free(expression), *expected, "{expression}");
    }
}

#[test]
fn a_read_has_the_fields_that_follow_its_variable() {
    let read = |expression| {
        let reads = reads(expression).expect(expression);
        let named = reads.into_iter().map(|read| (read.variable, read.path));
        named
            .map(|(variable, path)| format!("{variable}/{}", path.join("/")))
            .collect::<Vec<_>>()
    };
    let table: &[(&str, &[&str])] = &[
        ("$states.context.Map.Item", &["states/context/Map/Item"]),
        ("$states", &["states/"]),
        ("$a.b[c = $d.e].f & $a.b", &["a/b/f", "d/e", "a/b"]),
        ("($a := $b.c; $a.d)", &["b/c"]),
        ("$exists($a.(b)) ? $a[0].c", &["a/", "a/c"]),
    ];
    for (expression, expected) in table {
        assert_eq!(read(expression), *expected, "{expression}");
    }
}

#[test]
fn a_very_deep_expression_is_an_error_and_does_not_overflow() {
    uses(&"(".repeat(20_000)).expect_err("unbalanced");
    let deep = format!("{}1{}", "(".repeat(20_000), ")".repeat(20_000));
    uses(&deep).expect_err("too deep");
}

#[test]
fn a_read_ends_where_other_fields_are_read_too() {
    for (expression, depth) in [
        ("$a.b.c", 2),
        ("$a.b.c[d = 1].e", 2),
        ("$a[d = 1].e", 0),
        ("$a.b[0].e", 1),
        ("$a.b.%.e", 0),
        ("$a.b@$b.e", 0),
        ("$a.b#$n.e", 2),
        ("$a.b^(c).d", 1),
        ("$a", 0),
    ] {
        let reads = reads(expression).expect(expression);
        assert_eq!(reads[0].depth, depth, "{expression}");
    }
}
