//! Command lines and environments with what comes of them.

use super::{container, read, summary};

/// Asserts the summary of `/tiller` with words and environment.
fn assert_reads(version: &str, args: &[&str], env: &[(&str, &str)], expected: &str) {
    let container = container(version, &["/tiller"], args, env);
    assert_eq!(
        summary(&read(&container)),
        expected,
        "{version} {args:?} {env:?}"
    );
}

/// Cases of one version each: name, version, words, environment, summary.
macro_rules! cases {
    ($($name:ident: $version:literal [$($word:expr),*] [$($env:ident = $value:literal),*] => $expected:literal;)*) => {
        $(#[test]
        fn $name() {
            let env = [("TILLER_TLS_CERTS", "/certs"), $((stringify!($env), $value)),*];
            assert_reads($version, &[$($word),*], &env, $expected);
        })*
    };
}

// Go's package `flag`.
cases! {
    nothing_given: "2.17.0" [] [] => "serves :44134 configmap off off";
    double_dash: "2.17.0" ["--storage=secret", "--tls-verify"] [] => "serves :44134 secret on required";
    single_dash: "2.17.0" ["-storage", "secret", "-tls-verify=1"] [] => "serves :44134 secret on required";
    a_bool_takes_no_word: "2.17.0" ["--tls-verify", "false", "--storage=secret"] [] => "serves :44134 configmap on required";
    a_value_may_look_like_a_flag: "2.17.0" ["--storage", "--tls-verify"] [] => "serves :44134 memory off off";
    double_dash_ends: "2.17.0" ["--", "--storage=secret"] [] => "serves :44134 configmap off off";
    empty_word_ends: "2.17.0" ["", "--storage=secret"] [] => "serves :44134 configmap off off";
    lone_dash_ends: "2.17.0" ["-", "--storage=secret"] [] => "serves :44134 configmap off off";
    program_again_ends: "2.17.0" ["/tiller", "--storage=secret"] [] => "serves :44134 configmap off off";
    positional_ends: "2.17.0" ["serve", "--storage=secret"] [] => "serves :44134 configmap off off";
    last_wins: "2.17.0" ["--storage=secret", "--storage=memory"] [] => "serves :44134 memory off off";
    value_of_other_case: "2.17.0" ["--storage=SECRET"] [] => "serves :44134 memory off off";
    value_unknown: "2.17.0" ["--storage=secrets"] [] => "serves :44134 memory off off";
    value_empty: "2.17.0" ["--storage="] [] => "serves :44134 memory off off";
    value_with_equals: "2.17.0" ["--storage=secret=x"] [] => "serves :44134 memory off off";
    verify_beats_tls: "2.17.0" ["--tls-verify", "--tls=false"] [] => "serves :44134 configmap on required";
    verify_off_by_flag: "2.17.0" ["--tls", "--tls-verify=F"] [TILLER_TLS_VERIFY = "1"] => "serves :44134 configmap on off";
    variable_zero_is_on: "2.17.0" [] [TILLER_TLS_VERIFY = "0"] => "serves :44134 configmap on required";
    variable_empty_is_off: "2.17.0" [] [TILLER_TLS_VERIFY = "", TILLER_TLS_ENABLE = "1"] => "serves :44134 configmap on off";
    verify_yes: "2.17.0" ["--tls-verify=yes"] [] => "exit 2 invalid boolean value \"yes\" for -tls-verify: parse error";
    listen_shorthand: "2.17.0" ["-l", ":44134"] [] => "exit 2 flag provided but not defined: -l";
    system_roots: "2.17.0" ["--tls-verify", "--tls-ca-cert=", "--tls-key=/k", "--tls-cert=/c"] [] => "serves :44134 configmap on required";
    level_as_a_word: "2.17.0" ["-v", "4", "--storage=secret"] [] => "serves :44134 secret off off";
    level_as_a_word_klog: "2.13.1" ["-v", "4", "--storage=secret"] [] => "serves :44134 secret off off";
    level_as_a_word_glog: "2.12.3" ["-v", "4", "--storage=secret"] [] => "serves :44134 secret off off";
    level_without_logging_flags: "2.13.0" ["-v", "4", "--storage=secret"] [] => "exit 2 flag provided but not defined: -v";
    level_swallows_a_flag: "2.17.0" ["-v", "--storage=secret"] [] => "exit 2 invalid value \"--storage=secret\" for flag -v: strconv.Atoi: parsing \"--storage=secret\": invalid syntax";
    localhost: "2.17.0" ["--listen=127.0.0.1:44134", "--probe=false"] [] => "serves 127.0.0.1:44134 configmap off off";
    no_namespace_flag: "2.17.0" ["--namespace=x"] [] => "exit 2 flag provided but not defined: -namespace";
    no_bundling: "2.17.0" ["-lv"] [] => "exit 2 flag provided but not defined: -lv";
    no_abbreviation: "2.17.0" ["--store=secret"] [] => "exit 2 flag provided but not defined: -store";
    no_name: "2.17.0" ["--=v"] [] => "exit 2 bad flag syntax: --=v";
    no_name_single: "2.17.0" ["-=v"] [] => "exit 2 bad flag syntax: -=v";
    three_dashes: "2.17.0" ["---"] [] => "exit 2 bad flag syntax: ---";
    dangling: "2.17.0" ["--tls", "--listen"] [] => "exit 2 flag needs an argument: -listen";
    help: "2.17.0" ["--help"] [] => "exit 0 Usage of /tiller:";
    help_short: "2.17.0" ["-h"] [] => "exit 0 Usage of /tiller:";
    an_error_before_help: "2.17.0" ["--x", "--help"] [] => "exit 2 flag provided but not defined: -x";
    help_after_the_end: "2.17.0" ["x", "--help"] [] => "serves :44134 configmap off off";
    version_flag: "2.17.0" ["--version"] [] => "exit 0 v2.17.0";
    version_flag_first_known: "2.8.0" ["--version"] [] => "exit 0 v2.8.0";
    version_flag_not_yet: "2.7.2" ["--version"] [] => "exit 2 flag provided but not defined: -version";
    version_flag_off: "2.17.0" ["--version=false"] [] => "serves :44134 configmap off off";
    an_error_after_version: "2.17.0" ["--version", "--x"] [] => "exit 2 flag provided but not defined: -x";
    history_no_number: "2.17.0" ["--history-max=x"] [] => "exit 2 invalid value \"x\" for flag -history-max: parse error";
    history_too_long: "2.17.0" ["--history-max=9223372036854775808"] [] => "exit 2 invalid value \"9223372036854775808\" for flag -history-max: value out of range";
    history_empty: "2.17.0" ["--history-max="] [] => "exit 2 invalid value \"\" for flag -history-max: parse error";
}

