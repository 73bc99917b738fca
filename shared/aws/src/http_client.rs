//! The HTTP client that all clients of the SDK share: HTTP/1.1 by hyper, TLS by rustls.
//!
//! It does what the SDK's own client does
//! ([aws-smithy-http-client 1.5.2](https://docs.rs/crate/aws-smithy-http-client/1.5.2/source/src/client.rs)),
//! without HTTP/2 and proxies, which that client links into every program
//! (docs/decisions/0151-requests-of-the-sdk-use-http-1.md).

use std::{
    error::Error,
    fmt,
    future::Future,
    io::{self, ErrorKind},
    iter::successors,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        connection::{CaptureSmithyConnection, ConnectionMetadata},
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{body::SdkBody, retry::ErrorKind as RetryKind};
use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        self, Client,
        connect::{CaptureConnection, HttpConnector as TcpConnector, HttpInfo, capture_connection},
    },
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore, SupportedCipherSuite,
    crypto::{
        CryptoProvider,
        aws_lc_rs::{cipher_suite, default_provider},
    },
};
use tower_service::Service;

/// The SDK's cipher suites without ChaCha20, which no AWS service needs.
const CIPHER_SUITES: [SupportedCipherSuite; 6] = [
    cipher_suite::TLS13_AES_256_GCM_SHA384,
    cipher_suite::TLS13_AES_128_GCM_SHA256,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
];

/// The HTTP client that all clients of the SDK share.
///
/// The settings of the first client fix the connect timeout. There is no read timeout, since each
/// attempt of a client has one.
pub struct SdkHttpClient {
    tls: ClientConfig,
    connector: OnceLock<SharedHttpConnector>,
}

impl SdkHttpClient {
    /// Reads the system's certificates, which takes some milliseconds.
    ///
    /// A function does so before its first call, while it has a whole processor.
    pub fn load() -> Self {
        Self {
            tls: tls(),
            connector: OnceLock::new(),
        }
    }
}

impl HttpClient for SdkHttpClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connector = || {
            let connect_timeout = settings.connect_timeout();
            SharedHttpConnector::new(Connector::new(self.tls.clone(), connect_timeout))
        };
        self.connector.get_or_init(connector).clone()
    }
}

impl fmt::Debug for SdkHttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SdkHttpClient")
    }
}

/// Sends requests.
struct Connector(Client<TimedConnector, SdkBody>);

