//! `holdfast doctor` checks everything that the running stack depends on.

use std::process::Command;

use holdfast_tests::{EnvironmentChange, Stack, unique};
use tempfile::TempDir;

use crate::story::{built, holdfast, holdfast_as, said};

#[tokio::test]
async fn the_doctor_approves_the_stack_and_names_a_missing_secret() {
    // A changed function restarts, which would disturb another test that calls it.
    let stack = Stack::alone().await;
    let (fine, said) = holdfast(&["doctor"]).await;
    assert!(fine, "{said}");
    for found in [
        "ok    BeginFunction: the ledger can be read",
        "ok    FinishFunction: receipts can be signed",
        "ok    VendorHoldStepFunction: http://127.0.0.1:",
        "ok    HttpStepFunction: http://127.0.0.1:",
        "ok    workflows/hold-large-payments.yaml: step notify_treasury calls an allowed address",
        "ok    WF-DELAY-VENDOR-PAYMENTS-ACME: workflows/delay-vendor-payments-acme.yaml is deployed",
    ] {
        assert!(said.contains(found), "{found}: {said}");
    }
    let change = |name, value| EnvironmentChange::new(&stack.aws, "step-http", name, value);
    let _named = change("HOLDFAST_SECRETS", "absent/one");
    let (fine, said) = holdfast(&["doctor"]).await;
    assert!(!fine, "{said}");
    let unlisted = "WRONG HttpStepFunction: expected that the secret \"absent/one\" can be read: the parameter \
                    SecretAllow lists no origin for it: add absent/one=ORIGIN";
    assert!(said.contains(unlisted), "{said}");
    let _listed = change("HOLDFAST_SECRET_ALLOW", "absent/one=https://a.acme.eu");
    let (fine, said) = holdfast(&["doctor"]).await;
    assert!(!fine, "{said}");
    let wrong = "WRONG HttpStepFunction: expected that the secret \"absent/one\" can be read: ";
    assert!(said.contains(wrong), "{said}");
    assert!(!said.contains(unlisted), "{said}");
    assert!(said.contains("1 of "), "{said}");
}

#[tokio::test]
async fn the_doctor_compares_tenants_with_the_registry() {
    // Not while another test changes a function.
    let _turn = Stack::from_env().await;
    let admin = std::env::var("HOLDFAST_TOKEN_PLATFORM_ADMIN").expect("source .local/env");
    let (fine, said) = holdfast_as(&admin, &["doctor", "--tenant", "acme"]).await;
    assert!(fine, "{said}");
    let file = "workflows/delay-vendor-payments-acme.yaml";
    let found = format!("ok    {file}: tenant acme is registered");
    assert!(said.contains(&found), "{said}");
    let (_, said) = holdfast(&["doctor"]).await;
    assert!(said.contains("not compared: tenants"), "{said}");
}

#[tokio::test]
async fn the_doctor_names_what_it_could_not_check() {
    // Not while another test changes a function.
    let _turn = Stack::from_env().await;
    let (fine, said) = holdfast(&["doctor", "--sam", "no-such-program"]).await;
    assert!(!fine);
    let why = "the functions were not checked: no-such-program cannot be run";
    assert!(
        said.contains(why) && said.contains("install the SAM CLI"),
        "{said}"
    );
    assert!(!said.contains("WRONG BeginFunction"), "{said}");
    let (fine, said) = holdfast_as("none", &["doctor"]).await;
    assert!(!fine);
    assert!(
        said.contains("WRONG API: expected that workflows are listed: the API answered 401"),
        "{said}"
    );
    assert!(
        said.contains("ok    BeginFunction: "),
        "other findings are printed: {said}"
    );
    let (fine, said) = holdfast(&["doctor", "--stack-name", "no-such-stack"]).await;
    assert!(!fine);
    assert!(
        said.contains("WRONG BeginFunction: expected that the function answers: "),
        "{said}"
    );
    assert!(said.contains("no-such-stack"), "{said}");
}

