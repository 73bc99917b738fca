//! The command `vendor-system`, which starts the server, prints its address, and ends it on a
//! signal.

use std::{
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use clap::Parser;
use holdfast_vendor_system::{Options, Server};
use tokio::signal::unix::{SignalKind, signal};

/// A development target: vendors, holds, notifications, and admin routes for faults. Never deploy
/// it.
#[derive(Debug, Parser)]
#[command(name = "vendor-system", version)]
struct Arguments {
    /// The port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// Writes a line per request to stderr.
    #[arg(long)]
    verbose: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!(
                "vendor-system: cannot serve {}:{}: {error}; choose a free port with --port, or 0 for any",
                arguments.bind, arguments.port
            );
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> io::Result<()> {
    // The handler precedes the printed address, because its reader may send a signal at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let options = Options {
        verbose: arguments.verbose,
    };
    let server = Server::start(SocketAddr::new(arguments.bind, arguments.port), options).await?;
    let mut stdout = io::stdout();
    writeln!(stdout, "vendor-system listening on {}", server.url())?;
    stdout.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    server.stop().await
}
