//! The words and numbers by which a Tiller is told, for all that looks for one.
//!
//! Source: `cmd/helm/installer/install.go` and `cmd/tiller/tiller.go`, Helm 2.0 to 2.17.

/// In an image's name, in the spellings that people give it.
pub const IMAGE_WORDS: [&str; 3] = ["tiller", "Tiller", "TILLER"];
/// Words after `tiller` in the name of a program about Tiller, next to it or not, that tell what that program does:
/// `kubeapps-tiller-proxy`, `tiller-metrics-exporter`, this guard; and words of farming, which has tillers too. See [`ROLE_ENDINGS`] too.
#[rustfmt::skip]
pub const ROLES: [&str; 126] = [
    "agent", "alert", "alerts", "analytics", "api", "audit", "backend", "backup", "backups", "benchmark", "bootstrap",
    "bot", "bridge", "certgen", "certificate", "certificates", "certs", "chaos", "check", "checks", "clean", "cleanup",
    "cli", "client", "config", "console", "convert", "crop", "ctl", "dash", "dashboard", "delete", "diff", "discovery",
    "doc", "docs", "dump", "example", "examples", "export", "farm", "farming", "field", "free", "frontend", "fuzz",
    "game", "garden", "gateway", "gc", "gen", "guard", "gui", "health", "healthcheck", "history", "hook", "hooks", "hunt",
    "import", "ingress", "init", "inspect", "job", "jobs", "keygen", "lawn", "less", "lib", "library", "lint", "logging",
    "logs", "metrics", "migrate", "mock", "monitoring", "notify", "pki", "plugin", "plugins", "policy", "portal",
    "preflight", "probe", "proxy", "prune", "purge", "rbac", "recovery", "release", "releases", "reset", "restore",
    "rotate", "sample", "scan", "sdk", "shop", "sidecar", "smoke", "soil", "stats", "status", "stub", "sync", "telemetry",
    "test", "testing", "tests", "tool", "toolbox", "tools", "ui", "uninstall", "util", "utils", "verify", "wait", "watch",
    "watchdog", "web", "webapp", "webhook", "website", "webui",
];
/// How words end that tell what a program does: `exporter`, `operator`, `migration`, `ctl`.
pub const ROLE_ENDINGS: [&str; 6] = ["ation", "ctl", "er", "ers", "or", "ors"];
/// Words with such an ending that tell which Tiller it is, or that it starts one.
#[rustfmt::skip]
pub const NO_ROLES: [&str; 24] = [
    "buster", "cluster", "container", "docker", "flavor", "harbor", "inner", "launcher", "loader", "master", "member", "mirror",
    "newer", "older", "other", "outer", "rancher", "runner", "server", "starter", "super", "user", "vendor", "wrapper",
];
/// Words directly before `tiller` in the name of a program that has none, that is made for it, or that does something to
/// it: `no-tiller`, `exporter-for-tiller`, `wait-for-tiller`, `kill-tiller`; and which machine it is: `garden-tiller`.
#[rustfmt::skip]
pub const WORDS_BEFORE_TILLER: [&str; 76] = [
    "anti", "assess", "audit", "await", "backup", "bye", "check", "clean", "cleanup", "configure", "convert", "delete",
    "deploy", "detect", "disable", "drop", "dump", "eject", "evict", "export", "farm", "find", "fix", "for", "garden",
    "get", "goodbye", "hunt", "import", "init", "inspect", "install", "kill", "lawn", "lint", "list", "migrate",
    "monitor", "no", "non", "not", "of", "patch", "ping", "power", "prepare", "probe", "provision", "prune", "purge",
    "query", "reap", "remove", "replace", "reset", "restart", "restore", "rotary", "rotate", "sans", "scan", "setup",
    "soil", "stop", "sync", "test", "un", "uninstall", "update", "upgrade", "validate", "verify", "wait", "watch", "with",
    "without",
];
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
pub const SERVER_VARIABLES: [&str; 2] = ["TILLER_HISTORY_MAX", "TILLER_TLS_VERIFY"];
/// Variables of the server that programs which install a Tiller, or talk to one over TLS, are given too.
pub const SHARED_VARIABLES: [&str; 2] = ["TILLER_TLS_ENABLE", "TILLER_TLS_CERTS"];
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
