//! Whether the guard's Deployment runs what `install` writes, as far as that decides which policy is enforced and by which program.
//!
//! The image's repository, replicas, resources, nodes, labels, environment and owners are of whoever installs: nobody compares them.

use serde_json::Value;

use super::Check;
use crate::installation::{Installation, POLICY_DIRECTORY, POLICY_FILE};
use crate::k8s::webhook_configuration::NAME;

const ID: &str = "deployment";
const INSTALL: &str = "find out who changed it, and run tiller-guard install to restore it";

/// `by_chart` if the chart made it, which takes further arguments.
pub(super) fn check(installed: &Installation, found: &Value, by_chart: bool) -> Check {
    let object = format!("Deployment {}/{NAME}", installed.namespace);
    let planned = installed.foundation();
    let planned = planned.iter().find(|it| it["kind"] == "Deployment");
    let (Some(wanted), Some(pod)) = (planned.and_then(pod), pod(found)) else {
        return Check::bad(ID, format!("{object} has no pod template"), INSTALL);
    };
    let (Some(wanted_container), Some(container)) = (container(wanted), container(pod)) else {
        let message = format!("{object} has no container {NAME}");
        return Check::bad(ID, message, INSTALL);
    };
    let (arguments, wanted_arguments) = (texts(container, "args"), texts(wanted_container, "args"));
    let mut bad = Vec::new();
    let [account, wanted_account] = [pod, wanted].map(|it| text(it, "serviceAccountName"));
    if account != wanted_account {
        bad.push(format!(
            "serviceAccountName is \"{account}\", must be \"{wanted_account}\""
        ));
    }
    let command = texts(container, "command");
    if !command.is_empty() {
        let command = command.join(" ");
        bad.push(format!(
            "command is \"{command}\", must not be set: the image has its program"
        ));
    }
    let lacking = wanted_arguments.iter().filter(|it| !arguments.contains(it));
    bad.extend(lacking.map(|it| format!("args lacks {it}")));
    if !reads_policy(pod, container) {
        bad.push(format!(
            "ConfigMap {POLICY_FILE} is not mounted at {POLICY_DIRECTORY}"
        ));
    }
    let mut doubtful = Vec::new();
    if !by_chart {
        let others = arguments.iter().filter(|it| !wanted_arguments.contains(it));
        let others = others.filter(|it| !installed.is_option(it));
        doubtful.extend(others.map(|it| format!("args has {it}, which install does not write")));
    }
    let [image, wanted_image] = [container, wanted_container].map(|it| text(it, "image"));
    match (version(image), version(wanted_image)) {
        (Some(runs), Some(own)) if runs != own => doubtful.push(format!(
            "image is {image}, and doctor compares with what {wanted_image} does"
        )),
        _ => {}
    }
    if bad.is_empty() && doubtful.is_empty() {
        return Check::good(ID, format!("{object} runs what install writes"));
    }
    let is_bad = !bad.is_empty();
    bad.extend(doubtful);
    let message = format!(
        "{object} differs from what install writes\n      {}",
        bad.join("\n      ")
    );
    if is_bad {
        Check::bad(ID, message, INSTALL)
    } else {
        Check::doubtful(ID, message, INSTALL)
    }
}

fn pod(deployment: &Value) -> Option<&Value> {
    deployment.pointer("/spec/template/spec")
}

/// The guard's container. Others may have been injected.
fn container(pod: &Value) -> Option<&Value> {
    list(pod, "containers").find(|it| text(it, "name") == NAME)
}

/// Whether the pod reads the policy that `doctor` reads.
fn reads_policy(pod: &Value, container: &Value) -> bool {
    let mut mounts = list(container, "volumeMounts");
    let mount = mounts.find(|it| text(it, "mountPath").trim_end_matches('/') == POLICY_DIRECTORY);
    let volume = mount.and_then(|mount| {
        let mut volumes = list(pod, "volumes");
        volumes.find(|it| text(it, "name") == text(mount, "name"))
    });
    let source = volume.and_then(|it| it.pointer("/configMap/name"));
    source.and_then(Value::as_str) == Some(POLICY_FILE)
}

fn list<'v>(of: &'v Value, field: &str) -> impl Iterator<Item = &'v Value> {
    of.get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn texts<'v>(of: &'v Value, field: &str) -> Vec<&'v str> {
    list(of, field).filter_map(Value::as_str).collect()
}

fn text<'v>(of: &'v Value, field: &str) -> &'v str {
    of.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The version that an image's tag names: `0.1.0` of `mirror:5000/guard:v0.1.0-ours@sha256:…`. None of other tags.
