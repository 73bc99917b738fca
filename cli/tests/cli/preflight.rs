//! Tests of `holdfast doctor --before-deploy`, against issuers on this machine.

use std::{
    env, fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
};

use crate::{
    program::elf,
    project::{CommandOutput, HEAD, Project, repository},
};

const TEMPLATE: &str = "\
Parameters:
  Architecture:
    Type: String
    Default: x86_64
  VendorSystemUrl: { Type: String }
  HttpAllow: { Type: String, Default: \"\" }
  SecretAllow: { Type: String, Default: \"\" }
  JwtIssuer: { Type: String }
  AlarmTopicArn:
    Type: String
    Default: \"\"
  ReceiptLockDays: { Type: Number, Default: 0 }

Resources:
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      Name: !Sub \"${AWS::StackName}-WF-TEST\"
  RecoverFunction:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub \"${AWS::StackName}-recover\"
      Events:
        SweepRule:
          Properties: { Schedule: rate(1 minute), Name: !Sub \"${AWS::StackName}-SweepRule\" }
";

/// A project whose environment `staging` has these parameters beside an issuer.
pub(crate) fn project(issuer: &str, parameters: &str) -> Project {
    let steps = "steps:
  - name: tell
    action: http
    input: { method: POST, url: \"${VendorSystemUrl}/v1/notices\" }
    rollback:
      input: { method: DELETE, url: \"https://fixed.acme.eu/notices\" }
  - name: ask
    action: http
    input: { method: GET, url: \"https://fixed.acme.eu\", path: [\"{% $input.vendor_id %}\"] }
";
    let project = Project::with(&format!("{HEAD}{steps}"));
    project.write("template.yaml", TEMPLATE);
    let settings = format!(
        "[default.global.parameters]
stack_name = \"holdfast\"

[staging.global.parameters]
stack_name = \"holdfast-staging\"
region = \"eu-central-1\"

[staging.deploy.parameters]
parameter_overrides = [\"JwtIssuer={issuer}\", {parameters}]
"
    );
    project.write("samconfig.toml", settings);
    project
}

/// Parameters that are in order.
pub(crate) const FINE: &str = r#""VendorSystemUrl=https://vendors.acme.eu", "HttpAllow=https://*.acme.eu",
    "AlarmTopicArn=none", 'ReceiptLockDays=0'"#;

/// Runs the command without the variables and files of this machine's user.
pub(crate) fn doctor(folder: &Path, args: &[&str]) -> CommandOutput {
    doctor_that_trusts(None, folder, args)
}

/// The same, with certificates of this file's authorities instead of this machine's.
pub(crate) fn doctor_that_trusts(
    authorities: Option<&Path>,
    folder: &Path,
    args: &[&str],
) -> CommandOutput {
    let output = Command::new(env!("CARGO_BIN_EXE_holdfast"))
        .args(["doctor", "--before-deploy"])
        .args(args)
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .envs(authorities.map(|file| ("SSL_CERT_FILE", file)))
        .current_dir(folder)
        .output()
        .expect("the command starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    CommandOutput {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

#[track_caller]
fn says(project: &Project, lines: &[&str]) -> CommandOutput {
    let output = doctor(&project.path(""), &["--env", "staging"]);
    for line in lines {
        assert!(
            output.out.contains(line),
            "{line}: {}{}",
            output.out,
            output.err
        );
    }
    output
}

/// An issuer that gives these documents, each to its request in turn, and its address.
fn issuer(documents: impl FnOnce(&str) -> Vec<(u16, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let documents = documents(&address);
    thread::spawn(move || {
        for (status, body) in documents {
            let (mut stream, _) = listener.accept().expect("a caller");
            let _ = stream.read(&mut [0; 4096]).expect("a request");
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nLocation: /\r\nConnection: close\r\n\r\n"
            );
            stream
                .write_all((head + &body).as_bytes())
                .expect("the answer is sent");
        }
    });
    address
}

/// An issuer with a discovery document of its own, and these keys.
fn issuer_with(keys: &str) -> String {
    let keys = keys.to_owned();
    issuer(|address| {
        let document = format!(r#"{{"issuer": "{address}", "jwks_uri": "{address}/keys"}}"#);
        vec![(200, document), (200, keys)]
    })
}

#[test]
fn an_issuer_that_api_gateway_could_not_use_is_refused() {
    let cases = [
        (
            issuer(|_| vec![(404, String::new())]),
            "answered 404; it must answer 200 to everyone",
        ),
        (
            issuer(|_| vec![(302, String::new())]),
            "answered 302; it must answer 200 to everyone",
        ),
        (
            issuer(|_| vec![(200, "<html>".to_owned())]),
            "openid-configuration is not JSON: ",
        ),
        (
            issuer(|_| vec![(200, "{}".to_owned())]),
            "the discovery document has no jwks_uri",
        ),
        (
            issuer(|address| {
                let document = format!(r#"{{"issuer": "{address}/", "jwks_uri": "{address}/k"}}"#);
                vec![(200, document), (500, String::new())]
            }),
            "with its slash at the end or without\n",
        ),
        (issuer_with("[]"), "the key set has no list keys"),
        (
            issuer_with(r#"{"keys": []}"#),
            "it has no key for signatures",
        ),
        (
            issuer_with(r#"{"keys": [{"kty": "RSA", "kid": "a"}, {"kty": "EC", "kid": "b"}]}"#),
            "the key \"b\" is EC, and API Gateway verifies RSA only: sign tokens with RS256",
        ),
        (
            issuer_with(r#"{"keys": [{"kty": "RSA"}]}"#),
            "a key has no kid",
        ),
        (
            "http://127.0.0.1:9".to_owned(),
            "does not answer: Connection refused",
        ),
    ];
    for (issuer, why) in cases {
        let output = says(&project(&issuer, FINE), &[why]);
        assert_eq!(output.code, Some(1), "{why}");
    }
}

#[test]
fn what_is_in_order_is_approved_without_any_credentials() {
    let keys =
        r#"{"keys": [{"kty": "RSA", "kid": "a", "use": "sig"}, {"kty": "EC", "use": "enc"}]}"#;
    let output = says(
        &project(&issuer_with(keys), FINE),
        &[
            "its keys are RSA keys for signatures\n",
            "ok    samconfig.toml [staging]: HttpAllow is set\n",
            "ok    samconfig.toml [staging]: \"holdfast-staging\" can be a stack's name\n",
            "ok    samconfig.toml [staging]: 3 names of resources fit, with 38 characters left\n",
            "ok    workflows/test.yaml: step tell calls an allowed address\n",
            "ok    workflows/test.yaml: step tell is undone at an allowed address\n",
            "ok    workflows/test.yaml: step ask calls an allowed address\n",
            "ok    samconfig.toml [staging]: eu-central-1 is a region of the partition aws\n",
            "not checked: the account; there are no AWS credentials",
            "not checked: programs; .aws-sam/build has none before sam build\n",
        ],
    );
    // The issuer on this machine has no TLS, and nothing else is wrong.
    let wrong: Vec<_> = output
        .out
        .lines()
        .filter(|line| line.starts_with("WRONG"))
        .collect();
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(wrong[0].contains("it is an https address: API Gateway reads https only"));
}

#[test]
fn what_a_deployer_must_write_or_decide_is_named() {
    let parameters =
        r#""HttpAllow=https://vendors.acme.eu/v1,", "AlarmTopics=x", 'AlarmTopicArn=""'"#;
    says(
        &project("https://login.example.com/", parameters),
        &[
            "JwtIssuer is set: \"https://login.example.com/\" is a placeholder",
            "AlarmTopics is a parameter: template.yaml has no such parameter",
            "VendorSystemUrl is set: it has no default: add Name=value",
            "AlarmTopicArn is decided: it is empty or missing: set the ARN of the SNS topic",
            "ReceiptLockDays is decided: it is empty or missing: ",
            "step tell is undone at an allowed address: ",
            "https://fixed.acme.eu or its path is not allowed; the parameter HttpAllow lists what is",
        ],
    );
    says(
        &project("", r#""HttpAllow=ftp://a.acme.eu""#),
        &["HttpAllow can be read: "],
    );
    says(
        &project("", r#""SecretAllow=ap-system-token""#),
        &["SecretAllow can be read: HOLDFAST_SECRET_ALLOW: \"ap-system-token\" is not NAME=ORIGIN"],
    );
    let topic = r#""AlarmTopicArn=arn:aws:sns:us-east-1:210987654321:alarms""#;
    says(
        &project("", topic),
        &["is in us-east-1, and the stack in eu-central-1"],
    );
}

#[test]
fn a_secret_is_compared_with_the_origins_that_may_receive_it() {
    let steps = "steps:
  - name: tell
    action: http
    input: { method: POST, url: \"https://v.acme.eu\", auth: { secret: vendors/api } }
    rollback:
      input: { method: POST, url: \"https://w.acme.eu\", auth: { secret: vendors/api } }
";
    let allowed = format!("{FINE}, \"SecretAllow=vendors/api=https://v.acme.eu\"");
    let project = project("", &allowed);
    project.write("workflows/test.yaml", format!("{HEAD}{steps}"));
    says(
        &project,
        &[
            "ok    workflows/test.yaml: step tell calls an address that may receive its secret\n",
            "WRONG workflows/test.yaml: expected that step tell is undone at an address that may receive its \
             secret: auth: the secret \"vendors/api\" is not allowed for https://w.acme.eu",
            "add vendors/api=https://w.acme.eu to the parameter SecretAllow",
        ],
    );
}

#[test]
fn a_name_over_the_limit_of_its_kind_is_refused() {
    let staging = project("", FINE);
    for (length, refused) in [(54, false), (55, true)] {
        let stack = "s".repeat(length);
        let output = doctor(
            &staging.path(""),
            &["--env", "staging", "--stack-name", &stack],
        );
        let why =
            "-SweepRule\", fits: it has 65 characters, and AWS allows 64: shorten the stack's name";
        assert_eq!(output.out.contains(why), refused, "{}", output.out);
        let wrong = output
            .out
            .contains("WRONG template.yaml: expected that Name of RecoverFunction, ");
        assert_eq!(wrong, refused, "{}", output.out);
    }
    let args = ["--env", "staging", "--stack-name", "2nd"];
    let output = doctor(&staging.path(""), &args);
    assert!(
        output
            .out
            .contains("WRONG samconfig.toml [staging]: expected that \"2nd\" can be"),
        "{}",
        output.out
    );
}

#[test]
fn the_settings_are_those_that_sam_deploy_reads() {
    let staging = project("https://login.example.com/", FINE);
    let run = |args: &[&str]| doctor(&staging.path(""), args);
    let output = run(&["--config-env", "prod"]);
    let why = "has no environment \"prod\": --config-env names one of default, staging";
    assert!(output.err.contains(why), "{}", output.err);
    let given = [
        "--env",
        "staging",
        "--parameter-overrides",
        "HttpAllow=https://a.acme.eu",
    ];
    let output = run(&given);
    assert!(
        output
            .out
            .contains("WRONG samconfig.toml [staging]: expected that JwtIssuer is set"),
        "{}",
        output.out
    );
    let output = run(&["--region", "cn-north-1"]);
    assert!(
        output
            .out
            .contains("WRONG samconfig.toml [default]: expected that cn-north-1 is a region")
    );
    let output = run(&[]);
    let why = "WRONG samconfig.toml [default]: expected that a region is set: it is missing";
    assert!(output.out.contains(why), "{}", output.out);
}

#[test]
fn programs_are_judged_by_the_rule_of_the_build() {
    let staging = project("", FINE);
    let rule = fs::read(repository().join("infra/build/program.py")).expect("the rule");
    staging.write("infra/build/program.py", rule);
    let loader = "/lib64/ld-linux-x86-64.so.2";
    let built = ".aws-sam/build/BeginFunction/bootstrap";
    staging.write(built, elf(62, loader, &["GLIBC_2.34"]));
    says(
        &staging,
        &["ok    .aws-sam/build: 1 programs run on Lambda (x86_64)\n"],
    );
    staging.write(built, elf(62, loader, &["GLIBC_2.39"]));
    says(
        &staging,
        &[
            "WRONG .aws-sam/build: ",
            "needs GLIBC_2.39, but Amazon Linux 2023 has",
        ],
    );
    staging.write(built, elf(183, "", &[]));
    says(
        &staging,
        &[
            "WRONG .aws-sam/build: ",
            "is for arm64, but Architecture is x86_64",
        ],
    );
}

#[test]
fn the_names_of_this_repository_fit_for_every_environment_of_its_samconfig() {
    for environment in ["local", "staging", "production"] {
        // No program listens there, so that the test asks no other machine.
        let issuer = "JwtIssuer=http://127.0.0.1:9";
        let args = ["--env", environment, "--parameter-overrides", issuer];
        let output = doctor(&repository(), &args);
        let fits = output
            .out
            .lines()
            .find(|line| line.contains(" names of resources fit, with "));
        assert!(
            fits.is_some_and(|line| line.starts_with("ok")),
            "{}",
            output.out
        );
    }
}