// What a version has and does.
cases! {
    secret_not_yet: "2.6.2" ["--storage=secret"] [] => "serves :44134 memory off off";
    secret_first: "2.7.0" ["--storage=secret"] [] => "serves :44134 secret off off";
    sql_not_yet: "2.13.1" ["--storage=sql"] [] => "serves :44134 memory off off";
    sql_first: "2.14.0" ["--storage=sql", "--sql-dialect=postgres"] [] => "serves :44134 sql off off";
    verify_first: "2.3.1" ["--tls-verify"] [] => "serves :44134 configmap on required";
    verify_if_given_first: "2.4.0" ["--tls-verify"] [] => "serves :44134 configmap on if-given";
    verify_if_given_last: "2.7.1" ["--tls-verify"] [] => "serves :44134 configmap on if-given";
    verify_required_again: "2.7.2" ["--tls-verify"] [] => "serves :44134 configmap on required";
    tls_not_yet: "2.2.3" ["--tls"] [] => "exit 1 unknown flag: --tls";
    tls_variable_not_yet: "2.2.3" [] [TILLER_TLS_VERIFY = "1"] => "serves :44134 configmap off off";
    experimental_not_yet: "2.4.2" ["--experimental-release"] [] => "exit 1 unknown flag: --experimental-release";
    history_not_yet: "2.6.2" ["--history-max=3"] [] => "exit 2 flag provided but not defined: -history-max";
    probe_listen_not_yet: "2.13.1" ["--probe-listen=:1"] [] => "exit 2 flag provided but not defined: -probe-listen";
    probe_not_yet: "2.14.3" ["--probe"] [] => "exit 2 flag provided but not defined: -probe";
    klog_file_not_yet: "2.12.3" ["--log_file=x"] [] => "exit 2 flag provided but not defined: -log_file";
    klog_size_not_yet: "2.14.3" ["--log_file_max_size=1"] [] => "exit 2 flag provided but not defined: -log_file_max_size";
    klog_directory_not_yet: "2.15.2" ["--add_dir_header"] [] => "exit 2 flag provided but not defined: -add_dir_header";
    klog_directory_first: "2.16.0" ["--add_dir_header"] [] => "serves :44134 configmap off off";
}

