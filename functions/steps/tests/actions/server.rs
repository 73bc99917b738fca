//! A small HTTP server whose answers are raw bytes, for answers that no well-behaved server sends.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// The reply that a connection receives.
#[derive(Clone)]
pub(crate) enum Reply {
    /// These bytes after the request was read, then the end of the connection.
    Bytes(Vec<u8>),
    /// These bytes, then zeros until the client hangs up.
    Endless(String),
    /// These bytes, then nothing until the client hangs up.
    Stall(String),
    /// These bytes at once, without reading anything.
    Rude(String),
}

impl Reply {
    /// A status with a body.
    pub(crate) fn status(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::Bytes(
            format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
            )
            .into_bytes(),
        )
    }
}

/// A request as the server received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReceivedRequest {
    /// Such as `POST /holds?x=1 HTTP/1.1`.
    pub(crate) line: String,
    /// Names in lower case, sorted.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl ReceivedRequest {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let first = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is repeated");
        first
    }
}

pub(crate) struct Server {
    /// `http://127.0.0.1:<port>`.
    pub(crate) url: String,
    heard: Arc<Mutex<Vec<ReceivedRequest>>>,
}

impl Server {
    /// A server that gives each connection the next reply, and repeats the last one.
    pub(crate) fn start(replies: &[Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let server = Self {
            url,
            heard: Arc::clone(&heard),
        };
        let replies = replies.to_vec();
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let reply = replies[number.min(replies.len() - 1)].clone();
                let heard = Arc::clone(&heard);
                thread::spawn(move || serve(stream.expect("a connection"), &reply, &heard));
            }
        });
        server
    }

    /// A server that gives every connection the same reply.
    pub(crate) fn always(reply: Reply) -> Self {
        Self::start(&[reply])
    }

    /// The requests received so far.
    pub(crate) fn heard(&self) -> Vec<ReceivedRequest> {
        self.heard.lock().expect("the list").clone()
    }
}

fn serve(mut stream: TcpStream, reply: &Reply, heard: &Mutex<Vec<ReceivedRequest>>) {
    if !matches!(reply, Reply::Rude(_)) {
        let Some(request) = read(&stream) else { return };
        heard.lock().expect("the list").push(request);
    }
    // Some tests let the client hang up, so a failed write is no error.
    let _ = match reply {
        Reply::Bytes(bytes) => stream.write_all(bytes),
        Reply::Rude(text) => stream.write_all(text.as_bytes()),
        Reply::Stall(text) => {
            let written = stream.write_all(text.as_bytes());
            // Ends when the client hangs up.
            written.and_then(|()| stream.read_to_end(&mut Vec::new()).map(drop))
        }
        Reply::Endless(text) => stream.write_all(text.as_bytes()).and_then(|()| {
            loop {
                stream.write_all(&[b'0'; 8192])?;
            }
        }),
    };
}

fn read(stream: &TcpStream) -> Option<ReceivedRequest> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(0) => return None,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
            read => read.expect("a line"),
        };
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut headers: Vec<_> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    headers.sort();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    Some(ReceivedRequest {
        line: lines[0].clone(),
        headers,
        body: String::from_utf8(body).expect("text"),
    })
}
