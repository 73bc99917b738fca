//! The permissions of each role suffice, and each of them is needed: the test removes one after
//! another.
//!
//! They run on a stack that enforces IAM policies: `make up IAM=true`.

use std::collections::BTreeSet;

use holdfast_tests::{Aws, Stack, elements, enforced, unescaped, variable};
use serde_json::{Value, json};

use crate::exercises::denied;

/// Permissions that no exercise can show on the local stack, with the reason why they exist.
const UNSEEN: [(&str, &str); 18] = [
    // These are needed where versions are published (`versions.rs`).
    ("api", "states:DescribeStateMachineAlias"),
    ("bulk", "states:DescribeStateMachineAlias"),
    ("begin", "dynamodb:Query"),
    ("start", "states:DescribeStateMachineAlias"),
    ("recover", "states:DescribeStateMachineAlias"),
    // It finds a bulk's worker that ended without an end of the bulk.
    ("api", "states:DescribeExecution"),
    // Lambda reads the stream, and reports given up records, in the function's role. The emulator
    // does so in no role.
    ("audit", "dynamodb:DescribeStream"),
    ("audit", "dynamodb:GetRecords"),
    ("audit", "dynamodb:GetShardIterator"),
    ("audit", "dynamodb:ListStreams"),
    ("audit", "sqs:SendMessage"),
    // Lambda reads the queue of status events, and keeps failed invocations, in the function's
    // role. The emulator does so in no role.
    ("digest", "sqs:SendMessage"),
    ("recover", "sqs:DeleteMessage"),
    ("recover", "sqs:GetQueueAttributes"),
    ("recover", "sqs:ReceiveMessage"),
    ("recover", "sqs:SendMessage"),
    // These repeat calls of the API that were lost.
    ("recover", "states:SendTaskFailure"),
    ("recover", "states:SendTaskSuccess"),
];

pub(crate) fn functions() -> Vec<String> {
    let mut names = [
        "api",
        "ask",
        "audit",
        "begin",
        "bulk",
        "digest",
        "finish",
        "plan",
        "recover",
        "start",
        "step-http",
        "step-vendor-hold",
    ]
    .map(str::to_owned)
    .to_vec();
    names.sort();
    names
}

/// One inline policy of a role.
pub(crate) struct Policy {
    aws: Aws,
    role: String,
    pub(crate) name: String,
    document: Value,
}

impl Policy {
    pub(crate) fn all_of(aws: &Aws, role: &str) -> Vec<Self> {
        let names = elements(
            &aws.iam("ListRolePolicies", &[("RoleName", role)]),
            "member",
        );
        let read = |name: String| {
            let said = aws.iam(
                "GetRolePolicy",
                &[("RoleName", role), ("PolicyName", &name)],
            );
            let text = elements(&said, "PolicyDocument").pop().expect("a document");
            Self {
                aws: aws.clone(),
                role: role.to_owned(),
                name,
                document: serde_json::from_str(&unescaped(&text)).expect("JSON"),
            }
        };
        names.into_iter().map(read).collect()
    }

    pub(crate) fn put(&self, document: &Value) {
        let document = document.to_string();
        let parameters = [
            ("RoleName", self.role.as_str()),
            ("PolicyName", &self.name),
            ("PolicyDocument", &document),
        ];
        self.aws.iam("PutRolePolicy", &parameters);
    }

    /// Every action of every statement, with the policy document that lacks it.
    pub(crate) fn without_one(&self) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        let statements = self.document["Statement"].as_array().expect("statements");
        for (n, statement) in statements.iter().enumerate() {
            let actions = listed(&statement["Action"]);
            for action in &actions {
                let left: Vec<_> = actions.iter().filter(|one| *one != action).collect();
                let mut without = self.document.clone();
                // A statement must allow an action, and every principal has this one.
                without["Statement"][n]["Action"] = match left.is_empty() {
                    true => json!("sts:GetCallerIdentity"),
                    false => json!(left),
                };
                found.push((action.clone(), without));
            }
        }
        found
    }
}

/// Restores a policy on drop, also when the test fails.
pub(crate) struct PolicyGuard<'a>(pub(crate) &'a Policy);

impl Drop for PolicyGuard<'_> {
    fn drop(&mut self) {
        self.0.put(&self.0.document);
    }
}

/// The texts of a value that is one text or a list of them.
fn listed(value: &Value) -> Vec<String> {
    let texts = value
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![value.clone()]);
    let text = |value: Value| value.as_str().expect("a text").to_owned();
    texts.into_iter().map(text).collect()
}

/// The name of a function's role, or of the role that the API assumes for a tenant.
fn role_of(aws: &Aws, function: &str) -> String {
    if function == "tenant" {
        let arn = variable("HOLDFAST_TENANT_ROLE");
        return arn.rsplit('/').next().expect("a name").to_owned();
    }
    aws.role_of(function)
}

#[tokio::test]
async fn the_permissions_of_each_function_suffice_and_are_needed() {
    if !enforced() {
        return;
    }
    let stack = Stack::alone().await;
    let mut unseen = BTreeSet::new();
    for function in functions().into_iter().chain(["tenant".to_owned()]) {
        assert!(
            !denied(&stack, &function).await,
            "{function}: its role does not suffice"
        );
        for policy in Policy::all_of(&stack.aws, &role_of(&stack.aws, &function)) {
            let _restored = PolicyGuard(&policy);
            for (action, without) in policy.without_one() {
                policy.put(&without);
                if !denied(&stack, &function).await {
                    unseen.insert((function.clone(), action));
                }
            }
        }
        assert!(
            !denied(&stack, &function).await,
            "{function}: its policy is back"
        );
    }
    let expected = UNSEEN.map(|(function, action)| (function.to_owned(), action.to_owned()));
    assert_eq!(
        unseen,
        BTreeSet::from(expected),
        "permissions that nothing needs, or that no exercise tries"
    );
}

