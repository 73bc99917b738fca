//! The running server: its address, and how it ends.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::timeout};

use crate::{
    App,
    line::{Cut, Lines},
    router,
};

/// The time that calls under way have after the server was stopped.
const GRACE: Duration = Duration::from_secs(2);

/// The options of the server.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Writes a line per business request to stderr: number, method, path and ending, but no key
    /// and no body.
    pub verbose: bool,
}

/// A vendor system that listens. It stops on drop.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Listens on `address`; port 0 takes any free one. Fails if the address is in use.
    pub async fn start(address: SocketAddr, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let app = Arc::new(App {
            verbose: options.verbose,
            ..App::default()
        });
        let service = router(app).into_make_service_with_connect_info::<Cut>();
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = axum::serve(Lines(listener), service).with_graceful_shutdown(async {
            // A dropped sender means the same as a message.
            let _ = stopped.await;
        });
        Ok(Self {
            address,
            stop,
            task: tokio::spawn(async move { serve.await }),
        })
    }

    /// The address on which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as `http://<address>:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Accepts nothing more, lets calls under way end for up to two seconds, and returns.
    pub async fn stop(self) -> io::Result<()> {
        // The receiver is gone only if the server has already ended.
        let _ = self.stop.send(());
        match timeout(GRACE, self.task).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(io::Error::other(error)),
            Err(_) => Ok(()),
        }
    }
}
