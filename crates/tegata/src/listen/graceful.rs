//! Stopping: on SIGTERM or SIGINT once gently, on the second at once.

use std::io;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

/// Tells everybody who listens that this server is to stop.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

/// The end that asks, and the end that is asked.
pub(crate) fn stop_channel() -> (watch::Sender<bool>, Stop) {
    let (ask, asked) = watch::channel(false);
    (ask, Stop(asked))
}

impl Stop {
    /// Waits until a stop is asked for; a server whose asker is gone stops too.
    pub(crate) async fn asked(&mut self) {
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

/// The signals of an operator.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on these signals no longer end the process.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one of them.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
