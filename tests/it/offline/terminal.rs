//! What a manifest, a policy file or a file of teams holds cannot move a terminal's cursor, change its colours or hide a line.

use super::{Folder, Run, run};

/// Characters that a terminal obeys, as YAML and JSON escape them: ESC, the eight-bit CSI and OSC, BEL, BS, DEL and CR; and two that
/// change the direction of what stands beside them.
const ESCAPED: [&str; 9] = [
    "\\u202emoc",
    "\\u2066moc",
    "\\u001b[31m",
    "\\u009b31m",
    "\\u009d0;title\\u0007",
    "\\u0007",
    "\\u0008",
    "\\u007f",
    "\\u000dkind: x",
];
/// The same, raw.
const RAW: [&str; 6] = [
    "\u{1b}[31m",
    "\u{9b}31m",
    "\u{9d}0;title\u{7}",
    "\u{7}",
    "\u{8}",
    "\u{7f}",
];

/// A Tiller with a placeholder wherever a text may stand.
const TILLER: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: "tiller-deploy@"
  namespace: "team@"
  annotations: {"note@": "@"}
spec:
  selector: {matchLabels: {app: helm, name: tiller}}
  template:
    metadata:
      labels: {app: helm, name: tiller, "l@": "v@"}
    spec:
      serviceAccountName: "tiller@"
      hostNetwork: true
      volumes: [{name: "v@", hostPath: {path: "/@"}}]
      containers:
      - name: "tiller@"
        image: "ghcr.io/helm/tiller:v2.17.0@"
        command: ["/tiller"]
        args: ["--storage=@", "--listen=@", "@", "--@"]
        workingDir: "@"
        env: [{name: "E@", value: "@"}, {name: TILLER_NAMESPACE, value: "@"}, {name: TILLER_HISTORY_MAX, value: "@"}]
        volumeMounts: [{name: "v@", mountPath: "/@"}]
        livenessProbe: {exec: {command: ["@"]}}
"#;

/// Objects of the other kinds that are judged, and one that is not read.
const OTHERS: &str = r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: "b@"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "admin@"}
subjects: [{kind: ServiceAccount, name: tiller, namespace: "team@"}, {kind: User, name: "system:serviceaccount:@:tiller"}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: "r@", namespace: "n@"}
rules: [{apiGroups: ["@"], resources: ["secrets@"], verbs: ["*", "@"]}]
---
apiVersion: v1
kind: Service
metadata: {name: "tiller@", namespace: "n@"}
spec: {type: NodePort, externalIPs: ["@"], ports: [{port: 44134, name: "@"}], selector: {name: tiller}}
---
apiVersion: v1
kind: Secret
metadata: {name: tiller-tls, namespace: "n@", annotations: {kubernetes.io/service-account.name: "tiller@"}}
type: "t@"
data: {"@": "@"}
---
apiVersion: "x@/v1"
kind: "Tiller@"
metadata: {name: "t@"}
spec: {image: ghcr.io/helm/tiller:v2.17.0, note: "@"}
---
apiVersion: v1
kind: Pod
metadata: {name: "p@"}
spec: {containers: "@"}
---
"@": "@"
"#;

/// Nothing but text, and line breaks.
#[track_caller]
fn assert_harmless(run: &Run, what: &str) {
    for text in [&run.stdout, &run.stderr] {
        let turns = |it: char| matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let obeyed = text.find(|it: char| it.is_control() && it != '\n' || turns(it));
        let context = obeyed.and_then(|at| text.get(at.saturating_sub(80)..));
        let context = context.map(|it| it.chars().take(200).collect::<String>());
        assert_eq!(context, None, "{what}");
    }
}

const DOORS: [&[&str]; 13] = [
    &["check"],
    &["check", "-o", "json=-"],
    &["check", "-o", "yaml"],
    &["check", "-o", "sarif"],
    &["check", "-o", "junit"],
    &["check", "-o", "github"],
    &["check", "-o", "html"],
    &["check", "-o", "report"],
    &["check", "-o", "policyreport"],
    &["harden"],
    &["harden", "-o", "json"],
    &["harden", "--patch"],
    &["harden", "--diff"],
];

fn try_doors(input: &str, what: &str) {
    for door in DOORS {
        let arguments = [door, &["-"]].concat();
        let run = run(&arguments, input.as_bytes());
        assert!(
            run.code.is_some_and(|code| code != 2),
            "{door:?} {what}: {}",
            run.stderr
        );
        assert_harmless(&run, &format!("{door:?} {what}"));
    }
}

