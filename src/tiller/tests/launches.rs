//! `command` and `args` on images of either kind.

use super::{container, read};
use crate::pod::{Container, Text};
use crate::tiller::{Setting, Tiller, Unknown};

/// The launch as text: program, arguments, and after a bar the ignored ones; or why it is unknown.
fn launch(tiller: &Tiller<'_>) -> String {
    match &tiller.launch {
        Setting::Unknown(reason) => reason.to_string(),
        Setting::Known(launch) => {
            let mut words = vec![launch.program.as_ref()];
            words.extend(launch.arguments.iter().map(AsRef::as_ref));
            if !launch.ignored.is_empty() {
                words.push("|");
                words.extend(launch.ignored.iter().map(AsRef::as_ref));
            }
            words.join(" ")
        }
    }
}

macro_rules! cases {
    ($($name:ident: $version:literal [$($command:literal),*] [$($arg:literal),*] => $expected:literal;)*) => {
        $(#[test]
        fn $name() {
            let container = container($version, &[$($command),*], &[$($arg),*], &[]);
            assert_eq!(launch(&read(&container)), $expected);
        })*
    };
}

cases! {
    nothing_on_cmd: "2.9.1" [] [] => "/tiller";
    nothing_on_entrypoint: "2.10.0" [] [] => "/tiller";
    args_on_cmd: "2.9.1" [] ["--storage=secret"] => "the container starts \"--storage=secret\", not /tiller";
    args_with_program_on_cmd: "2.9.1" [] ["/tiller", "--storage=secret"] => "/tiller --storage=secret";
    args_on_entrypoint: "2.10.0" [] ["--storage=secret"] => "/tiller --storage=secret";
    args_with_program_on_entrypoint: "2.10.0" [] ["/tiller", "--storage=secret"] => "/tiller /tiller --storage=secret | --storage=secret";
    command_on_cmd: "2.9.1" ["/tiller", "--tls"] [] => "/tiller --tls";
    command_on_entrypoint: "2.17.0" ["/tiller", "--tls"] [] => "/tiller --tls";
    both_on_cmd: "2.9.1" ["/tiller", "--tls"] ["--trace"] => "/tiller --tls --trace";
    both_on_entrypoint: "2.17.0" ["/tiller", "--tls"] ["--trace"] => "/tiller --tls --trace";
    shell: "2.17.0" ["/bin/sh", "-c", "/tiller --tls"] [] => "the container starts \"/bin/sh\", not /tiller";
    no_path: "2.17.0" ["tiller"] [] => "the container starts \"tiller\", not /tiller";
    relative_path: "2.17.0" ["./tiller"] [] => "the container starts \"./tiller\", not /tiller";
    doubled_slash: "2.17.0" ["//tiller"] [] => "the container starts \"//tiller\", not /tiller";
    candidate_path: "2.17.0" ["/bin/tiller"] [] => "the container starts \"/bin/tiller\", not /tiller";
    one_word: "2.17.0" ["/tiller --tls"] [] => "the container starts \"/tiller --tls\", not /tiller";
    empty_word: "2.17.0" [""] [] => "the container starts \"\", not /tiller";
    variable: "2.17.0" [] ["--tls=$(TLS)"] => "\"--tls=$(TLS)\" holds $(…), which the kubelet expands when it starts the container";
    variable_program: "2.17.0" ["$(PROGRAM)"] [] => "\"$(PROGRAM)\" holds $(…), which the kubelet expands when it starts the container";
    variable_without_name: "2.17.0" [] ["$()"] => "\"$()\" holds $(…), which the kubelet expands when it starts the container";
    variable_after_escape: "2.17.0" [] ["$$$(X)"] => "\"$$$(X)\" holds $(…), which the kubelet expands when it starts the container";
    variable_after_a_broken_one: "2.17.0" [] ["$(a $(X)"] => "\"$(a $(X)\" holds $(…), which the kubelet expands when it starts the container";
    escaped: "2.17.0" [] ["--listen=$$(X):1"] => "/tiller --listen=$(X):1";
    escaped_program: "2.17.0" ["/tiller"] ["--storage=$$$$(X)"] => "/tiller --storage=$$(X)";
    dollars: "2.17.0" [] ["--storage=$", "--storage=a$b$", "--storage=$(a", "--storage=)$(", "--storage=$$"] => "/tiller --storage=$ --storage=a$b$ --storage=$(a --storage=)$( --storage=$";
    dollar_before_a_wide_character: "2.17.0" [] ["--storage=$é"] => "\"--storage=$é\" holds $(…), which the kubelet expands when it starts the container";
    ignored_after_double_dash: "2.17.0" ["/tiller"] ["--tls", "--", "a", "b"] => "/tiller --tls -- a b | a b";
    ignored_after_positional: "2.17.0" ["/tiller"] ["a", "", "b"] => "/tiller a  b |  b";
    nothing_after_the_end: "2.17.0" ["/tiller"] ["--tls", "x"] => "/tiller --tls x";
    nothing_ignored_before_an_error: "2.17.0" ["/tiller"] ["--bogus", "--", "x"] => "/tiller --bogus -- x";
    cobra_ignores_after_double_dash: "2.4.2" ["/tiller"] ["x", "--", "y"] => "/tiller x -- y | y";
}

