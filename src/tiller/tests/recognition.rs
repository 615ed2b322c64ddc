//! Which containers of a pod are taken for Tillers.

use crate::json::{Reader, read};
use crate::pod::PodSpec;
use crate::tiller::{Recognised, Traits, recognise};

fn recognised(pod: &str, traits: Traits<'_>) -> Vec<(&'static str, usize)> {
    let pod: PodSpec<'_> = read(&mut Reader::new(pod)).unwrap();
    recognise(&pod, traits, |_| false)
        .into_iter()
        .map(|Recognised { list, index, .. }| (list.as_str(), index))
        .collect()
}

fn container(fields: &str) -> Vec<(&'static str, usize)> {
    recognised(
        &format!(r#"{{"containers":[{{{fields}}}]}}"#),
        Traits::default(),
    )
}

const FIRST: [(&str, usize); 1] = [("containers", 0)];
const NONE: [(&str, usize); 0] = [];

#[test]
fn an_image_named_tiller_is_enough() {
    for image in [
        "ghcr.io/helm/tiller:v2.17.0",
        "localhost:5000/tiller",
        "registry.suse.com/caasp/v4/helm-tiller:2.16.1",
        "hub.example:443/x/Tiller@sha256:00",
        "jessestuart/tiller:v2.14.3-arm",
    ] {
        assert_eq!(
            container(&format!(r#""image":"{image}""#)),
            FIRST,
            "{image}"
        );
    }
}

#[test]
fn a_registry_or_folder_named_tiller_is_not() {
    for image in [
        "tiller.example/web:v1",
        "example/tiller/web:v1",
        "example/web:tiller",
    ] {
        assert_eq!(container(&format!(r#""image":"{image}""#)), NONE, "{image}");
    }
}

#[test]
fn the_guard_itself_and_clients_of_tiller_are_not() {
    assert_eq!(
        container(r#""name":"tiller-guard","image":"x/tiller-guard:v1""#),
        NONE
    );
    assert_eq!(container(r#""image":"kubeapps/tiller-proxy:v1.0""#), NONE);
}

#[test]
fn the_program_is_enough_wherever_it_stands() {
    for launch in [
        r#""command":["/tiller"]"#,
        r#""args":["/bin/tiller"]"#,
        r#""command":["sh","-c","exec /tiller --listen=:1"]"#,
        r#""command":["sh","-c","sleep 1;tiller&"]"#,
    ] {
        assert_eq!(
            container(&format!(r#""image":"busybox",{launch}"#)),
            FIRST,
            "{launch}"
        );
    }
    assert_eq!(container(r#""args":["--namespace=tiller-world"]"#), NONE);
}

#[test]
fn two_weak_signals_are_enough_and_one_is_not() {
    let port = r#""ports":[{"containerPort":44134}]"#;
    assert_eq!(container(port), NONE);
    assert_eq!(container(r#""name":"tiller""#), NONE);
    assert_eq!(container(&format!(r#""name":"tiller",{port}"#)), FIRST);
    let client = r#""env":[{"name":"TILLER_NAMESPACE","value":"x"}]"#;
    assert_eq!(container(client), NONE);
    assert_eq!(container(&format!("{client},{port}")), FIRST);
    let probe = r#""livenessProbe":{"httpGet":{"path":"/liveness","port":44135}}"#;
    assert_eq!(container(&format!("{probe},{port}")), FIRST);
}

#[test]
fn labels_mark_the_first_container_unless_another_says_more() {
    let labels = Traits {
        app_label: "helm",
        name_label: "tiller",
        ..Traits::default()
    };
    let plain = r#"{"containers":[{"name":"a"},{"name":"b"}]}"#;
    assert_eq!(recognised(plain, labels), FIRST);
    let alone = r#"{"ephemeralContainers":[{"name":"a"}]}"#;
    assert_eq!(recognised(alone, labels), [("ephemeralContainers", 0)]);
    let second = r#"{"containers":[{"name":"a"},{"image":"x/tiller:v2.17.0"}]}"#;
    assert_eq!(recognised(second, labels), [("containers", 1)]);
    let half = Traits {
        app_label: "helm",
        ..Traits::default()
    };
    assert_eq!(recognised(plain, half), NONE);
}

#[test]
fn a_name_is_enough_where_it_is_all_that_is_shown() {
    let pod = r#"{"ephemeralContainers":[{"name":"a"}]}"#;
    let named = |workload_name, only_name| {
        let traits = Traits {
            workload_name,
            only_name,
            ..Traits::default()
        };
        recognised(pod, traits)
    };
    for name in ["tiller", "tiller-deploy-5d7-x2", "tiller-5d7-x2"] {
        assert_eq!(named(name, true), [("ephemeralContainers", 0)], "{name}");
        assert_eq!(named(name, false), NONE, "{name}");
    }
    for name in [
        "tillerless",
        "web",
        "tiller-guard-5d7-x2",
        "tiller-proxy-0",
        "",
    ] {
        assert_eq!(named(name, true), NONE, "{name}");
    }
}

#[test]
fn every_list_is_read() {
    let pod = r#"{"containers":[{"image":"web"}],
        "initContainers":[{"image":"web"},{"image":"x/tiller"}],
        "ephemeralContainers":[{"command":["/tiller"]}]}"#;
    assert_eq!(
        recognised(pod, Traits::default()),
        [("initContainers", 1), ("ephemeralContainers", 0)]
    );
}
