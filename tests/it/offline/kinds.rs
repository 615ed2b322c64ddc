//! Kinds beside Kubernetes' own: templates, custom workloads, OpenShift's roles, and what is not read.

use serde_json::{Value, json};

use super::run;

const TEMPLATE: &str = "\
apiVersion: template.openshift.io/v1
kind: Template
metadata: {name: project-tiller}
parameters:
- {name: TILLER_NAMESPACE, required: true}
- {name: HELM_VERSION, value: v2.16.12}
- {name: REPLICAS, value: \"1\"}
objects:
- apiVersion: v1
  kind: ServiceAccount
  metadata: {name: tiller}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: tiller, namespace: \"${TILLER_NAMESPACE}\"}
  spec:
    replicas: ${{REPLICAS}}
    template:
      spec:
        serviceAccountName: tiller
        containers:
        - name: tiller
          image: \"ghcr.io/helm/tiller:${HELM_VERSION}\"  # kept
";

/// A custom workload that runs Tiller.
fn workload(api_version: &str, kind: &str) -> String {
    format!(
        "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: releases, namespace: team}}\nspec:\n  \
         triggers: []\n  template:\n    spec:\n      serviceAccountName: releases\n      containers:\n      \
         - name: a\n        image: ghcr.io/helm/tiller:v2.17.0\n        command: [/tiller]\n"
    )
}

fn check(text: &str) -> (Option<i32>, Value) {
    let check = run(&["check", "-", "-o", "json"], text.as_bytes());
    (check.code, check.json())
}

#[test]
fn the_objects_of_a_template_are_judged_with_its_parameters() {
    let (code, report) = check(TEMPLATE);
    assert_eq!(code, Some(1));
    assert_eq!(report["summary"]["objects"], 2);
    let deployment = &report["objects"][1];
    assert_eq!(deployment["pointer"], "/objects/1");
    assert_eq!(deployment["tillers"][0]["version"], "2.16.12");
    assert_eq!(deployment["line"], 12);
}

#[test]
fn the_objects_of_a_template_are_hardened_in_their_place() {
    // In which namespace it would run is not known, and it may be a protected one.
    let harden = run(&["harden", "-"], TEMPLATE.as_bytes());
    assert_eq!(harden.code, Some(1));
    assert!(
        harden.stderr.contains("protected-namespace"),
        "{}",
        harden.stderr
    );
    let template = TEMPLATE.replace("required: true", "value: team");
    let harden = run(&["harden", "-"], template.as_bytes());
    assert_eq!(harden.code, Some(0), "{}", harden.stderr);
    let text = harden.stdout;
    let image = "image: \"ghcr.io/helm/tiller:${HELM_VERSION}\"  # kept";
    assert!(text.contains(image), "{text}");
    assert!(text.contains("replicas: ${{REPLICAS}}"), "{text}");
    let again = run(&["harden", "-"], text.as_bytes());
    assert_eq!((again.code, again.stdout), (Some(0), text));
}

#[test]
fn a_parameter_without_a_value_is_not_known() {
    let text = TEMPLATE.replace(", value: v2.16.12", "");
    let (code, report) = check(&text);
    assert_eq!(code, Some(1));
    let version = &report["objects"][1]["tillers"][0]["version"];
    assert!(version["unknown"].is_string(), "{version}");
}

/// As its processor puts them: on every object, and on the pods of a `DeploymentConfig`.
#[test]
fn the_labels_of_a_template_are_on_its_objects() {
    let template = |kind: &str, labels: &str, own: &str| {
        format!(
            "apiVersion: v1\nkind: Template\nmetadata: {{name: a}}\nlabels: {labels}\nparameters: [{{name: WORD, value: tiller}}]\n\
             objects:\n- apiVersion: v1\n  kind: {kind}\n  metadata: {{name: server, namespace: team{own}}}\n  spec:\n    \
             template: {{spec: {{containers: [{{name: a, image: example/server}}]}}}}\n    \
             containers: [{{name: a, image: example/server}}]\n"
        )
    };
    for (kind, labels, own, tillers) in [
        ("Pod", "{app: helm, name: '${WORD}'}", "", 1),
        ("Pod", "{app: helm}", ", labels: {name: tiller}", 1),
        ("DeploymentConfig", "{app: helm, name: tiller}", "", 1),
        (
            "Pod",
            "{app: web}",
            ", labels: {app: helm, name: tiller}",
            0,
        ),
        ("ReplicationController", "{app: helm, name: tiller}", "", 0),
    ] {
        let text = template(kind, labels, own);
        let (_, report) = check(&text);
        let found = report["objects"][0]["tillers"]
            .as_array()
            .map_or(0, Vec::len);
        assert_eq!(found, tillers, "{text}\n{report}");
    }
}

#[test]
fn custom_workloads_are_judged_and_hardened_as_a_deployment_is() {
    let (_, deployment) = check(&workload("apps/v1", "Deployment"));
    let findings = |report: &Value| {
        let findings = report["objects"][0]["findings"].as_array().unwrap().iter();
        let rules = findings.map(|it| (it["rule"].clone(), it["path"].clone()));
        rules.collect::<Vec<_>>()
    };
    for (api_version, kind) in [
        ("argoproj.io/v1alpha1", "Rollout"),
        ("apps.openshift.io/v1", "DeploymentConfig"),
        ("v1", "DeploymentConfig"),
        ("apps.kruise.io/v1alpha1", "CloneSet"),
    ] {
        let text = workload(api_version, kind);
        let (code, report) = check(&text);
        assert_eq!(code, Some(1), "{kind}");
        assert_eq!(findings(&report), findings(&deployment), "{kind}");
        let harden = run(&["harden", "-"], text.as_bytes());
        assert_eq!(harden.code, Some(0), "{kind}: {}", harden.stderr);
        assert!(harden.stdout.contains("--tls-verify=true"), "{kind}");
    }
}

#[test]
fn tillers_of_custom_workloads_know_of_one_another() {
    let other = workload("apps/v1", "Deployment").replace("releases", "more");
    let (_, report) = check(&format!(
        "{}---\n{other}",
        workload("x.example/v1", "Rollout")
    ));
    for object in report["objects"].as_array().unwrap() {
        let findings = object["findings"].as_array().unwrap();
        assert!(
            findings.iter().any(|it| it["rule"] == "second-tiller"),
            "{object}"
        );
    }
}

#[test]
fn roles_and_bindings_of_openshift_are_judged() {
    let account = "{kind: ServiceAccount, name: tiller, namespace: team}";
    for (text, rule) in [
        (
            format!("apiVersion: v1\nkind: RoleBinding\nmetadata: {{name: t, namespace: team}}\nroleRef: {{name: admin}}\nsubjects: [{account}]\n"),
            "role-aggregated",
        ),
        (
            format!("apiVersion: authorization.openshift.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: t}}\nroleRef: {{name: cluster-admin}}\nsubjects: [{account}]\n"),
            "binding-scope",
        ),
        (
            "apiVersion: v1\nkind: ClusterRoleBinding\nmetadata: {name: t}\nroleRef: {name: cluster-admin}\nuserNames: ['system:serviceaccount:team:tiller']\n".to_owned(),
            "binding-scope",
        ),
        (
            format!("apiVersion: v1\nkind: Role\nmetadata: {{name: all, namespace: team}}\nrules: [{{resources: [pods/exec], verbs: ['*']}}]\n---\napiVersion: v1\nkind: RoleBinding\nmetadata: {{name: t, namespace: team}}\nroleRef: {{name: all, namespace: team}}\nsubjects: [{account}]\n"),
            "role-rights",
        ),
    ] {
        let (code, report) = check(&text);
        assert_eq!(code, Some(1), "{text}");
        let objects = report["objects"].as_array().unwrap().iter();
        let mut findings = objects.flat_map(|it| it["findings"].as_array().unwrap());
        assert!(findings.any(|it| it["rule"] == rule), "{text}: {report:#}");
    }
}

#[test]
fn a_tiller_in_a_kind_that_is_not_read_is_told() {
    let step =
        json!({ "image": "x/a", "command": ["sh", "-c"], "args": ["exec tiller --listen=:1"] });
    let pod = json!({ "containers": [{ "name": "a", "image": "ghcr.io/helm/tiller:v2.17.0" }] });
    for (kind, spec, sign) in [
        (
            "Task",
            json!({ "steps": [{ "image": "x/a" }, step] }),
            "/spec/steps/1",
        ),
        (
            "Workflow",
            json!({ "templates": [{ "container": step }] }),
            "/spec/templates/0/container",
        ),
        (
            "TFJob",
            json!({ "tfReplicaSpecs": { "PS": { "template": { "spec": pod } } } }),
            "/spec/tfReplicaSpecs/PS/template/spec",
        ),
        (
            "HelmRelease",
            json!({ "values": { "tiller": { "image": { "repository": "ghcr.io/helm/tiller" } } } }),
            "/spec/values/tiller/image/repository",
        ),
    ] {
        let object = json!({
            "apiVersion": "example.com/v1", "kind": kind, "metadata": { "name": "x", "namespace": "ci" }, "spec": spec,
        });
        for command in ["check", "harden"] {
            let run = run(&[command, "-"], object.to_string().as_bytes());
            assert_eq!(run.code, Some(3), "{kind}");
            let told = format!("{}{}", run.stdout, run.stderr);
            let said = format!("{kind} ci/x may hold a Tiller ({sign})");
            assert!(told.contains(&said), "{told}");
        }
    }
}

/// Tekton's steps and Argo's templates have scripts, which a shell reads unless their first line or their command says otherwise.
#[test]
fn a_script_in_a_kind_that_is_not_read_is_told() {
    let checked = |kind: &str, spec: Value| {
        let object = json!({
            "apiVersion": "example.com/v1", "kind": kind, "metadata": { "name": "x", "namespace": "ci" }, "spec": spec,
        });
        let run = run(&["check", "-"], object.to_string().as_bytes());
        (run.code, format!("{}{}", run.stdout, run.stderr))
    };
    for script in [
        "set -e\nexec tiller --listen=:1",
        "#!/usr/bin/env bash\nset -e\ntiller &\nhelm ls",
        "#!/usr/bin/env python3\nimport os\nos.system('tiller')",
        "#!/usr/bin/ruby\nsystem('/tiller')",
    ] {
        let step = json!({ "name": "a", "image": "$(params.image)", "script": script });
        let (code, told) = checked("Task", json!({ "steps": [{ "image": "x/a" }, step] }));
        assert_eq!(code, Some(3), "{script}");
        assert!(
            told.contains("Task ci/x may hold a Tiller (/spec/steps/1)"),
            "{told}"
        );
    }
    for (command, source) in [
        (json!(["bash"]), "tiller --listen=:1 &"),
        (json!(["sh", "-e"]), "exec tiller"),
        (
            json!(["python"]),
            "import subprocess\nsubprocess.run(['tiller'])",
        ),
        (Value::Null, "tiller"),
    ] {
        let script = json!({ "image": "x/a", "command": command, "source": source });
        let spec = json!({ "templates": [{ "name": "a", "script": script }] });
        let (code, told) = checked("Workflow", spec);
        assert_eq!(code, Some(3), "{source}");
        assert!(
            told.contains("may hold a Tiller (/spec/templates/0/script)"),
            "{told}"
        );
    }
    for script in [
        "helm init --service-account tiller",
        "#!/usr/bin/env python3\nprint('tiller')",
        "kubectl get deploy tiller",
    ] {
        let steps = json!({ "steps": [{ "name": "a", "image": "x/a", "script": script }] });
        let script = json!({ "image": "x/a", "command": ["sh"], "source": script });
        let templates = json!({ "templates": [{ "script": script }] });
        assert_eq!(checked("Task", steps).0, Some(0));
        assert_eq!(checked("Workflow", templates).0, Some(0));
    }
}

#[test]
fn a_way_to_a_tiller_of_a_kind_that_is_not_read_is_told() {
    let service = |name: &str, port: Value| json!([{ "name": name, "port": port }]);
    for (kind, spec, sign) in [
        (
            "Route",
            json!({ "to": { "kind": "Service", "name": "tiller-deploy" } }),
            Some("/spec/to/name"),
        ),
        (
            "Route",
            json!({ "to": { "kind": "Service", "name": "x" }, "port": { "targetPort": "tiller" } }),
            Some("/spec/port/targetPort"),
        ),
        (
            "Route",
            json!({ "to": { "kind": "Service", "name": "x" }, "port": { "targetPort": 44134 } }),
            Some("/spec/port/targetPort"),
        ),
        (
            "Route",
            json!({ "to": { "kind": "Service", "name": "x" }, "alternateBackends": [{ "kind": "Service", "name": "tiller" }] }),
            Some("/spec/alternateBackends/0/name"),
        ),
        (
            "IngressRouteTCP",
            json!({ "routes": [{ "services": service("x", json!(44134)) }] }),
            Some("/spec/routes/0/services/0/port"),
        ),
        (
            "IngressRouteTCP",
            json!({ "routes": [{ "services": service("tiller-deploy", json!(443)) }] }),
            Some("/spec/routes/0/services/0/name"),
        ),
        (
            "HTTPProxy",
            json!({ "tcpproxy": { "services": service("x", json!(44134)) } }),
            Some("/spec/tcpproxy/services/0/port"),
        ),
        (
            "VirtualService",
            json!({ "tcp": [{ "route": [{ "destination": { "host": "tiller-deploy.team-a.svc.cluster.local" } }] }] }),
            Some("/spec/tcp/0/route/0/destination/host"),
        ),
        (
            "TCPMapping",
            json!({ "port": 1, "service": "tcp://x.team-a:44134" }),
            Some("/spec/service"),
        ),
        (
            "Route",
            json!({ "to": { "kind": "Service", "name": "tiller-proxy" }, "port": { "targetPort": 8080 } }),
            None,
        ),
        (
            "VirtualService",
            json!({ "http": [{ "name": "tiller", "route": [{ "destination": { "host": "web" } }] }] }),
            None,
        ),
        (
            "IngressRouteTCP",
            json!({ "routes": [{ "match": "HostSNI(`tiller.example`)", "services": service("web", json!(443)) }] }),
            None,
        ),
        (
            "NetworkPolicy",
            json!({ "ingress": [{ "ports": [{ "port": 44134 }] }] }),
            None,
        ),
    ] {
        let object = json!({
            "apiVersion": "example.com/v1", "kind": kind, "metadata": { "name": "tiller", "namespace": "ci" }, "spec": spec,
        });
        let run = run(&["check", "-"], object.to_string().as_bytes());
        assert_eq!(
            run.code,
            Some(if sign.is_some() { 3 } else { 0 }),
            "{object}"
        );
        let told = format!("{}{}", run.stdout, run.stderr);
        if let Some(sign) = sign {
            let said = format!("{kind} ci/tiller may lead to a Tiller ({sign})");
            assert!(told.contains(&said), "{told}");
        }
    }
}

#[test]
fn what_is_not_read_and_has_no_sign_is_no_finding() {
    for spec in [
        json!({ "steps": [{ "image": "artilleryio/artillery:2", "args": ["run"] }] }),
        json!({ "steps": [{ "image": "x/helm", "command": ["helm", "init", "--service-account", "tiller"] }] }),
        json!({ "rules": [{ "validate": { "pattern": { "spec": { "containers": [{ "image": "!*tiller*" }] } } } }] }),
        json!({ "template": { "spec": { "containers": "none" } }, "images": ["tiller"] }),
        json!(["tiller"]),
    ] {
        let object = json!({
            "apiVersion": "example.com/v1", "kind": "Thing", "metadata": { "name": "tiller" }, "spec": spec,
        });
        let (code, report) = check(&object.to_string());
        assert_eq!(code, Some(0), "{report:#}");
    }
}
