//! What tells of a Tiller in fields that are not judged: scripts in ConfigMaps and Secrets, triggers, addresses, and accounts in the input.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::run;

/// The exit code of `check`, and what it says.
fn check(input: &str) -> (Option<i32>, String) {
    let run = run(&["check", "-"], input.as_bytes());
    (run.code, run.stderr + &run.stdout)
}

#[track_caller]
fn assert_unread(input: &str, told: &str) {
    let (code, said) = check(input);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains(told), "{said}");
}

#[track_caller]
fn assert_clean(input: &str) {
    let (code, said) = check(input);
    assert_eq!(code, Some(0), "{said}");
}

fn config_map(data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: s, namespace: team}}\ndata: {data}\n---\n"
    )
}

fn pod(container: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: team}}\nspec:\n  volumes: [{{name: s, configMap: {{name: s}}}}]\n  \
         containers:\n  - {{name: a, image: example/web, {container}}}\n"
    )
}

#[test]
fn a_script_in_a_config_map_is_reported_where_a_pod_runs_it() {
    let script = config_map(r##"{run.sh: "#!/bin/sh\nexec /tiller --listen=:44134\n"}"##);
    let runs = pod("command: [sh, /s/run.sh], volumeMounts: [{name: s, mountPath: /s}]");
    let told = "Pod team/web may start a Tiller: it takes in ConfigMap s, whose run.sh starts one";
    assert_unread(&format!("{script}{runs}"), told);
    assert_unread(&format!("{runs}---\n{script}"), told);
    let variable = config_map("{RUN: /tiller}");
    let by_key = "command: [sh, -c, \"$(X)\"], env: [{name: X, valueFrom: {configMapKeyRef: {name: s, key: RUN}}}]";
    assert_unread(
        &format!("{variable}{}", pod(by_key)),
        "whose RUN starts one",
    );
    let whole = "command: [$(RUN)], envFrom: [{configMapRef: {name: s}}]";
    assert_unread(&format!("{variable}{}", pod(whole)), "whose RUN starts one");
    // Nobody runs it, it starts another program, or it is another namespace's.
    assert_clean(&format!("{script}{}", pod("command: [/web]")));
    let other = config_map(r#"{run.sh: "helm init --service-account tiller"}"#);
    assert_clean(&format!("{other}{runs}"));
    let elsewhere = script.replace("namespace: team", "namespace: other");
    assert_clean(&format!("{elsewhere}{runs}"));
}

/// A pod with this volume, and this container.
fn pod_with(volume: &str, container: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: team}}\nspec:\n  volumes: [{{name: s, {volume}}}]\n  \
         containers:\n  - {{name: a, image: example/web, {container}}}\n"
    )
}

