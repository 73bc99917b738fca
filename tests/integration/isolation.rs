//! Isolation of tenants below the handlers.
//!
//! An emulator that enforces IAM shows what a session for one tenant can reach of another's. A
//! misdirected record shows what the deployed API can reach.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use aws_config::{SdkConfig, sts::AssumeRoleProvider};
use aws_sdk_s3::{Client, config::SharedCredentialsProvider, error::ProvideErrorMetadata};
use holdfast_access::{Stores, session_policy};
use holdfast_ids::keys::{
    ExecutionKey, digest_object, digest_prefix, execution_id, receipt_object, receipt_prefix,
};
use holdfast_ledger::{ExecutionRecord, Expect, Ledger, Put};
use holdfast_tests::{Account, Aws, Stack, enforced, eventually, unique};
use jiff::Timestamp;
use serde_json::json;

const BUCKET: &str = "receipts-of-all";
/// A role that may read every object, which is more than the deployment's tenant role may.
const ROLE: &str = "arn:aws:iam::000000000000:role/tenant";

/// A second emulator, which ends with the test.
struct Strict {
    process: Child,
    endpoint: String,
}

impl Drop for Strict {
    fn drop(&mut self) {
        // The process may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Strict {
    async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.expect("a free port").port();
        let endpoint = format!("http://127.0.0.1:{port}");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folder = std::env::temp_dir().join(format!("holdfast-strict-{port}"));
        let process = Command::new(root.join(".venv-emulator/bin/ministack"))
            .env("AUTH", "true")
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("IOT_MTLS_ENABLED", "0")
            .env("STATE_DIR", folder.join("state"))
            .env("S3_DATA_DIR", folder.join("s3"))
            .env("AWS_ENDPOINT_URL", &endpoint)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the emulator, which make up installs");
        let health = format!("{endpoint}/_ministack/health");
        eventually("the emulator answers", || async {
            let answer = reqwest::get(&health).await;
            answer.map(drop).map_err(|error| error.to_string())
        })
        .await;
        Self { process, endpoint }
    }

    /// The client of the account's owner.
    async fn owner(&self) -> Aws {
        Aws::of(Account {
            endpoint: self.endpoint.clone(),
            region: "us-east-1".to_owned(),
            key: "test".to_owned(),
            secret: "test".to_owned(),
        })
        .await
    }
}

/// Creates the role that a session for a tenant assumes.
fn create_role(owner: &Aws) {
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "sts:AssumeRole",
    }]});
    let bucket = format!("arn:aws:s3:::{BUCKET}");
    let stores = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("{bucket}/*") },
        { "Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket },
    ]});
    let (trust, stores) = (trust.to_string(), stores.to_string());
    let role = [("RoleName", "tenant"), ("AssumeRolePolicyDocument", &trust)];
    owner.iam("CreateRole", &role);
    let policy = [
        ("RoleName", "tenant"),
        ("PolicyName", "stores"),
        ("PolicyDocument", &stores),
    ];
    owner.iam("PutRolePolicy", &policy);
}

fn client(config: &SdkConfig) -> Client {
    let config = aws_sdk_s3::config::Builder::from(config);
    Client::from_conf(config.force_path_style(true).build())
}

/// The keys of a receipt and of a digest of `tenant`.
fn objects(tenant: &str) -> [String; 2] {
    let at = ExecutionKey {
        tenant: tenant.to_owned(),
        execution: execution_id(tenant, "WF-A", "k"),
    };
    let epoch = Timestamp::UNIX_EPOCH;
    [receipt_object(&at, epoch, 0), digest_object(tenant, epoch)]
}

