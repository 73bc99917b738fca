//! A proxy before the hop that throttles and counts the DynamoDB requests of some functions for a
//! while.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{Aws, variable};

const THROTTLED: &str = concat!(
    r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","#,
    r#""message":"throttled"}"#
);

/// The variable that gives a function's DynamoDB client its endpoint.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_DYNAMODB";

/// The proxy, in use until it drops.
pub struct Throttle {
    aws: Aws,
    counts: Arc<Counts>,
    functions: Vec<String>,
}

/// Counts of the requests so far.
#[derive(Default)]
struct Counts {
    all: AtomicUsize,
    throttled: AtomicUsize,
    /// The operation of each request that was forwarded.
    forwarded: Mutex<Vec<String>>,
    /// The operation of each request that was throttled.
    refused: Mutex<Vec<String>>,
}

impl Counts {
    fn refuse(&self, request: &[u8]) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
        let refused = self.refused.lock();
        let mut refused = refused.unwrap_or_else(PoisonError::into_inner);
        refused.extend(operation(request));
    }
}

impl Throttle {
    /// Throttles `in_ten` of ten requests of these functions from now on.
    pub async fn begin(aws: &Aws, functions: &[&str], in_ten: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let counts = Arc::clone(&shared);
                tokio::spawn(async move {
                    // A client that hangs up ends its own connection only.
                    let _ = serve(client, in_ten, &counts).await;
                });
            }
        });
        let proxy = format!("http://127.0.0.1:{port}");
        for function in functions {
            aws.set_variable(function, ENDPOINT, Some(&proxy));
        }
        Self {
            aws: aws.clone(),
            counts,
            functions: functions.iter().copied().map(str::to_owned).collect(),
        }
    }

    /// The number of requests that were throttled so far.
    pub fn throttled(&self) -> usize {
        self.counts.throttled.load(Ordering::Relaxed)
    }

    /// The operations, such as `Query`, of the requests that were forwarded since the last call.
    pub fn take_operations(&self) -> Vec<String> {
        let forwarded = self.counts.forwarded.lock();
        std::mem::take(&mut *forwarded.unwrap_or_else(PoisonError::into_inner))
    }

    /// The operations of the requests that were throttled so far.
    pub fn throttled_operations(&self) -> Vec<String> {
        let refused = self.counts.refused.lock();
        refused.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        for function in &self.functions {
            self.aws.set_variable(function, ENDPOINT, None);
        }
    }
}

/// Answers the requests of one connection, one after the other.
async fn serve(mut client: TcpStream, in_ten: usize, counts: &Counts) -> std::io::Result<()> {
    let upstream = variable("HOLDFAST_HOP");
    let upstream = upstream.trim_start_matches("http://").trim_end_matches('/');
    while let Some(request) = message(&mut client).await? {
        // Seven has no factor in common with ten, so that the throttled requests are spread evenly.
        if counts.all.fetch_add(1, Ordering::Relaxed) * 7 % 10 < in_ten {
            counts.refuse(&request);
            let answer = format!(
                "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\n\
                 content-length: {}\r\n\r\n{THROTTLED}",
                THROTTLED.len()
            );
            client.write_all(answer.as_bytes()).await?;
            continue;
        }
        if let Some(operation) = operation(&request) {
            let forwarded = counts.forwarded.lock();
            forwarded
                .unwrap_or_else(PoisonError::into_inner)
                .push(operation);
        }
        let mut server = TcpStream::connect(upstream).await?;
        server.write_all(&request).await?;
        match message(&mut server).await? {
            Some(answer) => client.write_all(&answer).await?,
            None => return Ok(()),
        }
    }
    Ok(())
}

/// The operation that a request of DynamoDB's protocol names.
fn operation(request: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(request);
    let target = text
        .lines()
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix("x-amz-target: DynamoDB_20120810."));
    target.map(str::to_owned)
}

/// One HTTP message with a body of known length, or nothing if the other side hung up.
async fn message(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut part = [0; 8192];
    loop {
        if let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .and_then(|length| length.trim().parse::<usize>().ok())
                .unwrap_or_default();
            if bytes.len() >= head + 4 + length {
                return Ok(Some(bytes));
            }
        }
        match stream.read(&mut part).await? {
            0 => return Ok(None),
            read => bytes.extend_from_slice(&part[..read]),
        }
    }
}
