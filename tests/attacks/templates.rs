//! Attacks by the author of a definition: texts that try to write into template.yaml, or to read
//! the account's parameters and secrets at deployment.

use std::fs;

use holdfast_action::ActionInfo;
use holdfast_workflow::{
    compile::all,
    definition::{Environment, read},
};

use crate::{none_succeeded, repository};

/// Texts for every field below.
const HOSTILE: [&str; 14] = [
    "x\n            - Effect: Allow\n              Action: '*'\n              Resource: '*'",
    "x\"\n  Attack:\n    Type: AWS::IAM::User\n  Rest: \"",
    "x'\n  Attack:\n    Type: AWS::IAM::User\n  Rest: '",
    "x\r\n  Attack:\r\n    Type: AWS::IAM::User",
    "x\u{85}  Attack:\u{85}    Type: AWS::IAM::User",
    "x\u{2028}  Attack: {}",
    "x }, Attack: { Type: AWS::IAM::User",
    "x ] } # ",
    "!Sub ${AWS::AccountId}",
    "${Ledger}",
    "${SigningKey.Arn}",
    "{{resolve:secretsmanager:prod/db}}",
    "{${VendorSystemUrl}{resolve:ssm:/prod/key}}",
    "*",
];

/// A field, its line with a text, and an honest text.
const FIELDS: [(&str, &str, &str); 7] = [
    ("secret", "      auth: { secret: TEXT }", "prod/target"),
    ("url", "      url: TEXT", "https://example.com/notify"),
    (
        "source",
        "    event: { source: [TEXT], detail-type: [A] }",
        "a",
    ),
    (
        "pattern",
        "    event: { source: [a], detail-type: [A], detail: { TEXT: [1] } }",
        "a",
    ),
    (
        "timezone",
        "    schedule: cron(0 2 * * ? *)\n    timezone: TEXT",
        "Europe/Berlin",
    ),
    ("schedule", "    schedule: TEXT", "cron(0 2 * * ? *)"),
    (
        "trigger",
        "  - name: TEXT\n    event: { source: [a], detail-type: [A] }",
        "raised",
    ),
];

/// A definition in which `line` replaces the line of the same field.
fn definition(field: &str, line: &str) -> String {
    let given = |name: &str, usual: &'static str| match name == field {
        true => line.to_owned(),
        false => usual.to_owned(),
    };
    let trigger = match field {
        "trigger" => line.to_owned(),
        "source" | "pattern" | "timezone" | "schedule" => format!("  - name: raised\n{line}"),
        _ => "  - name: raised\n    event: { source: [a], detail-type: [A] }".to_owned(),
    };
    let key = match trigger.contains("schedule:") {
        true => "$scheduled_time",
        false => "$event.id",
    };
    let url = given("url", "      url: \"${VendorSystemUrl}/notifications\"");
    let auth = given("secret", "      auth: { secret: prod/target }");
    format!(
        "workflow: WF-ATTACK\nversion: 1\ninput: {{ type: object }}\ntriggers:\n{trigger}\n    \
         tenant: acme\n    idempotency_key: \"{{% {key} %}}\"\n    input: {{}}\nsteps:\n  - name: one\n    \
         action: http\n    input:\n      method: POST\n{url}\n{auth}\n    irreversible: true\n"
    )
}

/// The template with a compiled definition, or why it is refused.
fn compiled(source: &str) -> Result<String, String> {
    let registry = holdfast_steps::registry();
    let actions: Vec<ActionInfo> = registry.infos().cloned().collect();
    let known: Vec<&ActionInfo> = registry.infos().collect();
    let parameters = ["VendorSystemUrl".to_owned()];
    let environment = Environment {
        actions: &known,
        parameters: &parameters,
    };
    let definition = read(source, &environment).map_err(|problems| format!("{problems:?}"))?;
    let template = fs::read_to_string(repository().join("template.yaml")).expect("the template");
    all(&[(&definition, "attack")], &actions, &template).map(|project| project.template)
}

/// A template without the texts between its double quotes: its structure, and all that grants.
fn structure(template: &str) -> String {
    let (mut structure, mut inside, mut escaped) = (String::new(), false, false);
    for c in template.chars() {
        match (inside, escaped, c) {
            (true, false, '\\') => escaped = true,
            (true, true, _) => escaped = false,
            (_, _, '"') => inside = !inside,
            (true, ..) => {}
            (false, ..) => structure.push(c),
        }
    }
    structure
}

#[test]
fn no_text_of_a_definition_grants_creates_or_resolves_anything() {
    let mut succeeded = Vec::new();
    for (field, line, honest) in FIELDS {
        let with = |text: &str| {
            let quoted = serde_json::to_string(text).expect("JSON");
            compiled(&definition(field, &line.replace("TEXT", &quoted)))
        };
        let honest = with(honest).expect("the honest definition compiles");
        assert!(honest.contains("AttackMachine:"), "it is in the template");
        for text in HOSTILE {
            let Ok(template) = with(text) else { continue };
            // An address with a parameter has a substitution, as it should.
            let substituted = "          VendorSystemUrl: !Ref VendorSystemUrl\n";
            let bare = |template: &str| structure(template).replace(substituted.trim_start(), "");
            let grants = bare(&template)
                .split_whitespace()
                .ne(bare(&honest).split_whitespace());
            let wide = text == "*" && field == "secret";
            if grants || wide || template.contains("resolve:") {
                succeeded.push(format!("{field} {text:?}"));
            }
        }
    }
    none_succeeded(&succeeded);
}
