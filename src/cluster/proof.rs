//! The proof, end to end, that Tillers are held: the API server is asked to try one.

use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, PostParams};
use serde_json::json;

use super::Cluster;
use super::apply::Effect;

/// Where it is tried. No Tiller may run there, so that no policy that is enforced lets it in.
const NAMESPACE: &str = "default";

/// What became of an unhardened Tiller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It was refused, and this was said.
    Refused(String),
    /// It was let in.
    LetIn,
    /// The API server could not ask.
    Unasked {
        /// Why, as far as its words tell.
        cause: Cause,
        /// Its words.
        message: String,
    },
    /// It could not be tried: why.
    Untried(String),
    /// Nobody said what would become of it: why.
    Unknown(String),
}

/// Why an API server cannot ask a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The Service is not there.
    NoService,
    /// There is nobody behind the Service, or not on that port.
    NobodyThere,
    /// Nothing comes back.
    NoWay,
    /// The bundle in the registration is not of the authority that the certificate is of.
    UnknownAuthority,
    /// The certificate is for another name.
    OtherName,
    /// The certificate's time is over, or has not come.
    OutOfTime,
    /// Something else.
    Other,
}

/// Asks the API server to try an unhardened Tiller, of which nothing stays.
pub async fn prove(cluster: &Cluster) -> Proof {
    if Effect::ServerDryRun.check(cluster).is_err() {
        return Proof::Untried("Kubernetes before 1.13 cannot try without keeping".to_owned());
    }
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"));
    let api: Api<DynamicObject> =
        Api::namespaced_with(cluster.client().clone(), NAMESPACE, &resource);
    let labels = json!({ "app": "helm", "name": "tiller" });
    let tiller = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "tiller-guard-proof", "namespace": NAMESPACE },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0" }] },
            },
        },
    });
    let parameters = PostParams {
        dry_run: true,
        field_manager: None,
    };
    let tiller = match serde_json::from_value(tiller) {
        Ok(tiller) => tiller,
        Err(error) => return Proof::Untried(error.to_string()),
    };
    match api.create(&parameters, &tiller).await {
        Ok(_) => Proof::LetIn,
        Err(kube::Error::Api(status)) => Proof::of(status.message.clone()),
        Err(error) => Proof::Unknown(error.to_string()),
    }
}

// === impl Proof ===

impl Proof {
    /// What an API server's refusal tells.
    fn of(message: String) -> Self {
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        if says(&["denied the request"]) && says(&[".tiller-guard.io\""]) {
            Self::Refused(message)
        } else if says(&["failed calling webhook", "failed calling admission webhook"]) {
            let cause = Cause::of(&message);
            Self::Unasked { cause, message }
        } else if says(&["\" cannot create ", "Unauthorized"]) {
            Self::Unknown(message)
        } else {
            Self::Untried(message)
        }
    }
}

// === impl Cause ===

impl Cause {
    /// The cause in the words of an API server, which are those of Go's `net`, `net/http` and `crypto/x509`.
    fn of(message: &str) -> Self {
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        if says(&["x509: certificate signed by unknown authority"]) {
            Self::UnknownAuthority
        } else if says(&["x509: certificate has expired"]) {
            Self::OutOfTime
        } else if says(&[
            "x509: certificate is valid for",
            "x509: certificate is not valid for",
            "x509: cannot validate",
        ]) {
            Self::OtherName
        } else if says(&["service \""]) && says(&["not found"]) {
            Self::NoService
        } else if says(&[
            "no endpoints available",
            "connection refused",
            "no service port",
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
            Self::Other => "other",
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
                "let the API server reach port 8443 of the pods: firewall rules of the nodes or of the cloud keep it from them"
            }
            Self::UnknownAuthority => {
                "look at the log of the pods, which write the bundle themselves; with certificates of your own put their CA into both registrations"
            }
            Self::OtherName => "give the certificate the DNS name SERVICE.NAMESPACE.svc",
            Self::OutOfTime => "look at the clocks of the nodes and at the log of the pods",
            Self::Other => "look at the log of the pods and at that of the API server",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, Proof};

    #[test]
    fn what_became_of_the_tiller_is_told_from_the_api_servers_words() {
        let refused = |name: &str| format!("admission webhook \"{name}\" denied the request: no");
        let of = |message: &str| Proof::of(message.to_owned());
        let ours = refused("validate.tiller-guard.io");
        assert_eq!(of(&ours), Proof::Refused(ours));
        let other = refused("validate.kyverno.svc");
        assert_eq!(of(&other), Proof::Untried(other));
        for message in [
            r#"deployments.apps is forbidden: User "a" cannot create resource "deployments" in API group "apps" in the namespace "default""#,
            r#"deployments.apps is forbidden: User "a" cannot create deployments.apps in the namespace "default""#,
        ] {
            assert_eq!(of(message), Proof::Unknown(message.to_owned()));
        }
    }

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
            ("context deadline exceeded", Cause::NoWay),
            ("dial tcp 10.0.0.1:443: i/o timeout", Cause::NoWay),
            ("EOF", Cause::Other),
        ] {
            assert_eq!(Cause::of(&format!("{post}{words}")), expected, "{words}");
        }
    }
}
