//! Tests of the command: it prints its address, and ends cleanly on a signal.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Command,
};

use crate::client::vendors;

#[tokio::test]
async fn the_command_prints_its_address_and_ends_cleanly_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vendor-system"))
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap();
        let address = line.strip_prefix("vendor-system listening on http://");
        assert!(address.unwrap().starts_with("127.0.0.1:"), "{line}");
        let pid = child.id().unwrap().to_string();
        let kill = Command::new("kill").args([signal, &pid]).status();
        assert!(kill.await.unwrap().success());
        assert!(child.wait().await.unwrap().success());
        let mut said = String::new();
        let mut stderr = child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "");
    }
}

#[tokio::test]
async fn an_error_for_a_port_in_use_names_the_fix() {
    let vendors = vendors().await;
    let port = vendors.server.address().port().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_vendor-system"))
        .args(["--port", &port])
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&port) && said.contains("--port"), "{said}");
}

#[tokio::test]
async fn a_stopped_server_has_given_its_port_back() {
    let vendors = vendors().await;
    let address = vendors.server.address();
    assert_eq!(vendors.get("/healthz").await.status, 200);
    vendors.server.stop().await.unwrap();
    assert!(tokio::net::TcpListener::bind(address).await.is_ok());
}