#[tokio::test]
async fn a_tenant_session_fetches_only_the_receipts_and_digests_of_its_tenant() {
    let strict = Strict::start().await;
    let owner = strict.owner().await;
    let all = &owner.s3;
    all.create_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .expect("a bucket");
    let tenants = ["acme", "acme-2", "globex"];
    for tenant in tenants {
        for key in objects(tenant) {
            let put = all.put_object().bucket(BUCKET).key(key);
            put.body(b"{}".to_vec().into())
                .send()
                .await
                .expect("it is put");
        }
    }
    create_role(&owner);
    let stores = Stores {
        table: "arn:aws:dynamodb:us-east-1:000000000000:table/ledger".to_owned(),
        bucket: format!("arn:aws:s3:::{BUCKET}"),
    };
    for caller in tenants {
        let provider = AssumeRoleProvider::builder(ROLE)
            .session_name(caller)
            .policy(session_policy(&stores, caller).to_string())
            .configure(&owner.config)
            .build()
            .await;
        let config = owner.config.to_builder();
        let config = config.credentials_provider(SharedCredentialsProvider::new(provider));
        let own = client(&config.build());
        for tenant in tenants {
            let expected = if tenant == caller {
                Ok(())
            } else {
                Err("AccessDenied")
            };
            for key in objects(tenant) {
                let fetched = own.get_object().bucket(BUCKET).key(&key).send().await;
                let seen = fetched
                    .as_ref()
                    .map(drop)
                    .map_err(|error| error.code().unwrap_or("no answer"));
                assert_eq!(seen, expected, "{caller} asks for {key}");
            }
            let listed = own.list_objects_v2().bucket(BUCKET);
            let listed = listed.prefix(digest_prefix(tenant)).send().await;
            let seen = listed
                .as_ref()
                .map(drop)
                .map_err(|error| error.code().unwrap_or("no answer"));
            assert_eq!(seen, expected, "{caller} lists {tenant}'s digests");
        }
        let receipts = own.list_objects_v2().bucket(BUCKET);
        let receipts = receipts.prefix(receipt_prefix(caller)).send().await;
        assert!(receipts.is_err(), "{caller} lists no receipts");
        let listed = own.list_objects_v2().bucket(BUCKET).send().await;
        assert!(listed.is_err(), "{caller} lists nothing");
    }
}

#[tokio::test]
async fn a_record_that_names_another_tenants_receipt_gives_no_access() {
    if !enforced() {
        return;
    }
    let stack = Stack::from_env().await;
    let input = json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": unique("vendor") }] });
    let ledger = crate::recovery::ledger().await;
    let mut ended = Vec::new();
    for tenant in ["one", "other"].map(|name| stack.aws.new_tenant(name)) {
        let api = stack.api.as_tenant(&tenant);
        let id = api
            .started("WF-HOLD-VENDOR-GROUP", &unique("astray"), &input)
            .await;
        api.finished(&id).await;
        let at = ExecutionKey {
            tenant,
            execution: id,
        };
        let execution = ledger.read(&at).await.expect("the ledger answers");
        ended.push((api, execution.expect("it is recorded")));
    }
    let [(api, own), (theirs_api, theirs)] = &ended[..] else {
        panic!("there are two");
    };
    let page = |id: &str| format!("/v1/executions/{id}/receipt?format=html");
    let right = theirs_api.get(&page(&theirs.at.execution)).await;
    assert_eq!(right.status, 200, "{}", right.text);
    // The record is changed as an error of the engine could change it.
    let astray = ExecutionRecord {
        rev: own.rev + 1,
        receipt: theirs.receipt.clone(),
        ..own.clone()
    };
    let put = ledger.put(&astray, Expect::Rev(own.rev)).await;
    assert_eq!(put, Ok(Put::Done));
    let reply = api.get(&page(&own.at.execution)).await;
    assert_eq!(reply.status, 409, "{}", reply.text);
    assert!(!reply.text.contains(&theirs.at.execution), "{}", reply.text);
    let link = api
        .get(&format!("/v1/executions/{}/receipt", own.at.execution))
        .await;
    if let Some(url) = link.body["url"].as_str() {
        assert_eq!(api.fetch(url).await.status, 403, "{url}");
    }
}
