//! Proxies as child processes: nginx, HAProxy and Varnish, each on a free port with its files in a
//! folder of its own.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{PROXY_TIMEOUT, upstream::Upstream};

/// Starts a proxy before the target.
pub(crate) type Make = fn(&Upstream) -> Proxy;

/// The proxies with their defaults. HAProxy is there a second time, with retries for all methods
/// but those that no proxy may repeat (RFC 9110 §9.2.2).
pub(crate) const PROXIES: [Make; 4] = [nginx, haproxy, haproxy_that_retries, varnish];

/// The time that a proxy gets to listen. `varnishd` compiles its configuration with the C compiler
/// first, which took more than ten seconds on a machine that had just installed both.
const STARTS_WITHIN: Duration = Duration::from_secs(120);

/// A running proxy.
pub(crate) struct Proxy {
    pub(crate) name: &'static str,
    /// `http://127.0.0.1:<port>`.
    pub(crate) origin: String,
    child: Child,
    folder: PathBuf,
}

impl Proxy {
    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn folder(name: &str, port: u16) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("holdfast-{name}-{port}"));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn start(name: &'static str, port: u16, folder: PathBuf, command: &mut Command) -> Proxy {
    let log = fs::File::create(folder.join("log")).expect("a file");
    let child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the file"))
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{name}: {error}: `infra/local/setup.sh checks` installs it")
        });
    let mut proxy = Proxy {
        name,
        origin: format!("http://127.0.0.1:{port}"),
        child,
        folder,
    };
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let until = Instant::now() + STARTS_WITHIN;
    while Instant::now() < until {
        if TcpStream::connect(address).is_ok() {
            return proxy;
        }
        if let Some(status) = proxy.child.try_wait().expect("the status of the child") {
            panic!("{name} ended with {status}: {}", proxy.log());
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{name} does not listen on {address}: {}", proxy.log());
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    fs::write(&file, text).expect("a file");
    file
}

fn nginx(upstream: &Upstream) -> Proxy {
    let port = free_port();
    let folder = folder("nginx", port);
    let [one, two] = upstream.addresses;
    let at = folder.display();
    let text = format!(
        "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/f;
  uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;
  upstream target {{ server {one} max_fails=0; server {two} max_fails=0; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://target; proxy_read_timeout {PROXY_TIMEOUT:?}; }}
  }}
}}
"
    );
    let file = write(&folder, "nginx.conf", &text);
    let mut command = Command::new("/usr/sbin/nginx");
    command
        .arg("-p")
        .arg(&folder)
        .arg("-e")
        .arg(folder.join("error.log"))
        .arg("-c")
        .arg(file);
    start("nginx", port, folder, &mut command)
}

fn haproxy(upstream: &Upstream) -> Proxy {
    haproxy_with("haproxy", upstream, "")
}

fn haproxy_that_retries(upstream: &Upstream) -> Proxy {
    let retry = "retry-on conn-failure empty-response response-timeout\n  retries 1\n  option redispatch\n  http-request disable-l7-retry if METH_POST || { method PATCH }";
    haproxy_with("haproxy, retry-on", upstream, retry)
}

fn haproxy_with(name: &'static str, upstream: &Upstream, more: &str) -> Proxy {
    let port = free_port();
    let folder = folder("haproxy", port);
    let [one, two] = upstream.addresses;
    let text = format!(
        "global
  maxconn 100
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server {PROXY_TIMEOUT:?}
listen all
  bind 127.0.0.1:{port}
  {more}
  server one {one}
  server two {two}
"
    );
    let file = write(&folder, "haproxy.cfg", &text);
    let mut command = Command::new("/usr/sbin/haproxy");
    command.arg("-db").arg("-f").arg(file);
    start(name, port, folder, &mut command)
}

fn varnish(upstream: &Upstream) -> Proxy {
    let port = free_port();
    let folder = folder("varnish", port);
    let seconds = PROXY_TIMEOUT.as_secs();
    let mut command = Command::new("/usr/sbin/varnishd");
    command
        .arg("-F")
        .args(["-a", &format!("127.0.0.1:{port}")])
        .args(["-b", &upstream.addresses[0].to_string()])
        .args(["-p", &format!("first_byte_timeout={seconds}")])
        .args(["-p", &format!("between_bytes_timeout={seconds}")])
        .args(["-s", "malloc,8m", "-j", "none", "-n"])
        .arg(folder.join("work"));
    start("varnish", port, folder, &mut command)
}
