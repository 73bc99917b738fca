//! Proofs of receipts: for another JOSE library, across a change of keys, and by the chain of
//! digests in a mirror.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use holdfast_receipt::chain::Hour;
use holdfast_tests::{Api, Aws, DELAY, EnvironmentChange, Stack, eventually, unique, variable};
use jiff::Timestamp;
use serde_json::json;

use crate::{hold, story::holdfast};

/// A temporary folder, which is deleted on drop.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = env::temp_dir().join(unique("holdfast"));
        fs::create_dir(&folder).expect("a folder");
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, bytes).expect("it can be written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn ran(program: &str, arguments: &[&str]) -> (bool, String) {
    let ran = Command::new(program).args(arguments).output();
    let ran = ran.expect("what make up installs");
    let said = [ran.stdout, ran.stderr].concat();
    (
        ran.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// The id of the key by which joserfc verifies a file, or why joserfc refuses the file.
fn others_verify(file: &str, keys: &str, typ: &str) -> Result<String, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/support/verify.py");
    match ran("python3", &[script, file, keys, typ]) {
        (true, said) => Ok(said.trim().to_owned()),
        (false, said) => Err(said),
    }
}

pub(crate) async fn key_set(api: &Api, folder: &Folder) -> String {
    let keys = api.get("/v1/keys").await.body;
    folder.write("keys.json", keys.to_string().as_bytes())
}

async fn receipt(api: &Api, id: &str, to: &Folder) -> String {
    let link = api.get(&format!("/v1/executions/{id}/receipt")).await.body;
    let bytes = api.bytes(link["url"].as_str().expect("a url")).await;
    to.write(&format!("{id}.json"), &bytes)
}

async fn executed(api: &Api) -> String {
    let id = api
        .started(DELAY, &unique("chain"), &hold(&unique("vendor")))
        .await;
    api.finished(&id).await;
    id
}

const RECEIPT: &str = "holdfast-receipt+jws";

#[tokio::test]
async fn another_jose_library_verifies_a_receipt_and_refuses_an_altered_one() {
    let stack = Stack::from_env().await;
    let folder = Folder::new();
    let id = executed(&stack.api).await;
    let (file, keys) = (
        receipt(&stack.api, &id, &folder).await,
        key_set(&stack.api, &folder).await,
    );
    let said = others_verify(&file, &keys, RECEIPT);
    let kid = said.expect("it is signed");
    assert!(
        fs::read_to_string(&keys)
            .expect("it is there")
            .contains(&kid)
    );
    let ours = holdfast(&["receipt", "verify", &file, "--jwks", &keys]).await;
    for said in [format!("signed by {kid}"), "that key certified ".to_owned()] {
        assert!(ours.0 && ours.1.contains(&said), "{}", ours.1);
    }
    let text = fs::read_to_string(&file).expect("it is there");
    let altered = text.replace("\"EXECUTED\"", "\"FAILED\"");
    assert_ne!(text, altered);
    let altered = folder.write("altered.json", altered.as_bytes());
    let refused = others_verify(&altered, &keys, RECEIPT).expect_err("it was altered");
    assert!(refused.contains("BadSignatureError"), "{refused}");
    let ours = holdfast(&["receipt", "verify", &altered, "--jwks", &keys]).await;
    assert!(
        !ours.0 && ours.1.contains("the signature does not fit"),
        "{}",
        ours.1
    );
}

#[tokio::test]
async fn old_and_new_receipts_verify_by_the_served_key_set_after_a_change_of_keys() {
    let stack = Stack::alone().await;
    let folder = Folder::new();
    let before = executed(&stack.api).await;
    let aws = &stack.aws;
    let key = json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY" });
    let created = aws.json("kms", "TrentService.CreateKey", &key);
    let new = created["KeyMetadata"]["Arn"].as_str().expect("an ARN");
    // These changes are those of the parameter SigningKeyArn. The API keeps the stack's own key in
    // its key set.
    let name = "HOLDFAST_SIGNING_KEY";
    let signs = [
        aws.allow("finish", &["kms:GetPublicKey", "kms:Sign"], new),
        aws.allow("api", &["kms:GetPublicKey"], new),
    ];
    let changed = [
        EnvironmentChange::new(aws, "finish", name, new),
        EnvironmentChange::new(aws, "api", name, new),
    ];
    let after = executed(&stack.api).await;
    let keys = key_set(&stack.api, &folder).await;
    let old = changed[0].before().to_owned();
    drop(changed);
    // Only `finish` signs, and it has its former key again.
    let [signs, serves] = signs;
    drop(signs);
    // Receipts that other tests caused meanwhile stay verifiable, as this test's do.
    serves.keep();
    let retired = format!("{old},{new}");
    EnvironmentChange::new(aws, "api", "HOLDFAST_RETIRED_SIGNING_KEYS", &retired).keep();
    let mut kids = Vec::new();
    for id in [before, after] {
        let file = receipt(&stack.api, &id, &folder).await;
        kids.push(others_verify(&file, &keys, RECEIPT).expect("it is signed"));
    }
    assert_ne!(kids[0], kids[1]);
}

/// Mirrors the files of one tenant from the receipt bucket, by the command of docs/receipts.md.
fn mirror(tenant: &str, folder: &Folder) -> String {
    let to = folder.path("mirror");
    let bucket = format!("s3://{}", variable("HOLDFAST_RECEIPT_BUCKET"));
    let only = format!("*/{tenant}/*");
    let sync = [
        "s3",
        "sync",
        &bucket,
        &to,
        "--exclude",
        "*",
        "--include",
        &only,
    ];
    let (synced, said) = ran("aws", &sync);
    assert!(synced, "{said}");
    to
}

pub(crate) fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
    found.sort();
}

