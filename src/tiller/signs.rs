//! The words and numbers by which a Tiller is told, for all that looks for one.
//!
//! Source: `cmd/helm/installer/install.go` and `cmd/tiller/tiller.go`, Helm 2.0 to 2.17.

/// In an image's name, in the spellings that people give it.
pub const IMAGE_WORDS: [&str; 3] = ["tiller", "Tiller", "TILLER"];
/// Words after `tiller` in the name of a program about Tiller, next to it or not: `kubeapps-tiller-proxy`,
/// `tiller-metrics-exporter`, this guard.
#[rustfmt::skip]
pub const PROGRAMS_ABOUT_TILLER: [&str; 37] = [
    "adapter", "audit", "auditor", "backup", "bridge", "check", "checker", "cleaner", "cleanup", "cli", "client", "connector",
    "controller", "converter", "dashboard", "docs", "exporter", "free", "gateway", "guard", "installer", "less", "metrics",
    "migration", "monitor", "monitoring", "operator", "plugin", "probe", "proxy", "remover", "scanner", "test", "tests", "ui",
    "watcher", "webhook",
];
/// Words directly before `tiller` in the name of a program that has none, or that is made for it: `no-tiller`,
/// `exporter-for-tiller`.
pub const WORDS_BEFORE_TILLER: [&str; 7] = ["anti", "for", "no", "non", "not", "sans", "without"];
/// In the name of an image with Helm's client.
pub const CLIENT_IMAGE_WORDS: [&str; 2] = ["helm", "kubectl"];
/// Helm's client, as a program and in an image's name.
pub const CLIENT: &str = "helm";
/// What stands between the first and the last letter of [`PROGRAM`].
pub const INNER_LETTERS: [char; 4] = ['i', 'l', 'l', 'e'];
/// The program in a launch.
pub const PROGRAM: &str = "tiller";
/// The label `app` of the pods that Helm's client looks for.
pub const APP_LABEL: &str = "helm";
/// The label `name` of the pods that Helm's client looks for.
pub const NAME_LABEL: &str = "tiller";
/// What a container or a workload of Tiller's is called.
pub const NAME: &str = "tiller";
/// How the names of its Deployment and what is made of that begin.
pub const NAME_START: &str = "tiller-deploy";
/// The Secrets with its key: that of `helm init`, and ours.
pub const SECRETS: [&str; 2] = ["tiller-secret", "tiller-tls"];
/// The variable that Helm's client reads too.
pub const CLIENT_VARIABLE: &str = "TILLER_NAMESPACE";
/// The variables that the server alone reads.
pub const SERVER_VARIABLES: [&str; 4] = [
    "TILLER_HISTORY_MAX",
    "TILLER_TLS_ENABLE",
    "TILLER_TLS_VERIFY",
    "TILLER_TLS_CERTS",
];
/// The port on which it serves Helm's clients.
pub const PORT: i64 = 44134;
/// The flags that say where Tiller listens: `-l` up to 2.4.2.
pub const LISTEN_FLAGS: [&str; 2] = ["listen", "l"];
/// Variables that Helm's client reads, and with it what talks to a Tiller.
pub const CLIENT_ONLY_VARIABLES: [&str; 3] = ["HELM_HOST", "HELM_HOME", "TILLER_HOST"];
/// How the names of the variables with the client's own certificates begin.
pub const CLIENT_TLS: &str = "HELM_TLS_";
/// How the word of a launch ends that makes it listen there.
pub const LISTEN_END: &str = ":44134";
/// The port of its probes.
pub const PROBE_PORT: i64 = 44135;
/// The paths of its probes.
pub const PROBE_PATHS: [&str; 2] = ["/liveness", "/readiness"];
