//! Pods that webhooks of others changed after their template was judged.

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Decision, Webhook, answer};
use tiller_guard::policy::{Injector, Policy, Settings};

use super::{ask, pod, response};
use crate::policy::NOW;
use crate::policy::corpus::canonical;

/// A controller's Pod of the hardened Deployment, after this was done to it.
pub(super) fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut review = pod();
    let template = canonical()["spec"]["template"].clone();
    let request = &mut review["request"];
    request["namespace"] = json!("tiller-world");
    let object = &mut request["object"];
    object["metadata"]["namespace"] = json!("tiller-world");
    object["metadata"]["annotations"] = template["metadata"]["annotations"].clone();
    object["spec"] = template["spec"].clone();
    change(object);
    review
}

/// The lines of its refusal by both webhooks.
fn refusal(review: &Value) -> Vec<String> {
    let [mutate, validate] = [Webhook::Mutate, Webhook::Validate].map(|webhook| {
        let refused = ask(webhook, &review.to_string()).unwrap();
        assert_eq!(refused.decision, Decision::Refused);
        let message = response(&refused)["status"]["message"].clone();
        message.as_str().unwrap().to_owned()
    });
    assert_eq!(mutate, validate);
    mutate.lines().map(str::to_owned).collect()
}

const NOT_AT_FAULT: &str = "changed it afterwards: the template is not at fault";

#[test]
fn as_its_template_has_it_the_pod_is_admitted() {
    let review = changed(|_| {}).to_string();
    for webhook in [Webhook::Mutate, Webhook::Validate] {
        assert_eq!(ask(webhook, &review).unwrap().decision, Decision::Allowed);
    }
}

/// As Istio 1.20 has it, with its init container.
#[test]
fn istios_sidecar_is_named_with_the_label_that_keeps_it_away() {
    let told = refusal(&changed(|pod| {
        let spec = &mut pod["spec"];
        spec["initContainers"] = json!([{ "name": "istio-init", "image": "istio/proxyv2:1.20.0", "args": ["istio-iptables"] }]);
        spec["containers"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "name": "istio-proxy", "image": "istio/proxyv2:1.20.0" }));
        spec["volumes"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "name": "istio-envoy", "emptyDir": { "medium": "Memory" } }));
    }));
    let remedy = "set the label sidecar.istio.io/inject: \"false\" in the pod template, or list istio under injectors in the policy and apply the template again";
    assert_eq!(
        told,
        [
            format!(
                "this Pod is made from ReplicaSet tiller-deploy-78cbff5d79, and Istio {NOT_AT_FAULT}"
            ),
            format!(
                "extra-containers: /spec/containers: Istio adds istio-proxy to Tiller's pods; {remedy} | \
                 /spec/initContainers: Istio adds istio-init to Tiller's pods; {remedy}"
            ),
        ]
    );
}

/// As native sidecars are: init containers that stay.
#[test]
fn linkerds_proxy_is_named_with_its_annotation() {
    let told = refusal(&changed(|pod| {
        pod["spec"]["initContainers"] = json!([
            { "name": "linkerd-init", "image": "cr.l5d.io/linkerd/proxy-init:v2.2.1" },
            { "name": "linkerd-proxy", "image": "cr.l5d.io/linkerd/proxy:stable-2.14.0", "restartPolicy": "Always" },
        ]);
    }));
    assert!(
        told[0].ends_with(&format!("and Linkerd {NOT_AT_FAULT}")),
        "{told:#?}"
    );
    assert!(told[1].contains("Linkerd adds linkerd-init, linkerd-proxy to Tiller's pods"));
    assert!(
        told[1].contains("set the annotation linkerd.io/inject: \"disabled\" in the pod template")
    );
}

#[test]
fn vaults_mount_and_agents_are_named() {
    let told = refusal(&changed(|pod| {
        let spec = &mut pod["spec"];
        spec["initContainers"] =
            json!([{ "name": "vault-agent-init", "image": "hashicorp/vault:1.16" }]);
        spec["containers"][0]["volumeMounts"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "name": "vault-secrets", "mountPath": "/vault/secrets" }));
        spec["containers"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "name": "vault-agent", "image": "hashicorp/vault:1.16" }));
        spec["volumes"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "name": "vault-secrets", "emptyDir": { "medium": "Memory" } }));
    }));
    assert!(
        told[0].ends_with(&format!("and the Vault agent injector {NOT_AT_FAULT}")),
        "{told:#?}"
    );
    assert!(told[1].starts_with("volume-mounts: /spec/containers/0/volumeMounts/2: Tiller does not need the volume vault-secrets that is mounted at /vault/secrets; the Vault agent injector mounts it in pods; set the annotation vault.hashicorp.com/agent-inject: \"false\""), "{told:#?}");
    assert_eq!(told.len(), 3);
}

