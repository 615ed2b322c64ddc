//! Where people run it: AKS, EKS with another network plugin, OpenShift.

use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::certificates::OFTEN;
use super::diagnoses::{DRIFT, Diagnosis};
use super::{World, said};
use crate::cluster::Folder;
use crate::policy::corpus::canonical;
use crate::suite::{Feature, trial};

const KINDS: [(&str, &str); 2] = [
    ("MutatingWebhookConfiguration", "mutating-configuration"),
    ("ValidatingWebhookConfiguration", "validating-configuration"),
];
const RBAC: &str = "rbac.authorization.k8s.io";

/// What AKS' admissions enforcer does to each webhook (Azure/AKS 1771 and 4002).
async fn play_aks(world: &World) {
    for (kind, _) in KINDS {
        let api = world.registrations(kind);
        let mut webhooks = api.get("tiller-guard").await.unwrap().data["webhooks"].clone();
        for webhook in webhooks.as_array_mut().unwrap() {
            let selector = &mut webhook["namespaceSelector"];
            let given = selector["matchExpressions"].as_array();
            let mut expressions = given.cloned().unwrap_or_default();
            expressions
                .push(json!({ "key": "control-plane", "operator": "NotIn", "values": ["true"] }));
            expressions.push(json!({ "key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": ["aks"] }));
            selector["matchExpressions"] = expressions.into();
        }
        let patch = Patch::Merge(json!({ "webhooks": webhooks }));
        let parameters = PatchParams::default();
        api.patch("tiller-guard", &parameters, &patch)
            .await
            .unwrap();
    }
}

/// AKS labels its own namespaces.
async fn label_as_aks(world: &World, value: Value) {
    let namespaces = world.objects("", "v1", "Namespace", "");
    let patch = Patch::Merge(json!({ "metadata": { "labels": { "control-plane": value } } }));
    let parameters = PatchParams::default();
    let patched = namespaces.patch("kube-system", &parameters, &patch).await;
    patched.unwrap();
}

async fn generations(world: &World) -> Vec<Option<i64>> {
    let mut generations = Vec::new();
    for (kind, _) in KINDS {
        let found = world.registrations(kind).get("tiller-guard").await.unwrap();
        generations.push(found.metadata.generation);
    }
    generations
}

#[tokio::test]
async fn what_aks_adds_is_no_drift_and_stays_until_aks_is_told_to_leave_it() {
    let world = World::enter().await;
    world.install().await;
    let service = world.serve(2, &[OFTEN]).await;
    world.play_nodes().await;
    let replica = &service.replicas[0];
    replica.until_metric(DRIFT, 0).await;
    play_aks(&world).await;
    // Anybody may write these expressions. On AKS they are about its own namespaces.
    let told = Diagnosis::of(&world).await;
    assert_eq!(told.code, Some(1), "{:#?}", told.checks);
    for (_, id) in KINDS {
        let check = told.check(id);
        let message = check["message"].as_str().unwrap();
        assert!(message.ends_with("Left out are: none"), "{check}");
    }
    label_as_aks(&world, json!("true")).await;
    let told = Diagnosis::of(&world).await;
    label_as_aks(&world, Value::Null).await;
    assert_eq!(told.code, Some(0), "{:#?}", told.checks);
    for (_, id) in KINDS {
        let check = told.check(id);
        assert_eq!(check["status"], "doubtful", "{check}");
        let message = check["message"].as_str().unwrap();
        assert!(message.ends_with("AKS excludes its own namespaces from it: kube-system"));
        let hint = check["hint"].as_str().unwrap();
        assert!(hint.contains("install --aks"), "{hint}");
    }
    replica.until_metric(DRIFT, 0).await;

    let before = generations(&world).await;
    let again = world
        .run(&["install", world.service_port, "--wait=0"])
        .await;
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert_eq!(generations(&world).await, before, "{}", said(&again));

    let words = ["install", world.service_port, "--wait=0", "--aks"];
    let kept_away = world.run(&words).await;
    assert_eq!(kept_away.status.code(), Some(0), "{}", said(&kept_away));
    for (kind, id) in KINDS {
        let found = world.registrations(kind).get("tiller-guard").await.unwrap();
        let annotations = found.metadata.annotations.unwrap_or_default();
        let told = annotations.get("admissions.enforcer/disabled");
        assert_eq!(told.map(String::as_str), Some("true"));
        assert!(!found.data.to_string().contains("azure"), "{}", found.data);
        assert_eq!(Diagnosis::of(&world).await.check(id)["status"], "good");
    }
}

