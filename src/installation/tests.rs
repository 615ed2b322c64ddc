use serde_json::{Value, json};

use super::{
    AKS_ENFORCER, IMAGE, Installation, NAMESPACE, OWNER_LABELS, POLICY, Platform, SERVICE_PORT,
};
use crate::k8s::read;
use crate::policy::{Settings, WorkloadKind};

/// What `install` gives without options, for a minor version of Kubernetes.
pub(crate) fn installation(minor: u16) -> Installation {
    Installation {
        minor,
        namespace: NAMESPACE.to_owned(),
        image: IMAGE.to_owned(),
        replicas: 2,
        service_port: SERVICE_PORT,
        policy: POLICY.to_owned(),
        account_patterns: Settings::default().account_patterns,
        certificate_secret: Settings::default().certificate_secret,
        ca_bundle: None,
        renew_certificates: false,
        place: Platform::default(),
    }
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    let object = found.next().unwrap();
    assert!(found.next().is_none(), "one {kind}");
    object
}

/// Every right, in words. Whoever changes what the guard may do changes this list too.
const RIGHTS: [&str; 23] = [
    "list, watch: roles.rbac.authorization.k8s.io",
    "list, watch: clusterroles.rbac.authorization.k8s.io",
    "list, watch: rolebindings.rbac.authorization.k8s.io",
    "list, watch: clusterrolebindings.rbac.authorization.k8s.io",
    "list, watch: pods",
    "list, watch: replicationcontrollers",
    "list, watch: services",
    "list, watch: configmaps",
    "list, watch: deployments.apps",
    "list, watch: replicasets.apps",
    "list, watch: statefulsets.apps",
    "list, watch: daemonsets.apps",
    "list, watch: jobs.batch",
    "list, watch: cronjobs.batch",
    "list: serviceaccounts",
    "list, watch: secrets tiller-secret|tiller-tls",
    "create, patch: events",
    "get, patch: mutatingwebhookconfigurations.admissionregistration.k8s.io tiller-guard",
    "get, patch: validatingwebhookconfigurations.admissionregistration.k8s.io tiller-guard",
    "list, watch: mutatingwebhookconfigurations.admissionregistration.k8s.io tiller-guard",
    "list, watch: validatingwebhookconfigurations.admissionregistration.k8s.io tiller-guard",
    "own namespace: create: secrets",
    "own namespace: get, update: secrets tiller-guard-ca",
];

fn rights(role: &Value, place: &str) -> Vec<String> {
    let words = |rule: &Value, field: &str| -> Vec<String> {
        let list = rule[field].as_array().into_iter().flatten();
        list.map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        for resource in words(rule, "resources") {
            let group = words(rule, "apiGroups").join("|");
            let dot = if group.is_empty() { "" } else { "." };
            let mut names = words(rule, "resourceNames").join("|");
            if !names.is_empty() {
                names.insert(0, ' ');
            }
            let verbs = words(rule, "verbs").join(", ");
            rights.push(format!("{place}{verbs}: {resource}{dot}{group}{names}"));
        }
    }
    rights
}

#[test]
fn its_rights_are_these_and_no_more() {
    let objects = installation(36).objects();
    let mut found = rights(of_kind(&objects, "ClusterRole"), "");
    found.extend(rights(of_kind(&objects, "Role"), "own namespace: "));
    assert_eq!(found, RIGHTS);
    for kind in ["RoleBinding", "ClusterRoleBinding"] {
        let subjects =
            json!([{ "kind": "ServiceAccount", "name": "tiller-guard", "namespace": NAMESPACE }]);
        assert_eq!(of_kind(&objects, kind)["subjects"], subjects);
    }
}

/// Those of the CronJob that renews certificates.
const RENEWAL: [&str; 9] = [
    "get: namespaces tiller-guard",
    "get, patch: secrets tiller-tls",
    "get, patch: deployments.apps tiller-deploy",
    "own namespace: get, list: configmaps",
    "own namespace: get, list, create, patch: secrets",
    "subjects: renew-certificates",
    "restricted: true",
    "runs: provision renew --no-wait --policy=/etc/tiller-guard/policy.yaml --guard-namespace=tiller-guard",
    "administrator: --administrator=system:serviceaccount:tiller-guard:renew-certificates",
];