#[test]
fn a_script_is_followed_under_the_name_that_a_pod_gives_it() {
    let encoded = STANDARD.encode("#!/bin/sh\nexec /tiller\n");
    let holder = |kind: &str, data: &str| {
        format!(
            "apiVersion: v1\nkind: {kind}\nmetadata: {{name: s, namespace: team}}\n{data}\n---\n"
        )
    };
    let plain = "{key: exec /tiller}";
    let encoded = format!("{{key: {encoded}}}");
    let holders = [
        ("ConfigMap", format!("data: {plain}")),
        ("ConfigMap", format!("binaryData: {encoded}")),
        ("Secret", format!("stringData: {plain}")),
        ("Secret", format!("data: {encoded}")),
    ];
    let mount = "volumeMounts: [{name: s, mountPath: /s}]";
    for (kind, data) in holders {
        let script = holder(kind, &data);
        let told =
            format!("Pod team/web may start a Tiller: it takes in {kind} s, whose key starts one");
        let (field, name) = match kind {
            "Secret" => ("secret", "secretName"),
            _ => ("configMap", "name"),
        };
        let whole = format!("{field}: {{{name}: s}}");
        let items = format!("{field}: {{{name}: s, items: [{{key: key, path: bin/go}}]}}");
        let projected = format!(
            "projected: {{sources: [{{{field}: {{name: s, items: [{{key: key, path: go}}]}}}}]}}"
        );
        let others = format!("{field}: {{{name}: s, items: [{{key: other, path: go}}]}}");
        let part = "volumeMounts: [{name: s, mountPath: /usr/bin/start, subPath: key}]";
        for (volume, container) in [
            (&whole, format!("command: [/s/key], {mount}")),
            (&whole, format!("command: [start], {part}")),
            (
                &whole,
                format!("command: [sh, -c, 'for f in /s/*; do . $f; done'], {mount}"),
            ),
            (&whole, format!("command: [run-parts, /s], {mount}")),
            (&items, format!("command: [/s/bin/go], {mount}")),
            (
                &projected,
                format!("command: [sh, -c, 'exec /s/go'], {mount}"),
            ),
        ] {
            assert_unread(&format!("{script}{}", pod_with(volume, &container)), &told);
        }
        for (volume, container) in [
            (&whole, format!("command: [/s/other], {mount}")),
            (
                &whole,
                format!("command: [monkey, --keyring, keys], {mount}"),
            ),
            (&whole, format!("command: [web], {part}")),
            (&items, format!("command: [/s/bin/going], {mount}")),
            (&others, format!("command: [/s/go], {mount}")),
        ] {
            assert_clean(&format!("{script}{}", pod_with(volume, &container)));
        }
        let key = format!("{field}KeyRef");
        let variable = format!(
            "command: [sh, -c, $X], env: [{{name: X, valueFrom: {{{key}: {{name: s, key: key}}}}}}]"
        );
        assert_unread(
            &format!("{script}{}", pod_with("emptyDir: {}", &variable)),
            &told,
        );
        let other = variable.replace("key: key", "key: other");
        assert_clean(&format!("{script}{}", pod_with("emptyDir: {}", &other)));
    }
}

