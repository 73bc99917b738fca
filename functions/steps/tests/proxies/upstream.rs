//! A target of raw sockets that commits and fails as a test sets it. It has two ports, so that a
//! proxy can send a request again.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::PROXY_TIMEOUT;

/// Time for which a target stalls.
pub(crate) const STALL: Duration = Duration::from_secs(PROXY_TIMEOUT.as_secs() + 1);

/// A fault of the target. Each strikes the first request; a second one finds the state that the
/// first one left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    None,
    CloseBeforeCommit,
    CloseAfterCommit,
    ResetBeforeCommit,
    ResetAfterCommit,
    StallBeforeCommit,
    StallAfterCommit,
    CutHeaders,
    CutBody,
    Garbage,
    EndlessHeaders,
    NoServer,
}

impl Fault {
    pub(crate) const ALL: [Self; 12] = [
        Self::None,
        Self::CloseBeforeCommit,
        Self::CloseAfterCommit,
        Self::ResetBeforeCommit,
        Self::ResetAfterCommit,
        Self::StallBeforeCommit,
        Self::StallAfterCommit,
        Self::CutHeaders,
        Self::CutBody,
        Self::Garbage,
        Self::EndlessHeaders,
        Self::NoServer,
    ];

    /// Returns whether the target stalls for longer than the proxies wait.
    pub(crate) fn stalls(self) -> bool {
        matches!(self, Self::StallBeforeCommit | Self::StallAfterCommit)
    }

    pub(crate) fn commits(self) -> bool {
        !matches!(
            self,
            Self::CloseBeforeCommit
                | Self::ResetBeforeCommit
                | Self::StallBeforeCommit
                | Self::NoServer
        )
    }
}

#[derive(Default)]
struct State {
    /// Path of the request for which the fault is armed.
    path: String,
    fault: Option<Fault>,
    commits: usize,
}

/// The target.
pub(crate) struct Upstream {
    pub(crate) addresses: [SocketAddr; 2],
    state: Arc<Mutex<State>>,
    requests: AtomicUsize,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let listen = || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let address = listener.local_addr().expect("an address");
            let state = Arc::clone(&state);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let state = Arc::clone(&state);
                    thread::spawn(move || serve(stream, &state));
                }
            });
            address
        };
        let addresses = [listen(), listen()];
        Self {
            addresses,
            state,
            requests: AtomicUsize::default(),
        }
    }

    /// Arms a fault for the next request, and returns the path of that request. Each path is new,
    /// so that a late request neither takes the fault nor commits.
    pub(crate) fn arm(&self, fault: Fault) -> String {
        let path = format!("/notes/{}", self.requests.fetch_add(1, Ordering::Relaxed));
        *self.state.lock().expect("no panic") = State {
            path: path.clone(),
            fault: Some(fault),
            commits: 0,
        };
        path
    }

    /// Ends the fault, and returns the number of commits.
    pub(crate) fn disarm(&self) -> usize {
        std::mem::take(&mut *self.state.lock().expect("no panic")).commits
    }
}

/// Time in which the bytes of a request arrive that are not read.
const ARRIVES: Duration = Duration::from_millis(20);

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let armed = state.lock().expect("no panic").fault;
    if armed == Some(Fault::NoServer) {
        return thread::sleep(ARRIVES);
    }
    // What is closed with an unread byte is reset.
    let resets = matches!(
        armed,
        Some(Fault::ResetBeforeCommit | Fault::ResetAfterCommit)
    );
    let Some((method, path)) = read(&mut stream, usize::from(resets)) else {
        return;
    };
    let (fault, again) = {
        let mut state = state.lock().expect("no panic");
        if state.path != path {
            return;
        }
        let fault = state.fault.take();
        let again = fault.is_none() && state.commits > 0;
        let commits = fault.is_none_or(Fault::commits) && !again;
        state.commits += usize::from(commits && method != "GET");
        (fault.unwrap_or(Fault::None), again)
    };
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    let text = match fault {
        // The state that the first sending left: what was deleted is missing.
        Fault::None if again && method == "DELETE" => {
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        }
        Fault::None if again => {
            "HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        }
        Fault::None => ok,
        Fault::CloseBeforeCommit | Fault::CloseAfterCommit => "",
        Fault::ResetBeforeCommit | Fault::ResetAfterCommit | Fault::NoServer => {
            return thread::sleep(ARRIVES);
        }
        Fault::StallBeforeCommit | Fault::StallAfterCommit => {
            thread::sleep(STALL);
            ""
        }
        Fault::CutHeaders => "HTTP/1.1 200 OK\r\ncontent-le",
        Fault::CutBody => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this",
        Fault::Garbage => "no HTTP at all\r\n\r\n",
        Fault::EndlessHeaders => {
            let line = format!("x-long: {}\r\n", "x".repeat(60_000));
            let text = format!("HTTP/1.1 200 OK\r\n{line}{line}{line}\r\n");
            // The proxy may hang up first.
            let _ = stream.write_all(text.as_bytes());
            return;
        }
    };
    // The proxy may have given up.
    let _ = stream.write_all(text.as_bytes());
}

/// Reads a request without its last bytes, and returns its method and path. Returns none
/// if the connection ends early.
fn read(stream: &mut TcpStream, unread: usize) -> Option<(String, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let lines = head.lines().map(str::to_ascii_lowercase);
    let mut length = lines.filter_map(|line| {
        let value = line.strip_prefix("content-length:")?.trim().to_owned();
        value.parse::<usize>().ok()
    });
    let length = length.next_back().unwrap_or(0).saturating_sub(unread);
    stream.read_exact(&mut vec![0; length]).ok()?;
    let mut words = head.split(' ').map(str::to_owned);
    words.next().zip(words.next())
}
