//! Attacks by a server that `holdfast` reads from: links that lead elsewhere, redirects, and
//! endless, slow or other bytes. Others are names that leave the folder, and links planted in it.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use holdfast_ids::digest::sha256_hex;
use holdfast_receipt::chain::Hour;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{built, none_succeeded};

/// The bytes that the honest link has, and whose digest every list names.
const RIGHT: &[u8] = b"{\"the right\":\"bytes\"}";

/// The behaviour of the hostile server on its path `/object`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Object {
    Right,
    Other,
    Redirect,
    Endless,
    Drip,
}

/// Answers one request. `list` is the body of every path but `/object`.
fn answer(mut stream: TcpStream, object: Object, list: &str, redirected: &str) {
    let mut request = String::new();
    let _ = BufReader::new(&stream).read_line(&mut request);
    let head =
        |status: &str, more: &str| format!("HTTP/1.1 {status}\r\nConnection: close\r\n{more}\r\n");
    let ok = |body: &[u8]| {
        let length = format!("Content-Length: {}\r\n", body.len());
        [head("200 OK", &length).as_bytes(), body].concat()
    };
    let endless = head("200 OK", "");
    // A client that has seen enough closes the connection, which ends each of these writes.
    let _ = match (request.starts_with("GET /object"), object) {
        (false, _) => stream.write_all(&ok(list.as_bytes())),
        (true, Object::Right) => stream.write_all(&ok(RIGHT)),
        (true, Object::Other) => stream.write_all(&ok(b"other bytes")),
        (true, Object::Redirect) => {
            let location = format!("Location: {redirected}\r\nContent-Length: 0\r\n");
            stream.write_all(head("302 Found", &location).as_bytes())
        }
        (true, Object::Endless) => stream.write_all(endless.as_bytes()).and_then(|()| {
            let part = vec![b'x'; 1 << 20];
            (0..4096).try_for_each(|_| stream.write_all(&part))
        }),
        (true, Object::Drip) => stream.write_all(endless.as_bytes()).and_then(|()| {
            (0..600).try_for_each(|_| {
                thread::sleep(Duration::from_secs(1));
                stream.write_all(b"x")
            })
        }),
    };
}

/// Serves `list` and the object, and gives the address.
fn serve(object: Object, list: impl Fn(&str) -> Value, redirected: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let list = list(&address).to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (list, redirected) = (list.clone(), redirected.clone());
            thread::spawn(move || answer(stream, object, &list, &redirected));
        }
    });
    address
}

/// A server that must never be called, and how often it was.
fn forbidden() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.2:0").expect("a port");
    let address = format!(
        "http://{}/object",
        listener.local_addr().expect("an address")
    );
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            answer(stream, Object::Right, "", "");
        }
    });
    (address, calls)
}

fn hour() -> Hour {
    Hour::of(Timestamp::now() - SignedDuration::from_hours(2))
}

/// Runs `holdfast receipt mirror` against a server, into a folder.
fn mirror(api: &str, folder: &Path) -> (bool, String) {
    let (from, until) = (hour().to_string(), hour().next().to_string());
    let ran = Command::new(built("holdfast"))
        .args(["receipt", "mirror", "--tenant", "acme", "--api", api])
        .env("HOLDFAST_TOKEN", "t")
        .args(["--from", &from, "--to", &until, "--dir"])
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .expect("it is built: cargo build");
    let said = [ran.stdout, ran.stderr].concat();
    (
        ran.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found = Vec::new();
    for entry in entries {
        match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}

/// A list of digests with one entry.
fn list(object: &str, url: &str) -> Value {
    let digest =
        json!({ "object": object, "sha256": sha256_hex(RIGHT), "url": url, "from": hour().from() });
    json!({ "digests": [digest], "next": null })
}

#[test]
fn the_honest_link_is_mirrored() {
    let folder = tempfile::tempdir().expect("a folder");
    let object = hour().object("acme");
    let api = serve(
        Object::Right,
        |api| list(&object, &format!("{api}/object")),
        String::new(),
    );
    let (_, said) = mirror(&api, folder.path());
    let bytes = fs::read(folder.path().join(&object));
    assert_eq!(bytes.ok().as_deref(), Some(RIGHT), "{said}");
}

#[test]
fn no_link_or_answer_of_a_server_brings_other_bytes_or_leads_elsewhere() {
    let (elsewhere, calls) = forbidden();
    let right = hour().object("acme");
    let own = "OWN/object";
    let rows = [
        ("another host", &*right, &*elsewhere, Object::Right),
        (
            "metadata",
            &right,
            "http://169.254.169.254/latest/meta-data/",
            Object::Right,
        ),
        ("a file", &right, "file:///etc/passwd", Object::Right),
        ("a redirect", &right, own, Object::Redirect),
        ("other bytes", &right, own, Object::Other),
        ("endless bytes", &right, own, Object::Endless),
        ("a slow answer", &right, own, Object::Drip),
        (
            "a name above the folder",
            "../../escaped.json",
            own,
            Object::Right,
        ),
        (
            "an absolute name",
            "/tmp/holdfast-escaped.json",
            own,
            Object::Right,
        ),
        (
            "a name of another tenant",
            "digests/globex/2026/11/28/10.json",
            own,
            Object::Right,
        ),
        ("an empty name", "", own, Object::Right),
    ];
    let began = Instant::now();
    let tried: Vec<_> = rows
        .into_iter()
        .map(|(what, object, url, behaviour)| {
            let (object, url) = (object.to_owned(), url.to_owned());
            let redirected = elsewhere.clone();
            let row = move || {
                let outer = tempfile::tempdir().expect("a folder");
                let folder = outer.path().join("a/b/mirror");
                fs::create_dir_all(&folder).expect("a folder");
                let listed = |api: &str| list(&object, &url.replace("OWN", api));
                let (succeeded, said) = mirror(&serve(behaviour, listed, redirected), &folder);
                let left = files(outer.path());
                (succeeded || !left.is_empty()).then(|| format!("{what}: {left:?} {said}"))
            };
            thread::spawn(row)
        })
        .collect();
    let tried = tried.into_iter().map(|row| row.join().expect("no panic"));
    let mut succeeded: Vec<String> = tried.flatten().collect();
    if calls.load(Ordering::SeqCst) > 0 {
        succeeded.push("a link or a redirect led to another host".to_owned());
    }
    // The endless answer would take ten minutes, and the command gives up after half a minute.
    if began.elapsed() > Duration::from_secs(300) {
        succeeded.push(format!("an answer without end took {:?}", began.elapsed()));
    }
    none_succeeded(&succeeded);
}

#[test]
fn a_link_that_was_planted_in_the_folder_is_not_written_through() {
    let outer = tempfile::tempdir().expect("a folder");
    let (folder, target) = (outer.path().join("mirror"), outer.path().join("target"));
    let file = folder.join(hour().object("acme"));
    fs::create_dir_all(file.parent().expect("a folder")).expect("it can be made");
    symlink(&target, &file).expect("a link");
    let object = hour().object("acme");
    let api = serve(
        Object::Right,
        |api| list(&object, &format!("{api}/object")),
        String::new(),
    );
    let (succeeded, said) = mirror(&api, &folder);
    assert!(!succeeded && !target.exists(), "{said}");
}

#[test]
fn a_list_that_never_ends_is_not_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    for next in [hour().number(), hour().before(5).number(), "x".to_owned()] {
        let api = serve(
            Object::Right,
            |_| json!({ "digests": [], "next": next }),
            String::new(),
        );
        let (succeeded, said) = mirror(&api, folder.path());
        assert!(!succeeded && said.contains("does not advance"), "{said}");
    }
}
