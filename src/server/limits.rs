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
    /// Connections at once on the health port: the kubelet, a few Prometheuses and a person.
    pub health_connections: usize,
    /// The longest body, in bytes. The API server takes objects of 3 MiB, and a review may carry two.
    pub body_bytes: usize,
    /// How much of a longer body is passed over before it is denied, in bytes. An object of 3 MiB can take
    /// six times as much in a review, where Go writes `<` as `\u003c`.
    pub passed_bytes: usize,
    /// Bytes for all that bodies take beyond the first 16 KiB. An address has a third of it for connections that proved
    /// themselves, and a third for others.
    pub large_bodies_bytes: usize,
    /// How long a body may take for each `STEP` of bytes. One packet may be lost three times.
    pub step: Duration,
    /// How long it may take if others wait for its memory or its connection.
    pub step_if_crowded: Duration,
    /// How long no connection is accepted after an accept failed for want of descriptors or memory.
    pub accept_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
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
            health_connections: 32,
            body_bytes: 7 * MIB,
            passed_bytes: 64 * MIB,
            large_bodies_bytes: 15 * MIB,
            step: Duration::from_secs(4),
            step_if_crowded: Duration::from_millis(250),
            accept_pause: Duration::from_millis(100),
        }
    }
}

impl Limits {
    /// The bytes by which a body's pace is measured.
    pub(super) const STEP: usize = 16 * 1024;

    /// The bytes for larger bodies that an address has for connections that proved themselves, and again for others.
    pub(super) fn share_bytes(&self) -> usize {
        self.large_bodies_bytes / 3
    }

    /// The limits of a process that may have so many files open: fewer connections, if it has to be.
    pub(super) fn within(self, descriptors: u64) -> Self {
        /// For all else: files, signals, lookups, and a watch for each kind of object.
        const OTHERS: usize = 64;

        let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
        let health_connections = self.health_connections.min(descriptors / 8);
        let left = descriptors.saturating_sub(OTHERS + health_connections);
        Self {
            connections: self.connections.min(left.max(descriptors / 4)),
            health_connections,
            ..self
        }
    }

    /// The same for the health port.
    pub(super) fn of_health(self) -> Self {
        Self {
            connections: self.health_connections,
            ..self
        }
    }

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
    fn connections_fit_into_the_descriptors() {
        let within = |descriptors| {
            let limits = Limits::default().within(descriptors);
            (limits.connections, limits.health_connections)
        };
        assert_eq!(within(u64::MAX), (512, 32));
        assert_eq!(within(1024), (512, 32));
        assert_eq!(within(256), (160, 32));
        assert_eq!(within(40), (10, 5));
    }

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
