//! What holds for any container.

use proptest::prelude::*;

use super::read;
use crate::pod::{Container, EnvVar, Text, VolumeMount};
use crate::tiller::{Setting, Start, Storage, Surroundings, Tiller, Version};

/// Words that are near to those that mean something.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "-{0,3}(listen|storage|tls|tls-verify|tls-key|tls-ca-cert|history-max|trace|v|vmodule|l|h|help|version|x)(=(.{0,6}|secret|true|0|:1)?)?",
        "\\$?\\$?\\(?[A-Z]{0,2}\\)?[$()é]{0,3}",
        "(/tiller|--|-||\\[?[0-9a-f:.]{0,8}\\]?:[0-9]{0,6})",
    ]
}

fn image() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "(h:1/)?tiller(:v?[23]\\.[0-9]{1,2}\\.[0-9]{1,2}(-[a-z0-9.]{0,5})?)?(@.{0,3})?",
    ]
}

fn any_container() -> impl Strategy<Value = Container<'static>> {
    let command = prop_oneof![
        Just(vec!["/tiller".to_owned()]),
        prop::collection::vec(word(), 0..4),
    ];
    let env = prop::collection::vec(
        (
            "(TILLER_(NAMESPACE|TLS_ENABLE|TLS_VERIFY|TLS_CERTS|HISTORY_MAX)|X)",
            word(),
        ),
        0..5,
    );
    let args = prop::collection::vec(word(), 0..8);
    (
        image(),
        command,
        args,
        env,
        any::<String>(),
        any::<String>(),
    )
        .prop_map(
            |(image, command, args, env, working_dir, mount_path)| Container {
                image: image.into(),
                command: command.into_iter().map(Text::from).collect(),
                args: args.into_iter().map(Text::from).collect(),
                env: env
                    .into_iter()
                    .map(|(name, value)| EnvVar {
                        name: name.into(),
                        value: value.into(),
                        value_from: None,
                    })
                    .collect(),
                working_dir: working_dir.into(),
                volume_mounts: vec![VolumeMount {
                    mount_path: mount_path.into(),
                    ..VolumeMount::default()
                }]
                .into(),
                ..Container::default()
            },
        )
}

/// The words that say what a Tiller's settings are, each flag once.
fn canonical(tiller: &Tiller<'_>) -> Option<Vec<String>> {
    let effective = &tiller.effective;
    let storage = match effective.storage.known()? {
        Storage::ConfigMap => "configmap",
        Storage::Secret => "secret",
        Storage::Memory => "memory",
        Storage::Sql => "sql",
    };
    let tls = &effective.tls;
    let verify = *tls.verify.known()? != crate::tiller::ClientVerification::Off;
    let mut words = vec![
        format!("--listen={}", effective.listen.known()?),
        format!("--storage={storage}"),
        format!("--tls={}", tls.enabled.known()?),
        format!("--tls-verify={verify}"),
        format!("--tls-key={}", tls.key.known()?),
        format!("--tls-cert={}", tls.cert.known()?),
        format!("--tls-ca-cert={}", tls.ca.known()?),
        format!("--history-max={}", effective.history_max.known()?),
        format!("--trace={}", effective.trace.known()?),
        format!(
            "--experimental-release={}",
            effective.experimental_release.known()?
        ),
    ];
    let others = effective.other_flags.iter();
    words.extend(others.map(|flag| format!("--{}={}", flag.name, flag.value)));
    // The kubelet turns `$$` into `$`.
    Some(words.iter().map(|word| word.replace('$', "$$")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_container_is_read_and_always_the_same(
        container in any_container(),
        namespace in any::<Option<String>>(),
    ) {
        let surroundings = Surroundings { namespace: namespace.as_deref(), version: None };
        let tiller = Tiller::read(&container, surroundings);
        let copy = container.clone();
        prop_assert_eq!(&tiller, &Tiller::read(&copy, surroundings));
        prop_assert_eq!(tiller.launch.known().is_some(), tiller.start.known().is_some());
        if let Setting::Known(launch) = &tiller.launch {
            prop_assert!(launch.arguments.ends_with(&launch.ignored));
        }
    }

    #[test]
    fn a_canonical_command_line_has_the_settings_that_it_was_made_of(
        minor in 7_u16..=17,
        args in prop::collection::vec(word(), 0..8),
        env in prop::collection::vec(("TILLER_(TLS_ENABLE|TLS_VERIFY|TLS_CERTS|HISTORY_MAX)", word()), 0..5),
    ) {
        let version = Version::of(2, minor, if minor == 7 { 2 } else { 0 }).to_string();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let container = super::container(&version, &["/tiller"], &args, &env);
        let tiller = read(&container);
        let Some(words) = canonical(&tiller) else { return Ok(()) };

        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let again = super::container(&version, &["/tiller"], &words, &[]);
        let again = read(&again);
        prop_assert_eq!(&again.effective, &tiller.effective);
        prop_assert_eq!(&again.start, &tiller.start);
        prop_assert!(again.launch.known().is_some_and(|launch| launch.ignored.is_empty()));
    }

    #[test]
    fn a_version_is_read_as_it_is_written(minor in 0_u16..=17, patch in 0_u16..=99) {
        let version = Version::of(2, minor, patch);
        let is_late = minor == 17 && patch > 0;
        prop_assert_eq!(version.to_string().parse().ok(), (!is_late).then_some(version));
    }

    #[test]
    fn an_exit_is_known_by_its_code(container in any_container()) {
        if let Setting::Known(Start::Exits { code, reason }) = read(&container).start {
            prop_assert!(code <= 2);
            prop_assert!(!reason.is_empty());
        }
    }
}
