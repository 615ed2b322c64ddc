//! What tells of a Tiller in fields that are not judged: scripts in ConfigMaps, triggers, addresses, and accounts in the input.

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
