//! Conditions in CEL, by which the API server asks about less (`matchConditions`, Kubernetes 1.28).
//!
//! They pass more than what is a Tiller: one sign is enough, weak or strong. An expression that fails refuses
//! the request where the webhook's policy is `Fail`, so that each field is asked for before it is read, and
//! nothing is used that Kubernetes 1.28 does not have. The cost of each is linear in the object's size.

use std::fmt::Write as _;

use crate::tiller::{ContainerList, signs};

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
    format!("!({}) && {}", workload(account_patterns), pods_exist(&own))
}

/// Whether a token is asked for by somebody else than the kubelet for a pod, or a Secret holds a token, a release, or
/// the certificates of a server with its clients' CA.
pub fn custody() -> String {
    let groups = list("request.userInfo", "groups");
    let bound = [
        present("object", "spec"),
        present("object.spec", "boundObjectRef"),
        present("object.spec.boundObjectRef", "kind"),
    ];
    let token = format!(
        "!('system:nodes' in {groups} && request.userInfo.username.startsWith('system:node:') && {} && \
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
    let certificates = format!(
        "({} && 'ca.crt' in object.data && 'tls.key' in object.data)",
        present("object", "data")
    );
    format!(
        "request.kind.kind == 'TokenRequest' ? {token} : ({named} || {typed} || {record} || {certificates})"
    )
}

fn service() -> String {
    let (name, port) = (signs::NAME, signs::PORT);
    let selects = format!(
        "{} && object.spec.selector.exists(key, object.spec.selector[key] == '{}')",
        present("object.spec", "selector"),
        signs::NAME_LABEL
    );
    let leads = format!(
        "{}.exists(port, ({} && port.port == {port}) || ({} && (port.targetPort == {port} || port.targetPort == '{name}')))",
        list("object.spec", "ports"),
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
    let accounts = account(|name| format!("({})", matches(name, account_patterns)));
    let certificates = format!(
        "{}.exists(volume, {} && {} && volume.secret.secretName in {})",
        list("pod.spec", "volumes"),
        present("volume", "secret"),
        present("volume.secret", "secretName"),
        words(&signs::SECRETS),
    );
    let containers = ContainerList::ALL.map(|it| list("pod.spec", it.as_str()));
    let containers = format!(
        "({}).exists(container, {})",
        containers.join(" + "),
        container()
    );
    let signs = format!(
        "{labelled} || ({} && ({accounts} || {certificates} || {containers}))",
        present("pod", "spec")
    );
    format!("({named} || {})", pods_exist(&signs))
}

fn container() -> String {
    let image = format!(
        "({} && {}.exists(word, container.image.contains(word)))",
        present("container", "image"),
        words(&signs::IMAGE_WORDS)
    );
    let launch = format!(
        "({} + {}).exists(word, word.contains('{}') || word.endsWith('{}'))",
        list("container", "command"),
        list("container", "args"),
        signs::PROGRAM,
        signs::LISTEN_END
    );
    let named = format!(
        "({} && (container.name == '{}' || container.name.startsWith('{}')))",
        present("container", "name"),
        signs::NAME,
        signs::NAME_START
    );
    let mut variables = vec![signs::CLIENT_VARIABLE];
    variables.extend(signs::SERVER_VARIABLES);
    let environment = format!(
        "{}.exists(variable, {} && variable.name in {})",
        list("container", "env"),
        present("variable", "name"),
        words(&variables)
    );
    let ports = format!(
        "{}.exists(port, {} && port.containerPort in [{}, {}])",
        list("container", "ports"),
        present("port", "containerPort"),
        signs::PORT,
        signs::PROBE_PORT
    );
    let probed = ["livenessProbe", "readinessProbe"].map(|probe| {
        let path = format!("container.{probe}");
        format!(
            "({} && {} && {} && {path}.httpGet.port == {})",
            present("container", probe),
            present(&path, "httpGet"),
            present(&format!("{path}.httpGet"), "port"),
            signs::PROBE_PORT
        )
    });
    [
        image,
        launch,
        named,
        environment,
        ports,
        probed.join(" || "),
    ]
    .join(" || ")
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

/// Whether a name matches one of these patterns.
fn matches(name: &str, patterns: &[String]) -> String {
    let either: Vec<String> = patterns
        .iter()
        .map(|pattern| match pattern.strip_suffix('*') {
            Some(start) => format!("{name}.startsWith({})", quoted(start)),
            None => format!("{name} == {}", quoted(pattern)),
        })
        .collect();
    if either.is_empty() {
        return "false".to_owned();
    }
    either.join(" || ")
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

/// The last of these, which is a list, where all before it hold; else an empty one.
fn guarded(parts: &[String]) -> String {
    match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, guards)) => format!("({} ? {last} : [])", guards.join(" && ")),
        None => "[]".to_owned(),
    }
}

fn list_of_one(parent: &str, field: &str) -> String {
    format!("({} ? [{parent}.{field}] : [])", present(parent, field))
}

/// A field that is a list; an empty one where it is not there. Typed objects write a list that is not there as null.
fn list(parent: &str, field: &str) -> String {
    format!("({} ? {parent}.{field} : [])", present(parent, field))
}

/// Whether a field is there. `has` of what is in null is an error.
fn present(parent: &str, field: &str) -> String {
    format!("has({parent}.{field}) && {parent}.{field} != null")
}

fn words(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(", "))
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\\', "\\\\").replace('\'', "\\'"))
}
