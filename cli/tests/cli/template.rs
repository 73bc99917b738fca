//! Tests of what the template asks of AWS beyond the local stack, which accepts more.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::project::repository;

/// The resources of the template by id, each with its lines.
fn resources() -> Vec<(String, String)> {
    let template = fs::read_to_string(repository().join("template.yaml")).expect("the template");
    let (_, resources) = template.split_once("\nResources:\n").expect("resources");
    let (resources, _) = resources.split_once("\nOutputs:\n").expect("outputs");
    let mut found: Vec<(String, String)> = Vec::new();
    for line in resources.lines() {
        match line
            .strip_prefix("  ")
            .and_then(|line| line.strip_suffix(':'))
        {
            Some(id) if !id.starts_with([' ', '#']) => found.push((id.to_owned(), String::new())),
            _ => {
                if let Some((_, lines)) = found.last_mut() {
                    lines.extend([line, "\n"]);
                }
            }
        }
    }
    found
}

#[test]
fn a_failed_first_deployment_leaves_nothing_that_the_next_one_meets() {
    let mut retained = 0;
    for (id, lines) in resources() {
        // A version goes with its state machine:
        // docs.aws.amazon.com/step-functions/latest/apireference/API_DeleteStateMachine.html.
        let version = lines.contains("Type: AWS::StepFunctions::StateMachineVersion\n");
        let plain = lines.contains("\n    DeletionPolicy: Retain\n");
        assert!(
            version || !plain,
            "{id} wants DeletionPolicy: RetainExceptOnCreate"
        );
        retained += usize::from(lines.contains("DeletionPolicy: RetainExceptOnCreate\n"));
    }
    assert_eq!(
        retained, 7,
        "table, two buckets, key, two buses and archive"
    );
}

#[test]
fn logs_that_other_services_deliver_take_no_part_of_the_accounts_log_policy() {
    let mut vended = 0;
    for (id, lines) in resources() {
        let Some((_, name)) = lines.split_once("LogGroupName: !Sub \"") else {
            continue;
        };
        // Lambda writes by the function's role, and needs no policy.
        let prefix = ["/aws/vendedlogs/", "/aws/lambda/"];
        assert!(prefix.iter().any(|prefix| name.starts_with(prefix)), "{id}");
        vended += usize::from(name.starts_with("/aws/vendedlogs/"));
    }
    assert!(vended > 1, "the API's group and those of state machines");
}

#[test]
fn two_regions_of_an_account_can_have_stacks_of_one_name() {
    let dashboards: Vec<_> = resources()
        .into_iter()
        .filter(|(_, lines)| lines.contains("Type: AWS::CloudWatch::Dashboard\n"))
        .collect();
    assert_eq!(dashboards.len(), 1);
    let named = "DashboardName: !Sub \"${AWS::StackName}-${AWS::Region}\"\n";
    assert!(dashboards[0].1.contains(named));
    let named = |lines: &str| lines.contains("RoleName:") || lines.contains("BucketName:");
    for (id, lines) in resources() {
        assert!(!named(&lines), "{id}: roles and buckets are global too");
    }
}

/// The lines of a resource.
fn resource(id: &str) -> String {
    let found = resources().into_iter().find(|(other, _)| other == id);
    found.expect("the resource").1
}

/// The statements of the receipt bucket's policy, in a bucket of this ARN.
fn bucket_policy(arn: &str) -> Vec<Value> {
    let lines = resource("ReceiptBucketPolicy")
        .replace("!GetAtt ReceiptBucket.Arn", "${ReceiptBucket.Arn}")
        .replace("!Sub ", "")
        .replace("!Ref ", "")
        .replace("${ReceiptBucket.Arn}", arn);
    let policy: Value = serde_saphyr::from_str(&lines).expect("YAML");
    let statements = &policy["Properties"]["PolicyDocument"]["Statement"];
    statements.as_array().expect("statements").clone()
}

