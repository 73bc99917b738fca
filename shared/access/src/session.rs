//! The IAM policy of a session on behalf of one tenant, which a bug in a handler cannot exceed.

use serde_json::{Value, json};

use holdfast_ids::keys::{digest_prefix, receipt_prefix};

/// The table and the bucket of a deployment, as ARNs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stores {
    /// ARN of the ledger's table.
    pub table: String,
    /// ARN of the bucket of receipts.
    pub bucket: String,
}

/// The policy of a session on behalf of `tenant`. The name has passed
/// [`holdfast_ids::names::check_tenant`] and so has no wildcard. IAM also applies the policy of the
/// role that is assumed.
pub fn session_policy(stores: &Stores, tenant: &str) -> Value {
    let Stores { table, bucket } = stores;
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
                "Resource": [table, format!("{table}/index/*")],
                // The partition key of an item, or of the index that is queried. A test in
                // `holdfast-aws` compares this pattern with every key of the ledger.
                "Condition": { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [format!("TENANT#{tenant}#*")] } },
            },
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": [format!("{bucket}/{}*", receipt_prefix(tenant)), format!("{bucket}/{}*", digest_prefix(tenant))],
            },
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": bucket,
                "Condition": { "StringLike": { "s3:prefix": format!("{}*", digest_prefix(tenant)) } },
            },
        ],
    })
}

/// The policy of a session that reads the lists and the statistics of every tenant, and nothing
/// else. No session of one tenant reaches another, so a list over all of them needs its own.
pub fn every_tenants_lists_policy(stores: &Stores) -> Value {
    let index = |name: &str| format!("{}/index/{name}", stores.table);
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": "dynamodb:Query",
            "Resource": [index("listed"), index("found_by"), index("for_people")],
            "Condition": { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["TENANT#*"] } },
        }, {
            "Effect": "Allow",
            "Action": "dynamodb:Query",
            "Resource": stores.table,
            "Condition": { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["TENANT#*#STATISTICS"] } },
        }],
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use holdfast_ids::keys::{ExecutionKey, digest_object, execution_id, receipt_object};
    use holdfast_ledger::Key;

    fn stores() -> Stores {
        Stores {
            table: "arn:aws:dynamodb:us-east-1:123456789012:table/ledger".to_owned(),
            bucket: "arn:aws:s3:::receipts".to_owned(),
        }
    }

    /// Returns whether `text` matches `pattern`, whose only wildcard is its last character.
    fn fits(pattern: &Value, text: &str) -> bool {
        let prefix = pattern
            .as_str()
            .and_then(|pattern| pattern.strip_suffix('*'));
        prefix.is_some_and(|prefix| !prefix.contains(['*', '?']) && text.starts_with(prefix))
    }

    #[test]
    fn a_session_reaches_keys_receipts_and_digests_of_its_own_tenant_only() {
        let policy = session_policy(&stores(), "acme");
        let keys =
            &policy["Statement"][0]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
        let objects = &policy["Statement"][1]["Resource"];
        assert_eq!(keys.as_array().map(Vec::len), Some(1), "{keys}");
        assert_eq!(objects.as_array().map(Vec::len), Some(2), "{objects}");
        let listed = &policy["Statement"][2]["Condition"]["StringLike"]["s3:prefix"];
        for (tenant, reached) in [
            ("acme", true),
            ("acme-2", false),
            ("acm", false),
            ("globex", false),
        ] {
            let at = ExecutionKey {
                tenant: tenant.to_owned(),
                execution: execution_id(tenant, "WF-A", "k"),
            };
            assert_eq!(
                fits(&keys[0], &Key::Execution(at.clone()).pk()),
                reached,
                "{tenant}"
            );
            let object = receipt_object(&at, Timestamp::UNIX_EPOCH, 0);
            let digest = digest_object(tenant, Timestamp::UNIX_EPOCH);
            for (n, object) in [object, digest].iter().enumerate() {
                let object = format!("{}/{object}", stores().bucket);
                assert_eq!(fits(&objects[n], &object), reached, "{object}");
            }
            assert_eq!(fits(listed, &digest_prefix(tenant)), reached, "{tenant}");
        }
    }

    #[test]
    fn a_session_can_neither_delete_nor_scan_nor_write_receipts() {
        let policy = session_policy(&stores(), "acme");
        let statements = policy["Statement"].as_array().expect("statements");
        let actions: Vec<_> = statements
            .iter()
            .map(|one| one["Action"].to_string())
            .collect();
        for action in ["*", "Delete", "Scan", "Batch", "s3:Put"] {
            assert!(
                !actions.iter().any(|all| all.contains(action)),
                "{action}: {actions:?}"
            );
        }
    }
}
