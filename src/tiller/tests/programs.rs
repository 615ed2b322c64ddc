//! Which launches start Tiller: what a command line starts, not the letters in it.

use crate::json::{Reader, read};
use crate::pod::Container;
use crate::tiller::program::{started, starts_tiller};

/// A container with these fields, which outlive the test.
fn container(fields: &str) -> Container<'static> {
    let json = format!(r#"{{"name":"a","image":"example/a:1",{fields}}}"#);
    read(&mut Reader::new(json.leak())).unwrap()
}

fn launched(words: &[&str]) -> bool {
    let words = serde_json::to_string(words).unwrap();
    starts_tiller(&container(&format!(r#""command":{words}"#)))
}

fn by_line(line: &str) -> bool {
    launched(&["/bin/sh", "-c", line])
}

#[test]
fn a_program_is_started_directly_or_by_a_wrapper() {
    for words in [
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
        &["/opt/unknown", "/usr/local/bin/tiller"],
        &["/opt/unknown", "bash", "-c", "tiller &"],
        &["/opt/unknown", "/tiller --storage=secret"],
        &["bash", "-euo", "pipefail", "-c", "tiller"],
        &["sh", "/tiller"],
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
    ] {
        assert!(launched(words), "{words:?}");
    }
}

#[test]
fn a_value_of_another_program_is_no_start() {
    for words in [
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
        &["/opt/distiller"],
        &["tillerless", "run"],
        &["/kubeapps-tiller-proxy", "--host=tiller-deploy:44134"],
        &["python3", "-c", "print('tiller')"],
        &["python3", "deploy.py", "tiller"],
        &["sh", "/deploy.sh", "tiller"],
        &["bash", "-c"],
        &["sh"],
        &["env"],
    ] {
        assert!(!launched(words), "{words:?}");
    }
}

#[test]
fn a_line_starts_what_stands_where_commands_do() {
    for line in [
        "tiller",
        "exec /tiller --listen=:1",
        "sleep 1;tiller&",
        "sleep 1 && tiller",
        "false || tiller",
        "echo | tiller",
        "(tiller)",
        "{ tiller; }",
        "! tiller",
        "A=b C='d e' tiller",
        "if true; then tiller; fi",
        "if tiller; then :; fi",
        "if false; then :; elif tiller; then :; else :; fi",
        "while true; do tiller; done",
        "until tiller; do sleep 1; done",
        "for i in 1 2; do tiller; done",
        "for ((i=0; i<3; i++)); do tiller; done",
        "case x in x) tiller;; esac",
        "case x in (x|y) :;; *) tiller ;; esac",
        "case x in x) :;; esac; tiller",
        "f() { tiller; }; f",
        "function f { tiller; }; f",
        "x=$(tiller)",
        "echo \"`tiller`\"",
        "echo \"$(tiller &)\"",
        "cat <(tiller)",
        "nohup tiller > /dev/null 2>&1 &",
        "> /log 2>&1 tiller",
        "2>/dev/null tiller",
        "tiller -listen localhost:44134 > /dev/null 2>&1 &",
        "exec sudo -E tiller",
        "time tiller",
        "eval 'tiller &'",
        "sh -c 'tiller'",
        "bash -lc \"exec tiller\"",
        "su nobody -c \"sh -c 'tiller'\"",
        "T=/tiller; $T --listen=:1",
        "T=/tiller; exec \"${T}\" --listen=:1",
        "exec ${T:-/tiller} --listen=:1",
        "export T=tiller; exec $T",
        "CMD=(tiller --listen=:1); \"${CMD[@]}\"",
        "exec $(which tiller) --storage=secret",
        "T=$(command -v tiller); $T",
        "echo a # a comment\ntiller",
        "cat <<EOF\nname: x\nEOF\ntiller",
        "cat <<-'EOF' > /x\n\tname: x\n\tEOF\ntiller",
        "cat <<A <<B\na\nA\nb\nB\ntiller",
        "sh <<EOF\ntiller\nEOF",
        "cat <<EOF | bash -s\ntiller\nEOF",
        "sh <<< tiller",
        "cat > /run.sh <<EOF\nexec tiller\nEOF\nsh /run.sh",
        "set -e\nexport HELM_HOST=:44134\n\n/tiller --listen=:1 &\nhelm ls",
        "exec \\\n  tiller",
        "test -x /tiller && exec /tiller",
        "helm tiller start team-a",
        "trap : EXIT; tiller",
        "[[ -x /tiller ]] && /tiller",
        "a() { :; }; (b() { :; }; tiller)",
        "echo \"$(f() { :; }; tiller)\"",
        "echo 'unfinished; tiller' ; tiller",
        "exec $(echo tiller)",
        "echo tiller | sh",
        "printf 'exec tiller' | bash -s",
        "trap tiller EXIT",
        "for t in tiller; do $t; done",
        "t+=tiller; $t",
        "echo $'it\\'s'; tiller",
        "x=${y//\\\"/}; tiller",
        "until ! tiller; do break; done",
        "f() (tiller); f",
        "if [[ a =~ (b|a) ]]; then tiller; fi",
        "set -e; (cd /tmp; tiller)",
    ] {
        assert!(by_line(line), "{line}");
    }
}

#[test]
fn a_line_that_only_names_it_starts_nothing() {
    for line in [
        "helm init --service-account tiller --tiller-namespace team-a",
        "kubectl create sa tiller; kubectl get sa/tiller",
        "kubectl -n kube-system create serviceaccount tiller && helm init --service-account=tiller",
        "openssl req -subj \"/O=example/CN=tiller\"",
        "cat > /s.yaml <<EOF\nname: tiller\ntiller\nEOF\nkubectl create -f /s.yaml",
        "cat <<'EOF' | kubectl apply -f -\n$(tiller)\nEOF",
        "echo tiller",
        "echo 'tiller; tiller'",
        "echo \"a; tiller\"",
        "# tiller\nhelm ls",
        "helm ls # ; tiller",
        "until kubectl get deploy tiller; do sleep 1; done",
        "for ns in tiller web; do helm ls; done",
        "for tiller in a; do :; done",
        "case \"$1\" in tiller) helm ls;; esac",
        "case x in\n  tiller)\n  helm ls\n  ;;\n  a|tiller) :\nesac",
        "[ \"$X\" = tiller ]",
        "[[ $X == tiller || $Y == tiller ]]",
        "NAME=tiller; helm ls --namespace $NAME",
        "NAMES=(a tiller b); helm ls",
        "tiller() { helm \"$@\"; }",
        "which tiller || helm ls",
        "command -v tiller",
        "chmod +x /usr/local/bin/tiller",
        "test -x /tiller",
        "curl -sL x | tar xz; mv linux-amd64/tiller /usr/local/bin/tiller",
        "tiller -version",
        "/tiller --help",
        "helm version > tiller",
        "ls >tiller 2>tiller",
        "cat < /tiller",
        "ssh host tiller",
        "kubectl exec -i x -- sh <<EOF\ntiller\nEOF",
        "pkill tiller; killall tiller",
        "echo $((tiller + 1))",
        "su tiller -c 'helm ls'",
        "artillery run x && distiller",
        "helm tiller stop; helm tiller env",
        "echo \\; tiller",
        "'tiller --listen=:1'",
        "echo tiller | cat",
        "echo tiller\nsh -c 'helm ls'",
        "trap 'helm ls' EXIT; : tiller",
        "x=(tiller a); :",
        "case x in x) :;; tiller) :;; esac",
        "echo {tiller,a}",
        ": \"${x:=tiller}\"",
    ] {
        assert!(!by_line(line), "{line}");
    }
}

#[test]
fn variables_of_the_container_are_put_in_before() {
    let script = r#""command":["/bin/sh"],"args":["-c","$(SCRIPT)"],"env":[{"name":"SCRIPT","value":"set -e\ntiller &"}]"#;
    let by_shell = r#""command":["sh","-c","exec $BIN"],"env":[{"name":"BIN","value":"/tiller"}]"#;
    let evaluated = r#""command":["sh","-c","eval \"$SCRIPT\""],"env":[{"name":"SCRIPT","value":"exec tiller"}]"#;
    let joined =
        r#""command":["/$(A)$(B)"],"env":[{"name":"A","value":"til"},{"name":"B","value":"ler"}]"#;
    let in_order =
        r#""command":["$(B)"],"env":[{"name":"A","value":"/tiller"},{"name":"B","value":"$(A)"}]"#;
    let last =
        r#""command":["$(A)"],"env":[{"name":"A","value":"/web"},{"name":"A","value":"/tiller"}]"#;
    for fields in [script, by_shell, evaluated, joined, in_order, last] {
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

/// Nothing that is written takes longer than its length allows, and what is nested too deep counts as Tiller.
#[test]
fn deep_and_large_lines_are_read_in_linear_time() {
    let deep = "$(".repeat(200_000);
    assert!(by_line(&format!("tiller() {{ :; }}; {deep}")));
    let deep = "${a:-".repeat(200_000);
    assert!(by_line(&format!("tiller() {{ :; }}; {deep}")));
    let many = "sh -c : \"$@\"; ".repeat(20_000);
    let _told = launched(&[
        "sh",
        "-c",
        &format!("{many} # tiller"),
        "x",
        &"y".repeat(100_000),
    ]);
    let doubled = "A=$A$A;".repeat(10_000);
    let _told = by_line(&format!("A=tiller;{doubled}"));
    let quotes = "\"'`".repeat(100_000);
    let _told = by_line(&format!("tiller() {{ :; }}; {quotes}"));
    let documents = "cat <<E\n".repeat(50_000);
    let _told = by_line(&format!("echo tiller\n{documents}"));
}
