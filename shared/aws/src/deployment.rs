//! The deployment as a function finds it in its environment: table, buckets, region and clients.

use std::{collections::BTreeMap, env, sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
    identity::IdentityCache, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;
use holdfast_action::Settings;
use holdfast_admission::ApprovalKeys;
use holdfast_engine::Engine;
use holdfast_receipt::evidence::CertifiedSealer;

use crate::{
    AuditBus, DynamoLedger, Keys, KmsSigner, Machines, S3Store, SdkHttpClient, SecretsManager,
    SystemHost,
    ledger_client::ledger_client,
    session::{RoleSession, SESSION},
};

/// The variable that names the deployment in receipts. Only `finish` has it.
pub const DEPLOYMENT: &str = "HOLDFAST_DEPLOYMENT";

/// The variable with the endpoint of DynamoDB alone, as the SDKs name it
/// ([AWS](https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html)).
const LEDGER_ENDPOINT: &str = "AWS_ENDPOINT_URL_DYNAMODB";

/// The variable with the keys of signed approvals. Only `begin` has it.
const APPROVAL_KEYS: &str = "HOLDFAST_APPROVAL_KEYS";

/// The engine on AWS.
pub type AwsEngine = Engine<DynamoLedger, S3Store, SystemHost>;

/// A deployed stack, as its functions see it.
pub struct Deployment {
    sdk: SdkConfig,
    variables: BTreeMap<String, String>,
}

impl Deployment {
    /// Reads the environment.
    ///
    /// Lambda passes region and credentials in variables
    /// ([AWS](https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html)), and nothing
    /// in files. So the SDK's own search, which reads files and knows the metadata services of EC2
    /// and ECS, is not linked.
    pub fn load() -> Self {
        // A call that hangs must leave time for a second one within a step's lease.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(Duration::from_secs(5))
            .operation_timeout(Duration::from_secs(15))
            .build();
        let credentials = EnvironmentVariableCredentialsProvider::new();
        let variables: BTreeMap<String, String> = env::vars().collect();
        let set = |name| {
            variables
                .get(name)
                .filter(|value| !value.is_empty())
                .cloned()
        };
        let mut sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            // One client has the connections of all services and sessions.
            .http_client(SdkHttpClient::load())
            // Three attempts. Under a behaviour version before v2026_01_12, a configuration without
            // the SDK's search of the environment would switch retries off.
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts);
        sdk.set_region(set("AWS_REGION").map(Region::new));
        // The local stack's emulator; absent on AWS.
        sdk.set_endpoint_url(set("AWS_ENDPOINT_URL"));
        Self {
            sdk: sdk.build(),
            variables,
        }
    }

    /// The value of a variable that the template sets; the error names the variable.
    pub fn variable(&self, name: &str) -> Result<&str, String> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| format!("environment variable {name} is not set: the template sets it"))
    }

    /// The value of a variable, empty if it is missing.
    pub fn optional(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }

    /// The engine over this stack's table and buckets.
    pub fn engine(&self) -> Result<AwsEngine, String> {
        Ok(Engine {
            ledger: self.ledger()?,
            payloads: self.bucket("HOLDFAST_PAYLOAD_BUCKET")?,
            receipts: self.bucket("HOLDFAST_RECEIPT_BUCKET")?,
            host: SystemHost,
            approval_keys: ApprovalKeys::parse(self.optional(APPROVAL_KEYS))
                .map_err(|why| format!("environment variable {APPROVAL_KEYS}: {why}"))?,
            deployment: self.variable(DEPLOYMENT).ok().map(str::to_owned),
        })
    }

    /// The same stack in another role, in a session that `policy` restricts; CloudTrail shows
    /// `name`.
    ///
    /// The session is renewed while at least a third of its time is left, so that a link that is
    /// signed in it works for that long.
    pub fn as_role(&self, role: &str, name: &str, policy: String) -> Self {
        let session = RoleSession {
            client: aws_sdk_sts::Client::new(&self.sdk),
            role: role.to_owned(),
            name: format!("for-{name}").chars().take(64).collect(),
            policy,
        };
        let cache = IdentityCache::lazy().buffer_time(SESSION * 3 / 4).build();
        let sdk = self.sdk.clone().into_builder();
        Self {
            sdk: sdk
                .credentials_provider(SharedCredentialsProvider::new(session))
                .identity_cache(cache)
                .build(),
            variables: self.variables.clone(),
        }
    }

    /// The ledger table.
    pub fn ledger(&self) -> Result<DynamoLedger, String> {
        let table = self.variable("HOLDFAST_LEDGER_TABLE")?;
        let endpoint = self.variable(LEDGER_ENDPOINT).ok();
        Ok(DynamoLedger::new(ledger_client(&self.sdk, endpoint), table))
    }

    /// The signer of receipts, which also knows the keys that signed before.
    pub async fn signer(&self) -> Result<KmsSigner, String> {
        let key = self.variable("HOLDFAST_SIGNING_KEY")?;
        let retired = self.retired_signing_keys().map(str::to_owned).collect();
        Ok(self.keys().signer(key).await?.after(retired))
    }

    /// The sealer of receipts, whose short-lived keys the signer certifies.
    pub async fn sealer(&self) -> Result<CertifiedSealer<KmsSigner, SystemHost>, String> {
        let deployment = self.variable(DEPLOYMENT)?;
        let version = self.variable("AWS_LAMBDA_FUNCTION_VERSION")?;
        let signer = self.signer().await?;
        Ok(CertifiedSealer::new(
            signer, SystemHost, deployment, version,
        ))
    }

    /// The keys that signed receipts before.
    pub fn retired_signing_keys(&self) -> impl Iterator<Item = &str> {
        let keys = self.optional("HOLDFAST_RETIRED_SIGNING_KEYS").split(',');
        keys.map(str::trim).filter(|key| !key.is_empty())
    }

    /// The keys of this account.
    pub fn keys(&self) -> Keys {
        Keys::new(aws_sdk_kms::Client::new(&self.sdk))
    }

    /// The bus for audit events.
    pub fn audit_bus(&self) -> Result<AuditBus, String> {
        let client = aws_sdk_eventbridge::Client::new(&self.sdk);
        Ok(AuditBus::new(client, self.variable("HOLDFAST_AUDIT_BUS")?))
    }

    /// The bucket named by `variable`.
    pub fn bucket(&self, variable: &str) -> Result<S3Store, String> {
        let config = aws_sdk_s3::config::Builder::from(&self.sdk)
            // A local endpoint has no host name per bucket.
            .force_path_style(self.sdk.endpoint_url().is_some())
            .build();
        Ok(S3Store::new(
            aws_sdk_s3::Client::from_conf(config),
            self.variable(variable)?,
        ))
    }

    /// The secrets that this stack's actions may read.
    pub fn settings(&self) -> Settings {
        let secrets = SecretsManager::new(aws_sdk_secretsmanager::Client::new(&self.sdk));
        Settings::new(self.variables.clone()).with_secrets(Arc::new(secrets))
    }

    /// The stack's state machines.
    pub fn machines(&self) -> Result<Machines, String> {
        let prefix = self.variable("HOLDFAST_MACHINE_PREFIX")?;
        let alias = self.optional("HOLDFAST_MACHINE_ALIAS");
        Ok(Machines::new(
            aws_sdk_sfn::Client::new(&self.sdk),
            prefix,
            alias,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_three_attempts_in_the_own_role_and_in_another() {
        let own = Deployment::load();
        let other = own.as_role("arn:aws:iam::000000000000:role/r", "acme", String::new());
        for deployment in [own, other] {
            let retries = deployment.sdk.retry_config().expect("set, not left out");
            assert_eq!((retries.has_retry(), retries.max_attempts()), (true, 3));
        }
    }
}
