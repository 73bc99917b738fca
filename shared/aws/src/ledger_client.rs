//! The SDK's client of the ledger's table, without work that no request needs (decision 0156).

use aws_config::SdkConfig;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_sdk_dynamodb::{
    Client,
    config::{
        Builder, ConfigBag, Intercept, RuntimeComponents, StalledStreamProtectionConfig,
        endpoint::{DefaultResolver, EndpointFuture, Params, ResolveEndpoint},
        interceptors::{
            BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
        },
    },
    error::BoxError,
};
use aws_smithy_runtime_api::client::interceptors::{disable_interceptor, dyn_dispatch_hint};

/// The `User-Agent` of requests to the ledger, which CloudTrail shows.
const AGENT: &str = concat!("holdfast/", env!("CARGO_PKG_VERSION"), " aws-sdk-rust");

/// The client of the ledger's table, at `endpoint` if that is set.
pub(crate) fn ledger_client(sdk: &SdkConfig, endpoint: Option<&str>) -> Client {
    // The timeout of an attempt covers the answer's body too, so that stalled-stream protection
    // would find nothing.
    let mut config = Builder::from(sdk)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .interceptor(Agent)
        .endpoint_resolver(Endpoints::default());
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    Client::from_conf(config.build())
}

/// Sets `User-Agent` in place of the SDK's interceptor, which composes two headers for each request
/// and has one of them signed.
#[derive(Debug)]
struct Agent;

#[dyn_dispatch_hint]
impl Intercept for Agent {
    fn name(&self) -> &'static str {
        "Agent"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let replaced = disable_interceptor::<UserAgentInterceptor>("Agent replaces it");
        config.interceptor_state().store_put(replaced);
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        headers.insert("user-agent", AGENT);
        Ok(())
    }
}

/// Finds endpoints by the SDK's rules. A resolver of the SDK caches the endpoint of its last
/// parameters alone, and those of a batch differ from those of one item. So each kind has a
/// resolver.
#[derive(Debug, Default)]
struct Endpoints {
    of_batches: DefaultResolver,
    of_items: DefaultResolver,
}

impl ResolveEndpoint for Endpoints {
    fn resolve_endpoint<'a>(&'a self, request: &'a Params) -> EndpointFuture<'a> {
        let resolver = match request.resource_arn_list() {
            Some(_) => &self.of_batches,
            None => &self.of_items,
        };
        ResolveEndpoint::resolve_endpoint(resolver, request)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::TcpListener,
        thread,
    };

    use aws_sdk_dynamodb::{
        config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider},
        types::AttributeValue,
    };

    use super::*;
    use crate::SdkHttpClient;

    /// A server that answers one request, and its address. It returns the request's headers.
    fn server() -> (String, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let served = thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            let lines = reader.by_ref().lines().map(|line| line.expect("a line"));
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let length = head
                .iter()
                .find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.expect("it has a body").parse().expect("a number")];
            reader.read_exact(&mut body).expect("a body");
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
            (&stream).write_all(answer).expect("the client reads");
            head
        });
        (address, served)
    }

    #[tokio::test]
    async fn a_request_names_holdfast_in_one_header() {
        let (address, served) = server();
        let credentials = Credentials::for_tests();
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(SdkHttpClient::load())
            .build();
        let client = ledger_client(&sdk, Some(&address));
        let request = client.get_item().table_name("table");
        let key = AttributeValue::S("key".to_owned());
        request.key("pk", key).send().await.expect("it is answered");
        let head = served.join().expect("a request");
        let agents: Vec<_> = head
            .iter()
            .filter(|line| line.contains("user-agent"))
            .collect();
        assert_eq!(agents, [&format!("user-agent: {AGENT}")], "{head:?}");
    }

    #[tokio::test]
    async fn two_resolvers_find_the_endpoints_of_one() {
        let endpoints = Endpoints::default();
        for region in ["eu-central-1", "cn-north-1", "eu-central-1"] {
            let one = Params::builder().region(region).resource_arn("table");
            let batch = Params::builder().region(region);
            let batch = batch.resource_arn_list(vec!["table".to_owned()]);
            for request in [one, batch] {
                let request = request.use_fips(false).use_dual_stack(false);
                let request = request.build().expect("parameters");
                let own = endpoints.resolve_endpoint(&request).await;
                let sdk = DefaultResolver::new();
                let sdk = ResolveEndpoint::resolve_endpoint(&sdk, &request).await;
                assert_eq!(own.expect("an endpoint"), sdk.expect("an endpoint"));
            }
        }
    }
}
