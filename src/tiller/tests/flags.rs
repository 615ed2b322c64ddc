//! The flags' values, and the settings that are read from them.

use super::{container, exit, read};
use crate::tiller::{Flag, flags};

/// What Tiller 2.17.0 prints of a word, or nothing if it takes it.
fn error_of(word: &str) -> String {
    let container = container("2.17.0", &["/tiller"], &[word], &[]);
    let tiller = read(&container);
    exit(&tiller).map_or_else(String::new, |(_, reason)| reason.to_owned())
}

#[test]
fn values_of_each_kind_are_checked() {
    let cases = [
        ("-v=4", ""),
        ("-v=-1", ""),
        ("-v=5000000000", ""),
        (
            "-v=0x1",
            "invalid value \"0x1\" for flag -v: strconv.Atoi: parsing \"0x1\": invalid syntax",
        ),
        (
            "-v=99999999999999999999",
            "invalid value \"99999999999999999999\" for flag -v: strconv.Atoi: parsing \"99999999999999999999\": value out of range",
        ),
        ("-stderrthreshold=INFO", ""),
        ("-stderrthreshold=warning", ""),
        ("-stderrthreshold=2", ""),
        (
            "-stderrthreshold=loud",
            "invalid value \"loud\" for flag -stderrthreshold: strconv.Atoi: parsing \"loud\": invalid syntax",
        ),
        ("-vmodule=a=1,b*=2,", ""),
        ("-vmodule=", ""),
        (
            "-vmodule=a",
            "invalid value \"a\" for flag -vmodule: syntax error: expect comma-separated list of filename=N",
        ),
        (
            "-vmodule==1",
            "invalid value \"=1\" for flag -vmodule: syntax error: expect comma-separated list of filename=N",
        ),
        (
            "-vmodule=a=b=1",
            "invalid value \"a=b=1\" for flag -vmodule: syntax error: expect comma-separated list of filename=N",
        ),
        (
            "-vmodule=a=-1",
            "invalid value \"a=-1\" for flag -vmodule: negative value for vmodule level",
        ),
        ("-log_backtrace_at=a.go:1", ""),
        (
            "-log_backtrace_at=",
            "invalid value \"\" for flag -log_backtrace_at: syntax error: expect file.go:234",
        ),
        (
            "-log_backtrace_at=a:1",
            "invalid value \"a:1\" for flag -log_backtrace_at: syntax error: expect file.go:234",
        ),
        (
            "-log_backtrace_at=a.go:0",
            "invalid value \"a.go:0\" for flag -log_backtrace_at: negative or zero value for level",
        ),
        ("-log_file_max_size=0x10", ""),
        (
            "-log_file_max_size=-1",
            "invalid value \"-1\" for flag -log_file_max_size: parse error",
        ),
        ("-logtostderr", ""),
        (
            "-logtostderr=x",
            "invalid boolean value \"x\" for -logtostderr: parse error",
        ),
        (
            "-tls=\"a\\\n\u{1}é\u{85}",
            "invalid boolean value \"\\\"a\\\\\\n\\x01é\\u0085\" for -tls: parse error",
        ),
    ];
    for (word, expected) in cases {
        assert_eq!(error_of(word), expected, "{word}");
    }
}

#[test]
fn integers_are_gos() {
    let cases = [
        ("0", Ok(0)),
        ("-0", Ok(0)),
        ("+12", Ok(12)),
        ("-12", Ok(-12)),
        ("0x10", Ok(16)),
        ("-0X1f", Ok(-31)),
        ("017", Ok(15)),
        ("0o17", Ok(15)),
        ("0b101", Ok(5)),
        ("1_000", Ok(1000)),
        ("0x_1", Ok(1)),
        ("0_7", Ok(7)),
        ("9223372036854775807", Ok(i64::MAX)),
        ("-9223372036854775808", Ok(i64::MIN)),
        ("9223372036854775808", Err("value out of range")),
        ("-9223372036854775809", Err("value out of range")),
        ("99999999999999999999999", Err("value out of range")),
        ("", Err("invalid syntax")),
        ("+", Err("invalid syntax")),
        ("--1", Err("invalid syntax")),
        ("08", Err("invalid syntax")),
        ("0x", Err("invalid syntax")),
        ("_1", Err("invalid syntax")),
        ("1_", Err("invalid syntax")),
        ("1__0", Err("invalid syntax")),
        ("1.0", Err("invalid syntax")),
        ("١", Err("invalid syntax")),
    ];
    for (text, expected) in cases {
        assert_eq!(flags::parse_integer(text), expected, "{text}");
    }
}

#[test]
fn guarded_flags_are_settings_and_others_are_listed() {
    let words = [
        "-v=2",
        "--trace",
        "--experimental-release=T",
        "--history-max=0x10",
        "--probe-listen",
        "127.0.0.1:44135",
        "--logtostderr",
        "-v=4",
        "--listen=:1",
    ];
    let container = container("2.17.0", &["/tiller"], &words, &[]);
    let effective = read(&container).effective;
    assert!(effective.trace.is(&true));
    assert!(effective.experimental_release.is(&true));
    assert!(effective.history_max.is(&16));
    assert!(effective.listen.is(&":1".into()));
    assert!(effective.probe_listen.is(&"127.0.0.1:44135".into()));
    let flag = |name, value: &'static str| Flag {
        name,
        value: value.into(),
    };
    let others = [
        flag("probe-listen", "127.0.0.1:44135"),
        flag("logtostderr", "true"),
        flag("v", "4"),
    ];
    assert_eq!(effective.other_flags, others);
}

#[test]
fn a_tiller_that_exits_has_no_settings() {
    for words in [
        ["--trace", "--bogus"],
        ["--trace", "--help"],
        ["--trace", "--version"],
    ] {
        let container = container("2.17.0", &["/tiller"], &words, &[]);
        let tiller = read(&container);
        let reason = Some(&crate::tiller::Unknown::Exits);
        assert_eq!(tiller.effective.trace.unknown(), reason, "{words:?}");
        assert_eq!(tiller.effective.storage.unknown(), reason, "{words:?}");
        assert_eq!(tiller.effective.tls.enabled.unknown(), reason, "{words:?}");
        assert_eq!(tiller.effective.history_max.unknown(), reason, "{words:?}");
        assert!(tiller.effective.namespace.is(&"team-a".into()), "{words:?}");
    }
}

#[test]
fn what_a_version_has_no_flag_for_is_fixed() {
    let container = container("2.4.2", &["/tiller"], &[], &[]);
    let effective = read(&container).effective;
    assert!(effective.experimental_release.is(&false));
    assert!(effective.history_max.is(&0));
    assert!(effective.probe_listen.is(&":44135".into()));
}
