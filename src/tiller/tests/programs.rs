//! Which launches start Tiller: what a command line starts, not the letters in it.

use crate::json::{Reader, read};
use crate::pod::Container;
use crate::tiller::program::{Prepared, started};

/// A container with these fields, which outlive the test.
fn container(fields: &str) -> Container<'static> {
    let json = format!(r#"{{"name":"a","image":"example/a:1",{fields}}}"#);
    read(&mut Reader::new(json.leak())).unwrap()
}

fn starts_tiller(container: &Container<'_>) -> bool {
    crate::tiller::program::starts_tiller(container, &Prepared::default())
}

pub(super) fn launched(words: &[&str]) -> bool {
    let words = serde_json::to_string(words).unwrap();
    starts_tiller(&container(&format!(r#""command":{words}"#)))
}

#[test]
fn a_program_is_started_directly_or_by_a_wrapper() {
    let wrong = [
        &["/tiller"][..],
        &["tiller", "--listen=:1"],
        &["/usr/local/bin/tiller-2.17.0"],
        &["./tiller-linux-amd64"],
        &["/usr/bin/env", "A=b", "-u", "X", "/tiller"],
        &["env", "-S", "A=b tiller --listen=:1"],
        &["tini", "--", "/tiller"],
        &["/sbin/tini-static", "-g", "--", "/tiller"],
        &["dumb-init", "--single-child", "--", "sh", "-c", "tiller"],
        &["/bin/busybox", "sh", "-c", "/tiller"],
        &["busybox", "nohup", "/tiller"],
        &["sudo", "-u", "nobody", "-E", "/tiller"],
        &["su-exec", "nobody", "/tiller"],
        &["gosu", "65534:65534", "tiller"],
        &["timeout", "-k", "5", "60", "tiller"],
        &["nice", "-n", "5", "ionice", "-c", "2", "tiller"],
        &["su", "nobody", "-s", "/bin/sh", "-c", "exec tiller"],
        &["/docker-entrypoint.sh", "tiller"],
        &["/opt/unknown", "--", "tiller"],
        &[
            "dockerize",
            "-wait",
            "tcp://db:5432",
            "-timeout",
            "60s",
            "tiller",
        ],
        &["/usr/local/bin/vault-env", "tiller", "--listen=:1"],
        &["/init", "tiller"],
        &[
            "start-stop-daemon",
            "--start",
            "--exec",
            "/tiller",
            "--",
            "--listen=:1",
        ],
        &[
            "start-stop-daemon",
            "-S",
            "-x",
            "/usr/bin/env",
            "--",
            "tiller",
        ],
        &["chpst", "-u", "nobody", "tiller"],
        &["setpriv", "--reuid", "65534", "--clear-groups", "tiller"],
        &["runuser", "nobody", "-c", "tiller"],
        &["runuser", "-u", "nobody", "--", "tiller"],
        &["runuser", "-u", "nobody", "tiller"],
        &["su", "-s", "/tiller", "nobody"],
        &["su", "-", "nobody", "-c", "tiller"],
        &["sg", "nobody", "tiller --listen=:1"],
        &["setuidgid", "nobody", "tiller"],
        &["s6-envdir", "/env", "tiller"],
        &["tmux", "new-session", "-d", "-s", "x", "tiller --listen=:1"],
        &["screen", "-dmS", "x", "tiller"],
        &["/lib64/ld-linux-x86-64.so.2", "/opt/x/tiller"],
        &["consul-template", "-template", "a:b", "-exec", "tiller"],
        &["npm", "exec", "--", "tiller"],
        &["go", "run", "./cmd/tiller"],
        &[
            "go",
            "run",
            "-tags",
            "x",
            "k8s.io/helm/cmd/tiller@v2.17.0",
            "--listen=:1",
        ],
        &["awk", "BEGIN { system(\"tiller\") }"],
        &["gawk", "-v", "a=b", "BEGIN { \"exec tiller\" | getline }"],
        &["/opt/unknown", "/usr/local/bin/tiller"],
        &["/opt/unknown", "bash", "-c", "tiller &"],
        &["/opt/unknown", "/tiller --storage=secret"],
        &["bash", "-euo", "pipefail", "-c", "tiller"],
        &["sh", "-c", "exec \"$@\"", "--", "/tiller"],
        &["sh", "-c", "exec $0 --listen=:1", "/tiller"],
        &["flock", "/tmp/l", "-c", "tiller"],
        &["helm", "tiller", "run", "team-a", "--", "helm", "ls"],
        &["helm", "--debug", "tiller", "start-ci"],
        &[
            "python3",
            "-c",
            "import os; os.execv('/tiller', ['tiller'])",
        ],
        &[
            "python",
            "-c",
            "import subprocess as s; s.Popen(\"tiller --listen=:1\", shell=True)",
        ],
        &["perl", "-e", "exec '/tiller', '--listen=:1'"],
        &["ruby", "-e", "`tiller`"],
        &["node", "-e", "require('child_process').spawn('/tiller')"],
    ];
    let wrong: Vec<_> = wrong.into_iter().filter(|words| !launched(words)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_value_of_another_program_is_no_start() {
    let wrong = [
        &["helm", "init", "--service-account", "tiller"][..],
        &["helm", "--tiller-namespace", "tiller", "ls"],
        &["helm", "tiller", "install"],
        &[
            "helm",
            "plugin",
            "install",
            "https://example.com/helm-tiller",
        ],
        &[
            "kubectl",
            "-n",
            "tiller",
            "rollout",
            "status",
            "deploy/tiller",
        ],
        &[
            "kubectl",
            "exec",
            "deploy/tiller-deploy",
            "--",
            "/tiller",
            "--version",
        ],
        &["/deploy", "--namespace=tiller", "tiller"],
        &["/deploy", "--image=ghcr.io/helm/tiller:v2.17.0"],
        &["cp", "/bin/tiller", "/shared/tiller"],
        &["wget", "-O", "/usr/local/bin/tiller", "https://example.com"],
        &["sudo", "-u", "tiller", "/web"],
        &["gosu", "tiller", "/web"],
        &["su", "tiller", "-c", "/web"],
        &["env", "NAME=tiller", "/web"],
        &["artillery", "run", "/flows/tiller.yml"],
        &["oauth2-proxy", "--", "tiller"],
        &["kube-metrics-exporter", "--", "tiller"],
        &["npm", "run", "--", "tiller"],
        &["npm", "run", "x", "--", "tiller"],
        &["yarn", "add", "tiller"],
        &["runuser", "tiller", "-c", "/web"],
        &["runuser", "-u", "tiller", "--", "/web"],
        &["runuser", "-u", "tiller", "/web"],
        &["su", "-", "tiller", "-c", "helm ls"],
        &["su", "tiller"],
        &["su", "-s", "/bin/sh", "tiller", "-c", "/web"],
        &["sg", "tiller", "/web"],
        &[
            "start-stop-daemon",
            "--start",
            "--chuid",
            "tiller",
            "--exec",
            "/web",
        ],
        &["go", "build", "./cmd/tiller"],
        &["go", "run", "./cmd/helm", "tiller"],
        &["awk", "/tiller/ { print \"tiller\" }", "/var/log/x"],
        &["dockerize", "-template", "tiller", "/web"],
        &["/opt/distiller"],
        &["tillerless", "run"],
        &["/kubeapps-tiller-proxy", "--host=tiller-deploy:44134"],
        &["python3", "-c", "print('tiller')"],
        &["python3", "deploy.py", "tiller"],
        &["sh", "/deploy.sh", "tiller"],
        &["bash", "-c"],
        &["sh"],
        &["env"],
    ];
    let wrong: Vec<_> = wrong.into_iter().filter(|words| launched(words)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn variables_of_the_container_are_put_in_before() {
    let script = r#""command":["/bin/sh"],"args":["-c","$(SCRIPT)"],"env":[{"name":"SCRIPT","value":"set -e\ntiller &"}]"#;
    let by_shell = r#""command":["sh","-c","exec $BIN"],"env":[{"name":"BIN","value":"/tiller"}]"#;
    let evaluated = r#""command":["sh","-c","eval \"$SCRIPT\""],"env":[{"name":"SCRIPT","value":"exec tiller"}]"#;
    let joined =
        r#""command":["/$(A)$(B)"],"env":[{"name":"A","value":"til"},{"name":"B","value":"ler"}]"#;
    let around =
        r#""command":["/$(A)ll$(B)"],"env":[{"name":"A","value":"ti"},{"name":"B","value":"er"}]"#;
    let in_order =
        r#""command":["$(B)"],"env":[{"name":"A","value":"/tiller"},{"name":"B","value":"$(A)"}]"#;
    let last =
        r#""command":["$(A)"],"env":[{"name":"A","value":"/web"},{"name":"A","value":"/tiller"}]"#;
    for fields in [script, by_shell, evaluated, joined, around, in_order, last] {
        assert!(starts_tiller(&container(fields)), "{fields}");
    }
    let value = r#""command":["/web","--namespace=$(A)"],"env":[{"name":"A","value":"tiller"}]"#;
    let escaped = r#""command":["$$(A)"],"env":[{"name":"A","value":"/tiller"}]"#;
    let too_early =
        r#""command":["$(B)"],"env":[{"name":"B","value":"$(A)"},{"name":"A","value":"/tiller"}]"#;
    let replaced =
        r#""command":["$(A)"],"env":[{"name":"A","value":"/tiller"},{"name":"A","value":"/web"}]"#;
    let elsewhere =
        r#""command":["$(A)"],"env":[{"name":"A","value":"/tiller","valueFrom":{"fieldRef":{}}}]"#;
    let helm = r#""command":["sh","-c","$(SCRIPT)"],"env":[{"name":"SCRIPT","value":"helm init --service-account tiller"}]"#;
    for fields in [value, escaped, too_early, replaced, elsewhere, helm] {
        assert!(!starts_tiller(&container(fields)), "{fields}");
    }
}

#[test]
fn arguments_without_a_path_are_for_the_images_program() {
    let image = |image: &str, args: &str| {
        let json = format!(r#"{{"image":"{image}","args":{args}}}"#);
        let container: Container<'_> = read(&mut Reader::new(json.leak())).unwrap();
        starts_tiller(&container)
    };
    for (name, args, expected) in [
        ("alpine/helm:2.17.0", r#"["tiller","list"]"#, false),
        ("alpine/helm", r#"["tiller","stop"]"#, false),
        (
            "alpine/helm",
            r#"["tiller","run","team-a","--","helm","ls"]"#,
            true,
        ),
        ("alpine/helm", r#"["tiller","start"]"#, true),
        ("alpine/helm", r#"["tiller","--listen=:1"]"#, true),
        ("alpine/helm", r#"["tiller"]"#, false),
        ("alpine/helm", r#"["/tiller","list"]"#, true),
        ("example/tools", r#"["tiller","list"]"#, false),
        ("example/tools", r#"["tiller"]"#, false),
        ("nginx", r#"["tiller"]"#, false),
        ("example/tools", r#"["tiller","--storage=secret"]"#, true),
        ("example/tools", r#"["/tiller"]"#, true),
        ("example/tools", r#"["sh","-c","tiller"]"#, true),
        ("alpine:3.19", r#"["tiller"]"#, true),
        ("registry.example.com/ubi9-minimal", r#"["tiller"]"#, true),
        ("example/tiller", r#"["tiller"]"#, true),
        ("example/helmet", r#"["tiller","list"]"#, false),
    ] {
        assert_eq!(image(name, args), expected, "{name} {args}");
    }
}

#[test]
fn helms_client_is_known() {
    for words in [
        r#"["helm","init"]"#,
        r#"["sh","-c","helm init"]"#,
        r#"["sh","-c","sleep 1; kubectl get pods"]"#,
        r#"["/tiller-proxy"]"#,
    ] {
        let container = container(&format!(r#""command":{words}"#));
        assert!(started(&container).client, "{words}");
    }
    assert!(!started(&container(r#""command":["/web"]"#)).client);
}
