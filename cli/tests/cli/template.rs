//! Tests of what the template asks of AWS beyond the local stack, which accepts more.

use std::fs;

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
    assert_eq!(retained, 6, "table, two buckets, key, bus and archive");
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