fn version(image: &str) -> Option<&str> {
    let named = image.split('@').next()?.rsplit('/').next()?;
    let (_, tag) = named.split_once(':')?;
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let version = tag.split(['-', '+']).next()?;
    let numbers: Vec<_> = version.split('.').collect();
    let is_number = |it: &&str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    (numbers.len() == 3 && numbers.iter().all(is_number)).then_some(version)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Health;
    use super::*;
    use crate::installation::IMAGE;
    use crate::installation::tests::installation;

    /// What is said of the Deployment of an installation that was changed so.
    fn checked(change: impl FnOnce(&mut Value), by_chart: bool) -> (Health, String) {
        let installed = installation(36);
        let mut objects = installed.foundation();
        let mut found = objects.iter_mut().find(|it| it["kind"] == "Deployment");
        let found = found.as_mut().unwrap();
        change(&mut found["spec"]["template"]["spec"]);
        let check = check(&installed, found, by_chart);
        (check.health, check.message)
    }

    fn with_argument(argument: &str, by_chart: bool) -> (Health, String) {
        let add = |pod: &mut Value| {
            let arguments = pod["containers"][0]["args"].as_array_mut().unwrap();
            arguments.push(json!(argument));
        };
        checked(add, by_chart)
    }

    #[test]
    fn what_an_operator_chooses_is_no_difference() {
        let chosen = |pod: &mut Value| {
            pod["nodeSelector"] = json!({ "pool": "infra" });
            pod["tolerations"] = json!([{ "operator": "Exists" }]);
            let proxy = json!({ "name": "istio-proxy", "image": "proxy:1.2.3", "args": ["proxy"] });
            let containers = pod["containers"].as_array_mut().unwrap();
            containers.insert(0, proxy);
            let own = &mut containers[1];
            let mirror = IMAGE.replace("ghcr.io", "mirror.example:5000/ghcr");
            own["image"] = json!(format!("{mirror}-ours@sha256:0123"));
            own["resources"] = json!({ "limits": { "memory": "1Gi" } });
            own["env"] = json!([{ "name": "HTTPS_PROXY", "value": "http://proxy" }]);
        };
        assert_eq!(checked(chosen, false).0, Health::Good);
        for argument in [
            "--restore-webhooks",
            "--audit-interval=3600",
            "--listen=[::]:9443",
            "--administrator=system:serviceaccount:tiller-guard:renew-certificates",
        ] {
            assert_eq!(with_argument(argument, false).0, Health::Good, "{argument}");
        }
        let digest =
            |pod: &mut Value| pod["containers"][0]["image"] = json!("mirror/guard@sha256:01");
        assert_eq!(checked(digest, false).0, Health::Good);
    }

    #[test]
    fn another_policy_program_or_account_is_bad() {
        type Change = fn(&mut Value);
        let changes: [(Change, &str); 6] = [
            (
                |pod| pod["containers"][0]["args"][1] = json!("--policy=/tmp/policy.yaml"),
                "args lacks --policy=/etc/tiller-guard/policy.yaml",
            ),
            (
                |pod| pod["volumes"][0]["configMap"]["name"] = json!("lax"),
                "ConfigMap tiller-guard-policy is not mounted at /etc/tiller-guard",
            ),
            (
                |pod| pod["containers"][0]["volumeMounts"] = json!([]),
                "ConfigMap tiller-guard-policy is not mounted at /etc/tiller-guard",
            ),
            (
                |pod| pod["containers"][0]["command"] = json!(["/bin/allow", "all"]),
                "command is \"/bin/allow all\", must not be set: the image has its program",
            ),
            (
                |pod| pod["serviceAccountName"] = json!("default"),
                "serviceAccountName is \"default\", must be \"tiller-guard\"",
            ),
            (
                |pod| pod["containers"][0]["name"] = json!("other"),
                "Deployment tiller-guard/tiller-guard has no container tiller-guard",
            ),
        ];
        for (change, expected) in changes {
            for by_chart in [false, true] {
                let (health, message) = checked(change, by_chart);
                assert_eq!(health, Health::Bad, "{message}");
                assert!(message.contains(expected), "{expected} in {message}");
            }
        }
    }

    /// The chart has a value for further arguments.
    #[test]
    fn an_argument_that_install_does_not_write_is_doubtful() {
        for argument in [
            "--allowed-repository=docker.io/eve/tiller",
            "--administrator=system:serviceaccount:eve:eve",
            "--log-level=debug",
        ] {
            let (health, message) = with_argument(argument, false);
            assert_eq!(health, Health::Doubtful, "{message}");
            let expected = format!("args has {argument}, which install does not write");
            assert!(message.ends_with(&expected), "{message}");
            assert_eq!(with_argument(argument, true).0, Health::Good);
        }
    }

    #[test]
    fn another_version_is_doubtful() {
        let older = |pod: &mut Value| pod["containers"][0]["image"] = json!("mirror/guard:v0.0.1");
        for by_chart in [false, true] {
            let (health, message) = checked(older, by_chart);
            assert_eq!(health, Health::Doubtful, "{message}");
            assert!(message.contains("image is mirror/guard:v0.0.1, and doctor"));
        }
        for (image, expected) in [
            ("a/b:v0.1.0", Some("0.1.0")),
            ("a:5000/b:0.1.0-c@sha256:d", Some("0.1.0")),
            ("a:5000/b", None),
            ("a/b:latest", None),
            ("a/b:1.2", None),
            ("a/b@sha256:0.1.0", None),
        ] {
            assert_eq!(version(image), expected, "{image}");
        }
    }
}
