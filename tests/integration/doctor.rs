//! `holdfast doctor` checks everything that the running stack depends on.

use holdfast_tests::{EnvironmentChange, Stack};

use crate::story::holdfast;

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
        "ok    WF-DELAY-VENDOR-PAYMENTS-ACME: workflows/delay-vendor-payments-acme.yaml is deployed",
    ] {
        assert!(said.contains(found), "{found}: {said}");
    }
    let _change = EnvironmentChange::new(&stack.aws, "step-http", "HOLDFAST_SECRETS", "absent/one");
    let (fine, said) = holdfast(&["doctor"]).await;
    assert!(!fine, "{said}");
    let wrong = "WRONG HttpStepFunction: the secret \"absent/one\" can be read: ";
    assert!(said.contains(wrong), "{said}");
    assert!(said.contains("1 of "), "{said}");
}

#[tokio::test]
async fn the_doctor_names_what_it_could_not_check() {
    let (fine, said) = holdfast(&["doctor", "--sam", "no-such-program"]).await;
    assert!(!fine);
    let why = "the function answers: no-such-program cannot be run";
    assert!(
        said.contains(why) && said.contains("install the SAM CLI"),
        "{said}"
    );
    let (fine, said) = holdfast(&["doctor", "--token", "none"]).await;
    assert!(!fine);
    assert!(
        said.contains("WRONG API: workflows are listed: the API answered 401"),
        "{said}"
    );
    assert!(
        said.contains("ok    BeginFunction: "),
        "other findings are printed: {said}"
    );
    let (fine, said) = holdfast(&["doctor", "--stack-name", "no-such-stack"]).await;
    assert!(!fine);
    assert!(
        said.contains("WRONG BeginFunction: the function answers: "),
        "{said}"
    );
    assert!(said.contains("no-such-stack"), "{said}");
}
