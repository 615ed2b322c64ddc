//! Plans as golden files. `UPDATE_GOLDEN=1` writes them anew.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use serde_json::{Value, json};
use tiller_guard::manifest::to_yaml;
use tiller_guard::policy::Settings;
use tiller_guard::provision::{ExtraRule, Plan, TeamSpec, plan};

use super::{certificates, checked, spec, texts};
use crate::api_server::recorded_deployment;

fn planned(spec: TeamSpec, with_ca: bool) -> Plan {
    let team = checked(spec);
    plan(&team, &certificates(&team), with_ca, &Settings::default()).unwrap()
}

/// The plan as text, with a placeholder for whatever is random.
fn golden(plan: &Plan) -> String {
    let mut text = String::new();
    for stage in &plan.stages {
        writeln!(text, "# === {}", stage.title).unwrap();
        for planned in &stage.objects {
            let mut object = planned.object.clone();
            for (pointer, placeholder) in [
                ("/data/ca-fingerprint", "FINGERPRINT"),
                (
                    "/spec/template/metadata/annotations/tiller-guard.io~1certificates",
                    "CHECKSUM",
                ),
            ] {
                if let Some(value) = object.pointer_mut(pointer) {
                    *value = placeholder.into();
                }
            }
            if object["kind"] == "Secret" {
                for (key, value) in object["data"].as_object_mut().unwrap() {
                    *value = format!("BASE64 OF {key}").into();
                }
            }
            let foreign = if planned.may_be_foreign {
                " # if it is not there"
            } else {
                ""
            };
            write!(text, "---{foreign}\n{}", to_yaml(&object)).unwrap();
        }
    }
    if let Some(line) = &plan.init_line {
        writeln!(text, "# === then\n# {line}").unwrap();
    }
    text
}

fn assert_golden(name: &str, plan: &Plan) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/provision")
        .join(format!("{name}.yaml"));
    let text = golden(plan);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).unwrap();
    } else {
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            text == expected,
            "run UPDATE_GOLDEN=1 cargo test --test it provision::plans"
        );
    }
}

#[test]
fn a_small_team() {
    assert_golden("small", &planned(spec(), true));
}

#[test]
fn a_team_with_everything() {
    let spec = TeamSpec {
        target_namespaces: texts(&["green-jobs", "green", "green"]),
        service_account: "helm".to_owned(),
        users: texts(&[
            "system:serviceaccount:ci:deployer",
            "https://idp.example.com/realms/a#\"x\"",
        ]),
        groups: texts(&["oidc:on-call"]),
        tiller_version: "2.16.12".parse().unwrap(),
        image: "quay.io/helmpack/tiller".to_owned(),
        history_max: 0,
        extra_rules: ExtraRule::parse("get,create:certificates.cert-manager.io,pods/exec").unwrap(),
        guard_namespace: "security".to_owned(),
        cluster_domain: "k8s.example.com".to_owned(),
        ..TeamSpec::new("green".to_owned(), "green-tiller".to_owned(), Vec::new())
    };
    assert_golden("everything", &planned(spec, true));
}

#[test]
fn a_team_whose_ca_and_tiller_are_made_elsewhere() {
    let spec = TeamSpec {
        with_tiller: false,
        users: Vec::new(),
        ..spec()
    };
    let plan = planned(spec, false);
    assert_golden("no-tiller", &plan);
    let line = "helm init --tiller-namespace blue-tiller --service-account tiller \
                --tiller-image ghcr.io/helm/tiller:v2.17.0 --history-max 200";
    assert_eq!(plan.init_line.as_deref(), Some(line));
}

#[test]
fn a_plan_is_the_same_for_the_same_certificates() {
    let team = checked(spec());
    let certificates = certificates(&team);
    let once = plan(&team, &certificates, true, &Settings::default()).unwrap();
    let again = plan(&team, &certificates, true, &Settings::default()).unwrap();
    assert_eq!(once, again);
}

/// What the printed `helm init` sends, hardened, is what the plan holds beside our own labels and annotation.
#[test]
fn tiller_is_what_the_guard_makes_of_helm_init() {
    let plan = planned(spec(), true);
    let mut ours = plan
        .objects()
        .find(|object| object["kind"] == "Deployment")
        .unwrap()
        .clone();
    let mut init = recorded_deployment("2.17.0-sa-ns");
    init["metadata"]["namespace"] = json!("blue-tiller");
    let container = &mut init["spec"]["template"]["spec"]["containers"][0];
    container["env"][0]["value"] = json!("blue-tiller");
    container["env"][1]["value"] = json!("200");
    let text = init.to_string();
    let mut hardened: Value = crate::offline::harden(&text);
    for object in [&mut ours, &mut hardened] {
        object["metadata"]["labels"] = json!({});
        let template = &mut object["spec"]["template"];
        let annotations = template["metadata"]["annotations"].as_object_mut().unwrap();
        annotations.remove("tiller-guard.io/certificates");
        let metadata = template["metadata"].as_object_mut().unwrap();
        metadata.remove("creationTimestamp");
        let container = template["spec"]["containers"][0].as_object_mut().unwrap();
        container.remove("resources");
    }
    hardened["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("creationTimestamp");
    hardened["spec"].as_object_mut().unwrap().remove("strategy");
    hardened.as_object_mut().unwrap().remove("status");
    assert_eq!(ours, hardened);
}

#[test]
fn keys_are_not_shown_by_a_plan() {
    let plan = planned(spec(), true);
    let shown = format!("{plan:?}");
    assert!(shown.contains("Secret blue-tiller/tiller-tls"), "{shown}");
    assert!(!shown.contains("LS0t"), "{shown}");
}

#[test]
fn a_tiller_that_the_policy_refuses_is_not_planned() {
    let spec = TeamSpec {
        image: "example.com/tiller".to_owned(),
        ..spec()
    };
    let team = checked(spec);
    let error = plan(&team, &certificates(&team), true, &Settings::default()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(
            "the guard would refuse Deployment blue-tiller/tiller-deploy: image-repository: "
        ),
        "{text}"
    );
    let settings = Settings {
        allowed_repositories: texts(&["example.com/tiller"]),
        ..Settings::default()
    };
    assert!(plan(&team, &certificates(&team), true, &settings).is_ok());
}

#[test]
fn an_old_kubernetes_is_not_asked_for_what_it_drops() {
    let seccomp = |plan: &Plan| {
        let deployment = plan
            .objects()
            .find(|it| it["kind"] == "Deployment")
            .unwrap();
        let template = &deployment["spec"]["template"];
        (
            template["spec"]["securityContext"]
                .get("seccompProfile")
                .cloned(),
            template["metadata"]["annotations"]["seccomp.security.alpha.kubernetes.io/pod"].clone(),
        )
    };
    let plan = planned(spec(), true);
    let profile = Some(json!({ "type": "RuntimeDefault" }));
    assert_eq!(
        seccomp(&plan.clone().for_kubernetes(19)),
        (profile, json!("docker/default"))
    );
    assert_eq!(
        seccomp(&plan.for_kubernetes(18)),
        (None, json!("docker/default"))
    );
}
