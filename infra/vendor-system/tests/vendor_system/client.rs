//! A client that shows every byte of an answer, and a server for each test.

use std::{net::SocketAddr, time::Duration};

use holdfast_vendor_system::{Options, Server};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep},
};

/// The bytes of an answer before the connection ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The header lines in lower case, each `name: value`.
    head: String,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

/// A server for one test alone.
pub(crate) struct Vendors {
    pub(crate) server: Server,
}

pub(crate) async fn vendors() -> Vendors {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::start(address, Options::default()).await.unwrap();
    Vendors { server }
}

impl Vendors {
    /// Sends a request and leaves the connection open.
    pub(crate) async fn begin(
        &self,
        line: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> TcpStream {
        let mut stream = TcpStream::connect(self.server.address()).await.unwrap();
        let length = body.len();
        let mut text = format!(
            "{line} HTTP/1.1\r\nhost: vendors\r\nconnection: close\r\ncontent-length: {length}\r\n"
        );
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += &format!("\r\n{body}");
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// Every byte that arrived until the connection ended.
    pub(crate) async fn bytes(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
        let mut stream = self.begin(line, headers, body).await;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        bytes
    }

    pub(crate) async fn send(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let bytes = self.bytes(line, headers, body).await;
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
        Reply {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_lowercase(),
            text: body.to_owned(),
        }
    }

    /// A request with an idempotency key.
    pub(crate) async fn keyed(&self, line: &str, key: &str, body: &str) -> Reply {
        self.send(line, &[("Idempotency-Key", key)], body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(&format!("GET {path}"), &[], "").await
    }

    /// Places a hold of 14 days.
    pub(crate) async fn hold(&self, key: &str, vendor_id: &str) -> Reply {
        self.keyed("POST /holds", key, &hold(vendor_id)).await
    }

    /// Plans a fault and gives its id.
    pub(crate) async fn plan(&self, fault: Value) -> String {
        let reply = self
            .send("POST /admin/faults", &[], &fault.to_string())
            .await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        reply.json()["fault_id"].as_str().unwrap().to_owned()
    }

    /// Lets the calls continue that a fault blocks.
    pub(crate) async fn unblock(&self, fault: &str) -> Reply {
        let line = format!("POST /admin/faults/{fault}/unblock");
        self.send(&line, &[], "").await
    }

    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let list = reply.json().as_object().unwrap().values().next().cloned();
        list.unwrap().as_array().unwrap().clone()
    }

    /// One member of each effect that `query` selects.
    pub(crate) async fn effects(&self, query: &str, member: &str) -> Vec<Value> {
        let path = format!("/admin/effects{query}");
        pick(self.list(&path).await, member)
    }

    /// One member of each request that `query` selects.
    pub(crate) async fn requests(&self, query: &str, member: &str) -> Vec<Value> {
        let path = format!("/admin/requests{query}");
        pick(self.list(&path).await, member)
    }

    /// Waits until `path` lists `count` entries, for up to a minute.
    pub(crate) async fn until(&self, path: &str, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.list(path).await.len() != count {
            assert!(Instant::now() < deadline, "{path} never had {count}");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

pub(crate) fn hold(vendor_id: &str) -> String {
    format!(r#"{{"vendor_id":"{vendor_id}","days":14}}"#)
}

fn pick(list: Vec<Value>, member: &str) -> Vec<Value> {
    list.into_iter().map(|one| one[member].clone()).collect()
}