#[tokio::test]
async fn the_doctor_reads_the_issuer_and_the_account_before_a_deployment() {
    let variable = |name: &str| std::env::var(name).expect("source .local/env");
    let issuer = variable("HOLDFAST_ISSUER");
    let overrides = [
        format!("JwtIssuer={issuer}"),
        format!("HttpAllow={}", variable("HOLDFAST_VENDOR_SYSTEM")),
        format!("VendorSystemUrl={}", variable("HOLDFAST_VENDOR_SYSTEM")),
        "JwtAudience=holdfast".to_owned(),
    ];
    let mut args = vec![
        "doctor",
        "--before-deploy",
        "--env",
        "local",
        "--parameter-overrides",
    ];
    args.extend(overrides.iter().map(String::as_str));
    let (fine, said) = holdfast(&args).await;
    assert!(
        !fine,
        "nothing is decided, and the issuer has no TLS: {said}"
    );
    for found in [
        "its keys are RSA keys for signatures",
        "the document names the same issuer",
        "account in us-east-1: credentials are accepted",
        "it can be deployed",
    ] {
        let found = said.lines().find(|line| line.ends_with(found));
        assert!(found.is_some_and(|line| line.starts_with("ok")), "{said}");
    }
    let note = format!("note: AWS_ENDPOINT_URL is {}", variable("AWS_ENDPOINT_URL"));
    assert!(said.contains(&note), "{said}");
    let stack = ["--stack-name", "no-such-stack"];
    let (_, said) = holdfast(&[&args[..4], &stack[..]].concat()).await;
    assert!(
        said.contains("ok    stack no-such-stack: it can be deployed"),
        "{said}"
    );
}

/// Runs the AWS CLI, and returns what it prints.
async fn aws(args: &[&str]) -> String {
    let mut command = Command::new("aws");
    command.args(args);
    let (fine, said) = said(command).await;
    assert!(fine, "{said}");
    said
}

/// An earlier version has no audit bus, so that its upgrade would create one.
#[tokio::test]
async fn the_doctor_names_a_bus_of_another_stack_before_an_upgrade() {
    let stack = unique("upgraded");
    let bus = format!("{stack}-audit");
    let template = r#"{"Resources": {"EventBus": {"Type": "AWS::Events::EventBus",
        "Properties": {"Name": {"Ref": "AWS::StackName"}}}}}"#;
    let create = ["cloudformation", "create-stack", "--stack-name", &stack];
    aws(&[&create[..], &["--template-body", template]].concat()).await;
    aws(&[
        "cloudformation",
        "wait",
        "stack-create-complete",
        "--stack-name",
        &stack,
    ])
    .await;
    let args = [
        "doctor",
        "--before-deploy",
        "--env",
        "local",
        "--stack-name",
        &stack,
    ];
    let (_, before) = holdfast(&args).await;
    let fine = format!("ok    stack {stack}: it can be deployed");
    assert!(before.contains(&fine), "{before}");
    aws(&["events", "create-event-bus", "--name", &bus]).await;
    let (_, found) = holdfast(&args).await;
    let wrong = format!(
        "WRONG stack {stack}: expected that it can be deployed: the event bus {bus} is not its"
    );
    assert!(found.contains(&wrong), "{found}");
    aws(&["events", "delete-event-bus", "--name", &bus]).await;
    aws(&["cloudformation", "delete-stack", "--stack-name", &stack]).await;
}

#[tokio::test]
async fn the_doctor_names_an_address_that_the_deployed_stack_does_not_allow() {
    let project = TempDir::new().expect("a folder");
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for file in ["template.yaml", "samconfig.toml"] {
        let to = project.path().join(file);
        std::fs::copy(format!("{root}/{file}"), to).expect("it is copied");
    }
    std::fs::create_dir(project.path().join("workflows")).expect("a folder");
    let workflow = "workflow: WF-ELSEWHERE
version: 1
input: { type: object, additionalProperties: false }
steps:
  - name: notify
    action: http
    input: { method: POST, url: \"https://elsewhere.acme.eu/notices\" }
    rollback:
      input: { method: POST, url: \"${VendorSystemUrl}/notices\" }
";
    std::fs::write(project.path().join("workflows/elsewhere.yaml"), workflow).expect("written");
    let mut doctor = Command::new(built("holdfast"));
    doctor.arg("doctor").current_dir(project.path());
    let (fine, said) = said(doctor).await;
    assert!(!fine, "{said}");
    for found in [
        "WRONG workflows/elsewhere.yaml: expected that step notify calls an allowed address: ",
        "https://elsewhere.acme.eu or its path is not allowed; the parameter HttpAllow lists",
        "ok    workflows/elsewhere.yaml: step notify is undone at an allowed address",
    ] {
        assert!(said.contains(found), "{found}: {said}");
    }
}