/// The decisions of IAM on requests that a role allows, under a resource's policy.
fn decided(statements: &[Value], requests: &[Value]) -> Vec<bool> {
    let role = json!({ "Effect": "Allow", "Action": ["s3:*", "events:*"], "Resource": "*" });
    let policy = |statements: Value| json!({ "Version": "2012-10-17", "Statement": statements });
    let input = json!({
        "policy": policy(json!([role])),
        "resource_policy": policy(json!(statements)),
        "requests": requests,
    });
    let mut node = Command::new("node")
        .arg(repository().join("tests/iam/decide.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("infra/local/setup.sh checks installs node");
    let mut stdin = node.stdin.take().expect("a pipe");
    stdin.write_all(input.to_string().as_bytes()).expect("read");
    drop(stdin);
    let output = node.wait_with_output().expect("it ends");
    serde_json::from_slice(&output.stdout).expect("infra/local/setup.sh checks installs the rest")
}

/// The form of the condition, and the error 403 of a write without the header, are documented:
/// docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html. `Null` compares
/// the key's absence: docs.aws.amazon.com/IAM/latest/UserGuide/
/// reference_policies_elements_condition_operators.html. The key belongs to s3:PutObject, which
/// also permits CompleteMultipartUpload and CopyObject:
/// docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html.
#[test]
fn iam_denies_a_write_that_could_replace_a_receipt_or_a_digest() {
    let arn = "arn:aws:s3:::receipts";
    let statements = bucket_policy(arn);
    let once = statements.iter().find(|one| one["Sid"] == "WriteOnce");
    let once = once.expect("the statement");
    assert_eq!(once["Effect"], "Deny");
    assert_eq!(once["Action"], "s3:PutObject");
    assert_eq!(
        once["Condition"],
        json!({ "Null": { "s3:if-none-match": "true" } })
    );

    let tls = json!({ "aws:SecureTransport": "true" });
    let new = json!({ "aws:SecureTransport": "true", "s3:if-none-match": "*" });
    let matched = json!({ "aws:SecureTransport": "true", "s3:if-match": "etag" });
    let plain = json!({ "aws:SecureTransport": "false", "s3:if-none-match": "*" });
    let copied = json!({ "aws:SecureTransport": "true", "s3:x-amz-copy-source": "b/k" });
    let cases = [
        ("s3:PutObject", "receipts/acme/0", &new, true),
        ("s3:PutObject", "digests/acme/0", &new, true),
        ("s3:PutObject", "receipts/acme/0", &tls, false),
        ("s3:PutObject", "digests/acme/0", &tls, false),
        ("s3:PutObject", "receipts/acme/0", &matched, false),
        ("s3:PutObject", "receipts/acme/0", &copied, false),
        ("s3:PutObject", "receipts/acme/0", &plain, false),
        ("s3:GetObject", "receipts/acme/0", &tls, true),
    ];
    let requests = cases.map(|(action, key, context, _)| {
        json!({ "action": action, "resource": format!("{arn}/{key}"), "context": context })
    });
    let expected = cases.map(|(.., allowed)| allowed);
    let decided = decided(&statements, &requests);
    for ((request, decided), expected) in requests.iter().zip(decided).zip(expected) {
        assert_eq!(decided, expected, "{request}");
    }
}

/// An explicit deny of a resource's policy overrides what the principal's own policy allows:
/// docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html. EventBridge
/// considers the bus's policy in PutEvents: aws.amazon.com/blogs/compute/
/// simplifying-cross-account-access-with-amazon-eventbridge-resource-policies. For a session of a
/// role, aws:PrincipalArn is the role's ARN: docs.aws.amazon.com/IAM/latest/UserGuide/
/// reference_policies_condition-keys.html#condition-keys-principalarn.
#[test]
fn iam_denies_an_audit_event_of_every_principal_but_the_audit_function() {
    let bus = "arn:aws:events:us-east-1:123456789012:event-bus/holdfast-audit";
    let (audit, other) = ("AuditFunctionRole", "asking");
    let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let lines = resource("AuditBus")
        .replace("&audit-bus ", "")
        .replace("!GetAtt AuditFunctionRole.Arn", &role(audit))
        .replace("${AWS::Partition}", "aws")
        .replace("${AWS::Region}", "us-east-1")
        .replace("${AWS::AccountId}", "123456789012")
        .replace("${AWS::StackName}", "holdfast")
        .replace("!Sub ", "");
    let properties: Value = serde_saphyr::from_str(&lines).expect("YAML");
    let properties = &properties["Properties"];
    assert_eq!(properties["Name"], "holdfast-audit");
    let statements = properties["Policy"]["Statement"].as_array();
    let requests = [audit, other].map(|name| {
        let context = json!({ "aws:PrincipalArn": role(name) });
        json!({ "action": "events:PutEvents", "resource": bus, "principal": role(name),
            "context": context })
    });
    let decided = decided(statements.expect("statements"), &requests);
    assert_eq!(decided, [true, false], "the audit function, another role");
}

#[test]
fn what_consumes_audit_events_consumes_the_audit_bus_alone() {
    for id in ["UnreadableRule", "IncidentRule"] {
        let lines = resource(id);
        assert!(lines.contains("EventBusName: !Ref AuditBus\n"), "{id}");
    }
    assert!(resource("AuditArchiveStore").contains("SourceArn: !GetAtt AuditBus.Arn\n"));
    assert!(resource("AuditFunction").contains("HOLDFAST_AUDIT_BUS: !Ref AuditBus\n"));
    let writes = |lines: &str| lines.contains("events:PutEvents");
    let writers: Vec<_> = resources()
        .into_iter()
        .filter(|(id, lines)| id != "AuditBus" && writes(lines))
        .map(|(id, _)| id)
        .collect();
    assert_eq!(writers, ["AuditFunction"]);
    for (id, lines) in resources() {
        let audit = lines.contains("source: [holdfast]");
        assert!(!audit || !lines.contains("!Ref EventBus"), "{id}");
    }
}
