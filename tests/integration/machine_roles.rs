//! The roles of state machines and triggers allow what their states and rules name, and nothing
//! else.
//!
//! The emulator enforces neither role when it acts for a state machine or a rule, so that the tests
//! call its simulation of IAM policies.

use std::collections::BTreeSet;

use holdfast_tests::{Aws, Stack, elements, variable};

use crate::permissions::{Policy, PolicyGuard, functions};

/// True if the emulator's simulation allows a role `action` on `resource`.
fn allowed(aws: &Aws, role: &str, action: &str, resource: &str) -> bool {
    let parameters = [
        ("PolicySourceArn", role),
        ("ActionNames.member.1", action),
        ("ResourceArns.member.1", resource),
    ];
    let said = aws.iam("SimulatePrincipalPolicy", &parameters);
    match elements(&said, "EvalDecision").pop().as_deref() {
        Some("allowed") => true,
        Some("implicitDeny" | "explicitDeny") => false,
        _ => panic!("{said}"),
    }
}

/// Removes each permission for an action from a role in turn, and expects that one of the resources
/// is then denied.
///
/// The emulator enforces no role of a state machine or a trigger, so that no other test would
/// notice.
fn each_is_needed(aws: &Aws, role: &str, action: &str, resources: &[String]) {
    let name = role.rsplit('/').next().expect("a name");
    let mut taken = 0;
    for policy in Policy::all_of(aws, name) {
        for (_, without) in policy
            .without_one()
            .into_iter()
            .filter(|(one, _)| one == action)
        {
            let _back = PolicyGuard(&policy);
            policy.put(&without);
            let denied = resources.iter().any(|one| !allowed(aws, role, action, one));
            assert!(
                denied,
                "{role}: {action} of {} is needed by nothing",
                policy.name
            );
            taken += 1;
        }
    }
    assert!(taken > 0, "{role} has no {action}");
}

#[tokio::test]
async fn each_machine_may_call_the_functions_that_its_states_name_and_no_others() {
    let stack = Stack::from_env().await;
    let prefix = variable("HOLDFAST_MACHINE_PREFIX");
    let function = prefix
        .replace(":states:", ":lambda:")
        .replace(":stateMachine:", ":function:");
    let mut used = BTreeSet::new();
    for machine in [
        "WF-DELAY-VENDOR-PAYMENTS-ACME",
        "WF-HOLD-LARGE-PAYMENTS",
        "WF-HOLD-STRATEGIC-VENDOR",
        "WF-HOLD-VENDOR-GROUP",
        "WF-REVIEW-REMINDER",
        "recovery",
        "bulk",
    ] {
        let described = stack.aws.states.describe_state_machine();
        let described = described
            .state_machine_arn(stack.aws.machine(machine))
            .send()
            .await;
        let described = described.expect("a machine of the stack");
        let mut called = Vec::new();
        for name in functions() {
            let arn = format!("{function}{name}");
            let calls = described.definition.contains(&format!("\"{arn}\""));
            let may = allowed(
                &stack.aws,
                &described.role_arn,
                "lambda:InvokeFunction",
                &arn,
            );
            assert_eq!(may, calls, "{machine} and {name}");
            if calls {
                used.insert(name);
                called.push(arn);
            }
        }
        each_is_needed(
            &stack.aws,
            &described.role_arn,
            "lambda:InvokeFunction",
            &called,
        );
        for (action, resource) in [
            ("states:StartExecution", format!("{prefix}recovery")),
            (
                "dynamodb:GetItem",
                "arn:aws:dynamodb:us-east-1:000000000000:table/any".to_owned(),
            ),
            ("lambda:InvokeFunction", format!("{function}other")),
        ] {
            assert!(
                !allowed(&stack.aws, &described.role_arn, action, &resource),
                "{machine}: {action}"
            );
        }
    }
    // API Gateway, EventBridge and the stream call the others.
    let rest: Vec<_> = functions()
        .into_iter()
        .filter(|name| !used.contains(name))
        .collect();
    assert_eq!(rest, ["api", "audit", "digest", "recover", "start"]);
}

#[tokio::test]
async fn each_trigger_may_start_its_own_machine_and_nothing_else() {
    let aws = Aws::from_env().await;
    let roles = elements(&aws.iam("ListRoles", &[]), "Arn");
    let machines = [
        ("DelayVendorPaymentsAcme", "WF-DELAY-VENDOR-PAYMENTS-ACME"),
        ("ReviewReminder", "WF-REVIEW-REMINDER"),
    ];
    let prefix = variable("HOLDFAST_MACHINE_PREFIX");
    for (id, own) in machines {
        let of_stack = format!("/{}-{id}TriggerRole", variable("HOLDFAST_STACK"));
        let role = roles
            .iter()
            .find(|arn| arn.contains(&of_stack))
            .unwrap_or_else(|| panic!("{of_stack} in {roles:?}"));
        assert!(
            allowed(
                &aws,
                role,
                "states:StartExecution",
                &format!("{prefix}{own}")
            ),
            "{own}"
        );
        each_is_needed(
            &aws,
            role,
            "states:StartExecution",
            &[format!("{prefix}{own}")],
        );
        for other in machines
            .iter()
            .map(|(_, name)| *name)
            .chain(["recovery"])
            .filter(|name| *name != own)
        {
            assert!(
                !allowed(
                    &aws,
                    role,
                    "states:StartExecution",
                    &format!("{prefix}{other}")
                ),
                "{own}: {other}"
            );
        }
        assert!(!allowed(
            &aws,
            role,
            "lambda:InvokeFunction",
            "arn:aws:lambda:us-east-1:000000000000:function:any"
        ));
    }
}