#[tokio::test]
async fn on_the_nodes_network_the_pods_have_the_ports_that_are_chosen() {
    let world = World::enter().await;
    let words = [
        "install",
        world.service_port,
        "--wait=0",
        "--host-network",
        "--review-port=14443",
        "--health-port=14444",
    ];
    for expected in ["created", "unchanged"] {
        let installed = world.run(&words).await;
        assert_eq!(installed.status.code(), Some(0), "{}", said(&installed));
        let deployment = format!("{expected:<9} Deployment tiller-guard/tiller-guard");
        assert!(
            said(&installed).contains(&deployment),
            "{}",
            said(&installed)
        );
    }
    let deployments = world.objects("apps", "v1", "Deployment", "tiller-guard");
    let deployment = deployments.get("tiller-guard").await.unwrap();
    let pod = &deployment.data["spec"]["template"]["spec"];
    assert_eq!(pod["hostNetwork"], true);
    assert_eq!(pod["containers"][0]["ports"][0]["hostPort"], 14443);
    // Without the options all is as it would be without them, though the ports are the same.
    let words = [
        "install",
        world.service_port,
        "--wait=0",
        "--review-port=14443",
        "--health-port=14444",
    ];
    let installed = world.run(&words).await;
    assert_eq!(installed.status.code(), Some(0), "{}", said(&installed));
    let deployment = deployments.get("tiller-guard").await.unwrap();
    let pod = &deployment.data["spec"]["template"]["spec"];
    assert_eq!(pod.get("hostNetwork"), None, "{pod}");
    assert_eq!(pod["containers"][0]["ports"][0].get("hostPort"), None);
    let both = [
        "install",
        "--review-port=9443",
        "--health-port=9443",
        "--wait=0",
    ];
    let refused = world.run(&both).await;
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    world.run(&["uninstall"]).await;
}

/// Mode `audit` hardens nothing yet, so that it can still be done in time.
#[tokio::test]
async fn an_installation_that_audits_names_the_records_that_wait() {
    let world = World::enter().await;
    let maps = world.objects("", "v1", "ConfigMap", "default");
    for name in ["web.v1", "web.v2"] {
        let record = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": name, "labels": { "OWNER": "TILLER" } },
        });
        let record = serde_json::from_value(record).unwrap();
        maps.create(&PostParams::default(), &record).await.unwrap();
    }
    let note = "note: default has 2 release records in ConfigMaps; before its mode becomes enforce, run: tiller-guard \
                releases move --to secrets -n default\n";
    let folder = Folder::create().unwrap();
    let exception = "exceptions:\n- {rule: release-storage, reason: none, expires: 2099-01-01, \
                     object: {kind: Deployment, namespace: default, name: tiller-deploy}}\n";
    for (rest, is_told) in [
        ("mode: audit\n".to_owned(), true),
        ("mode: enforce\n".to_owned(), false),
        (
            "mode: enforce\nnamespaces: {default: {mode: audit}}\n".to_owned(),
            true,
        ),
        (format!("mode: audit\n{exception}"), false),
    ] {
        let text = format!("apiVersion: tiller-guard.io/v1\nkind: Policy\n{rest}");
        let policy = format!("--policy={}", folder.write("policy.yaml", &text).unwrap());
        let words = ["install", world.service_port, "--wait=0", "--yes", &policy];
        let installed = world.run(&words).await;
        assert_eq!(installed.status.code(), Some(0), "{}", said(&installed));
        assert_eq!(
            said(&installed).contains(note),
            is_told,
            "{text}{}",
            said(&installed)
        );
    }
    world.run(&["uninstall"]).await;
    for name in ["web.v1", "web.v2"] {
        let _gone = maps.delete(name, &DeleteParams::default()).await.unwrap();
    }
}

fn constraints() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "securitycontextconstraints.security.openshift.io" },
        "spec": {
            "group": "security.openshift.io",
            "scope": "Cluster",
            "names": {
                "kind": "SecurityContextConstraints", "plural": "securitycontextconstraints",
                "singular": "securitycontextconstraint",
            },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            } } }],
        },
    })
}

/// The check of users, once it says so: the API server learns of a group within a second or so.
async fn users(world: &World, status: &str) -> Value {
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let told = Diagnosis::of(world).await;
        let check = told.checks.iter().find(|check| check["check"] == "users");
        if check.is_some_and(|check| check["status"] == status) {
            return check.unwrap().clone();
        }
        assert!(tokio::time::Instant::now() < end, "{:#?}", told.checks);
    }
}

