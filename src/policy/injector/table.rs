//! What each injector adds, by name, and what keeps it away.

use super::{Facts, MetadataList, Off, Switch};
use crate::policy::pointer::Field;

/// A label, or an annotation, with this key and this pointer of it.
macro_rules! switch {
    ($list:ident $key:literal $path:literal, $off:expr, $on:expr, $unasked:literal) => {
        Switch {
            list: MetadataList::$list,
            key: $key,
            field: Field {
                path: $path,
                name: $key,
            },
            off: $off,
            on: &$on,
            comes_unasked: $unasked,
        }
    };
}

const TRUE: [&str; 3] = ["1", "t", "true"];

/// Source: `manifests/charts/istio-control/istio-discovery/files/injection-template.yaml` and
/// `pkg/kube/inject/inject.go` of Istio. The annotation is read by every version, the label from 1.10 on, where it counts
/// first.
pub(super) const ISTIO: Facts = Facts {
    id: "istio",
    name: "Istio",
    containers: &[
        "istio-proxy",
        "istio-init",
        "istio-validation",
        "enable-core-dump",
    ],
    variables: &["ISTIO_*"],
    values: &[],
    volumes: &["istio-*", "istiod-ca-cert"],
    switches: &[
        switch!(Labels "sidecar.istio.io/inject" "metadata/labels/sidecar.istio.io~1inject",
                Off::Text("false"), ["true", "on", "y", "yes"], true),
        switch!(Annotations "sidecar.istio.io/inject" "metadata/annotations/sidecar.istio.io~1inject",
                Off::Text("false"), ["true", "on", "y", "yes"], true),
    ],
};

/// Source: `pkg/k8s/labels.go` and `charts/partials/templates` of Linkerd 2; the validator from 2.12 on, with its CNI.
pub(super) const LINKERD: Facts = Facts {
    id: "linkerd",
    name: "Linkerd",
    containers: &[
        "linkerd-proxy",
        "linkerd-init",
        "linkerd-network-validator",
        "linkerd-debug",
    ],
    variables: &["LINKERD2_*"],
    values: &[],
    volumes: &["linkerd-*"],
    switches: &[
        switch!(Annotations "linkerd.io/inject" "metadata/annotations/linkerd.io~1inject",
                Off::Text("disabled"), ["enabled", "ingress"], true),
    ],
};

/// Source: `agent-inject/agent/agent.go` of vault-k8s: it changes no pod that does not ask.
pub(super) const VAULT: Facts = Facts {
    id: "vault",
    name: "the Vault agent injector",
    containers: &["vault-agent", "vault-agent-init"],
    variables: &[],
    values: &[],
    volumes: &["vault-*", "home-init", "home-sidecar", "extra-secrets"],
    switches: &[
        switch!(Annotations "vault.hashicorp.com/agent-inject" "metadata/annotations/vault.hashicorp.com~1agent-inject",
                Off::Text("false"), TRUE, false),
    ],
};

/// Source: `pkg/clusteragent/admission` of datadog-agent (`common/label_selectors.go`, `mutate/config`,
/// `mutate/autoinstrumentation`): with `mutateUnlabelled` or instrumentation of a namespace it comes unasked.
pub(super) const DATADOG: Facts = Facts {
    id: "datadog",
    name: "Datadog's admission controller",
    containers: &["datadog-init-apm-inject", "datadog-lib-*"],
    variables: &["DD_*"],
    values: &["/datadog-lib", "/opt/datadog"],
    volumes: &["datadog*"],
    switches: &[
        switch!(Labels "admission.datadoghq.com/enabled" "metadata/labels/admission.datadoghq.com~1enabled",
                Off::Text("false"), ["true"], true),
    ],
};

/// Source: `pkg/handler/handler.go` and the README of amazon-eks-pod-identity-webhook: roles of service accounts
/// (`eks.amazonaws.com/role-arn`) and EKS Pod Identity. `AWS_IAM_ROLE_ARN` was its first name.
pub(super) const AWS: Facts = Facts {
    id: "aws",
    name: "the webhook for AWS identities",
    containers: &[],
    variables: &[
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_DEFAULT_REGION",
        "AWS_IAM_ROLE_ARN",
        "AWS_REGION",
        "AWS_ROLE_ARN",
        "AWS_STS_REGIONAL_ENDPOINTS",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ],
    values: &[],
    volumes: &["aws-iam-token", "eks-pod-identity-token"],
    switches: &[
        switch!(Annotations "eks.amazonaws.com/skip-containers" "metadata/annotations/eks.amazonaws.com~1skip-containers",
                Off::Container, [], true),
    ],
};

/// Source: `pkg/webhook/consts.go` of azure-workload-identity. From 1.0 on it changes no pod without the label; before,
/// the service account had it.
pub(super) const AZURE: Facts = Facts {
    id: "azure",
    name: "the webhook for Azure workload identities",
    containers: &["azwi-proxy", "azwi-proxy-init"],
    variables: &[
        "AZURE_AUTHORITY_HOST",
        "AZURE_CLIENT_ID",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_KUBERNETES_*",
        "AZURE_TENANT_ID",
    ],
    values: &[],
    volumes: &["azure-identity-token", "azure-workload-identity-reserved-*"],
    switches: &[
        switch!(Labels "azure.workload.identity/use" "metadata/labels/azure.workload.identity~1use",
                Off::Text("false"), ["true"], false),
        switch!(Annotations "azure.workload.identity/skip-containers" "metadata/annotations/azure.workload.identity~1skip-containers",
                Off::Container, [], true),
    ],
};
