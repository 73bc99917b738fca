//! Why a request to AWS failed, in words for a log.

use std::{error::Error, iter::successors};

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};

/// The service's error code; without an answer, what ended the request and all its causes.
///
/// The text of an answer stays out, since it may quote a payload.
pub(crate) fn reason<E: ProvideErrorMetadata + Error + 'static>(error: &SdkError<E>) -> String {
    match error {
        SdkError::ServiceError(service) => {
            service.err().code().unwrap_or("unknown error").to_owned()
        }
        SdkError::ResponseError(_) => "an answer that cannot be read".to_owned(),
        SdkError::ConstructionFailure(_) => causes("not sent", error.source()),
        SdkError::TimeoutError(_) => causes("no answer in time", error.source()),
        _ => causes("no answer", error.source()),
    }
}

fn causes(outcome: &str, first: Option<&(dyn Error + 'static)>) -> String {
    let causes = successors(first, |&error| error.source());
    causes.fold(outcome.to_owned(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_sts::{error::ErrorMetadata, operation::assume_role::AssumeRoleError};
    use aws_smithy_runtime_api::{
        client::{orchestrator::HttpResponse, result::ConnectorError},
        http::StatusCode,
    };
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn answer() -> HttpResponse {
        HttpResponse::new(
            StatusCode::try_from(500).expect("a status"),
            SdkBody::from("a payload"),
        )
    }

    #[test]
    fn a_reason_is_the_services_code_or_what_ended_the_request_and_why() {
        type Failure = SdkError<AssumeRoleError>;
        let refused = |code: Option<&str>| {
            let error = ErrorMetadata::builder();
            let error = code
                .into_iter()
                .fold(error, |error, code| error.code(code))
                .build();
            Failure::service_error(AssumeRoleError::generic(error), answer())
        };
        let closed = ConnectorError::io("the connection is closed".into());
        let cases = [
            (refused(Some("AccessDenied")), "AccessDenied"),
            (refused(None), "unknown error"),
            (
                Failure::response_error("a payload", answer()),
                "an answer that cannot be read",
            ),
            (
                Failure::construction_failure("no region"),
                "not sent: no region",
            ),
            (Failure::timeout_error("5 s"), "no answer in time: 5 s"),
            (
                Failure::dispatch_failure(closed),
                "no answer: io error: the connection is closed",
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(reason(&error), expected);
        }
    }
}
