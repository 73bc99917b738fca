//! The credentials of a session in another role, limited by a policy.

use std::time::{Duration, SystemTime};

use aws_credential_types::{
    Credentials,
    provider::{self, ProvideCredentials, error::CredentialsError, future},
};
use aws_sdk_sts::Client;

use crate::failure;

/// The duration of a session in another role: the maximum when a role assumes another.
pub(crate) const SESSION: Duration = Duration::from_secs(3600);

/// Sessions of one role under one policy. CloudTrail shows the name.
#[derive(Debug)]
pub(crate) struct RoleSession {
    pub(crate) client: Client,
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) policy: String,
}

impl RoleSession {
    async fn begin(&self) -> provider::Result {
        let request = self
            .client
            .assume_role()
            .role_arn(&self.role)
            .role_session_name(&self.name)
            .policy(&self.policy)
            .duration_seconds(SESSION.as_secs() as i32);
        let answer = request.send().await.map_err(|error| {
            CredentialsError::provider_error(format!("AssumeRole: {}", failure::reason(&error)))
        })?;
        let session = answer
            .credentials
            .ok_or_else(|| CredentialsError::unhandled("AssumeRole answered no credentials"))?;
        let expires =
            SystemTime::try_from(session.expiration).map_err(CredentialsError::unhandled)?;
        Ok(Credentials::new(
            session.access_key_id,
            session.secret_access_key,
            Some(session.session_token),
            Some(expires),
            "AssumeRole",
        ))
    }
}

impl ProvideCredentials for RoleSession {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.begin())
    }
}
