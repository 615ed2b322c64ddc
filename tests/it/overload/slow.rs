use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::server_client::Client;

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
    /// Shakes hands and says no more.
    Silent,
}

/// Slow clients, who come again as soon as they are cut.
pub(super) struct Slow {
    tasks: Vec<JoinHandle<()>>,
}

/// How soon one who was cut comes again. Handshakes without a pause would be a flood of another kind.
const PAUSE: Duration = Duration::from_millis(500);
/// How the body of a review begins that never ends.
pub(super) const BEGINNING: &str =
    r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"slow","#;

/// A review that is answered with a yes.
const INNOCENT: &str = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"1","kind":{"kind":"Pod"},"operation":"DELETE"}}"#;

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
    async fn occupy(self, address: SocketAddr) -> Option<()> {
        let mut client = Client::connect(address).await.ok()?;
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
        let tasks = kinds.iter().cycle().take(count).map(|kind| {
            tokio::spawn(async move {
                loop {
                    kind.occupy(address).await;
                    sleep(PAUSE).await;
                }
            })
        });
        Self {
            tasks: tasks.collect(),
        }
    }

    pub(super) fn stop(self) {
        drop(self);
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
