//! Prints the policy of a tenant's session: `session_policy TABLE_ARN BUCKET_ARN TENANT`.

use std::process::ExitCode;

use holdfast_access::{Stores, session_policy};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [table, bucket, tenant] = args.as_slice() else {
        eprintln!("session_policy takes three arguments: TABLE_ARN BUCKET_ARN TENANT");
        return ExitCode::from(2);
    };
    let stores = Stores {
        table: table.clone(),
        bucket: bucket.clone(),
    };
    serde_json::to_writer(std::io::stdout(), &session_policy(&stores, tenant))
        .map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