#[test]
fn a_cron_job_that_renews_certificates_has_rights_of_its_own() {
    let with = Installation {
        renew_certificates: true,
        ..installation(36)
    };
    let usual = installation(36).objects();
    let objects = with.renewal();
    assert_eq!(with.objects().len(), usual.len() + objects.len());
    let mut found = rights(of_kind(&objects, "ClusterRole"), "");
    found.extend(rights(of_kind(&objects, "Role"), "own namespace: "));
    let [one, other] = ["RoleBinding", "ClusterRoleBinding"]
        .map(|kind| of_kind(&objects, kind)["subjects"].clone());
    assert_eq!(one, other);
    found.push(format!("subjects: {}", one[0]["name"].as_str().unwrap()));
    let pod = &of_kind(&objects, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    let answering = &of_kind(&usual, "Deployment")["spec"]["template"]["spec"];
    let same = |field: &str| pod["containers"][0][field] == answering["containers"][0][field];
    let restricted = same("securityContext")
        && same("image")
        && pod["securityContext"] == answering["securityContext"];
    found.push(format!("restricted: {restricted}"));
    let words = |container: &Value| -> Vec<String> {
        let words = container["args"].as_array().unwrap().iter();
        words.map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    found.push(format!("runs: {}", words(&pod["containers"][0]).join(" ")));
    let objects = with.objects();
    let serve =
        words(&of_kind(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]);
    let more = serve.iter().filter(|it| it.starts_with("--administrator"));
    found.extend(more.map(|it| format!("administrator: {it}")));
    assert_eq!(found, RENEWAL);
    for (minor, version) in [
        (10, "batch/v1beta1"),
        (20, "batch/v1beta1"),
        (21, "batch/v1"),
    ] {
        let objects = Installation {
            minor,
            ..with.clone()
        }
        .objects();
        assert_eq!(of_kind(&objects, "CronJob")["apiVersion"], version);
    }
}

/// The pod security standard `restricted`, as of Kubernetes 1.36, and what it leaves open.
#[test]
fn its_pod_is_restricted() {
    let objects = installation(36).objects();
    let namespace = of_kind(&objects, "Namespace");
    assert_eq!(
        namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
        "restricted"
    );
    let deployment = of_kind(&objects, "Deployment");
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(
        pod["securityContext"],
        json!({
            "runAsNonRoot": true, "runAsUser": 65534, "runAsGroup": 65534,
            "seccompProfile": { "type": "RuntimeDefault" },
        })
    );
    for forbidden in ["hostNetwork", "hostPID", "hostIPC", "hostUsers"] {
        assert_eq!(pod.get(forbidden), None);
    }
    for volume in pod["volumes"].as_array().unwrap() {
        assert!(volume.get("configMap").is_some(), "{volume}");
    }
    let [container] = pod["containers"].as_array().unwrap().as_slice() else {
        panic!("one container");
    };
    assert_eq!(
        container["securityContext"],
        json!({
            "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] },
            "privileged": false, "readOnlyRootFilesystem": true,
        })
    );
    for kind in ["requests", "limits"] {
        for resource in ["cpu", "memory"] {
            assert!(container["resources"][kind][resource].is_string());
        }
    }
    assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() > 25);
    let rolling = json!({ "maxSurge": 1, "maxUnavailable": 0 });
    assert_eq!(deployment["spec"]["strategy"]["rollingUpdate"], rolling);
}

#[test]
fn it_is_no_tiller_itself() {
    let objects = installation(36).objects();
    let deployment = of_kind(&objects, "Deployment");
    assert!(
        !read(WorkloadKind::Deployment, deployment)
            .unwrap()
            .workload()
            .unwrap()
            .holds_tiller()
    );
}

#[test]
fn it_lets_nothing_out_but_to_the_api_server() {
    let objects = installation(36).objects();
    let spec = &of_kind(&objects, "NetworkPolicy")["spec"];
    assert_eq!(spec["policyTypes"], json!(["Ingress", "Egress"]));
    let ports = |way: &str| -> Vec<u64> {
        let ports = spec[way][0]["ports"].as_array().unwrap().iter();
        ports.map(|it| it["port"].as_u64().unwrap()).collect()
    };
    assert_eq!(ports("ingress"), [8443, 8081]);
    assert_eq!(ports("egress"), [443, 6443, 8443]);
}

#[test]
fn every_object_is_known_as_its_own_and_the_webhook_configurations_come_last() {
    for minor in [10, 20, 28] {
        let objects = installation(minor).objects();
        for object in &objects {
            for label in OWNER_LABELS {
                assert_eq!(
                    object["metadata"]["labels"][label], "tiller-guard",
                    "{object}"
                );
            }
        }
        let last = objects.len() - 2;
        let kinds: Vec<_> = objects[last..]
            .iter()
            .map(|it| it["kind"].clone())
            .collect();
        assert_eq!(
            kinds,
            [
                "MutatingWebhookConfiguration",
                "ValidatingWebhookConfiguration"
            ]
        );
        assert_eq!(objects[0]["kind"], "Namespace");
    }
}

#[test]
fn an_old_kubernetes_gets_what_it_knows() {
    let objects = installation(10).objects();
    assert_eq!(
        of_kind(&objects, "PodDisruptionBudget")["apiVersion"],
        "policy/v1beta1"
    );
    let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
    for later in [
        "topologySpreadConstraints",
        "priorityClassName",
        "nodeSelector",
    ] {
        assert_eq!(pod.get(later), None);
    }
    let context = json!({ "runAsNonRoot": true, "runAsUser": 65534 });
    assert_eq!(pod["securityContext"], context);
    let mut rights = rights(of_kind(&objects, "ClusterRole"), "");
    let lists = ["secrets", "webhookconfigurations"];
    rights.retain(|right| right.starts_with("list") && lists.iter().any(|it| right.contains(it)));
    let configurations = ["mutating", "validating"].map(|kind| {
        format!("list, watch: {kind}webhookconfigurations.admissionregistration.k8s.io")
    });
    let [mutating, validating] = configurations.each_ref().map(String::as_str);
    assert_eq!(rights, ["list, watch: secrets", mutating, validating]);
    let labels = &of_kind(&objects, "Namespace")["metadata"]["labels"];
    assert_eq!(labels["kubernetes.io/metadata.name"], "tiller-guard");
}

#[test]
fn tls_1_2_is_spoken_with_those_that_may_offer_nothing_newer() {
    for (minor, expected) in [(10, true), (14, true), (16, true), (17, false), (36, false)] {
        let objects = installation(minor).objects();
        let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
        let arguments = pod["containers"][0]["args"].as_array().unwrap();
        let spoken = arguments.contains(&json!("--tls-min-version=1.2"));
        assert_eq!(spoken, expected, "1.{minor}");
    }
}

#[test]
fn on_the_nodes_network_its_ports_are_the_nodes() {
    let place = Platform {
        host_network: true,
        review_port: 10443,
        health_port: 10444,
        ..Platform::default()
    };
    let objects = Installation {
        place,
        ..installation(36)
    }
    .objects();
    let spec = &of_kind(&objects, "Deployment")["spec"];
    // No node has a place for the next pod beside the last one.
    let rolling = json!({ "maxSurge": 0, "maxUnavailable": 1 });
    assert_eq!(spec["strategy"]["rollingUpdate"], rolling);
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["hostNetwork"], true);
    let container = &pod["containers"][0];
    let arguments = container["args"].as_array().unwrap();
    for argument in ["--listen=[::]:10443", "--health-address=[::]:10444"] {
        assert!(arguments.contains(&json!(argument)), "{arguments:?}");
    }
    for (index, port) in [10443, 10444].into_iter().enumerate() {
        assert_eq!(container["ports"][index]["containerPort"], port);
        assert_eq!(container["ports"][index]["hostPort"], port);
    }
    let allowed = &of_kind(&objects, "NetworkPolicy")["spec"]["ingress"][0]["ports"];
    assert_eq!(allowed[0]["port"], 10443);
    let labels = &of_kind(&objects, "Namespace")["metadata"]["labels"];
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "privileged");
}

#[test]
fn only_where_it_is_asked_for_is_aks_told_to_leave_the_webhooks() {
    for aks in [false, true] {
        let place = Platform {
            aks,
            ..Platform::default()
        };
        let installation = Installation {
            place,
            ..installation(30)
        };
        for configuration in installation.webhook_configurations() {
            let annotation = configuration["metadata"]["annotations"].get(AKS_ENFORCER);
            assert_eq!(annotation, aks.then_some(&json!("true")));
        }
    }
}

#[test]
fn bundles_that_are_there_are_kept() {
    let installation = Installation {
        ca_bundle: Some("QQ==".to_owned()),
        ..installation(30)
    };
    for configuration in installation.webhook_configurations() {
        for webhook in configuration["webhooks"].as_array().unwrap() {
            assert_eq!(webhook["clientConfig"]["caBundle"], "QQ==");
        }
    }
}
