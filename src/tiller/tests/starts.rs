//! Tillers whose command line is read and that exit nevertheless.

use super::{container, exit, read, summary};
use crate::pod::{Container, VolumeMount};

fn mounted(container: Container<'static>, path: &'static str) -> Container<'static> {
    let mount = VolumeMount {
        mount_path: path.into(),
        ..VolumeMount::default()
    };
    Container {
        volume_mounts: vec![mount].into(),
        ..container
    }
}

#[test]
fn addresses_that_go_refuses() {
    let cases = [
        ("", ""),
        (":", ""),
        (":0", ""),
        (":44134", ""),
        (":+44134", ""),
        (":http", ""),
        ("localhost:44134", ""),
        ("LOCALHOST:44134", ""),
        ("localhost:", ""),
        ("0.0.0.0:44134", ""),
        ("127.0.0.01:44134", ""),
        ("[::1]:44134", ""),
        ("[::]:44134", ""),
        ("[fe80::1%eth0]:44134", ""),
        ("[127.0.0.1]:44134", ""),
        ("[]:44134", ""),
        ("tiller.team-a.svc.:1", ""),
        ("a.1:1", ""),
        ("0x7f000001:1", ""),
        ("127.0.0.1", "address 127.0.0.1: missing port in address"),
        ("localhost", "address localhost: missing port in address"),
        ("[::1]", "address [::1]: missing port in address"),
        ("[::1]x:1", "address [::1]x:1: missing port in address"),
        ("[::1:1", "address [::1:1: missing ']' in address"),
        ("::1", "address ::1: too many colons in address"),
        ("::1:44134", "address ::1:44134: too many colons in address"),
        ("[::1]:1:2", "address [::1]:1:2: too many colons in address"),
        (
            "http://localhost:1",
            "address http://localhost:1: too many colons in address",
        ),
        ("a[b:1", "address a[b:1: unexpected '[' in address"),
        ("a]b:1", "address a]b:1: unexpected ']' in address"),
        (":65536", "address 65536: invalid port"),
        (":-1", "address -1: invalid port"),
        (
            ":99999999999999999999",
            "address 99999999999999999999: invalid port",
        ),
        (":abc", "lookup tcp/abc: unknown port"),
        (":44134 ", "lookup tcp/44134 : unknown port"),
        ("127.1:1", "lookup 127.1: no such host"),
        ("2130706433:1", "lookup 2130706433: no such host"),
        ("256.0.0.1:1", "lookup 256.0.0.1: no such host"),
        ("1.2.3.4.:1", "lookup 1.2.3.4.: no such host"),
        ("*:1", "lookup *: no such host"),
        (" :1", "lookup  : no such host"),
        ("-a:1", "lookup -a: no such host"),
        ("a..b:1", "lookup a..b: no such host"),
        ("[::g]:1", "lookup ::g: no such host"),
    ];
    for (address, error) in cases {
        let word = format!("--listen={address}");
        let container = container("2.17.0", &["/tiller"], &[&word], &[]);
        let tiller = read(&container);
        let expected = format!("Server died: listen tcp: {error}");
        let expected = (!error.is_empty()).then_some((1, expected.as_str()));
        assert_eq!(exit(&tiller), expected, "{address}");
        assert!(tiller.effective.listen.is(&address.into()), "{address}");
    }
}

#[test]
fn a_probe_listener_that_fails_ends_tiller() {
    let word = "--probe-listen=127.0.0.1";
    let reason = "Probes server died: listen tcp: address 127.0.0.1: missing port in address";
    let failing = container("2.17.0", &["/tiller"], &[word], &[]);
    assert_eq!(exit(&read(&failing)), Some((0, reason)));
    let off = container("2.17.0", &["/tiller"], &[word, "--probe=false"], &[]);
    assert_eq!(exit(&read(&off)), None);
}

