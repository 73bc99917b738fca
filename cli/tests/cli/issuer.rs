//! Tests of `holdfast doctor --before-deploy` with an issuer that has TLS, which openssl serves.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::preflight::{FINE, doctor_that_trusts, project};

/// A name of the certificate that is the address of the issuer.
const RIGHT: &str = "IP:127.0.0.1";

/// An issuer on this machine, and the folder with its authority (`ca.pem`).
struct Issuer {
    folder: TempDir,
    server: Child,
    address: String,
}

impl Issuer {
    /// Serves a discovery document and an RSA key, with a certificate for `name` by an authority of
    /// its own.
    fn start(name: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let openssl = |args: &str| {
            let mut openssl = Command::new("openssl");
            openssl.args(args.split(' ')).current_dir(folder.path());
            openssl
        };
        let new = "req -x509 -newkey rsa:2048 -nodes -days 2";
        let authority = format!("{new} -subj /CN=authority -keyout ca.key -out ca.pem");
        let issued = format!(
            "{new} -subj /CN=issuer -keyout key -out pem -CA ca.pem -CAkey ca.key \
             -addext subjectAltName={name} -addext basicConstraints=critical,CA:FALSE"
        );
        for args in [authority, issued] {
            let made = openssl(&args).output().expect("apt-get install openssl");
            assert!(made.status.success(), "{made:?}");
        }
        let serve = "s_server -accept 127.0.0.1:0 -cert pem -key key -HTTP";
        let mut server = openssl(serve);
        server.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = server.spawn().expect("openssl starts");
        let lines = BufReader::new(server.stdout.take().expect("a pipe")).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned));
        let address = format!("https://{}", address.expect("it says where it listens"));
        let issuer = Self {
            folder,
            server,
            address,
        };
        let address = &issuer.address;
        issuer.write(
            ".well-known/openid-configuration",
            &format!(r#"{{"issuer": "{address}", "jwks_uri": "{address}/keys"}}"#),
        );
        issuer.write("keys", r#"{"keys": [{"kty": "RSA", "kid": "a"}]}"#);
        issuer
    }

    fn write(&self, name: &str, body: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}");
        std::fs::write(path, answer).expect("it is written");
    }

    /// The findings about the issuer, of a machine that trusts its authority or does not.
    fn findings(&self, trusted: bool) -> Vec<String> {
        let authority = self.folder.path().join("ca.pem");
        let project = project(&self.address, FINE);
        let args = ["--env", "staging"];
        let output = doctor_that_trusts(
            trusted.then_some(authority.as_path()),
            &project.path(""),
            &args,
        );
        let lines = output.out.lines();
        let found = lines.filter(|line| line.contains(" JwtIssuer https://"));
        found.map(str::to_owned).collect()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn an_issuer_with_a_trusted_certificate_is_read_over_tls() {
    let found = Issuer::start(RIGHT).findings(true);
    assert_eq!(found.len(), 5, "{found:#?}");
    for (line, end) in found.iter().zip([
        "it is an https address",
        "its discovery document can be read",
        "the document names the same issuer",
        "its keys can be read",
        "its keys are RSA keys for signatures",
    ]) {
        assert!(line.starts_with("ok ") && line.ends_with(end), "{line}");
    }
}

#[test]
fn a_certificate_that_is_not_trusted_or_has_another_name_is_called_so() {
    for (name, trusted, why) in [
        (
            RIGHT,
            false,
            "has a certificate of an authority that this machine does not trust",
        ),
        (
            "DNS:login.acme.eu",
            true,
            "has a certificate that is refused: certificate not valid for name",
        ),
    ] {
        let found = Issuer::start(name).findings(trusted);
        let line = found.last().expect("findings");
        assert!(line.starts_with("WRONG JwtIssuer "), "{line}");
        assert!(line.contains(why), "{line}");
    }
}
