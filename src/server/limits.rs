//! What a client may take of us: time, connections and memory.

use std::time::Duration;

/// The limits of a listener. The default is what production runs with; tests shorten it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the TLS handshake, from the accept on.
    pub handshake: Duration,
    /// For a request's head, from its first byte on.
    pub head: Duration,
    /// For a connection without a request. Longer than the 90 s after which the API server drops an
    /// idle connection itself (`IdleConnTimeout`, client-go transport/cache.go): the side that is to
    /// send next should be the one to close, since a POST that meets a closing connection fails.
    pub idle: Duration,
    /// For a request's body, from the end of its head on.
    pub body: Duration,
    /// For the client to read an answer.
    pub answer: Duration,
    /// For the client to notice an early answer, before the connection goes.
    pub linger: Duration,
    /// What the API server is taken to wait where the request's `?timeout` does not say.
    pub timeout: Duration,
    /// How long before the API server's deadline an answer must be on its way.
    pub margin: Duration,
    /// Connections at once, each with one request at most.
    pub connections: usize,
    /// The longest body, in bytes. The API server takes objects of 3 MiB, and a review may carry two.
    pub body_bytes: usize,
    /// Bodies up to this many bytes are read without asking for memory first.
    pub small_body_bytes: usize,
    /// Bytes for all larger bodies together; more of them wait for their turn.
    pub large_bodies_bytes: usize,
    /// How long a larger body waits for its turn.
    pub turn: Duration,
    /// How long no connection is accepted after an accept failed for want of descriptors or memory.
    pub accept_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: usize = 1024;
        const MIB: usize = 1024 * KIB;
        Self {
            handshake: Duration::from_secs(5),
            head: Duration::from_secs(5),
            idle: Duration::from_mins(3),
            body: Duration::from_secs(9),
            answer: Duration::from_secs(5),
            linger: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
            margin: Duration::from_millis(250),
            connections: 512,
            body_bytes: 7 * MIB,
            small_body_bytes: 64 * KIB,
            large_bodies_bytes: 32 * MIB,
            turn: Duration::from_secs(1),
            accept_pause: Duration::from_millis(100),
        }
    }
}

impl Limits {
    /// How long a review may take whose client waits for `timeout`: a little less than that, and never
    /// longer than a body may.
    pub fn budget(&self, timeout: Option<Duration>) -> Duration {
        let timeout = timeout.unwrap_or(self.timeout);
        timeout
            .saturating_sub(self.margin)
            .max(timeout / 2)
            .min(self.body)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Limits;

    #[test]
    fn the_budget_stays_below_the_api_servers_deadline() {
        let limits = Limits::default();
        let millis = |millis| Some(Duration::from_millis(millis));
        assert_eq!(limits.budget(None), Duration::from_secs(9));
        assert_eq!(limits.budget(millis(30_000)), Duration::from_secs(9));
        assert_eq!(limits.budget(millis(5_000)), Duration::from_millis(4_750));
        assert_eq!(limits.budget(millis(1_000)), Duration::from_millis(750));
        assert_eq!(limits.budget(millis(100)), Duration::from_millis(50));
    }
}