#[test]
fn certificates_that_cannot_be_there() {
    const PAIR: &str = "Could not create server TLS configuration: could not read x509 key pair \
                        (cert: \"tls.crt\", key: \"tls.key\"): can't load key pair from cert tls.crt \
                        and key tls.key: open tls.crt: no such file or directory";
    const CA: &str = "Could not create server TLS configuration: can't read CA file: ca.crt";
    let absolute = ["--tls-key=/k", "--tls-cert=/c"];
    let cases: [(&str, &[&str], &str); 9] = [
        ("off", &[], ""),
        ("key pair for tls", &["--tls"], PAIR),
        ("key pair for verify", &["--tls-verify"], PAIR),
        ("no ca for tls", &["--tls", absolute[0], absolute[1]], ""),
        (
            "ca for verify",
            &["--tls-verify", absolute[0], absolute[1]],
            CA,
        ),
        (
            "absolute ca",
            &["--tls-verify", absolute[0], absolute[1], "--tls-ca-cert=/a"],
            "",
        ),
        (
            "empty ca",
            &["--tls-verify", absolute[0], absolute[1], "--tls-ca-cert="],
            "",
        ),
        (
            "empty key",
            &["--tls", "--tls-key=", "--tls-cert=/c"],
            "Could not create server TLS configuration: could not read x509 key pair (cert: \"/c\", \
             key: \"\"): can't load key pair from cert /c and key : open : no such file or directory",
        ),
        (
            "ca of the image",
            &[
                "--tls-verify",
                absolute[0],
                absolute[1],
                "--tls-ca-cert=etc/ssl/cert.pem",
            ],
            "",
        ),
    ];
    for (name, args, reason) in cases {
        let container = container("2.17.0", &["/tiller"], args, &[]);
        let tiller = read(&container);
        let expected = (!reason.is_empty()).then_some((1, reason));
        assert_eq!(exit(&tiller), expected, "{name}");
    }
}

#[test]
fn a_relative_path_is_looked_for_in_the_working_directory() {
    // Working directory, mount, certificates' directory, whether Tiller may serve.
    let cases = [
        ("", "/etc/certs", "certs", false),
        ("", "/etc/certs", "etc/certs", true),
        ("/", "/certs", "certs", true),
        ("", "certs", "certs", true),
        ("", "/certs-2", "certs", false),
        ("/etc/certs", "/etc/certs/", "", true),
        ("/etc/certs", "/etc/certs", "../other", false),
        ("/work", "/etc/certs", "../etc/certs", true),
        ("/work", "/", "", true),
        ("", "/etc/certs", "proc/self/root/etc/certs", true),
        ("relative", "/etc/certs", "certs", true),
    ];
    for (working_dir, mount, directory, serves) in cases {
        let env = [("TILLER_TLS_CERTS", directory)];
        let container = mounted(
            container("2.17.0", &["/tiller"], &["--tls-verify"], &env),
            mount,
        );
        let container = Container {
            working_dir: working_dir.into(),
            ..container
        };
        let exited = exit(&read(&container)).map(|(code, _)| code);
        assert_eq!(
            exited,
            (!serves).then_some(1),
            "{working_dir} {mount} {directory}"
        );
    }
}

#[test]
fn certificates_fail_before_the_listener() {
    let container = container("2.17.0", &["/tiller"], &["--tls", "--listen=x"], &[]);
    let tiller = read(&container);
    let (_, reason) = exit(&tiller).unwrap();
    assert!(reason.starts_with("Could not create server TLS configuration: "));
}

#[test]
fn words_of_megabytes_are_read_in_time_and_not_repeated() {
    let dollars = "$(".repeat(1 << 20);
    let parents = "../".repeat(1 << 20);
    let cases = [
        vec![format!("--storage={dollars}")],
        vec![format!("--storage={dollars})")],
        vec![format!("--storage={}", "$$".repeat(1 << 20))],
        vec![format!("--bogus={dollars}"), parents.clone()],
        vec!["--tls".to_owned(), format!("--tls-key={parents}")],
        vec![format!("--listen={}", "a.".repeat(1 << 20))],
        vec![format!("--vmodule={}", "a=1,".repeat(1 << 20))],
        vec!["-v=1".to_owned(); 1 << 17],
    ];
    for words in cases {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let container = container("2.17.0", &["/tiller"], &words, &[]);
        let tiller = read(&container);
        assert!(
            tiller.start.known().is_none()
                || exit(&tiller).is_none_or(|(_, reason)| reason.len() < 1024)
        );
        assert!(tiller.start.unknown().is_none() || summary(&tiller).len() < 1024);
    }
}