#[tokio::test]
async fn users_are_left_to_openshift_where_the_policy_says_so() {
    let world = World::enter().await;
    if Feature::Definitions.is_missing(world.cluster.version()) {
        return;
    }
    world.install().await;
    let none = Diagnosis::of(&world).await;
    assert!(none.checks.iter().all(|check| check["check"] != "users"));
    let definitions = world.objects("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "");
    let constraints = serde_json::from_value(constraints()).unwrap();
    let defined = definitions
        .create(&PostParams::default(), &constraints)
        .await
        .unwrap();
    let fixed = users(&world, "doubtful").await;
    assert!(
        fixed["hint"]
            .as_str()
            .unwrap()
            .contains("runAsUser: project"),
        "{fixed}"
    );

    let folder = Folder::create().unwrap();
    let text = "apiVersion: tiller-guard.io/v1\nkind: Policy\nrunAsUser: project\n";
    let policy = format!("--policy={}", folder.write("policy.yaml", text).unwrap());
    let words = ["install", world.service_port, "--wait=0", &policy, "--yes"];
    let installed = world.run(&words).await;
    assert_eq!(installed.status.code(), Some(0), "{}", said(&installed));
    users(&world, "good").await;
    let deployments = world.objects("apps", "v1", "Deployment", "tiller-guard");
    let deployment = deployments.get("tiller-guard").await.unwrap();
    let context = &deployment.data["spec"]["template"]["spec"]["securityContext"];
    for field in ["runAsUser", "runAsGroup"] {
        assert_eq!(context.get(field), None, "{context}");
    }
    assert_eq!(context["runAsNonRoot"], true);

    let name = defined.metadata.name.unwrap();
    definitions
        .delete(&name, &DeleteParams::default())
        .await
        .unwrap();
    let nowhere = users(&world, "doubtful").await;
    assert!(
        nowhere["hint"]
            .as_str()
            .unwrap()
            .contains("runAsUser: nobody"),
        "{nowhere}"
    );
}

/// Each role with its rules.
fn of_openshift() -> [(&'static str, Value); 3] {
    [
        (
            "system:openshift:public-info-viewer",
            json!([{ "nonResourceURLs": ["/.well-known", "/.well-known/*"], "verbs": ["get"] }]),
        ),
        (
            "system:scope-impersonation",
            json!([{ "apiGroups": ["authentication.k8s.io"], "resources": ["userextras/scopes.authorization.openshift.io"], "verbs": ["impersonate"] }]),
        ),
        (
            "system:webhook",
            json!([{ "apiGroups": ["", "build.openshift.io"], "resources": ["buildconfigs/webhooks"], "verbs": ["get", "create"] }]),
        ),
    ]
}

#[tokio::test]
async fn what_openshift_gives_every_account_refuses_no_tiller() {
    let world = World::enter().await;
    let (roles, bindings) = (
        world.objects(RBAC, "v1", "ClusterRole", ""),
        world.objects(RBAC, "v1", "ClusterRoleBinding", ""),
    );
    let parameters = PostParams::default();
    for (name, rules) in of_openshift() {
        let role = json!({ "metadata": { "name": name }, "rules": rules });
        let binding = json!({
            "metadata": { "name": name },
            "roleRef": { "apiGroup": RBAC, "kind": "ClusterRole", "name": name },
            "subjects": [{ "apiGroup": RBAC, "kind": "Group", "name": "system:authenticated" }],
        });
        let [role, binding] = [role, binding].map(|it| serde_json::from_value(it).unwrap());
        for (api, object) in [(&roles, role), (&bindings, binding)] {
            match api.create(&parameters, &object).await {
                Ok(_) => {}
                // A server of OpenShift's own has made it itself.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    world.install().await;
    let _service = world.serve(2, &[OFTEN]).await;
    world.until_told("protected-namespace").await;
    let mut tiller = canonical();
    tiller["metadata"]["namespace"] = json!("places");
    let container = &mut tiller["spec"]["template"]["spec"]["containers"][0];
    for variable in container["env"].as_array_mut().unwrap() {
        if variable["name"] == "TILLER_NAMESPACE" {
            variable["value"] = json!("places");
        }
    }
    let namespaces = world.objects("", "v1", "Namespace", "");
    let namespace = serde_json::from_value(json!({ "metadata": { "name": "places" } })).unwrap();
    namespaces.create(&parameters, &namespace).await.unwrap();
    let tillers = world.objects("apps", "v1", "Deployment", "places");
    let tiller = serde_json::from_value(tiller).unwrap();
    let admitted = trial(world.cluster.version(), &tillers, &tiller).await;
    admitted.unwrap_or_else(|error| panic!("{error}"));

    // What no Tiller may have is no longer OpenShift's.
    let wide = json!({ "rules": [{ "apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"] }] });
    let patch = Patch::Merge(wide);
    roles
        .patch("system:webhook", &PatchParams::default(), &patch)
        .await
        .unwrap();
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let told = trial(world.cluster.version(), &tillers, &tiller).await;
        if told.is_err_and(|error| error.to_string().contains("account-rights")) {
            break;
        }
        assert!(tokio::time::Instant::now() < end, "it is let in");
    }
    for (name, _) in of_openshift() {
        for api in [&bindings, &roles] {
            api.delete(name, &DeleteParams::default()).await.unwrap();
        }
    }
    namespaces
        .delete("places", &DeleteParams::default())
        .await
        .unwrap();
}