#[tokio::test]
async fn an_offline_audit_of_a_mirror_names_every_injury() {
    let stack = Stack::from_env().await;
    let (folder, tenant) = (Folder::new(), stack.aws.new_tenant("tenant"));
    let api = stack.api.as_tenant(&tenant);
    let began = Hour::of(Timestamp::now());
    for _ in 0..3 {
        let group =
            json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": unique("vendor") }] });
        let id = api
            .started("WF-HOLD-VENDOR-GROUP", &unique("chain"), &group)
            .await;
        api.finished(&id).await;
    }
    // Digests of this hour, which is not over, and of the next. A later receipt would join a later
    // digest.
    let until = Hour::of(Timestamp::now()).next().next();
    let event = json!({ "tenant": tenant, "until": until.from() });
    stack.aws.invoke("digest", &event);
    stack.aws.invoke("digest", &event);
    let (dir, keys) = (mirror(&tenant, &folder), key_set(&stack.api, &folder).await);
    let (from, to) = (began.to_string(), until.to_string());
    let audit = [
        "receipt", "audit", "--tenant", &tenant, "--from", &from, "--to", &to, "--dir", &dir,
        "--jwks", &keys,
    ];
    let (fine, said) = holdfast(&audit).await;
    assert!(
        fine && said.contains("3 receipts, all as they were written"),
        "{said}"
    );
    let (mut receipts, mut digests) = (Vec::new(), Vec::new());
    files(&Path::new(&dir).join("receipts"), &mut receipts);
    files(&Path::new(&dir).join("digests"), &mut digests);
    others_verify(
        digests[0].to_str().expect("UTF-8"),
        &keys,
        "holdfast-digest+jws",
    )
    .expect("others verify digests too");
    let object = |path: &Path| {
        path.strip_prefix(&dir)
            .expect("in it")
            .display()
            .to_string()
    };
    let one = &receipts[1];
    let right = fs::read(one).expect("it is there");
    let elsewhere = one.with_file_name("elsewhere.json");
    for (what, at, injure) in [
        (
            "altered",
            one,
            Box::new(|| fs::write(one, right.replace_last())) as Box<dyn Fn() -> _>,
        ),
        ("missing", one, Box::new(|| fs::remove_file(one))),
        ("moved", one, Box::new(|| fs::rename(one, &elsewhere))),
        (
            "added",
            &elsewhere,
            Box::new(|| fs::write(&elsewhere, b"{}")),
        ),
    ] {
        injure().expect("it can be injured");
        let (fine, said) = holdfast(&audit).await;
        let named = format!("error: {what}: {}", object(at));
        assert!(!fine && said.starts_with(&named), "{named}: {said}");
        let _ = fs::remove_file(&elsewhere);
        fs::write(one, &right).expect("it is mended");
    }
    // The digest after it shows that it was there, although it is not due yet.
    digests.sort();
    fs::remove_file(&digests[0]).expect("it can be removed");
    let (fine, said) = holdfast(&audit).await;
    assert!(
        !fine && said.starts_with("error: missing: digests/"),
        "{said}"
    );
}

