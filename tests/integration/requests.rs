//! Requests of the functions to AWS fit the service models of AWS, which the hop compares them
//! with. `make test` fails if one of all its requests does not.

use holdfast_tests::{Account, Aws, variable};
use serde_json::{Value, json};

/// The violations that the hop finds in a request, which it checks and does not forward.
async fn violations(service: &str, operation: &str, body: &Value) -> Vec<String> {
    let account = Account {
        endpoint: format!("{}/_hop/check", variable("HOLDFAST_HOP")),
        ..Account::from_env()
    };
    let aws = Aws::of(account).await;
    let said = aws.json(service, operation, body);
    let found = said["violations"].as_array().expect("a list").iter();
    found
        .map(|one| one.as_str().expect("a text").to_owned())
        .collect()
}

#[tokio::test]
async fn a_request_outside_a_service_model_is_named_without_its_values() {
    let start = "AWSStepFunctions.StartExecution";
    let arn = "arn:aws:states:us-east-1:123456789012:stateMachine:any";
    let right = json!({ "stateMachineArn": arn, "name": "n".repeat(80), "input": "{}" });
    assert!(violations("states", start, &right).await.is_empty());
    let change = |member: &str, value: Value| {
        let mut wrong = right.clone();
        wrong[member] = value;
        wrong
    };
    for (wrong, named) in [
        (
            change("name", json!("n".repeat(81))),
            "name: 81 characters; right: 1 to 80",
        ),
        (
            change("traceHeader", json!("é")),
            "traceHeader: a text of 1 characters outside the pattern",
        ),
        (
            change("input", json!({ "secret": 1 })),
            "input: a value of another type (dict); right: a text",
        ),
        (json!({ "name": "n" }), "stateMachineArn: missing"),
        (change("secret", json!(1)), "the input: an unknown member"),
    ] {
        let found = violations("states", start, &wrong).await;
        let all = found.join("\n");
        assert_eq!(found.len(), 1, "{all}");
        assert!(
            found[0].starts_with(named) && !all.contains("secret"),
            "{all}"
        );
    }
    let put =
        json!({ "TableName": "ledger", "Item": { "pk": { "X": "a" } }, "ReturnValues": "SOME" });
    let found = violations("dynamodb", "DynamoDB_20120810.PutItem", &put).await;
    let all = found.join("\n");
    assert!(
        all.contains("Item{}: an unknown member; right: S, N, B"),
        "{all}"
    );
    assert!(
        all.contains("ReturnValues: no value of the enumeration; right: NONE, ALL_OLD"),
        "{all}"
    );
    let unknown = violations("states", "AWSStepFunctions.StartRocket", &json!({})).await;
    assert_eq!(
        unknown,
        ["the request: it names no operation of the service"]
    );
}