/// Actions that have no resource type of ours, so that their resource must be `*` (Service
/// Authorization Reference).
const NAMELESS: [&str; 5] = [
    "states:SendTask",
    "states:ListStateMachines",
    "dynamodb:ListStreams",
    "logs:",
    "xray:",
];

/// The managed policies of AWS that a role of the stack may have.
const MANAGED: [&str; 2] = ["AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"];

#[tokio::test]
async fn no_policy_of_ours_has_a_wildcard_in_place_of_a_name() {
    let aws = Aws::from_env().await;
    let listed_roles = elements(&aws.iam("ListRoles", &[]), "RoleName");
    let stack = format!("{}-", variable("HOLDFAST_STACK"));
    let roles: Vec<_> = listed_roles
        .iter()
        .filter(|role| role.starts_with(&stack))
        .collect();
    assert!(roles.len() > 10, "{listed_roles:?}");
    for role in roles {
        // SAM attaches policies for logs and traces (SECURITY.md).
        let attached = aws.iam("ListAttachedRolePolicies", &[("RoleName", role)]);
        for policy in elements(&attached, "PolicyName") {
            assert!(MANAGED.contains(&&*policy), "{role}: {policy}");
        }
        for policy in Policy::all_of(&aws, role) {
            for statement in policy.document["Statement"].as_array().expect("statements") {
                for action in listed(&statement["Action"]) {
                    assert!(!action.contains('*'), "{role}: {action}");
                    let nameless = NAMELESS.iter().any(|start| action.starts_with(start));
                    for resource in listed(&statement["Resource"]) {
                        assert!(
                            nameless || resource != "*",
                            "{role}: {action} on {resource}"
                        );
                        // A wildcard is for names that arise at run time only.
                        let start = resource.split('*').next().unwrap_or_default();
                        let inner = ["/receipts/", "/payloads/", "/digests/", "/late/", ":live"]
                            .iter()
                            .any(|end| start.ends_with(end));
                        let ours = ["WF-", "recovery:", "bulk:"]
                            .iter()
                            .any(|name| start.ends_with(&format!(":{stack}{name}")));
                        assert!(
                            nameless || !resource.contains('*') || inner || ours,
                            "{role}: {action} on {resource}"
                        );
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn the_console_has_no_right_on_any_resource() {
    let aws = Aws::from_env().await;
    let role = role_of(&aws, "console");
    let policies = Policy::all_of(&aws, &role);
    assert!(policies.is_empty(), "{:?}", policies[0].document);
    let attached = aws.iam("ListAttachedRolePolicies", &[("RoleName", &role)]);
    for policy in elements(&attached, "PolicyName") {
        assert!(MANAGED.contains(&&*policy), "{policy}");
    }
}

/// The emulator has no such setting, so that the test reads the template.
#[test]
fn the_template_limits_the_request_rate_of_the_api() {
    let template = include_str!("../../template.yaml");
    let stage = template.split_once("  HttpApiStage:\n").expect("a stage").1;
    let stage = stage.split_once("\n\n").expect("more follows").0;
    for setting in [
        "ThrottlingRateLimit: !Ref ApiRateLimit",
        "ThrottlingBurstLimit: !Ref ApiBurstLimit",
    ] {
        assert!(stage.contains(setting), "{setting}: {stage}");
    }
    for (parameter, default) in [("ApiRateLimit", "100"), ("ApiBurstLimit", "200")] {
        let setting = format!("  {parameter}:\n    Type: Number\n    Default: {default}\n");
        assert!(template.contains(&setting), "{setting}");
    }
}

#[test]
fn the_template_refuses_requests_without_tls_at_both_buckets() {
    let template = include_str!("../../template.yaml");
    for bucket in ["ReceiptBucket", "PayloadBucket"] {
        let policy = template.split_once(&format!("  {bucket}Policy:\n"));
        let (_, policy) = policy.expect("the bucket's policy");
        let statement: Vec<_> = policy.lines().map(str::trim).skip(6).take(6).collect();
        let resource = format!("Resource: [!GetAtt {bucket}.Arn, !Sub \"${{{bucket}.Arn}}/*\"]");
        let right = [
            "- Sid: TlsOnly",
            "Effect: Deny",
            "Principal: \"*\"",
            "Action: s3:*",
            resource.as_str(),
            "Condition: { Bool: { aws:SecureTransport: \"false\" } }",
        ];
        assert_eq!(statement, right);
    }
}

#[tokio::test]
async fn the_bucket_policy_refuses_a_stack_without_tls() {
    if !enforced() {
        return;
    }
    let stack = Stack::alone().await;
    let bucket = variable("HOLDFAST_PAYLOAD_BUCKET");
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    }]});
    let s3 = &stack.aws.s3;
    s3.put_bucket_policy()
        .bucket(&bucket)
        .policy(policy.to_string())
        .send()
        .await
        .expect("a policy");
    let refused = denied(&stack, "begin").await;
    s3.delete_bucket_policy()
        .bucket(&bucket)
        .send()
        .await
        .expect("it is gone");
    assert!(
        refused,
        "a function's payload went over a connection without TLS"
    );
    assert!(!denied(&stack, "begin").await);
}
