//! Conditions in CEL, by which the API server asks about less (`matchConditions`, Kubernetes 1.28).
//!
//! They pass more than what is a Tiller: one sign is enough, weak or strong. An expression that fails refuses
//! the request if the webhook's policy is `Fail`, and skips the webhook if it is `Ignore`. So each field is asked
//! for before it is read, nothing is used that Kubernetes 1.28 does not have, and no object costs more than the API
//! server lets an expression cost (`container`).
//!
//! In the API server `request` has types, and `object` has none. `tests/cel` compiles and evaluates every expression
//! with the API server's own library, and with another implementation that checks the same types.

mod container;
mod text;

use std::fmt::Write as _;

use text::{guarded, list, list_of_one, matches_pattern, present, words};

use crate::pod::MAX_VOLUMES as MOST_VOLUMES;
use crate::tiller::signs;

/// The most ports, and labels of its selector, of a Service that are looked at.
const MOST_OF_SERVICE: u32 = 1_000;

/// Whether the object may hold a Tiller, lead to one, or run as an account that a pattern takes for a Tiller's.
pub fn tiller(account_patterns: &[String]) -> String {
    format!(
        "request.kind.kind == 'Service' ? {} : {}",
        service(),
        workload(account_patterns)
    )
}

/// Whether the object is none of those and its pod runs as an account other than `default`.
///
/// No Tiller may run as `default` (the rule `service-account`), so that nobody can borrow it.
pub fn own_account(account_patterns: &[String]) -> String {
    let own = account(|name| format!("!({name} in ['', 'default'])"));
    // Most pods run as `default`: that is looked at first.
    format!("{} && !({})", pods_exist(&own), workload(account_patterns))
}

/// Whether somebody else than the kubelet for a pod asks for a token, or a Secret holds a token, a release, or a CA.
///
/// A Secret that the policy calls otherwise than `helm init` and this guard do is known by its `ca.crt`.
pub fn custody() -> String {
    let bound = [
        present("object", "spec"),
        present("object.spec", "boundObjectRef"),
        present("object.spec.boundObjectRef", "kind"),
    ];
    let token = format!(
        "!(has(request.userInfo.username) && request.userInfo.username.startsWith('system:node:') && \
         has(request.userInfo.groups) && \
         'system:nodes' in request.userInfo.groups && {} && \
         object.spec.boundObjectRef.kind == 'Pod')",
        bound.join(" && ")
    );
    let named = format!(
        "({} && {} && object.metadata.name in {})",
        present("object", "metadata"),
        present("object.metadata", "name"),
        words(&signs::SECRETS)
    );
    let typed = format!(
        "({} && object.type == 'kubernetes.io/service-account-token')",
        present("object", "type")
    );
    let record = format!(
        "({} && {} && 'OWNER' in object.metadata.labels && object.metadata.labels['OWNER'] == 'TILLER')",
        present("object", "metadata"),
        present("object.metadata", "labels")
    );
    let certificates = format!("({} && 'ca.crt' in object.data)", present("object", "data"));
    format!(
        "request.kind.kind == 'TokenRequest' ? {token} : ({named} || {typed} || {record} || {certificates})"
    )
}

fn service() -> String {
    let (name, port) = (signs::NAME, signs::PORT);
    let (selector, ports) = ("object.spec.selector", list("object.spec", "ports"));
    let selects = format!(
        "{} && (size({selector}) > {MOST_OF_SERVICE} || {selector}.exists(key, {selector}[key] == '{}'))",
        present("object.spec", "selector"),
        signs::NAME_LABEL
    );
    let leads = format!(
        "size({ports}) > {MOST_OF_SERVICE} || {ports}.exists(port, ({} && port.port == {port}) || ({} && (port.targetPort == {port} || port.targetPort == '{name}')))",
        present("port", "port"),
        present("port", "targetPort"),
    );
    format!("({} && ({selects} || {leads}))", present("object", "spec"))
}

fn workload(account_patterns: &[String]) -> String {
    let name = signs::NAME;
    let start = signs::NAME_START;
    let named = format!(
        "({} && {} && (object.metadata.name == '{name}' || object.metadata.name.startsWith('{start}')))",
        present("object", "metadata"),
        present("object.metadata", "name"),
    );
    let labelled = format!(
        "({} && {} && {} && pod.metadata.labels.name == '{}')",
        present("pod", "metadata"),
        present("pod.metadata", "labels"),
        present("pod.metadata.labels", "name"),
        signs::NAME_LABEL,
    );
    let accounts = account(|name| format!("({})", matches_pattern(name, account_patterns)));
    let volumes = list("pod.spec", "volumes");
    let volumes = format!(
        "(size({volumes}) > {MOST_VOLUMES} || {volumes}.exists(volume, ({} && {} && volume.secret.secretName in {}) || \
         ({} && {} && {})))",
        present("volume", "secret"),
        present("volume.secret", "secretName"),
        words(&signs::SECRETS),
        present("volume", "image"),
        present("volume.image", "reference"),
        container::image("volume.image.reference", &format!("size({volumes})")),
    );
    let signs = format!(
        "{labelled} || ({} && ({accounts} || {volumes} || {}))",
        present("pod", "spec"),
        container::any()
    );
    format!("({named} || {})", pods_exist(&signs))
}

/// What holds of the pod's account, under either of its names.
fn account(holds: impl Fn(&str) -> String) -> String {
    let either = ["serviceAccountName", "serviceAccount"].map(|field| {
        let path = format!("pod.spec.{field}");
        let holds = holds(&path);
        format!("({} && {holds})", present("pod.spec", field))
    });
    format!("({} && ({}))", present("pod", "spec"), either.join(" || "))
}

/// Whether there is a pod, or a template of one, of which this holds. It is called `pod`, and has `metadata` and
/// `spec` as a Pod has.
fn pods_exist(holds: &str) -> String {
    let job = "object.spec.jobTemplate";
    let in_job = [
        present("object", "spec"),
        present("object.spec", "jobTemplate"),
        present(job, "spec"),
        list_of_one(&format!("{job}.spec"), "template"),
    ];
    let in_workload = [
        present("object", "spec"),
        list_of_one("object.spec", "template"),
    ];
    let mut pods = String::from("(request.kind.kind == 'Pod' ? [object]");
    for (kind, path) in [
        ("PodTemplate", guarded(&[list_of_one("object", "template")])),
        ("CronJob", guarded(&in_job)),
    ] {
        // Writing to a String cannot fail.
        let _written = write!(pods, " : request.kind.kind == '{kind}' ? {path}");
    }
    format!("{pods} : {}).exists(pod, {holds})", guarded(&in_workload))
}
