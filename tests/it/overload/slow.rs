use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::AsyncReadExt as _;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::server::client::{Client, connector};

/// A way to be slow.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Announces a large body and sends a byte now and then.
    Announced,
    /// The same without to say how long the body is.
    Chunked,
    /// Sends a good part of a large body at once, and then a byte now and then.
    Stalling,
    /// The same once a review was answered on the connection.
    Proven,
    /// Sends a head, a byte now and then.
    Head,
    /// Makes the TLS handshake and sends nothing more.
    Silent,
}

/// Slow clients, who come again as soon as they are cut. They have a thread of their own, which gives way to all else:
/// what they cost themselves is not for the server to pay.
pub(super) struct Slow {
    thread: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

/// How soon one who was cut comes again. Handshakes without a pause would be a flood of another kind.
const PAUSE: Duration = Duration::from_millis(500);
/// How the body of a review begins that never ends.
pub(super) const BEGINNING: &str =
    r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"slow","#;

/// A review that is answered with a yes.
pub(super) const INNOCENT: &str = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"1","kind":{"kind":"Pod"},"operation":"DELETE"}}"#;

// === impl Kind ===

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::Announced,
        Self::Chunked,
        Self::Stalling,
        Self::Proven,
        Self::Head,
        Self::Silent,
    ];

    /// What is sent at once.
    fn opening(self) -> String {
        const HEAD: &str = "POST /validate?timeout=10s HTTP/1.1\r\nhost: guard\r\ncontent-type: application/json\r\n";
        let announced = |body: &str| format!("{HEAD}content-length: 7000000\r\n\r\n{body}");
        match self {
            Self::Announced => announced(BEGINNING),
            Self::Chunked => format!(
                "{HEAD}transfer-encoding: chunked\r\n\r\n{:x}\r\n{BEGINNING}\r\n",
                BEGINNING.len()
            ),
            Self::Stalling | Self::Proven => {
                announced(&format!("{BEGINNING}{}", " ".repeat(100_000)))
            }
            Self::Head => "POST /validate".to_owned(),
            Self::Silent => String::new(),
        }
    }

    fn more(self) -> &'static str {
        match self {
            Self::Chunked => "1\r\n \r\n",
            Self::Announced | Self::Stalling | Self::Proven => " ",
            Self::Head => "x",
            Self::Silent => "",
        }
    }

    /// Until it is cut.
    async fn occupy(self, address: SocketAddr, connector: &TlsConnector) -> Option<()> {
        let mut client = Client::connect_over(address, connector).await.ok()?;
        if matches!(self, Self::Proven) {
            client.review(INNOCENT).await?;
        }
        client.send(&self.opening()).await.ok()?;
        let mut scratch = [0; 4096];
        loop {
            let read = client.stream.read(&mut scratch);
            match timeout(Duration::from_millis(200), read).await {
                Ok(Ok(0) | Err(_)) => return None,
                Ok(Ok(_)) => {}
                Err(_quiet) => client.send(self.more()).await.ok()?,
            }
        }
    }
}

// === impl Slow ===

impl Slow {
    pub(super) fn start(address: SocketAddr, kinds: &'static [Kind], count: usize) -> Self {
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            // Of this thread alone, on Linux.
            rustix::process::nice(19).unwrap();
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let connector = connector();
            let all = kinds.iter().cycle().take(count).map(|kind| async {
                loop {
                    kind.occupy(address, &connector).await;
                    sleep(PAUSE).await;
                }
            });
            runtime.unwrap().block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    _ = join_all(all) => {}
                }
            });
        });
        Self { thread, stop }
    }

    pub(super) fn stop(self) {
        let _gone = self.stop.send(());
        self.thread.join().unwrap();
    }
}