#[test]
fn escaped_in_a_manifest() {
    for character in ESCAPED {
        // All at once, and in each place alone: what is read is not what cannot be.
        for (name, manifest) in [("a Tiller", TILLER), ("others", OTHERS)] {
            let all = manifest.replace('@', character);
            try_doors(&all, &format!("{name} with {character} everywhere"));
            if character != "\\u001b[31m" {
                continue;
            }
            for (place, _) in manifest.match_indices('@') {
                let (before, after) = manifest.split_at(place);
                let one = format!("{before}@{character}{}", after.trim_start_matches('@'));
                let one = one.replace('@', "");
                try_doors(&one, &format!("{name} with {character} at {place}"));
            }
        }
    }
}

/// JSON takes all but the first 32 characters as they are.
#[test]
fn raw_in_json() {
    for character in RAW {
        let manifest = format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"p{character}","annotations":{{"{character}":"{character}"}}}},
            "spec":{{"hostNetwork":true,"containers":[{{"name":"tiller","image":"x/tiller:{character}","args":["{character}"]}}]}}}}"#
        );
        try_doors(&manifest, &format!("{character:?} in JSON"));
    }
}

/// What cannot be read, beside what is hardened, in comments too.
#[test]
fn raw_beside_what_is_hardened() {
    let tiller = TILLER.replace('@', "");
    for character in RAW {
        for manifest in [
            format!("# {character}\n---\n{tiller}"),
            format!("{tiller}# {character}\n"),
            format!("{tiller}---\na: {character}\n---\n{tiller}"),
            format!("{tiller}---\n# {character}\n---\n{tiller}"),
            format!("{tiller}---\nkind: {character}\n---\n{tiller}"),
            format!("a: \"{character}\"\n---\n{tiller}"),
        ] {
            try_doors(&manifest, &format!("{character:?} in {manifest:?}"));
        }
    }
}

#[test]
fn in_the_name_of_a_file() {
    for character in RAW {
        let files = Folder::new();
        let tiller = files.file(&format!("t{character}.yaml"), TILLER.replace('@', ""));
        let broken = files.file(&format!("b{character}.yaml"), "a: [");
        let none = format!("{broken}-none.yaml");
        for door in DOORS {
            for file in [&tiller, &broken, &none] {
                let arguments = [door, &[file.as_str()]].concat();
                assert_harmless(&run(&arguments, b""), &format!("{arguments:?}"));
            }
        }
    }
}

#[test]
fn in_a_policy_file() {
    const POLICY: &str = r#"apiVersion: tiller-guard.io/v1
kind: Policy
"k@": 1
mode: "m@"
namespaces: {"n@": {mode: audit}, b: {"m@": x}}
severities: {"r@": "s@"}
images: {allowed: ["i@"], versions: [{image: "x@", version: "v@"}]}
versionFloor: "@"
protectedNamespaces: ["p@"]
allowedEnvironment: ["E@"]
administrators: {users: ["u@"]}
exceptions: [{rule: "r@", object: {kind: "k@", namespace: "n@", name: "o@"}, reason: "@", expires: "@"}]
notTillers: [{image: "@", reason: "@"}, {"w@": 1}]
"#;
    const SPARED: &str = "apiVersion: tiller-guard.io/v1\nkind: Policy\n\
        notTillers: [{image: x/tiller, reason: \"r@\"}]\n";
    for character in ESCAPED.iter().chain(&RAW) {
        let files = Folder::new();
        let policy = files.file("policy.yaml", POLICY.replace('@', character));
        let spared = files.file("spared.yaml", SPARED.replace('@', character));
        let pod = files.file(
            "pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: t, image: x/tiller}]}\n",
        );
        for arguments in [
            &["policy", "check", &policy] as &[&str],
            &["check", "--policy", &policy, &pod],
            &["harden", "--policy", &policy, &pod],
            &["check", "--policy", &spared, &pod],
            &["check", "-o", "json", "--policy", &spared, &pod],
            &["serve", "--standalone", "--policy", &policy],
            &[
                "install",
                "--policy",
                &policy,
                "-o",
                "yaml",
                "--kubernetes",
                "1.30",
            ],
        ] {
            assert_harmless(
                &run(arguments, b""),
                &format!("{arguments:?} {character:?}"),
            );
        }
    }
}

#[test]
fn in_a_file_of_teams() {
    const TEAM: &str = r#""t@": 1
name: "n@"
tillerNamespace: "t@"
targetNamespaces: ["x@"]
users: ["u@"]
tillerVersion: "v@"
image: "i@"
"#;
    for character in ESCAPED.iter().chain(&RAW) {
        let files = Folder::new();
        for team in [TEAM, TEAM.split_once('\n').unwrap().1] {
            let team = files.file("team.yaml", team.replace('@', character));
            let arguments = ["provision", "--file", &team, "-o", "yaml"];
            assert_harmless(&run(&arguments, b""), &format!("{character:?}"));
        }
    }
}
