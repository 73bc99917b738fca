//! Tests of the generated region: no text of a definition changes the structure of template.yaml.

use holdfast_task::Tier;
use proptest::prelude::*;
use serde_json::json;

use super::definitions::{definition, step_of};
use crate::{
    compile::all,
    definition::{Definition, StepKind, TriggerSource},
};

const TEMPLATE: &str = "Parameters:\n  HttpAllow: { Type: String }\n  SecretAllow: { Type: String }\n  \
                        VendorSystemUrl: { Type: String }\nResources:\n  # <holdfast>\n  # </holdfast>\n";

/// A workflow with `text` in every field that the region contains as a value.
fn workflow_with(text: &str) -> Definition {
    let mut step = step_of("http");
    if let StepKind::Action(action) = &mut step.kind {
        action.input = json!({ "auth": { "secret": text } });
    }
    let mut workflow = definition(vec![step]);
    let mut by_event = workflow.triggers[0].clone();
    by_event.name = "by_event".to_owned();
    by_event.source = TriggerSource::Event(json!({ text: [text, { text: text }] }));
    workflow.triggers[0].source = TriggerSource::Schedule {
        schedule: text.to_owned(),
        timezone: Some(text.to_owned()),
    };
    workflow.triggers.push(by_event);
    workflow
}

fn compiled(workflow: &Definition) -> Result<String, String> {
    let registry = holdfast_steps::registry();
    let actions: Vec<_> = registry.infos().cloned().collect();
    all(&[(workflow, "test.yaml")], &actions, TEMPLATE).map(|project| project.template)
}

/// The template without the texts in double quotes.
fn structure(template: &str) -> String {
    let (mut structure, mut inside, mut escaped) = (String::new(), false, false);
    for c in template.replace("!Sub \"", "\"").chars() {
        match (inside, escaped, c) {
            (true, false, '\\') => escaped = true,
            (true, false, '"') | (false, _, '"') => {
                inside = !inside;
                structure.push(c);
            }
            (true, ..) => escaped = false,
            (false, ..) => structure.push(c),
        }
    }
    structure
}

fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        prop::sample::select(vec![
            "\"",
            "\\",
            "'",
            "\n",
            "\n            - Effect: Allow\n              Action: \"*\"\n              Resource: \"*\"\n",
            "\n  Mine:\n    Type: AWS::IAM::Role\n",
            "# </holdfast>\n",
            "@SECRETS@",
            "@PATTERN@",
            "@ID@",
            "${VendorSystemUrl}",
            "${AWS::AccountId}",
            "${Ledger.Arn}",
            "${!",
            "!Ref Ledger",
            "*log-delivery",
            "&a",
            "- ",
            ": ",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "\u{0}",
            "arn:",
            "HoldfastValue1",
        ])
        .prop_map(str::to_owned),
        ".{1,4}",
    ];
    // An expression is no name of a secret.
    prop::collection::vec(part, 1..6)
        .prop_map(|parts| parts.concat())
        .prop_filter("an expression", |text| !text.contains("{%"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_text_of_a_definition_stays_between_its_quotes(text in hostile()) {
        let parameter = "${VendorSystemUrl}";
        let harmless = if text.contains(parameter) { parameter } else { "harmless" };
        let harmless = compiled(&workflow_with(harmless)).expect("a template");
        let template = compiled(&workflow_with(&text)).expect("a template");
        prop_assert_eq!(structure(&template), structure(&harmless));
    }
}

#[test]
fn a_name_that_a_block_contains_unquoted_is_plain() {
    for name in ["a b", "a\n  Mine: {}", "a\"", "ä", "a:b", "@ID@"] {
        let mut workflow = workflow_with("harmless");
        workflow.triggers[1].name = name.to_owned();
        let error = compiled(&workflow).expect_err("a name in the wrong form");
        assert!(error.contains("ASCII letters, digits"), "{error}");
        let mut workflow = workflow_with("harmless");
        workflow.workflow = format!("WF-{name}");
        let error = compiled(&workflow).expect_err("a name in the wrong form");
        assert!(error.starts_with("template.yaml: "), "{error}");
    }
}

#[test]
fn an_express_workflow_has_a_machine_that_may_report_what_begin_did_not_record() {
    let express = Definition {
        tier: Tier::Express,
        ..definition(vec![step_of("http")])
    };
    let standard = compiled(&definition(vec![step_of("http")])).expect("it compiles");
    let template = compiled(&express).expect("it compiles");
    for line in [
        "      Type: EXPRESS\n",
        "        StatusEventQueueUrl: !Ref StatusEventQueue\n",
        "              Action: sqs:SendMessage\n              Resource: !GetAtt StatusEventQueue.Arn\n",
    ] {
        assert!(template.contains(line), "{line}");
        assert!(!standard.contains(line), "{line}");
    }
    // Step Functions keeps no history of an Express run: its errors are in this log group alone.
    let log = "        Level: ERROR\n        IncludeExecutionData: false\n        Destinations: [{";
    assert!(template.contains(log), "{template}");
}

#[test]
fn a_machine_refers_to_parameters_and_not_to_resources() {
    let mut workflow = workflow_with("harmless");
    workflow.guardrails[0].message = "see ${Ledger}".to_owned();
    let error = compiled(&workflow).expect_err("no such parameter");
    let right = "template.yaml: add the parameter Ledger, or take ${Ledger} out of WF-TEST";
    assert_eq!(error, right);
}

#[test]
fn a_pattern_a_schedule_and_a_secret_refer_to_parameters_and_not_to_resources() {
    let ledger = "${Ledger}";
    let whole = workflow_with(ledger);
    let right = "template.yaml: add the parameter Ledger, or take ${Ledger} out of WF-TEST";
    for part in 0..3 {
        let mut workflow = workflow_with("harmless");
        match part {
            0 | 1 => workflow.triggers[part] = whole.triggers[part].clone(),
            _ => workflow.steps = whole.steps.clone(),
        }
        assert_eq!(compiled(&workflow).expect_err("no such parameter"), right);
    }
}

#[test]
fn a_text_that_cloudformation_would_resolve_to_a_secret_is_refused() {
    for text in [
        "{{resolve:secretsmanager:prod/db}}",
        "a {{resolve:ssm:/prod/key}} b",
        "{${HttpAllow}{resolve:ssm-secure:key:1}}",
    ] {
        let refused = compiled(&workflow_with(text)).expect_err(text);
        assert!(refused.contains("{{resolve:"), "{refused}");
    }
    compiled(&workflow_with("{{resolve}} {resolve:ssm:x}")).expect("no reference");
}
