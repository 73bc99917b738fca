//! The command `identity`, which serves the issuer's documents until a signal, or prints a token.

use std::{
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::{Args, Parser, Subcommand};
use holdfast_identity::{Issuer, Settings, router};
use serde_json::json;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// A development issuer of tokens. Never deploy it.
#[derive(Debug, Parser)]
#[command(name = "identity", version)]
struct Cli {
    /// The file of the key; a missing file gets a new key
    #[arg(long, global = true, default_value = "issuer.der", value_name = "FILE")]
    key: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the issuer's documents, and the sign-in of people by one click
    Serve {
        /// The port to listen on
        #[arg(long)]
        port: u16,
        /// The address to listen on
        #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
        bind: IpAddr,
        /// The audience of the tokens of people who sign in
        #[arg(long, default_value = "holdfast")]
        audience: String,
        /// The client to which people sign in
        #[arg(long, default_value = "console")]
        client: String,
        /// The lifetime of their tokens, in seconds
        #[arg(long, default_value_t = 900)]
        seconds: u64,
    },
    /// Print a token
    Token(TokenRequest),
}

#[derive(Debug, Args)]
struct TokenRequest {
    /// The URL at which the issuer is served
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// The audience of the token
    #[arg(long)]
    audience: String,
    /// tenant-admin, platform-admin, observer, auditor, approver or platform-observer
    #[arg(long)]
    role: String,
    /// The tenant of the bearer; a role of the platform needs none
    #[arg(long)]
    tenant: Option<String>,
    /// A group of the bearer, who is an approver; may be repeated
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// The subject: the name of the bearer
    #[arg(long, default_value = "developer")]
    subject: String,
    /// The lifetime of the token
    #[arg(long, default_value_t = 12)]
    hours: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("identity: {}: {error}", cli.key.display());
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli) -> io::Result<()> {
    let issuer = Issuer::open(&cli.key)?;
    match &cli.command {
        Command::Serve {
            port,
            bind,
            audience,
            client,
            seconds,
        } => {
            let settings = Settings {
                url: String::new(),
                audience: audience.clone(),
                client: client.clone(),
                seconds: *seconds,
            };
            serve(issuer, settings, SocketAddr::new(*bind, *port)).await
        }
        Command::Token(request) => writeln!(io::stdout(), "{}", token(&issuer, request)?),
    }
}

fn token(issuer: &Issuer, request: &TokenRequest) -> io::Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_err(io::Error::other)?.as_secs();
    let mut claims = json!({
        "iss": request.issuer,
        "aud": request.audience,
        "sub": request.subject,
        "role": request.role,
        "iat": now,
        "exp": now + request.hours * 3600,
    });
    if let Some(tenant) = &request.tenant {
        claims["tenant"] = tenant.as_str().into();
    }
    if !request.groups.is_empty() {
        claims["groups"] = request.groups.clone().into();
    }
    issuer.token(&claims)
}

async fn serve(issuer: Issuer, settings: Settings, address: SocketAddr) -> io::Result<()> {
    // The handler precedes the printed address, because its reader may send a signal at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let settings = Settings {
        url: url.clone(),
        ..settings
    };
    let router = router(issuer, settings)?;
    writeln!(io::stdout(), "identity listening on {url}")?;
    tokio::select! {
        served = axum::serve(listener, router) => served,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}