/// A container of an image, with or without command.
fn of_image(image: &'static str, command: &[&'static str]) -> Container<'static> {
    Container {
        image: image.into(),
        command: command.iter().copied().map(Text::from).collect(),
        ..Container::default()
    }
}

#[test]
fn an_image_without_version_has_no_known_entrypoint() {
    let images = [
        "ghcr.io/helm/tiller",
        "ghcr.io/helm/tiller:canary",
        "ghcr.io/helm/tiller@sha256:0123",
        "ghcr.io/helm/tiller:v2.17.0@sha256:0123",
        "ghcr.io/helm/tiller:v3.0.0",
        "example.com/helm:v2.17.0",
        "",
    ];
    for image in images {
        let container = of_image(image, &[]);
        let tiller = read(&container);
        let reason = tiller.launch.unknown().expect(image);
        assert!(
            matches!(reason, Unknown::Entrypoint(_)),
            "{image}: {reason}"
        );
        assert_eq!(tiller.start.unknown(), Some(reason), "{image}");
        assert_eq!(tiller.effective.storage.unknown(), Some(reason), "{image}");
        assert_eq!(tiller.effective.tls.ca.unknown(), Some(reason), "{image}");
        assert!(tiller.effective.namespace.is(&"team-a".into()), "{image}");
    }
}

#[test]
fn a_command_is_read_whatever_the_image() {
    for image in [
        "example.com/helm:v2.17.0",
        "tiller:canary",
        "tiller@sha256:0123",
    ] {
        let container = of_image(image, &["/tiller", "--storage=secret"]);
        assert_eq!(
            launch(&read(&container)),
            "/tiller --storage=secret",
            "{image}"
        );
    }
}

#[test]
fn an_unknown_version_prints_no_version_of_ours() {
    let container = of_image("tiller:canary", &["/tiller", "--version"]);
    assert_eq!(super::summary(&read(&container)), "exit 0 the version");
}

#[test]
fn an_entrypoint_says_why_it_is_unknown() {
    let cases = [
        (
            "tiller:canary",
            "the command is the image's own, and the image reference \"tiller:canary\" names no version: its tag moves from build to build",
        ),
        (
            "helm:v2.9.1",
            "the command is the image's own, and the image reference \"helm:v2.9.1\" names no version: it is not named tiller",
        ),
    ];
    for (image, expected) in cases {
        let container = of_image(image, &[]);
        assert_eq!(launch(&read(&container)), expected);
    }
}
