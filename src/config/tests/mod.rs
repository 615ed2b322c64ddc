//! What is read, what is refused with its place and a next step, and that the schema says the same.

mod problems;
mod schema;

use std::fs;
use std::path::{Path, PathBuf};

use super::{read, section};
use crate::policy::{
    Exception, ImageVersion, Innocent, Mode, NotTiller, People, Policy, Severity, Timestamp,
    WorkloadKind, rules,
};
use crate::tiller::Version;

/// 2026-07-01T00:00:00Z.
const NOW: Timestamp = Timestamp(1_782_864_000);

/// The files of a folder of the corpus, by name.
#[expect(
    clippy::disallowed_methods,
    reason = "the corpus is files that other tools read too"
)]
fn corpus(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/policies")
        .join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() > 3, "{paths:?}");
    let named = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    paths.into_iter().map(named).collect()
}

fn policy(body: &str) -> Policy {
    let text = format!("apiVersion: tiller-guard.io/v1\nkind: Policy\n{body}");
    read(text.as_bytes(), NOW).unwrap_or_else(|rejected| panic!("{}", rejected.lines("policy")))
}

#[test]
fn a_file_that_decides_nothing_is_no_file() {
    assert_eq!(policy(""), Policy::default());
}

#[test]
fn each_key_says_what_it_says() {
    let Policy {
        settings,
        modes,
        break_glass,
    } = policy(
        "mode: warn
namespaces: {team-a: {mode: enforce}, team-b: {mode: audit}}
severities: {tracing: critical, duplicate-key: low}
images:
  allowed: [mirror.example.com/tiller, 'mirror.example.com/helm/server:stable']
  versions:
  - {image: 'mirror.example.com/helm/server:stable', version: v2.16.12}
versionFloor: 2.16.0
protectedNamespaces: [prod]
allowedEnvironment: [HTTPS_PROXY]
certificateSecret: team-certs
administrators: {users: ['system:serviceaccount:cert-manager:cert-manager']}
access:
  exec: {groups: ['oidc:debuggers']}
  portForward: {users: ['system:serviceaccount:ci:deployer']}
breakGlass: {users: [ada@example.com], groups: [system:masters, 'oidc:on-call']}
exceptions:
- rule: release-storage
  object: {kind: Deployment, namespace: team-a, name: tiller-deploy}
  reason: moves in September
  expires: 2026-09-30
",
    );
    assert_eq!(modes.default, Mode::Warn);
    let of = |namespace| modes.of(Some(namespace));
    assert_eq!(
        [of("team-a"), of("team-b"), of("team-c"), modes.of(None)],
        [Mode::Enforce, Mode::Audit, Mode::Warn, Mode::Warn]
    );
    assert_eq!(
        settings.severities.get("tracing"),
        Some(&Severity::Critical)
    );
    assert_eq!(
        settings.severities.get("duplicate-key"),
        Some(&Severity::Low)
    );
    assert_eq!(settings.allowed_repositories, ["mirror.example.com/tiller"]);
    assert_eq!(
        settings.allowed_images,
        ["mirror.example.com/helm/server:stable"]
    );
    assert_eq!(
        settings.image_versions,
        [ImageVersion {
            image: "mirror.example.com/helm/server:stable".to_owned(),
            version: Version::of(2, 16, 12),
        }]
    );
    assert_eq!(settings.version_floor, Version::of(2, 16, 0));
    assert_eq!(
        settings.protected_namespaces,
        [
            "kube-system",
            "kube-public",
            "kube-node-lease",
            "default",
            "prod"
        ]
    );
    assert_eq!(settings.allowed_environment, ["HTTPS_PROXY"]);
    assert_eq!(settings.certificate_secret, "team-certs");
    assert_eq!(settings.administrators.groups, ["system:masters"]);
    assert_eq!(
        settings.administrators.users,
        ["system:serviceaccount:cert-manager:cert-manager"]
    );
    assert_eq!(settings.exec.groups, ["oidc:debuggers"]);
    assert_eq!(
        settings.port_forward.users,
        ["system:serviceaccount:ci:deployer"]
    );
    assert_eq!(
        break_glass,
        People {
            users: vec!["ada@example.com".to_owned()],
            groups: vec!["system:masters".to_owned(), "oidc:on-call".to_owned()],
        }
    );
    assert_eq!(
        settings.exceptions,
        [Exception {
            rule: rules().find(|rule| rule.id == "release-storage").unwrap(),
            kind: WorkloadKind::Deployment.into(),
            namespace: "team-a".to_owned(),
            name: "tiller-deploy".to_owned(),
            reason: "moves in September".to_owned(),
            // 2026-10-01T00:00:00Z: the day itself still counts.
            expires: Timestamp(1_790_812_800),
        }]
    );
}

#[test]
fn what_is_no_tiller_is_named_by_image_or_workload() {
    let Policy { settings, .. } = policy(
        "notTillers:
- {image: 'registry.example.com/tools/tiller', reason: a templating tool}
- workload: {kind: Deployment, namespace: farm, name: tiller}
  reason: a machine
",
    );
    let not_tiller = |what, reason: &str| NotTiller {
        what,
        reason: reason.to_owned(),
    };
    let machine = Innocent::Workload {
        kind: WorkloadKind::Deployment,
        namespace: "farm".to_owned(),
        name: "tiller".to_owned(),
    };
    let tool = Innocent::Image("registry.example.com/tools/tiller".to_owned());
    assert_eq!(
        settings.not_tillers,
        [
            not_tiller(tool, "a templating tool"),
            not_tiller(machine, "a machine")
        ]
    );
}

#[test]
fn json_is_read_too() {
    let text = r#"{"apiVersion":"tiller-guard.io/v1","kind":"Policy","mode":"forbid"}"#;
    assert_eq!(
        read(text.as_bytes(), NOW).unwrap().modes.default,
        Mode::Forbid
    );
}

#[test]
fn each_good_file_is_read() {
    for (name, text) in corpus("good") {
        if let Err(rejected) = read(text.as_bytes(), NOW) {
            panic!("{}", rejected.lines(&name));
        }
    }
}

/// Each bad file says on its first line what is wrong with it: `# LINE:COLUMN: MESSAGE`.
#[test]
fn each_bad_file_is_refused_as_it_says() {
    for (name, text) in corpus("bad") {
        let said = text.lines().next().unwrap().strip_prefix("# ").unwrap();
        let Err(rejected) = read(text.as_bytes(), NOW) else {
            panic!("{name} is taken for good");
        };
        let told: Vec<_> = rejected.problems.iter().map(ToString::to_string).collect();
        assert_eq!(told, [said], "{name}");
    }
}