impl Connector {
    fn new(tls: ClientConfig, connect_timeout: Option<Duration>) -> Self {
        let mut tcp = TcpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            // Without a timer, a connection that is idle for long stays in the pool.
            .pool_timer(TokioTimer::new())
            .build(TimedConnector {
                https,
                connect_timeout,
            });
        Self(client)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let connection = capture_connection(&mut request);
        // The SDK poisons the connection of an attempt that failed with a transient error.
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || metadata(&connection));
        }
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let answer = answer
                .await
                .map_err(|error| connector_error(error.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Metadata of a request's connection, with the function by which the SDK poisons it. It is missing
/// before the request has one.
fn metadata(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    let mut about = http::Extensions::new();
    connection
        .connection_metadata()
        .as_ref()?
        .get_extras(&mut about);
    let addresses: Option<&HttpInfo> = about.get();
    let connection = connection.clone();
    let poison = move || {
        if let Some(connection) = connection.connection_metadata().as_ref() {
            connection.poison();
        }
    };
    let mut metadata = ConnectionMetadata::builder()
        .proxied(false)
        .poison_fn(poison);
    metadata
        .set_local_addr(addresses.map(HttpInfo::local_addr))
        .set_remote_addr(addresses.map(HttpInfo::remote_addr));
    Some(metadata.build())
}

/// TLS with the certificates of the system.
fn tls() -> ClientConfig {
    let system = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (trusted, _) = roots.add_parsable_certificates(system.certs);
    if trusted == 0 {
        tracing::warn!(errors = ?system.errors, "the system has no certificate that can be read");
    }
    let provider = CryptoProvider {
        cipher_suites: CIPHER_SUITES.to_vec(),
        ..default_provider()
    };
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("the suites are of both versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Connects within a timeout that covers the name, TCP and TLS.
#[derive(Clone)]
struct TimedConnector {
    https: HttpsConnector<TcpConnector>,
    connect_timeout: Option<Duration>,
}

impl Service<Uri> for TimedConnector {
    type Response = <HttpsConnector<TcpConnector> as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connected = self.https.call(uri);
        match self.connect_timeout {
            None => connected,
            Some(connect_timeout) => Box::pin(async move {
                let elapsed = |_| {
                    let message = format!("no connection within {connect_timeout:?}");
                    io::Error::new(ErrorKind::TimedOut, message)
                };
                tokio::time::timeout(connect_timeout, connected)
                    .await
                    .map_err(elapsed)?
            }),
        }
    }
}

/// Returns an error of the kind by which the SDK decides whether it sends the request again.
fn connector_error(error: BoxError) -> ConnectorError {
    let timed_out = |error: &io::Error| error.kind() == ErrorKind::TimedOut;
    if cause::<io::Error>(&*error).is_some_and(timed_out) {
        return ConnectorError::timeout(error);
    }
    let kind: fn(BoxError) -> ConnectorError = match cause::<hyper::Error>(&*error) {
        Some(exchange) if exchange.is_timeout() => ConnectorError::timeout,
        Some(exchange) if exchange.is_user() => ConnectorError::user,
        Some(exchange) if exchange.is_closed() || exchange.is_canceled() => ConnectorError::io,
        // S3 ends a connection like this at times.
        Some(exchange) if exchange.is_incomplete_message() => {
            |error| ConnectorError::other(error, Some(RetryKind::TransientError))
        }
        _ if cause::<io::Error>(&*error).is_some() => ConnectorError::io,
        _ if cause::<legacy::Error>(&*error).is_some_and(legacy::Error::is_connect) => {
            ConnectorError::io
        }
        _ => |error| ConnectorError::other(error, None),
    };
    kind(error)
}

/// The first error of a type among an error and its sources.
fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut causes = successors(Some(error), |&error| error.source());
    causes.find_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        io::{BufRead, BufReader, Write},
        net::{TcpListener, TcpStream},
        thread,
    };

    use super::*;

    /// A listener, and the address of a request to it.
    fn listener(scheme: &str) -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        (listener, format!("{scheme}://{address}/"))
    }

    fn request(to: &str) -> HttpRequest {
        HttpRequest::get(to).expect("an address")
    }

    fn connector(connect_timeout: Option<Duration>) -> Connector {
        Connector::new(tls(), connect_timeout)
    }

    fn runtime() -> tokio::runtime::Runtime {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime")
    }

    fn fails(to: &str, connect_timeout: Option<Duration>) -> ConnectorError {
        let sent = async { connector(connect_timeout).call(request(to)).await };
        runtime().block_on(sent).expect_err("there is no answer")
    }

    /// Answers every request of a connection.
    fn answer_all(stream: TcpStream) {
        let mut lines = BufReader::new(stream.try_clone().expect("a second handle")).lines();
        let mut answers = stream;
        while let Some(Ok(line)) = lines.next() {
            if line.is_empty() {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                answers.write_all(answer).expect("the client reads");
            }
        }
    }

    #[test]
    fn an_error_has_the_kind_by_which_the_sdk_sends_a_request_again() {
        let (refusing, address) = listener("http");
        drop(refusing);
        assert!(fails(&address, None).is_io(), "no listener");

        // The backlog takes the connection, and no server answers the handshake.
        let (_silent, address) = listener("https");
        let connect_timeout = Some(Duration::from_millis(50));
        assert!(
            fails(&address, connect_timeout).is_timeout(),
            "TLS takes too long"
        );

        let (dying, address) = listener("http");
        let server = thread::spawn(move || {
            let (stream, _) = dying.accept().expect("a connection");
            let mut lines = BufReader::new(stream).lines();
            while lines
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
        });
        let kind = fails(&address, None).as_other();
        assert_eq!(kind, Some(RetryKind::TransientError), "the server dies");
        server.join().expect("it ends");
    }

    #[test]
    fn a_connection_is_used_again_until_the_sdk_poisons_it() {
        let (listener, address) = listener("http");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(|| answer_all(stream));
            }
        });
        let connector = connector(None);
        let connection = async || {
            let (capture, mut request) = (CaptureSmithyConnection::new(), request(&address));
            request.add_extension(capture.clone());
            let answer = connector.call(request).await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 200);
            // The pool takes the connection back in a task of its own.
            tokio::time::sleep(Duration::from_millis(10)).await;
            let connection = capture.get().expect("a connection");
            (connection.local_addr().expect("an address"), connection)
        };
        runtime().block_on(async {
            let mut earlier = BTreeSet::new();
            let again = loop {
                let (address, connection) = connection().await;
                if !earlier.insert(address) {
                    break connection;
                }
                assert!(earlier.len() < 100, "no connection is used again");
            };
            again.poison();
            let closed = again.local_addr().expect("an address");
            for _ in 0..3 {
                assert_ne!(connection().await.0, closed);
            }
        });
    }
}
