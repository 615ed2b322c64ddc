//! The variables that Tiller reads, by where their values come from.

use super::{container, read, summary};
use crate::json::Presence;
use crate::pod::{Container, EnvFrom, EnvVar, EnvVarSource, FieldRef, KeySelector};
use crate::tiller::{ClientVerification, Setting, Surroundings, Tiller, Unknown};

/// A variable from a source.
fn sourced(name: &'static str, source: EnvVarSource<'static>) -> EnvVar<'static> {
    EnvVar {
        name: name.into(),
        value_from: Some(Box::new(source)),
        ..EnvVar::default()
    }
}

fn field(path: &'static str) -> EnvVarSource<'static> {
    EnvVarSource {
        field_ref: Some(FieldRef {
            field_path: path.into(),
        }),
        ..EnvVarSource::default()
    }
}

fn secret_key() -> EnvVarSource<'static> {
    EnvVarSource {
        secret_key_ref: Some(KeySelector::default()),
        ..EnvVarSource::default()
    }
}

fn with_env(args: &[&str], env: Vec<EnvVar<'static>>) -> Container<'static> {
    Container {
        env: env.into(),
        ..container("2.17.0", &["/tiller"], args, &[])
    }
}

fn namespace_of(tiller: &Tiller<'_>) -> String {
    match &tiller.effective.namespace {
        Setting::Known(namespace) => namespace.to_string(),
        Setting::Unknown(reason) => format!("unknown: {reason}"),
    }
}

#[test]
fn the_namespace_is_the_pods_unless_the_variable_names_another() {
    type Case = (
        &'static str,
        &'static [(&'static str, &'static str)],
        &'static str,
    );
    let cases: [Case; 7] = [
        ("2.17.0", &[], "team-a"),
        ("2.17.0", &[("TILLER_NAMESPACE", "")], "team-a"),
        ("2.17.0", &[("TILLER_NAMESPACE", "other")], "other"),
        (
            "2.17.0",
            &[("TILLER_NAMESPACE", "other"), ("TILLER_NAMESPACE", "last")],
            "last",
        ),
        (
            "2.17.0",
            &[("TILLER_NAMESPACE", "other"), ("TILLER_NAMESPACE", "")],
            "team-a",
        ),
        ("2.2.0", &[("TILLER_NAMESPACE", "other")], "other"),
        ("2.1.3", &[("TILLER_NAMESPACE", "other")], "kube-system"),
    ];
    for (version, env, expected) in cases {
        let container = container(version, &["/tiller"], &[], env);
        assert_eq!(
            namespace_of(&read(&container)),
            expected,
            "{version} {env:?}"
        );
    }
}

#[test]
fn the_namespace_may_come_from_the_pod() {
    let container = with_env(
        &[],
        vec![sourced("TILLER_NAMESPACE", field("metadata.namespace"))],
    );
    assert_eq!(namespace_of(&read(&container)), "team-a");
    for namespace in [None, Some("")] {
        let tiller = Tiller::read(
            &container,
            Surroundings {
                namespace,
                version: None,
            },
        );
        assert_eq!(
            namespace_of(&tiller),
            "unknown: the manifest names no namespace"
        );
    }
}

#[test]
fn a_value_from_elsewhere_is_unknown() {
    let config_map_key = EnvVarSource {
        config_map_key_ref: Some(KeySelector::default()),
        ..EnvVarSource::default()
    };
    let resource_field = EnvVarSource {
        resource_field_ref: Some(Presence),
        ..EnvVarSource::default()
    };
    let sources = [
        (field("metadata.name"), "fieldRef"),
        (secret_key(), "secretKeyRef"),
        (config_map_key, "configMapKeyRef"),
        (resource_field, "resourceFieldRef"),
        (EnvVarSource::default(), "valueFrom"),
    ];
    for (source, source_kind) in sources {
        let container = with_env(&[], vec![sourced("TILLER_NAMESPACE", source)]);
        let expected = Unknown::VariableSource {
            variable: "TILLER_NAMESPACE".to_owned(),
            source_kind,
        };
        assert_eq!(
            read(&container).effective.namespace,
            Setting::Unknown(expected)
        );
    }
}

#[test]
fn a_flag_beats_an_unknown_variable() {
    let unknown = || {
        [
            "TILLER_TLS_ENABLE",
            "TILLER_TLS_VERIFY",
            "TILLER_TLS_CERTS",
            "TILLER_HISTORY_MAX",
        ]
        .map(|name| sourced(name, secret_key()))
        .into()
    };
    let container = with_env(&[], unknown());
    let tiller = read(&container);
    assert_eq!(summary(&tiller), "serves :44134 configmap unknown unknown");
    assert!(tiller.effective.history_max.unknown().is_some());
    assert!(tiller.effective.tls.key.unknown().is_some());

    let flags = [
        "--tls-verify",
        "--tls-key=/k",
        "--tls-cert=/c",
        "--tls-ca-cert=/a",
        "--history-max=3",
    ];
    let container = with_env(&flags, unknown());
    let tiller = read(&container);
    assert_eq!(summary(&tiller), "serves :44134 configmap on required");
    assert!(tiller.effective.history_max.is(&3));
    assert!(tiller.effective.tls.key.is(&"/k".into()));
    assert!(tiller.effective.tls.cert.is(&"/c".into()));
    assert!(tiller.effective.tls.ca.is(&"/a".into()));
}

#[test]
fn tls_is_on_as_soon_as_one_of_its_switches_is() {
    let container = with_env(&["--tls"], vec![sourced("TILLER_TLS_VERIFY", secret_key())]);
    let tls = &read(&container).effective.tls;
    assert!(tls.enabled.is(&true));
    assert!(tls.verify.unknown().is_some());

    let container = with_env(
        &["--tls-verify=false"],
        vec![sourced("TILLER_TLS_ENABLE", secret_key())],
    );
    let tls = &read(&container).effective.tls;
    assert!(tls.enabled.unknown().is_some());
    assert!(tls.verify.is(&ClientVerification::Off));
}

#[test]
fn an_env_from_may_set_what_env_does_not() {
    let container = Container {
        env_from: vec![EnvFrom::default()].into(),
        ..container(
            "2.17.0",
            &["/tiller"],
            &["--tls=0"],
            &[("TILLER_NAMESPACE", "x"), ("TILLER_TLS_VERIFY", "")],
        )
    };
    let effective = &read(&container).effective;
    assert!(effective.namespace.is(&"x".into()));
    assert!(effective.tls.enabled.is(&false));
    let reason = |variable| Some(Unknown::EnvironmentFrom { variable });
    assert_eq!(
        effective.history_max.unknown().cloned(),
        reason("TILLER_HISTORY_MAX")
    );
    assert_eq!(
        effective.tls.ca.unknown().cloned(),
        reason("TILLER_TLS_CERTS")
    );
}

#[test]
fn a_reference_in_a_value_is_unknown_and_an_escaped_one_is_not() {
    let container = container(
        "2.17.0",
        &["/tiller"],
        &[],
        &[
            ("TILLER_NAMESPACE", "$(NAMESPACE)"),
            ("TILLER_TLS_CERTS", "/$$(X)"),
        ],
    );
    let effective = &read(&container).effective;
    let text = "$(NAMESPACE)".to_owned();
    assert_eq!(
        effective.namespace,
        Setting::Unknown(Unknown::Expansion { text })
    );
    assert!(effective.tls.key.is(&"/$(X)/tls.key".into()));
}

#[test]
fn the_history_is_a_decimal_number_or_zero() {
    let cases = [
        ("2.17.0", "200", 200),
        ("2.17.0", "-1", -1),
        ("2.17.0", "+7", 7),
        ("2.17.0", "", 0),
        ("2.17.0", "abc", 0),
        ("2.17.0", "0x10", 0),
        ("2.17.0", " 1", 0),
        ("2.17.0", "1_0", 0),
        ("2.17.0", "9223372036854775808", 0),
        ("2.6.2", "200", 0),
    ];
    for (version, value, expected) in cases {
        let container = container(version, &["/tiller"], &[], &[("TILLER_HISTORY_MAX", value)]);
        assert!(
            read(&container).effective.history_max.is(&expected),
            "{version} {value}"
        );
    }
}

#[test]
fn the_certificates_are_in_the_directory_of_the_variable() {
    let cases = [
        ("", "tls.key"),
        ("/etc/certs", "/etc/certs/tls.key"),
        ("/etc/certs/", "/etc/certs/tls.key"),
        ("/etc//./x/../certs", "/etc/certs/tls.key"),
        ("certs", "certs/tls.key"),
        ("./certs", "certs/tls.key"),
        ("..", "../tls.key"),
        ("/..", "/tls.key"),
        (".", "tls.key"),
        (" ", " /tls.key"),
    ];
    for (directory, expected) in cases {
        let container = container(
            "2.17.0",
            &["/tiller"],
            &[],
            &[("TILLER_TLS_CERTS", directory)],
        );
        let key = &read(&container).effective.tls.key;
        assert!(key.is(&expected.into()), "{directory}: {key:?}");
    }
    let container = container(
        "2.2.3",
        &["/tiller"],
        &[],
        &[("TILLER_TLS_CERTS", "/etc/certs")],
    );
    assert!(read(&container).effective.tls.key.is(&"".into()));
}
