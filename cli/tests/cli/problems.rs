//! How the command prints problems: each in its file, then their count, and exit code 1.

use insta::assert_snapshot;

use crate::project::{HEAD, Project};

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

    2 problems
    "#);
}

#[test]
fn one_problem_is_counted_in_the_singular() {
    let output = Project::with("").run(&["validate"]);
    assert_eq!(output.code, Some(1));
    assert!(output.err.ends_with("\n1 problem\n"), "{}", output.err);
}

#[test]
fn a_warning_is_drawn_and_does_not_fail_the_command() {
    let output = Project::with(
        "workflow: WF-A\nversion: 1\ninput: { type: object }\nlimits: { timeout: 4h }\nsteps:\n  \
         - { name: hold, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: escalate }\n  \
         - { name: next, action: vendor-hold, input: { vendor_id: '{% $hold.hold_id %}', days: 1 }, rollback: {} }\n",
    )
    .run(&["validate"]);
    assert_eq!(
        (output.code, output.out.as_str()),
        (Some(0), "1 workflow is fine; 1 warning\n")
    );
    let warning = "this fails if `hold` is skipped, and a person may skip it";
    assert!(output.err.contains(warning), "{}", output.err);
}

#[test]
fn the_text_of_a_workflow_cannot_act_on_the_terminal() {
    let show = "receipt: { show: { \"a\\u202eb\\e[31m\": \"{% $input.v %}\" } }\n";
    let raw = "receipt: { show: { \"a\u{202e}b\": \"{% $input.v %}\" } }\n";
    for receipt in [show, raw] {
        let project = Project::with(&format!(
            "{HEAD}{receipt}steps: [{{ name: a, wait: 1s }}]\n"
        ));
        for command in [
            &["validate"][..],
            &["compile"],
            &["drill", "workflows/test.yaml"],
            &["cost", "workflows/test.yaml"],
        ] {
            let output = project.run(command);
            assert_eq!(output.code, Some(1), "{command:?}: {}", output.err);
            assert!(output.err.contains("cannot be a label"), "{}", output.err);
            let acts = output.err.contains(['\u{202e}', '\u{1b}']);
            assert!(!acts, "{command:?}: {:?}", output.err);
        }
    }
}

#[test]
fn a_stack_name_that_makes_a_name_too_long_is_named() {
    let id = format!("WF-{}", "A".repeat(50));
    let project = Project::with(&format!(
        "workflow: {id}\nversion: 1\ninput: {{ type: object }}\nsteps: [{{ name: a, wait: 1s }}]\n"
    ));
    let stack = "s".repeat(30);
    project.write(
        "samconfig.toml",
        format!("[a.b.parameters]\nstack_name = \"{stack}\"\n"),
    );
    let output = project.run(&["validate"]);
    assert_eq!(output.code, Some(1));
    let why = format!("the state machine {stack}-{id} has a name of 84 characters, at most 80");
    assert!(output.err.contains(&why), "{}", output.err);
}

#[test]
fn an_address_that_an_environment_does_not_allow_is_a_warning() {
    let steps = "steps:
  - name: notify
    action: http
    input: { method: POST, url: \"${VendorSystemUrl}/v1/notices\" }
    rollback:
      input: { method: DELETE, url: \"https://fixed.acme.eu/notices\" }
";
    let project = Project::with(&format!("{HEAD}{steps}"));
    let validated = |staging: &str| {
        let settings = format!(
            "[local.deploy.parameters]
parameter_overrides = [\"VendorSystemUrl=http://127.0.0.1:9\", \"HttpAllow=http://127.0.0.1:9\"]

[staging.deploy.parameters]
parameter_overrides = [\"VendorSystemUrl=https://v.acme.eu\", \"HttpAllow={staging}\"]
"
        );
        project.write("samconfig.toml", settings);
        project.run(&["validate"])
    };
    let output = validated("https://*.acme.eu");
    let warned = "HttpAllow of [local] does not allow https://fixed.acme.eu/notices";
    assert!(output.err.contains(warned), "{}", output.err);
    assert_eq!(
        (output.code, output.out.as_str()),
        (Some(0), "1 workflow is fine; 1 warning\n")
    );
    let output = validated("https://v.acme.eu");
    let warned = "HttpAllow of [local], [staging] does not allow https://fixed.acme.eu/notices";
    assert!(output.err.contains(warned), "{}", output.err);
    let output = validated("https://other.acme.eu");
    let warned = "HttpAllow of [staging] does not allow ${VendorSystemUrl}/v1/notices";
    assert!(output.err.contains(warned), "{}", output.err);
    assert_eq!(output.out, "1 workflow is fine; 2 warnings\n");
}

#[test]
fn a_literal_that_the_action_http_refuses_is_a_warning() {
    let steps = "steps:
  - name: notify
    action: http
    input:
      method: POST
      url: https://v.acme.eu
      path: [notices, a/../b]
      headers: { Host: other.acme.eu, X-Team: ap }
    irreversible: true
";
    let output = Project::with(&format!("{HEAD}{steps}")).run(&["validate"]);
    for warned in [
        "\"Host\" is set by the engine",
        "path[1] is or contains a segment",
    ] {
        assert!(output.err.contains(warned), "{}", output.err);
    }
    assert_eq!(output.out, "1 workflow is fine; 2 warnings\n");
}

#[test]
fn a_secret_that_an_environment_does_not_allow_for_the_address_is_a_warning() {
    let steps = "steps:
  - name: notify
    action: http
    input: { method: POST, url: \"${VendorSystemUrl}/v1\", auth: { secret: ap/notify } }
    rollback:
      input: { method: DELETE, url: \"${VendorSystemUrl}/v1\", auth: { secret: ap/undo } }
";
    let project = Project::with(&format!("{HEAD}{steps}"));
    let validated = |local: &str, staging: &str| {
        let settings = format!(
            "[local.deploy.parameters]
parameter_overrides = [\"VendorSystemUrl=http://127.0.0.1:9\", \"HttpAllow=http://127.0.0.1:9\"{local}]

[staging.deploy.parameters]
parameter_overrides = [\"VendorSystemUrl=https://v.acme.eu\", \"HttpAllow=https://*.acme.eu\"{staging}]
"
        );
        project.write("samconfig.toml", settings);
        project.run(&["validate"])
    };
    let warned = |secret: &str, of: &str| {
        format!("SecretAllow of {of} does not allow {secret} for ${{VendorSystemUrl}}/v1")
    };
    let output = validated("", "");
    for secret in ["ap/notify", "ap/undo"] {
        let warned = warned(secret, "[local], [staging]");
        assert!(output.err.contains(&warned), "{}", output.err);
    }
    assert_eq!(
        (output.code, output.out.as_str()),
        (Some(0), "1 workflow is fine; 2 warnings\n")
    );
    let both = |origin: &str| format!(", \"SecretAllow=ap/notify={origin},ap/undo={origin}\"");
    let output = validated(&both("http://127.0.0.1:9"), &both("https://*.acme.eu"));
    assert_eq!(output.err, "");
    let output = validated(
        &both("http://127.0.0.1:9"),
        ", \"SecretAllow=ap/notify=https://v.acme.eu,ap/undo=https://w.acme.eu\"",
    );
    let warned = warned("ap/undo", "[staging]");
    assert!(output.err.contains(&warned), "{}", output.err);
    assert_eq!(output.out, "1 workflow is fine; 1 warning\n");
}
