//! Why an API server cannot ask a webhook, by its words.

/// Why an API server cannot ask a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The Service is not there.
    NoService,
    /// There is nobody behind the Service, or not on that port.
    NobodyThere,
    /// Nothing comes back.
    NoWay,
    /// The bundle in the webhook configuration is not of the CA that the certificate is of.
    UnknownAuthority,
    /// The certificate is for another name.
    OtherName,
    /// The certificate's time is over, or has not come.
    OutOfTime,
    /// The certificate is refused for another reason.
    RefusedCertificate,
    /// The webhook refuses the certificate that the API server shows, or that it shows none.
    RefusedClient,
    /// Something else.
    Other,
}

// === impl Cause ===

impl Cause {
    /// The cause in the words of an API server, which are those of Go's `net`, `net/http` and `crypto/x509`.
    pub(super) fn of(message: &str) -> Self {
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        if says(&[
            "x509: certificate signed by unknown authority",
            "unable to load root certificates",
        ]) {
            Self::UnknownAuthority
        } else if says(&["x509: certificate has expired"]) {
            Self::OutOfTime
        } else if says(&[
            "x509: certificate is valid for",
            "x509: certificate is not valid for",
            "x509: certificate is not valid for any names",
            "x509: certificate relies on legacy Common Name field",
            "x509: cannot validate certificate for",
        ]) {
            Self::OtherName
        } else if says(&["x509: ", "tls: failed to verify certificate"]) {
            Self::RefusedCertificate
        } else if says(&["remote error: tls: "]) {
            Self::RefusedClient
        } else if says(&["service \""]) && says(&["not found"]) {
            Self::NoService
        } else if says(&[
            "no endpoints available",
            "connection refused",
            "no service port",
            // Kubernetes 1.10 looks a Service up in DNS that it does not know yet, or without a caBundle.
            "no such host",
        ]) {
            Self::NobodyThere
        } else if says(&[
            "deadline exceeded",
            "Client.Timeout",
            "i/o timeout",
            "handshake timeout",
            "no route to host",
            "unreachable",
        ]) {
            Self::NoWay
        } else {
            Self::Other
        }
    }

    /// A stable word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoService => "no-service",
            Self::NobodyThere => "nobody-there",
            Self::NoWay => "no-way",
            Self::UnknownAuthority => "unknown-authority",
            Self::OtherName => "other-name",
            Self::OutOfTime => "out-of-time",
            Self::RefusedCertificate => "refused-certificate",
            Self::RefusedClient => "refused-client",
            Self::Other => "other",
        }
    }

    /// The remedy during an installation, when running `install` again does not help.
    pub fn hint_of_install(self) -> &'static str {
        match self {
            Self::NoService => {
                "find out who deletes the Service that install has made: kubectl -n tiller-guard get events"
            }
            other => other.hint(),
        }
    }

    /// What to do.
    pub fn hint(self) -> &'static str {
        match self {
            Self::NoService => "run tiller-guard install, which makes the Service",
            Self::NobodyThere => {
                "look at the pods (kubectl -n tiller-guard get pods) and at the Service's ports: no ready pod answers"
            }
            Self::NoWay => {
                "let the API server reach port 8443 of the pods: a firewall of the nodes or of the cloud blocks it"
            }
            Self::UnknownAuthority => {
                "look at the log of the pods, which write the bundle themselves; with certificates of your own put their CA into both webhook configurations"
            }
            Self::OtherName => "give the certificate the DNS name SERVICE.NAMESPACE.svc",
            Self::OutOfTime => "look at the clocks of the nodes and at the log of the pods",
            Self::RefusedCertificate => {
                "give tiller-guard a certificate that the API server accepts; the message says why"
            }
            Self::RefusedClient => {
                "put the CA of the API server's client certificate into the file of --client-ca-file"
            }
            Self::Other => "look at the log of the pods and at that of the API server",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cause;

    /// Said by Kubernetes 1.10 to 1.36.
    #[test]
    fn causes_are_told_from_the_api_servers_words() {
        let post = "failed calling webhook \"validate.tiller-guard.io\": Post \"https://tiller-guard.tiller-guard.svc:443/validate?timeout=5s\": ";
        for (words, expected) in [
            (
                "x509: certificate signed by unknown authority",
                Cause::UnknownAuthority,
            ),
            (
                "x509: certificate signed by unknown authority (possibly because of \"x509: ECDSA verification failure\" while trying to verify candidate authority certificate \"tiller-guard CA\")",
                Cause::UnknownAuthority,
            ),
            (
                "x509: certificate is valid for localhost, not tiller-guard.tiller-guard.svc",
                Cause::OtherName,
            ),
            (
                "x509: certificate has expired or is not yet valid: current time 2026-01-01T00:00:00Z is after 2025-01-01T00:00:00Z",
                Cause::OutOfTime,
            ),
            (
                "tls: failed to verify certificate: x509: certificate signed by unknown authority",
                Cause::UnknownAuthority,
            ),
            (
                "unable to load root certificates: unable to parse bytes as PEM block",
                Cause::UnknownAuthority,
            ),
            (
                "x509: certificate relies on legacy Common Name field, use SANs instead",
                Cause::OtherName,
            ),
            (
                "x509: certificate specifies an incompatible key usage",
                Cause::RefusedCertificate,
            ),
            ("remote error: tls: bad certificate", Cause::RefusedClient),
            ("service \"tiller-guard\" not found", Cause::NoService),
            (
                "dial tcp 10.0.0.1:443: connect: connection refused",
                Cause::NobodyThere,
            ),
            (
                "no endpoints available for service \"tiller-guard\"",
                Cause::NobodyThere,
            ),
            (
                "no service port 443 found for service \"tiller-guard\"",
                Cause::NobodyThere,
            ),
            (
                "dial tcp: lookup tiller-guard.tiller-guard.svc on 10.0.0.10:53: no such host",
                Cause::NobodyThere,
            ),
            ("context deadline exceeded", Cause::NoWay),
            ("dial tcp 10.0.0.1:443: i/o timeout", Cause::NoWay),
            ("EOF", Cause::Other),
        ] {
            assert_eq!(Cause::of(&format!("{post}{words}")), expected, "{words}");
        }
    }
}
