//! What stands between a guard and its API server: nothing, a wall, or silence.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{self, AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What a way to the API server does with connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    /// All are cut, and none is taken: an API server that is not there.
    Cut,
    /// None is cut, and nothing passes: an API server that hangs.
    Stalled,
}

/// A way to the API server of a guard's own.
pub(crate) struct Path {
    pub(crate) port: u16,
    way: watch::Sender<Way>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    tried: AtomicUsize,
    heard: AtomicUsize,
}

/// A guard's side of a connection.
struct Heard {
    stream: TcpStream,
    counts: Arc<Counts>,
}

// === impl Path ===

impl Path {
    /// To the API server at this port.
    pub(crate) async fn open(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = SocketAddr::from(([127, 0, 0, 1], server));
        let (way, seen) = watch::channel(Way::Open);
        let counts = Arc::new(Counts::default());
        let counting = Arc::clone(&counts);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counting.tried.fetch_add(1, Ordering::Relaxed);
                let counts = Arc::clone(&counting);
                if *seen.borrow() != Way::Cut {
                    tokio::spawn(pass(Heard { stream, counts }, server, seen.clone()));
                }
            }
        });
        Self { port, way, counts }
    }

    pub(crate) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// How many connections were tried.
    pub(crate) fn tried(&self) -> usize {
        self.counts.tried.load(Ordering::Relaxed)
    }

    /// How often a guard said something: with each request, and twice before the first of a connection.
    pub(crate) fn heard(&self) -> usize {
        self.counts.heard.load(Ordering::Relaxed)
    }
}

async fn pass(mut guard: Heard, server: SocketAddr, mut way: watch::Receiver<Way>) {
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    loop {
        let now = *way.borrow_and_update();
        tokio::select! {
            _ended = copy_bidirectional(&mut guard, &mut server), if now == Way::Open => return,
            _changed = way.changed() => {}
        }
        if *way.borrow() == Way::Cut {
            return;
        }
    }
}

// === impl Heard ===

impl AsyncRead for Heard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if !buffer.filled().is_empty() {
            self.counts.heard.fetch_add(1, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Heard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
