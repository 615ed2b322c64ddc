//! What a policy may say of rules and images, and what it changes.

use serde_json::json;
use tiller_guard::k8s::read;
use tiller_guard::policy::{ImageVersion, Settings, Severity, WorkloadKind, decide, rules};
use tiller_guard::tiller::Version;

use super::NOW;
use super::corpus::cases;
use super::exceptions::{deployment, exception, judged};

/// All that a policy may say but modes, exceptions and what widens a list changes no verdict.
#[test]
fn nothing_is_loosened_by_accident() {
    let told: Settings = Settings {
        severities: rules().map(|rule| (rule.id, Severity::Low)).collect(),
        exceptions: rules()
            .map(|rule| exception(rule.id, WorkloadKind::Pod, "another"))
            .collect(),
        ..Settings::default()
    };
    for (rule, cases) in cases() {
        for case in cases {
            let manifest = case.manifest();
            let workload = read(WorkloadKind::Deployment, &manifest).unwrap();
            let plain = Settings::default();
            let expected = decide(&workload, &plain, &NOW);
            let verdict = decide(&workload, &told, &NOW);
            assert_eq!(verdict.patch, expected.patch, "{rule}: {}", case.name);
            assert_eq!(verdict.excepted, []);
            let lines = |findings: &[tiller_guard::policy::Finding]| {
                findings.iter().map(ToString::to_string).collect::<Vec<_>>()
            };
            assert_eq!(lines(&verdict.findings), lines(&expected.findings));
            assert!(
                verdict
                    .findings
                    .iter()
                    .all(|it| it.severity == Severity::Low)
            );
        }
    }
}

#[test]
fn an_image_is_what_an_administrator_says_it_is() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let by_digest = format!("registry.local/helm/tiller@{digest}");
    let found = |image: &str, settings: &Settings| {
        let mut object = deployment(&[]);
        object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        judged(WorkloadKind::Deployment, &object, settings, NOW.now).refused
    };
    let said = |image: &str, version| Settings {
        allowed_images: vec![image.to_owned()],
        image_versions: vec![ImageVersion {
            image: image.to_owned(),
            version,
        }],
        ..Settings::default()
    };
    let last = Version::of(2, 17, 0);
    let plain = Settings::default();
    assert_eq!(
        found(&by_digest, &plain),
        ["image-repository", "version-floor"]
    );
    let known = said(&by_digest, last);
    assert_eq!(found(&by_digest, &known), [""; 0]);
    // The tag beside a digest says nothing; another digest is another image.
    let tagged = format!("registry.local/helm/tiller:v1@{digest}");
    assert_eq!(found(&tagged, &known), [""; 0]);
    let other = by_digest.replace("aa", "bb");
    assert_eq!(found(&other, &known), ["image-repository", "version-floor"]);
    let tag = "registry.local/helm/tiller:stable";
    assert_eq!(found(tag, &known), ["image-repository", "version-floor"]);
    assert_eq!(found(tag, &said(tag, last)), [""; 0]);
    let with_digest = format!("{tag}@{digest}");
    let refused = found(&with_digest, &said(tag, last));
    assert_eq!(refused, ["image-repository", "version-floor"]);
    // What is said to be too old is too old.
    assert_eq!(
        found(tag, &said(tag, Version::of(2, 7, 1))),
        ["version-floor"]
    );
}
