//! How the command prints problems: each in its file, then their count, and exit code 1.

use insta::assert_snapshot;

use crate::project::Project;

#[test]
fn problems_are_drawn_in_their_source_and_counted() {
    let project = Project::with(
        "workflow: WF-A\nversion: 0\ninput: { type: object }\nsteps: [{ name: a, wait: 1 }]\n",
    );
    let output = project.run(&["validate"]);
    assert_eq!((output.code, output.out.as_str()), (Some(1), ""));
    let lines = output.err.lines().map(str::trim_end);
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
      × version is the number 0
       ╭─[workflows/test.yaml:2:10]
     2 │ version: 0
       ·          ─
       ╰────
      help: a whole number from 1 to 4294967295 belongs here

      × wait is the number 1, not a duration
       ╭─[workflows/test.yaml:4:26]
     4 │ steps: [{ name: a, wait: 1 }]
       ·                          ─
       ╰────
      help: a duration from 1s to 365d belongs here, such as 30s, 15m, 2h or 7d

    2 problems; nothing was written
    "#);
}

#[test]
fn one_problem_is_counted_in_the_singular() {
    let output = Project::with("").run(&["validate"]);
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.ends_with("\n1 problem; nothing was written\n"),
        "{}",
        output.err
    );
}
