//! The served OpenAPI document, held against the running stack by schemathesis: what it promises is so, and nothing else.

use std::{path::Path, process::Command};

use holdfast_tests::{Stack, tokens::Role, variable};

/// Runs schemathesis with every check against every operation, as a platform admin.
fn held(seed: u64) -> (bool, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let document = format!("{}/v1/openapi.json", variable("HOLDFAST_API"));
    let ran = Command::new(root.join(".venv-schemathesis/bin/schemathesis"))
        .current_dir(root.join("tests/openapi"))
        .args(["run", &document, "--no-color", "--seed", &seed.to_string()])
        .output();
    let ran = ran.expect("schemathesis is there: infra/local/setup.sh checks");
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.success(), String::from_utf8_lossy(&said).into_owned())
}