#[test]
fn a_manifest_of_a_tiller_in_a_text_of_a_custom_resource_is_reported() {
    let resource = |text: &str| {
        serde_json::json!({
            "apiVersion": "example.com/v1", "kind": "Bundle", "metadata": {"name": "b", "namespace": "team"},
            "spec": {"resources": [{"content": text}]},
        })
        .to_string()
    };
    let manifest = |image: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {{template: {{spec: {{containers: [{{name: a, image: \
             \"{image}\"}}]}}}}}}\n"
        )
    };
    let told = "Bundle team/b holds the manifest of a Tiller (/spec/resources/0/content)";
    assert_unread(&resource(&manifest("ghcr.io/helm/tiller:v2.17.0")), told);
    let custom = "apiVersion: example.com/v1\nkind: Server\nspec: {image: ghcr.io/helm/tiller}\n";
    assert_unread(&resource(custom), told);
    assert_clean(&resource(&manifest("example/tiller-exporter:1")));
    assert_clean(&resource("a text about kind, apiVersion and tiller"));
    // What stands in a text in a text is not looked into.
    assert_clean(&resource(&resource(custom)));
}

#[test]
fn what_openshift_starts_beside_a_template_is_reported() {
    let workload = |strategy: &str| {
        format!(
            "apiVersion: apps.openshift.io/v1\nkind: DeploymentConfig\nmetadata: {{name: x}}\nspec:\n  strategy: {strategy}\n  \
             template: {{spec: {{containers: [{{name: a, image: example/web}}]}}}}\n"
        )
    };
    let hook = |command: &str| {
        workload(&format!(
            "{{type: Recreate, recreateParams: {{pre: {{execNewPod: {{containerName: a, command: [{command}]}}}}}}}}"
        ))
    };
    let told =
        "DeploymentConfig x may start a Tiller (/spec/strategy/recreateParams/pre/execNewPod)";
    assert_unread(&hook("/tiller"), told);
    assert_clean(&hook("helm, init, --service-account, tiller"));
    let custom = |image: &str| {
        workload(&format!(
            "{{type: Custom, customParams: {{image: \"{image}\"}}}}"
        ))
    };
    assert_unread(&custom("example/tiller:v2"), "(/spec/strategy/customParams");
    assert_clean(&custom("example/tiller-deployer:v2"));
    let build = |image: &str| {
        format!(
            "apiVersion: build.openshift.io/v1\nkind: BuildConfig\nmetadata: {{name: x}}\nspec:\n  strategy: {{type: Custom, \
             customStrategy: {{from: {{kind: DockerImage, name: \"{image}\"}}}}}}\n"
        )
    };
    assert_unread(
        &build("example/tiller:v2"),
        "(/spec/strategy/customStrategy/from/name)",
    );
    assert_clean(&build("example/distiller:v2"));
}

#[test]
fn a_manifest_of_a_tiller_in_a_config_map_or_a_secret_is_reported() {
    let manifest = |image: &str| {
        format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: a}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: \
             web}}\nspec: {{template: {{spec: {{containers: [{{name: a, image: \"{image}\"}}]}}}}}}\n"
        )
    };
    let tiller = manifest("ghcr.io/helm/tiller:v2.17.0");
    let holder = |kind: &str, field: &str, text: &str| {
        serde_json::json!({
            "apiVersion": "v1", "kind": kind, "metadata": {"name": "s", "namespace": "team"}, field: {"a.yaml": text},
        })
        .to_string()
    };
    let encoded = STANDARD.encode(&tiller);
    for (kind, field, text) in [
        ("ConfigMap", "data", tiller.as_str()),
        ("ConfigMap", "binaryData", encoded.as_str()),
        ("Secret", "stringData", tiller.as_str()),
        ("Secret", "data", encoded.as_str()),
    ] {
        let told = format!("{kind} team/s holds the manifest of a Tiller (/{field}/a.yaml)");
        assert_unread(&holder(kind, field, text), &told);
    }
    let whole = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
        "spec": {"containers": [{"name": "a", "image": "example/web", "command": ["/tiller"]}]},
    });
    assert_unread(
        &holder("ConfigMap", "data", &whole.to_string()),
        "(/data/a.yaml)",
    );
    for text in [
        manifest("example/tiller-exporter:1").as_str(),
        "kind: Deployment of tiller, apiVersion: v1",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: tiller}\n",
        "{{ .Values.tiller }}\napiVersion: v1\nkind: Pod\n",
        "tiller:\n  enabled: true\n",
    ] {
        assert_clean(&holder("ConfigMap", "data", text));
        assert_clean(&holder("Secret", "data", &STANDARD.encode(text)));
    }
}

/// Argo CD's Rollout that names the Deployment with the pod's template: that one is judged.
#[test]
fn a_workload_that_refers_to_another_one_is_judged_by_that_one() {
    let rollout = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r, namespace: team}\nspec:\n  workloadRef: {apiVersion: \
                   apps/v1, kind: Deployment, name: web}\n";
    assert_clean(rollout);
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: team}\nspec: {replicas: 0, template: {spec: \
                      {containers: [{name: a, image: \"ghcr.io/helm/tiller:v2.17.0\"}]}}}\n";
    let (code, said) = check(&format!("{rollout}---\n{deployment}"));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Deployment team/web"), "{said}");
}

#[test]
fn a_pod_preset_for_tillers_pods_is_reported() {
    let preset = |labels: &str| {
        format!(
            "apiVersion: settings.k8s.io/v1alpha1\nkind: PodPreset\nmetadata: {{name: x, namespace: team}}\nspec:\n  env: [{{name: \
             TILLER_NAMESPACE, value: kube-system}}]\n  selector: {{matchLabels: {labels}}}\n"
        )
    };
    let told =
        "PodPreset team/x adds to pods with Tiller's labels (/spec/selector/matchLabels/name)";
    assert_unread(&preset("{app: helm, name: tiller}"), told);
    assert_clean(&preset("{app: web}"));
}

#[test]
fn a_trigger_that_puts_tillers_image_in_is_reported() {
    let workload = |image: &str| {
        format!(
            "apiVersion: apps.openshift.io/v1\nkind: DeploymentConfig\nmetadata: {{name: x}}\nspec:\n  template: {{spec: {{containers: [{{name: \
             a, image: ' '}}]}}}}\n  triggers: [{{type: ImageChange, imageChangeParams: {{from: {{kind: ImageStreamTag, name: \"{image}\"}}}}}}]\n"
        )
    };
    assert_unread(
        &workload("tiller:v2"),
        "(/spec/triggers/0/imageChangeParams/from)",
    );
    assert_clean(&workload("tiller-exporter:v2"));
    let annotated = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: x\n  annotations:\n    image.openshift.io/triggers: \
                     '[{\"from\":{\"kind\":\"ImageStreamTag\",\"name\":\"tiller:v2\"}}]'\nspec: {template: {spec: {containers: [{name: a, image: ' '}]}}}\n";
    assert_unread(annotated, "image.openshift.io~1triggers");
}

#[test]
fn ways_and_rights_in_fields_that_are_not_judged_are_reported() {
    let ports = |data: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: tcp-services, namespace: ingress-nginx}}\ndata: {data}\n"
        )
    };
    assert_unread(
        &ports(r#"{"9000": "team/tiller-deploy:44134"}"#),
        "(/data/9000)",
    );
    assert_unread(
        &ports(r#"{"9000": "team/helm:44134:PROXY"}"#),
        "(/data/9000)",
    );
    assert_clean(&ports(r#"{"9000": "team/postgres:5432"}"#));
    let named = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: x}}\nspec: {{type: ExternalName, externalName: {name}}}\n"
        )
    };
    assert_unread(
        &named("tiller-deploy.team.svc.cluster.local"),
        "(/spec/externalName)",
    );
    assert_clean(&named("tiller-game.example.com"));
    let constraints = |user: &str| {
        format!(
            "apiVersion: security.openshift.io/v1\nkind: SecurityContextConstraints\nmetadata: {{name: x}}\nusers: [system:admin, \"{user}\"]\n"
        )
    };
    assert_unread(
        &constraints("system:serviceaccount:team:tiller"),
        "(/users/1)",
    );
    assert_clean(&constraints("system:serviceaccount:team:tiller-exporter"));
    let account =
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: tiller, namespace: team}\n---\n";
    let groups = |group: &str| {
        constraints("web").replace("users:", &format!("groups: [\"{group}\"]\nusers:"))
    };
    for (group, is_found) in [
        ("system:serviceaccounts:team", true),
        ("system:serviceaccounts", true),
        ("system:serviceaccounts:other", false),
        ("system:authenticated", false),
    ] {
        let input = format!("{account}{}", groups(group));
        if is_found {
            assert_unread(&input, "(/groups/0)");
        } else {
            assert_clean(&input);
        }
    }
    let policy = |user: &str| {
        format!(
            "apiVersion: v1\nkind: PolicyBinding\nmetadata: {{name: x}}\nroleBindings: [{{name: a, roleBinding: {{roleRef: {{name: admin}}, \
             userNames: [\"{user}\"]}}}}]\n"
        )
    };
    assert_unread(
        &policy("system:serviceaccount:team:tiller"),
        "(/roleBindings/0/roleBinding/userNames/0)",
    );
    assert_clean(&policy("system:serviceaccount:team:web"));
}

/// The service account is in the input, and only its name makes it a Tiller's.
#[test]
fn a_group_holds_the_accounts_in_the_input() {
    let binding = |account: &str| {
        format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {account}, namespace: team}}\n---\napiVersion: rbac.authorization.k8s.io/v1\n\
             kind: ClusterRoleBinding\nmetadata: {{name: x}}\nroleRef: {{kind: ClusterRole, name: cluster-admin}}\n\
             subjects: [{{kind: Group, name: \"system:serviceaccounts\"}}]\n"
        )
    };
    let (code, said) = check(&binding("tiller"));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("binding-scope"), "{said}");
    assert_clean(&binding("tiller-exporter"));
    assert_clean(&binding("web"));
}
