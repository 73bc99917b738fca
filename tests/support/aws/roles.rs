//! Roles in IAM: requests about them, and an additional permission for as long as a test needs it.

use serde_json::json;

use super::Aws;
use crate::unique;

impl Aws {
    /// Calls an operation of IAM and gives its XML answer.
    ///
    /// # Panics
    ///
    /// Panics with IAM's error.
    pub fn iam(&self, operation: &str, parameters: &[(&str, &str)]) -> String {
        self.form(("iam", "2010-05-08"), operation, parameters)
    }

    /// Adds an inline policy to the role of a function, as a parameter of the deployment would.
    ///
    /// # Panics
    ///
    /// Panics if the function is unknown, or IAM refuses the policy.
    pub fn allow(&self, function: &str, actions: &[&str], resource: &str) -> Permission {
        let role = self.role_of(function);
        let statement = json!([{ "Effect": "Allow", "Action": actions, "Resource": resource }]);
        let document = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
        let policy = unique("permission");
        let parameters = [
            ("RoleName", role.as_str()),
            ("PolicyName", &policy),
            ("PolicyDocument", &document),
        ];
        self.iam("PutRolePolicy", &parameters);
        Permission {
            aws: self.clone(),
            role,
            policy,
            permanent: false,
        }
    }
}

/// An additional inline policy of a role, which is deleted when this drops.
pub struct Permission {
    aws: Aws,
    role: String,
    policy: String,
    permanent: bool,
}

impl Permission {
    /// Keeps the policy when this drops.
    pub fn keep(mut self) {
        self.permanent = true;
    }
}

impl Drop for Permission {
    fn drop(&mut self) {
        if !self.permanent {
            let parameters = [
                ("RoleName", self.role.as_str()),
                ("PolicyName", &self.policy),
            ];
            self.aws.iam("DeleteRolePolicy", &parameters);
        }
    }
}
