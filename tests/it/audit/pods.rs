//! What runs is judged, not only what the Deployment says now.

use std::fs;

use serde_json::{Value, json};

use super::audit_of;
use crate::offline::{Folder, run};

/// A pod of Tiller's that asks for certificates.
fn hardened() -> Value {
    json!({
        "serviceAccountName": "tiller",
        "automountServiceAccountToken": true,
        "containers": [{
            "name": "tiller",
            "image": "ghcr.io/helm/tiller:v2.17.0",
            "args": [
                "--listen=127.0.0.1:44134",
                "--storage=secret",
            ],
            "env": [{ "name": "TILLER_NAMESPACE", "value": "stale" }],
        }],
    })
}

/// A Deployment with this pod; its ReplicaSet and that one's running pod are made of another.
fn rollout(now: &Value, running: &Value) -> Vec<Value> {
    let labels = json!({ "app": "helm", "name": "tiller" });
    let owned = |name: &str, kind: &str, owner: &str| {
        json!({
            "name": name, "namespace": "stale", "labels": labels,
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": "1", "controller": true,
            }],
        })
    };
    let of = |pod: &Value| {
        json!({
            "replicas": 1, "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": pod },
        })
    };
    vec![
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "tiller-deploy", "namespace": "stale" }, "spec": of(now),
        }),
        json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": owned("tiller-deploy-1", "Deployment", "tiller-deploy"), "spec": of(running),
        }),
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": owned("tiller-deploy-1-a", "ReplicaSet", "tiller-deploy-1"),
            "spec": running, "status": { "phase": "Running" },
        }),
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": owned("tiller-deploy-1-b", "ReplicaSet", "tiller-deploy-1"),
            "spec": running, "status": { "phase": "Running" },
        }),
    ]
}

