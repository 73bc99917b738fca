//! A consumer of the ledger's stream beside the stack's own: a function of the stack's program with
//! an event source mapping. Both are deleted on drop.

use serde_json::{Value, json};

use super::Aws;
use crate::{unique, variable};

const JSON: &str = "Content-Type: application/json";
const MAPPINGS: &str = "/2015-03-31/event-source-mappings/";

/// A function that reads the ledger's stream from now on.
pub struct StreamConsumer {
    aws: Aws,
    /// The function's short name.
    pub name: String,
    mapping: String,
}

impl StreamConsumer {
    /// The function `handler` of the stack's program, with these variables beside those of every
    /// function. It acts in the role of `audit`, which may read the stream.
    ///
    /// # Panics
    ///
    /// Panics if a service refuses.
    pub async fn begin(aws: &Aws, handler: &str, variables: &[(&str, &str)]) -> Self {
        let (stack, table) = (
            variable("HOLDFAST_STACK"),
            variable("HOLDFAST_LEDGER_TABLE"),
        );
        let name = unique(handler);
        let mut environment = aws.environment_of("audit");
        for (variable, value) in variables {
            environment[*variable] = (*value).into();
        }
        let function = json!({
            "FunctionName": format!("{stack}-{name}"),
            "Runtime": "provided.al2023",
            "Handler": handler,
            "Role": aws.role_arn_of("audit"),
            "Code": aws.program(&stack).await,
            "Timeout": 30,
            "MemorySize": 256,
            "LoggingConfig": { "LogFormat": "JSON" },
            "Environment": { "Variables": environment },
        });
        let created = aws.send(
            ("POST", "lambda", "/2015-03-31/functions"),
            &[JSON],
            &function.to_string(),
        );
        assert!(created.is_success(), "{}", created.body);
        let described = aws.json(
            "dynamodb",
            "DynamoDB_20120810.DescribeTable",
            &json!({ "TableName": table }),
        );
        // As `SpansStream` of the template has it, but for the size: a batch that is refused has
        // the records of every test, and is delivered again with those that came since.
        let mapping = json!({
            "FunctionName": format!("{stack}-{name}"),
            "EventSourceArn": described["Table"]["LatestStreamArn"],
            "StartingPosition": "LATEST",
            "BatchSize": 1000,
            "MaximumRetryAttempts": -1,
            "MaximumRecordAgeInSeconds": 900,
        });
        let mapped = aws.send(("POST", "lambda", MAPPINGS), &[JSON], &mapping.to_string());
        assert!(mapped.is_success(), "{}", mapped.body);
        let mapped: Value = serde_json::from_str(&mapped.body).expect("JSON");
        Self {
            aws: aws.clone(),
            name,
            mapping: mapped["UUID"].as_str().expect("an id").to_owned(),
        }
    }
}

impl Drop for StreamConsumer {
    fn drop(&mut self) {
        let mapping = format!("{MAPPINGS}{}", self.mapping);
        self.aws.send(("DELETE", "lambda", &mapping), &[], "");
        let function = format!("{}-{}", variable("HOLDFAST_STACK"), self.name);
        let function = format!("/2015-03-31/functions/{function}");
        self.aws.send(("DELETE", "lambda", &function), &[], "");
    }
}

impl Aws {
    /// The place of the program that `make up` deployed last.
    async fn program(&self, stack: &str) -> Value {
        let bucket = format!("{stack}-code");
        let listed = self.s3.list_objects_v2().bucket(&bucket).send().await;
        let listed = listed.expect("the bucket of `make up`");
        let newest = listed.contents().iter().max_by_key(|object| {
            let modified = object.last_modified();
            modified.map(|at| (at.secs(), at.subsec_nanos()))
        });
        let newest = newest.and_then(|object| object.key()).expect("a program");
        json!({ "S3Bucket": bucket, "S3Key": newest })
    }
}
