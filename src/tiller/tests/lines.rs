//! Which lines of a shell start Tiller.

use super::programs::launched;

pub(super) fn by_line(line: &str) -> bool {
    launched(&["/bin/sh", "-c", line])
}

fn assert_started(lines: &[&str]) {
    let missed: Vec<_> = lines.iter().filter(|line| !by_line(line)).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn a_line_starts_what_stands_where_commands_do() {
    let lines = [
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
        "printf 'exec \"$@\"' | bash -s -- /tiller",
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
    ];
    assert_started(&lines);
}

#[test]
fn a_line_starts_what_it_has_prepared_before() {
    let lines = [
        "for b in foo tiller; do $b --listen=:1; done",
        "for b in\\\n foo /bin; do $b/tiller; done",
        "for a in x /; do for b in y tiller; do $a$b; done; done",
        "for b in foo tiller bar; do x=/$b; exec $x; done",
        "T=/tiller; if false; then T=/web; fi; exec $T",
        "run() { \"$@\"; }; run tiller --listen=:1",
        "run() {\n  shift\n  exec \"$@\"\n}\nrun x tiller",
        "run() { if [ $# -gt 3 ]; then shift; fi; \"$@\"; }; run tiller",
        "start() { local bin=$1; shift; exec \"$bin\" \"$@\"; }; start /tiller --listen=:1",
        "function run { nohup \"$@\" & }\nrun tiller",
        "f() { g \"$@\"; }; g() { $1; }; f tiller",
        "f() (\"$@\"); f tiller",
        "f() { for i; do $i; done; }; f foo tiller",
        "set -- tiller --listen=:1; exec \"$@\"",
        "cat > /run <<EOF\nexec tiller\nEOF\nchmod +x /run; /run",
        "cat <<EOF >/tmp/start\nexec tiller\nEOF\ncd /tmp && sh ./start",
        "tee /run <<EOF\ntiller\nEOF\n. /run",
        "cat <<EOF | tee /run > /dev/null\ntiller\nEOF\nbash /run",
        "cat > /run <<EOF; sh /run\ntiller\nEOF",
        "echo 'exec tiller' > /run && sh /run",
        "printf 'exec tiller\\n' > /run; sh /run",
        "echo tiller | tee /run; sh /run",
        "printf '%s' tiller > /run; sh /run",
        "printf '%s %s\\n' exec tiller | sh",
        "source <(echo tiller)",
        "env - tiller",
        "cat > /run <<EOF\nexec \\$1\nEOF\nsh /run tiller",
        "echo tiller > /run; bash < /run",
        "echo tiller > /run; cat /run | sh",
        "echo tiller > /run; cp /run /go; sh /go",
        "cat > /x.py <<EOF\nimport os\nos.system('tiller')\nEOF\npython3 /x.py",
        "cp /tiller /web; /web --listen=:1",
        "ln -s /usr/bin/tiller /usr/bin/web && exec web",
        "mv /tiller /a; cp /a /b; /b",
        "cat /tiller > /web; chmod +x /web; /web",
        "dd if=/tiller of=/web; /web",
        "install -m 0755 /bin/tiller /usr/bin/web; web",
        "curl -sLo /dev/null x; curl -o /web https://example.com/tiller; /web",
        "go build -o /web ./cmd/tiller && /web",
        "((/tiller))",
        "( (tiller) )",
        "((cd /tmp; tiller) &)",
        "x=$(( $(tiller) + 1 ))",
        "x=${X#\"}\"}; tiller",
        "x=${X%'}'}; tiller",
        "x=\"${X#'}'}\"; tiller",
        "x=\"${X:-it's}\"; tiller",
        "x=${X#\\}}; tiller",
        "{fd}> /log tiller",
        "exec {fd}>&1 tiller",
        "coproc tiller",
        "coproc { tiller; }",
        "coproc NAME { tiller; }",
        "coproc NAME (tiller)",
        "awk 'BEGIN { system(\"tiller\") }'",
        "awk 'BEGIN { print 1 | \"tiller\" }'",
        "tiller() { /tiller; }; tiller",
    ];
    assert_started(&lines);
}

#[test]
fn a_line_that_only_names_it_starts_nothing() {
    let lines = [
        "curl -fsS https://example.com/install | bash -s -- tiller",
        "sh -s tiller < /install.sh",
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
        "for b in foo tiller; do kubectl get deploy $b; done",
        "for ns in tiller web; do for k in a b; do echo $ns $k; done; done",
        "run() { helm \"$@\"; }; run init --service-account tiller",
        "log() { echo \"$(date) $*\"; }; log tiller; log \"tiller is there\"",
        "tiller() { helm \"$@\"; }; tiller ls",
        "wait_for() { until kubectl get deploy \"$1\"; do sleep 1; done; }; wait_for tiller",
        "f() { f \"$@\"; }; f tiller",
        "set -- tiller; helm ls \"$@\"",
        "cat > /values.yaml <<EOF\ntiller\nEOF\nhelm install -f /values.yaml x",
        "echo tiller > /name; kubectl get deploy $(cat /name)",
        "cp /tiller /shared/web",
        "cp /tiller /web; ls /web",
        "curl -o /web https://example.com/x; /web tiller",
        "x=$((tiller + 1)); ((i++))",
        "for ((i = 0; i < tiller; i++)); do :; done",
        "echo ${X#\"}\"} tiller",
        "NAME=tiller; NAME=web; echo $NAME",
        "coproc NAME { helm ls; }; : tiller",
        "awk -F: '$1 == \"tiller\" { print $2 }' /etc/passwd",
        "awk '{ print \"tiller\" }' x | sort",
    ];
    let wrong: Vec<_> = lines.iter().filter(|line| by_line(line)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
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
    let calls = "f \"$@\"; ".repeat(20_000);
    let _told = by_line(&format!("f() {{ {calls} }}; f tiller"));
    let doubling: Vec<String> = (0..1000)
        .map(|at| format!("f{at}() {{ f{} \"$@\"; f{} \"$@\"; }}; ", at + 1, at + 1))
        .collect();
    let doubling = doubling.concat();
    let _told = by_line(&format!("{doubling} f0 tiller"));
    let values = "tiller-x ".repeat(20_000);
    let uses = "echo $a $b $c; ".repeat(5_000);
    let _told = by_line(&format!(
        "for a in {values}; do for b in {values}; do {uses} done; done"
    ));
    let sets: Vec<String> = (0..20_000)
        .map(|at| format!("A=tiller-{at}; : $A; "))
        .collect();
    let sets = sets.concat();
    let _told = by_line(&sets);
    let shifts = "shift; $1; \"$@\"; ".repeat(20_000);
    let words: Vec<&str> = ["sh", "-c", &shifts, "x"]
        .into_iter()
        .chain(vec!["a"; 50_000])
        .chain(["tiller"])
        .collect();
    let _told = launched(&words);
    let loops = "for i; do :; done; ".repeat(20_000);
    let words: Vec<&str> = ["sh", "-c", &loops, "x"]
        .into_iter()
        .chain(vec!["a"; 50_000])
        .chain(["tiller"])
        .collect();
    let _told = launched(&words);
    let writes = "echo a; >f; ".repeat(50_000);
    let _told = by_line(&format!("{writes}; echo tiller"));
    let scripts = "echo tiller > /x; sh /x; ".repeat(20_000);
    let _told = by_line(&scripts);
    let many = "{}".repeat(50_000);
    let long = "y".repeat(100_000);
    let _told = by_line(&format!("echo {long} | xargs -I{{}} tiller-x {many}"));
    let made = "echo tiller > /x; make; ".repeat(20_000);
    let _told = by_line(&made);
    let named = "alias x='x; x'; x; read y <<< tiller-x; ".repeat(20_000);
    let _told = by_line(&named);
    let nested = "f() { ".repeat(100_000);
    let _told = by_line(&format!("tiller() {{ :; }}; {nested}"));
    let documents = "cat <<E\n".repeat(50_000);
    let _told = by_line(&format!("echo tiller\n{documents}"));
}