#[test]
fn a_pod_of_an_older_template_is_judged_as_what_it_is() {
    let mut old = hardened();
    old["serviceAccountName"] = json!("old-admin");
    old["containers"][0]["args"] = json!(["--storage=secret"]);
    old["containers"][0]["securityContext"] = json!({ "privileged": true });
    let objects = rollout(&hardened(), &old);
    let run = audit_of(&objects);
    let report = run.json();
    let tiller = &report["tillers"][0];
    assert_eq!(report["tillers"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(tiller["network"], "own-pod");
    assert_eq!(tiller["account"], "stale/tiller");
    for pod in tiller["pods"].as_array().unwrap() {
        assert_eq!(pod["differs"], true, "{pod}");
        assert_eq!(pod["account"], "stale/old-admin", "{pod}");
        assert_eq!(pod["network"], "everybody", "{pod}");
        let mut found = pod["findings"].as_array().unwrap().iter();
        let is_told = |it: &Value| it["message"].as_str().unwrap().contains("is privileged");
        assert!(found.any(is_told), "{pod}");
    }
    // Two pods that are the same are found once.
    let own = tiller["findings"].as_array().unwrap().len();
    let of_pod = tiller["pods"][0]["findings"].as_array().unwrap().len();
    assert_eq!(report["summary"]["findings"], own + of_pod, "{report}");

    let dump = json!({ "apiVersion": "v1", "kind": "List", "items": objects }).to_string();
    let text = run_text(&dump, "text");
    for told in ["runs as stale/old-admin", "everything that reaches its pod"] {
        assert!(text.contains(told), "{told}\n{text}");
    }
    let sarif = run_text(&dump, "sarif");
    assert!(
        sarif.contains("cluster/stale/Pod/tiller-deploy-1-a"),
        "{sarif}"
    );
    assert!(
        !sarif.contains("cluster/stale/Pod/tiller-deploy-1-b"),
        "{sarif}"
    );
    let page = run_text(&dump, "html");
    assert!(
        page.contains("tiller-deploy-1-a runs as stale/old-admin"),
        "{page}"
    );
}

fn run_text(dump: &str, format: &str) -> String {
    run(&["audit", "-f", "-", "-o", format], dump.as_bytes()).stdout
}

/// Where the mode does not let a Tiller pass as it is, what was found does.
#[test]
fn a_tiller_with_findings_that_are_only_reported_is_left_for_these() {
    let hardened = run(&["harden", "docs/examples/tiller.yaml"], b"").stdout;
    let asks = "annotations:\n        sidecar.istio.io/inject: \"true\"\n";
    let hardened = hardened.replacen("annotations:\n", asks, 1);
    let folder = Folder::new();
    for (mode, told) in [
        ("enforce", "what was found is only reported"),
        ("freeze", "what was found is only reported"),
        ("audit", "the mode only reports"),
        ("warn", "the mode only reports"),
    ] {
        let policy = folder.file(
            "policy.yaml",
            format!("apiVersion: tiller-guard.io/v1\nkind: Policy\nmode: {mode}\n"),
        );
        let words = ["audit", "-f", "-", "--policy", &policy];
        let update = |format: &str| {
            let words = [&words[..], &["-o", format]].concat();
            run(&words, hardened.as_bytes()).stdout
        };
        let text = update("text");
        let line = format!("  next update    left as it is, since {told}\n");
        assert!(text.contains(&line), "{mode}: {text}");
        let page = update("html");
        assert!(page.contains(&format!("left as it is, since {told}")));
    }
}

/// A pod waits for a Secret that it mounts.
#[test]
fn a_tiller_without_its_certificates_is_no_clean_one() {
    let hardened = run(&["harden", "docs/examples/tiller.yaml"], b"").stdout;
    let secret = |name: &str| {
        format!(
            "\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: blue-tiller}}\n"
        )
    };
    let messages = |more: &str| -> Vec<String> {
        let dump = hardened.clone() + more;
        let report = run(&["audit", "-f", "-", "-o", "json"], dump.as_bytes()).json();
        let found = report["tillers"][0]["findings"].as_array().unwrap().iter();
        found
            .map(|it| it["message"].as_str().unwrap().to_owned())
            .collect()
    };
    let missing = "there is no Secret blue-tiller/tiller-tls: the pods cannot start";
    assert_eq!(messages(&secret("other")), [missing]);
    assert_eq!(messages(&secret("tiller-tls")), [""; 0]);
    // Unknown, not missing.
    assert_eq!(messages(""), [""; 0]);
}

/// Hardening mounts the Secret.
#[test]
fn a_tiller_that_cannot_start_once_it_is_hardened_says_what_it_lacks() {
    let plain = fs::read_to_string("docs/examples/tiller.yaml").unwrap();
    let audit = |secret: &str, format: &str| {
        let dump = format!(
            "{plain}\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {secret}, namespace: blue-tiller}}\n"
        );
        run(&["audit", "-f", "-", "-o", format], dump.as_bytes())
    };
    let of = |secret: &str| audit(secret, "json").json()["tillers"][0]["missing_secret"].clone();
    assert_eq!(of("other"), "blue-tiller/tiller-tls");
    assert_eq!(of("tiller-tls"), json!(null));
    let told = "hardened; its pods cannot start until there is a Secret blue-tiller/tiller-tls";
    for format in ["text", "html"] {
        let report = audit("other", format).stdout;
        assert!(report.contains(told), "{report}");
        assert!(!audit("tiller-tls", format).stdout.contains("cannot start"));
    }
}

/// The policy gives the Secret its name: hardening mounts that one, and a pod that mounts it waits for it.
#[test]
fn a_secret_with_the_name_that_the_policy_gives_it_is_missed_too() {
    let plain = fs::read_to_string("docs/examples/tiller.yaml").unwrap();
    let folder = Folder::new();
    let policy = folder.file(
        "policy.yaml",
        "apiVersion: tiller-guard.io/v1\nkind: Policy\ncertificateSecret: team-certs\n",
    );
    let policy = ["--policy", &policy];
    let hardened = run(
        &[&["harden", "docs/examples/tiller.yaml"], &policy[..]].concat(),
        b"",
    );
    assert!(
        hardened.stdout.contains("team-certs"),
        "{}",
        hardened.stdout
    );
    for tiller in [&plain, &hardened.stdout] {
        let of = |secret: &str| {
            let dump = format!(
                "{tiller}\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {secret}, namespace: blue-tiller}}\n"
            );
            let words = [&["audit", "-f", "-", "-o", "json"], &policy[..]].concat();
            run(&words, dump.as_bytes()).json()["tillers"][0]["missing_secret"].clone()
        };
        assert_eq!(of("tiller-tls"), "blue-tiller/team-certs");
        assert_eq!(of("team-certs"), json!(null));
    }
}

/// Before somebody enforces, the audit says what that does.
#[test]
fn a_mode_that_only_reports_says_what_enforce_would_do() {
    let plain = fs::read("docs/examples/tiller.yaml").unwrap();
    let folder = Folder::new();
    let audit = |mode: &str, format: &str| {
        let policy = format!("apiVersion: tiller-guard.io/v1\nkind: Policy\nmode: {mode}\n");
        let policy = folder.file("policy.yaml", policy);
        let words = ["audit", "-f", "-", "-o", format, "--policy", &policy];
        run(&words, &plain)
    };
    let of = |mode: &str| audit(mode, "json").json()["tillers"][0]["next"].clone();
    let enforced = of("enforce");
    assert_eq!(enforced["update"]["answer"], "hardened");
    assert_eq!(enforced["with_enforce"], json!(null));
    for mode in ["audit", "warn"] {
        let next = of(mode);
        assert_eq!(next["update"]["answer"], "left");
        for step in ["update", "restart"] {
            assert_eq!(next["with_enforce"][step], enforced[step]);
        }
        let told = "since the mode only reports; with mode enforce: hardened";
        for format in ["text", "html"] {
            let report = audit(mode, format).stdout;
            assert!(report.contains(told), "{mode}: {report}");
        }
    }
}

/// A Role, what gives it to an account, and what has to be there for rights to be known.
fn admin_of(account: &str) -> Vec<Value> {
    let rbac = "rbac.authorization.k8s.io";
    let role = |kind: &str, name: &str| {
        json!({
            "apiVersion": format!("{rbac}/v1"), "kind": kind,
            "metadata": { "name": name, "namespace": "stale" },
            "rules": [{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }],
        })
    };
    let binding = |kind: &str, subject: Value| {
        let of = kind.strip_suffix("Binding").unwrap();
        json!({
            "apiVersion": format!("{rbac}/v1"), "kind": kind,
            "metadata": { "name": "all", "namespace": "stale" },
            "roleRef": { "apiGroup": rbac, "kind": of, "name": "all" }, "subjects": [subject],
        })
    };
    let account = json!({ "kind": "ServiceAccount", "namespace": "stale", "name": account });
    let user = json!({
        "apiGroup": rbac, "kind": "User", "name": "system:serviceaccount:stale:tiller",
    });
    vec![
        role("ClusterRole", "all"),
        binding("ClusterRoleBinding", account),
        role("Role", "all"),
        binding("RoleBinding", user),
    ]
}

#[test]
fn what_runs_reaches_what_its_own_account_does() {
    let mut old = hardened();
    old["serviceAccountName"] = json!("old-admin");
    let mut objects = rollout(&hardened(), &old);
    objects.extend(admin_of("old-admin"));
    let report = audit_of(&objects).json();
    let tiller = &report["tillers"][0];
    assert_eq!(tiller["can_reach"]["cluster"], json!([]));
    for pod in tiller["pods"].as_array().unwrap() {
        assert_eq!(pod["can_reach"]["cluster"][0]["can"], "everything", "{pod}");
    }
    // Neither its account nor its pods' account is somebody else, in whatever spelling.
    assert_eq!(tiller["reached_by"], json!([]), "{tiller}");
    let dump = json!({ "apiVersion": "v1", "kind": "List", "items": objects }).to_string();
    let text = run_text(&dump, "text");
    assert!(text.contains("the whole cluster: everything"), "{text}");
    let page = run_text(&dump, "html");
    for told in [
        "stale/old-admin: the whole cluster: everything",
        "<text>stale/old-admin</text>",
        "The whole cluster",
    ] {
        assert!(page.contains(told), "{told}\n{page}");
    }

    let same = audit_of(&rollout(&hardened(), &hardened())).json();
    let pods = same["tillers"][0]["pods"].as_array().unwrap().iter();
    assert!(pods.clone().count() == 2 && pods.clone().all(|it| it.get("can_reach").is_none()));
}

#[test]
fn a_pod_of_the_template_is_not_told_of_twice() {
    let run = audit_of(&rollout(&hardened(), &hardened()));
    let report = run.json();
    let tiller = &report["tillers"][0];
    for pod in tiller["pods"].as_array().unwrap() {
        assert_eq!(pod["differs"], false, "{pod}");
        assert_eq!(pod["findings"], json!([]), "{pod}");
    }
    let own = tiller["findings"].as_array().unwrap().len();
    assert_eq!(report["summary"]["findings"], own);
}

#[test]
fn an_old_replica_set_of_what_is_no_tiller_any_more_is_none() {
    let mut plain = hardened();
    plain["containers"] = json!([{ "name": "web", "image": "nginx" }]);
    let mut objects = rollout(&plain, &hardened());
    objects.truncate(2);
    // By these labels it would be taken for one.
    objects[0]["spec"]["template"]["metadata"]["labels"] = json!({ "app": "web" });
    let tillers = |objects: &[Value]| audit_of(objects).json()["summary"]["tillers"].clone();
    assert_eq!(tillers(&objects), 1, "it makes pods");
    objects[1]["spec"]["replicas"] = json!(0);
    assert_eq!(tillers(&objects[1..]), 1, "its Deployment is not known");
    assert_eq!(tillers(&objects), 0);
}