// cobra and pflag.
cases! {
    cobra_exits_with_0: "2.1.3" ["--bogus"] [] => "exit 0 unknown flag: --bogus";
    cobra_exits_with_1: "2.2.0" ["--bogus"] [] => "exit 1 unknown flag: --bogus";
    cobra_last: "2.4.2" ["--bogus"] [] => "exit 1 unknown flag: --bogus";
    cobra_no_more: "2.5.0" ["--bogus"] [] => "exit 2 flag provided but not defined: -bogus";
    cobra_shorthand_word: "2.4.2" ["-l", ":1"] [] => "serves :1 configmap off off";
    cobra_shorthand_attached: "2.4.2" ["-l:1"] [] => "serves :1 configmap off off";
    cobra_shorthand_equals: "2.4.2" ["-l=:1"] [] => "serves :1 configmap off off";
    cobra_shorthand_dangling: "2.4.2" ["-l"] [] => "exit 1 flag needs an argument: 'l' in -l";
    cobra_single_dash: "2.4.2" ["-storage=memory"] [] => "exit 1 unknown shorthand flag: 's' in -storage=memory";
    cobra_interspersed: "2.4.2" ["x", "--storage=memory", "", "-", "--tls"] [] => "serves :44134 memory on off";
    cobra_double_dash_ends: "2.4.2" ["--tls", "--", "--storage=memory"] [] => "serves :44134 configmap on off";
    cobra_bool_takes_no_word: "2.4.2" ["--tls", "false"] [] => "serves :44134 configmap on off";
    cobra_value_word: "2.4.2" ["--storage", "--tls"] [] => "serves :44134 memory off off";
    cobra_dangling: "2.4.2" ["--storage"] [] => "exit 1 flag needs an argument: --storage";
    cobra_last_wins: "2.4.2" ["--storage=memory", "--storage=configmap"] [] => "serves :44134 configmap off off";
    cobra_bad_syntax: "2.4.2" ["--=x"] [] => "exit 1 bad flag syntax: --=x";
    cobra_bad_bool: "2.4.2" ["--tls=yes"] [] => "exit 1 invalid argument \"yes\" for --tls=yes: strconv.ParseBool: parsing \"yes\": invalid syntax";
    cobra_help: "2.4.2" ["--help"] [] => "exit 0 Usage of /tiller:";
    cobra_help_shorthand: "2.4.2" ["-h"] [] => "exit 0 Usage of /tiller:";
    cobra_help_and_listen: "2.4.2" ["-hl:1"] [] => "exit 0 Usage of /tiller:";
    cobra_help_off: "2.4.2" ["--help=false"] [] => "serves :44134 configmap off off";
    cobra_an_error_after_help: "2.4.2" ["--help", "--x"] [] => "exit 1 unknown flag: --x";
    cobra_last_word_after_a_lone_dash: "2.4.2" ["-"] [] => "serves :44134 configmap off off";
}
