//! A proxy before DynamoDB that throttles and counts: the stack's functions are sent through it for a while.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{lambda::lambda, variable};

const REFUSAL: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"throttled"}"#;

/// The variable that sends a function's DynamoDB client elsewhere.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_DYNAMODB";

/// A ledger that refuses some of what the stack's functions ask.
pub struct Throttle {
    met: Arc<Met>,
    functions: Vec<String>,
}

/// Fault the proxy met so far.
#[derive(Default)]
struct Met {
    seen: AtomicUsize,
    refused: AtomicUsize,
    /// The operation of each request that went through.
    asked: Mutex<Vec<String>>,
}

impl Throttle {
    /// Refuses `in_ten` of ten requests of these functions from now on.
    pub async fn begin(functions: &[&str], in_ten: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let met = Arc::new(Met::default());
        let meets = Arc::clone(&met);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let met = Arc::clone(&meets);
                tokio::spawn(async move {
                    // A client that hangs up ends its own conversation only.
                    let _ = serve(client, in_ten, &met).await;
                });
            }
        });
        let stack = variable("HOLDFAST_STACK");
        let functions: Vec<_> = functions
            .iter()
            .map(|function| format!("{stack}-{function}"))
            .collect();
        for function in &functions {
            point(function, Some(&format!("http://127.0.0.1:{port}")));
        }
        Self { met, functions }
    }

    /// How many requests were refused so far.
    pub fn refused(&self) -> usize {
        self.met.refused.load(Ordering::Relaxed)
    }

    /// The operations of the requests that went through since this was asked last, such as `Query`.
    pub fn take_asked(&self) -> Vec<String> {
        let mut asked = self
            .met
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *asked)
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        for function in &self.functions {
            point(function, None);
        }
    }
}

/// Answers the requests of one connection, one after the other.
async fn serve(mut client: TcpStream, in_ten: usize, met: &Met) -> std::io::Result<()> {
    let upstream = variable("AWS_ENDPOINT_URL");
    let upstream = upstream.trim_start_matches("http://").trim_end_matches('/');
    while let Some(request) = message(&mut client).await? {
        // Spread evenly, and not in step with any retry.
        if met.seen.fetch_add(1, Ordering::Relaxed) * 7 % 10 < in_ten {
            met.refused.fetch_add(1, Ordering::Relaxed);
            let answer = format!(
                "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n{REFUSAL}",
                REFUSAL.len()
            );
            client.write_all(answer.as_bytes()).await?;
            continue;
        }
        if let Some(operation) = operation(&request) {
            let mut asked = met.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.push(operation);
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

/// Fault a request of DynamoDB's protocol asks for.
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

/// Sets or removes the endpoint in a function's environment.
fn point(function: &str, endpoint: Option<&str>) {
    let about = ["--function-name", function, "--output", "json"];
    let text = lambda(&[&["get-function-configuration"], &about[..]].concat());
    let mut configuration: Value = serde_json::from_str(&text).expect("JSON");
    let mut environment = configuration["Environment"].take();
    let variables = environment["Variables"].as_object_mut().expect("variables");
    match endpoint {
        Some(endpoint) => variables.insert(ENDPOINT.to_owned(), endpoint.into()),
        None => variables.remove(ENDPOINT),
    };
    let environment = serde_json::json!({ "Variables": variables }).to_string();
    let change = [
        "update-function-configuration",
        "--environment",
        &environment,
    ];
    lambda(&[&change[..], &about[..]].concat());
}
