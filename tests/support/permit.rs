//! Fault a function is allowed beside its role's policy, as long as a test needs it.

use serde_json::json;

use crate::{function_role, iam, unique, variable};

/// One more inline policy of a role, until this goes out of scope.
pub struct Permit {
    role: String,
    policy: String,
    stays: bool,
}

/// Allows a function, by its short name such as `finish`, to do more: as a parameter of the deployment would.
///
/// # Panics
///
/// Panics if the function is unknown, or IAM refuses.
pub fn allow(function: &str, actions: &[&str], resource: &str) -> Permit {
    let arn = function_role(&format!("{}-{function}", variable("HOLDFAST_STACK")));
    let role = arn.rsplit('/').next().unwrap_or_default().to_owned();
    let statement = json!([{ "Effect": "Allow", "Action": actions, "Resource": resource }]);
    let document = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
    let policy = unique("permit");
    let parameters = [
        ("RoleName", role.as_str()),
        ("PolicyName", &policy),
        ("PolicyDocument", &document),
    ];
    iam("PutRolePolicy", &parameters);
    Permit {
        role,
        policy,
        stays: false,
    }
}

impl Permit {
    /// Leaves it allowed.
    pub fn stay(mut self) {
        self.stays = true;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.stays {
            let parameters = [
                ("RoleName", self.role.as_str()),
                ("PolicyName", &self.policy),
            ];
            iam("DeleteRolePolicy", &parameters);
        }
    }
}