#[tokio::test]
async fn a_deleted_digest_and_its_receipt_are_reported_missing_and_not_written_again() {
    let stack = Stack::from_env().await;
    let tenant = stack.aws.new_tenant("tenant");
    let api = stack.api.as_tenant(&tenant);
    let group = json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": unique("vendor") }] });
    let id = api
        .started("WF-HOLD-VENDOR-GROUP", &unique("chain"), &group)
        .await;
    let link = {
        api.finished(&id).await;
        api.get(&format!("/v1/executions/{id}/receipt")).await.body
    };
    let receipt = link["object"].as_str().expect("an object").to_owned();
    let until = Hour::of(Timestamp::now()).next();
    stack.aws.invoke(
        "digest",
        &json!({ "tenant": tenant, "until": until.from() }),
    );
    let digest = until.before(1).object(&tenant);
    let bucket = variable("HOLDFAST_RECEIPT_BUCKET");
    let s3 = &stack.aws.s3;
    for object in [&receipt, &digest] {
        let delete = s3.delete_object().bucket(&bucket).key(object).send().await;
        delete.expect("a delete marker, which the lock does not hinder");
    }
    let next = json!({ "tenant": tenant, "until": until.next().from() });
    let refused = stack
        .aws
        .try_invoke("digest", &next)
        .expect_err("less is there than was written");
    assert!(refused.to_string().contains("1 of 1 tenants"), "{refused}");
    let why = &format!("{digest}: the chain is broken: it is missing");
    eventually("the log says why", || async {
        let said = stack.aws.logged("digest", &tenant);
        let reported = said.iter().any(|line| line.contains(why));
        reported.then_some(()).ok_or(format!("{said:?}"))
    })
    .await;
    let listed = s3.list_objects_v2().bucket(&bucket);
    let listed = listed.prefix(format!("digests/{tenant}/")).send().await;
    assert!(listed.expect("a list").contents().is_empty());
}

#[tokio::test]
async fn the_schedule_runs_the_function_a_quarter_past_each_hour() {
    let stack = Stack::from_env().await;
    let rules = stack.aws.rules().await;
    let mut rules = rules.iter();
    let rule = rules
        .find(|(name, schedule)| name.contains("DigestRule") && schedule == "cron(15 * * * ? *)");
    let (name, _) = rule.expect("the template's rule");
    let runs = || stack.aws.logged("digest", "digests_overdue").len();
    let before = runs();
    // The same rule fires every minute for the rest of the test.
    let _every_minute = EveryMinute::new(&stack.aws, name);
    eventually("the rule runs the function", || async {
        let now = runs();
        (now > before).then_some(()).ok_or(format!("{now} runs"))
    })
    .await;
}

/// A rule that fires every minute until this drops.
struct EveryMinute<'a> {
    aws: &'a Aws,
    rule: &'a str,
}

impl<'a> EveryMinute<'a> {
    fn new(aws: &'a Aws, rule: &'a str) -> Self {
        let guard = Self { aws, rule };
        guard.put("rate(1 minute)");
        guard
    }

    fn put(&self, schedule: &str) {
        let rule = json!({ "Name": self.rule, "ScheduleExpression": schedule });
        self.aws.json("events", "AWSEvents.PutRule", &rule);
    }
}

impl Drop for EveryMinute<'_> {
    fn drop(&mut self) {
        self.put("cron(15 * * * ? *)");
    }
}

/// Bytes of which the last character of the text can be changed.
trait AlterBytes {
    fn replace_last(&self) -> Vec<u8>;
}

impl AlterBytes for Vec<u8> {
    fn replace_last(&self) -> Vec<u8> {
        let mut bytes = self.clone();
        let last = bytes.len() - 3;
        bytes[last] ^= 1;
        bytes
    }
}