#[test]
fn identities_and_datadog_are_named_by_variable_and_volume() {
    let told = refusal(&changed(|pod| {
        let tiller = &mut pod["spec"]["containers"][0];
        let variables = tiller["env"].as_array_mut().unwrap();
        for name in [
            "AWS_ROLE_ARN",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AZURE_CLIENT_ID",
            "DD_AGENT_HOST",
        ] {
            variables.push(json!({ "name": name, "value": "x" }));
        }
        variables.push(json!({ "name": "LD_PRELOAD", "value": "/opt/datadog-packages/datadog-apm-inject/stable/inject/launcher.preload.so" }));
        let mounts = tiller["volumeMounts"].as_array_mut().unwrap();
        mounts.push(json!({ "name": "aws-iam-token", "mountPath": "/var/run/secrets/eks.amazonaws.com/serviceaccount", "readOnly": true }));
        mounts.push(json!({ "name": "azure-identity-token", "mountPath": "/var/run/secrets/azure/tokens", "readOnly": true }));
    }));
    assert!(
        told[0].ends_with(&format!(
            "and Datadog's admission controller and the webhook for AWS identities and the webhook for Azure workload identities {NOT_AT_FAULT}"
        )),
        "{told:#?}"
    );
    for part in [
        "Tiller does not need the variable AWS_ROLE_ARN; the webhook for AWS identities sets it in pods; set the annotation eks.amazonaws.com/skip-containers: \"tiller\" in the pod template",
        "Tiller does not need the variable AZURE_CLIENT_ID; the webhook for Azure workload identities sets it in pods; set the label azure.workload.identity/use: \"false\"",
        "Tiller does not need the variable LD_PRELOAD; Datadog's admission controller sets it in pods; set the label admission.datadoghq.com/enabled: \"false\"",
    ] {
        assert!(told[1].contains(part), "{part}\n{told:#?}");
    }
    assert!(
        told[2].contains("aws-iam-token") && told[2].contains("azure-identity-token"),
        "{told:#?}"
    );
}

/// Whoever reads the first line alone still mends what is his.
#[test]
fn the_deployment_is_at_fault_where_anything_else_is_wrong() {
    let told = refusal(&changed(|pod| {
        let spec = &mut pod["spec"];
        spec["hostNetwork"] = json!(true);
        spec["containers"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "name": "istio-proxy", "image": "istio/proxyv2:1.20.0" }));
    }));
    assert!(
        told[0].contains("fix the Deployment or other template behind it"),
        "{told:#?}"
    );
    assert!(
        told.iter()
            .any(|line| line.contains("Istio adds istio-proxy"))
    );
    let own = refusal(&changed(|pod| {
        pod["spec"]["containers"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "name": "debug", "image": "busybox" }));
    }));
    assert!(own[0].contains("fix the Deployment"), "{own:#?}");
    assert!(
        own[1].ends_with(
            "Tiller shares its pod with other containers: debug; run only Tiller in its pod"
        ),
        "{own:#?}"
    );
}

/// What a policy lists is set in templates; a pod that is made from one from before is not refused for want of it.
#[test]
fn a_copy_needs_no_label_of_its_own() {
    let policy = Policy {
        settings: Settings {
            injectors: Injector::ALL.to_vec(),
            ..Settings::default()
        },
        ..Policy::default()
    };
    let review = changed(|_| {}).to_string();
    let answer = answer(Webhook::Validate, review.as_bytes(), &policy, &NOW).unwrap();
    assert_eq!(answer.decision, Decision::Allowed);
}

/// Such a template is let in with a warning: its pods are what is refused, where the injector is there.
#[test]
fn a_template_that_asks_for_an_injector_is_told_of_it() {
    let mut deployment = canonical();
    deployment["spec"]["template"]["metadata"]["annotations"]["vault.hashicorp.com/agent-inject"] =
        json!("true");
    let mut review = super::creation("apps", "Deployment", &deployment);
    review["request"]["namespace"] = json!("tiller-world");
    for webhook in [Webhook::Mutate, Webhook::Validate] {
        let warned = ask(webhook, &review.to_string()).unwrap();
        assert_eq!(warned.decision, Decision::Warned);
        assert_eq!(
            response(&warned)["warnings"],
            json!([
                "tiller-guard notes injector: this asks the Vault agent injector to add to the pod, which would then be refused"
            ])
        );
    }
    let mut open = deployment;
    open["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["--storage=secret"]);
    review["request"]["object"] = open;
    let hardened = ask(Webhook::Mutate, &review.to_string()).unwrap();
    assert_eq!(hardened.decision, Decision::Hardened);
    let warnings = response(&hardened)["warnings"].to_string();
    assert!(
        warnings.contains("tiller-guard notes injector")
            && warnings.contains("tiller-guard hardened launch-spelling"),
        "{warnings}"
    );
}
