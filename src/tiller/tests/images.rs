//! Image references and the versions that their tags name.

use crate::tiller::{ImageReference, Setting, Version, VersionError};

#[test]
fn references_are_taken_apart() {
    let cases = [
        ("tiller", "tiller", None, None, "tiller"),
        ("tiller:v2.17.0", "tiller", Some("v2.17.0"), None, "tiller"),
        ("a/b/tiller:v1", "a/b/tiller", Some("v1"), None, "tiller"),
        (
            "localhost:5000/tiller",
            "localhost:5000/tiller",
            None,
            None,
            "tiller",
        ),
        (
            "host:5000/a/tiller:v1",
            "host:5000/a/tiller",
            Some("v1"),
            None,
            "tiller",
        ),
        (
            "tiller@sha256:ab",
            "tiller",
            None,
            Some("sha256:ab"),
            "tiller",
        ),
        (
            "h:1/t:v1@sha256:ab",
            "h:1/t",
            Some("v1"),
            Some("sha256:ab"),
            "t",
        ),
        ("Host/Tiller:V2", "Host/Tiller", Some("V2"), None, "Tiller"),
        ("tïller:☃", "tïller", Some("☃"), None, "tïller"),
        ("tiller:", "tiller", Some(""), None, "tiller"),
        ("tiller@", "tiller", None, Some(""), "tiller"),
        ("a/", "a/", None, None, ""),
        (":", "", Some(""), None, ""),
        ("", "", None, None, ""),
    ];
    for (text, repository, tag, digest, base_name) in cases {
        let reference = ImageReference::parse(text);
        let expected = ImageReference {
            repository,
            tag,
            digest,
        };
        assert_eq!(reference, expected, "{text}");
        assert_eq!(reference.base_name(), base_name, "{text}");
        assert_eq!(reference.to_string(), text);
    }
}

#[test]
fn short_names_are_resolved() {
    let cases = [
        ("tiller", "docker.io/library/tiller"),
        ("helmpack/tiller:v2.17.0", "docker.io/helmpack/tiller"),
        ("docker.io/tiller", "docker.io/library/tiller"),
        (
            "index.docker.io/helmpack/tiller",
            "docker.io/helmpack/tiller",
        ),
        ("ghcr.io/helm/tiller:v2.17.0", "ghcr.io/helm/tiller"),
        ("localhost/tiller", "localhost/tiller"),
        ("registry:5000/tiller", "registry:5000/tiller"),
        ("registry/tiller", "docker.io/registry/tiller"),
        ("Registry/tiller", "Registry/tiller"),
    ];
    for (text, expected) in cases {
        assert_eq!(
            ImageReference::parse(text).familiar_name_resolved(),
            expected
        );
    }
}

#[test]
fn tags_name_versions() {
    let cases = [
        ("v2.17.0", "2.17.0"),
        ("2.17.0", "2.17.0"),
        ("v2.0.0", "2.0.0"),
        ("v2.14.3-arm", "2.14.3"),
        ("v2.14.3-arm64", "2.14.3"),
        ("v2.12.3-icp-3.2.0", "2.12.3"),
        ("v2.16.12-acme.7", "2.16.12"),
    ];
    for (tag, expected) in cases {
        let version = Version::from_tag(tag).expect(tag);
        assert_eq!(version.to_string(), expected, "{tag}");
        assert_eq!(version.to_string().parse(), Ok(version), "{tag}");
    }
}

#[test]
fn tags_that_name_no_release_tell_why() {
    let cases = [
        ("latest", VersionError::Moving),
        ("canary", VersionError::Moving),
        ("git-0a1b2c3", VersionError::Syntax),
        ("", VersionError::Syntax),
        ("v", VersionError::Syntax),
        ("v2", VersionError::Syntax),
        ("v2.17", VersionError::Syntax),
        ("v2.17.0.1", VersionError::Syntax),
        ("v2.17.x", VersionError::Syntax),
        ("v2.017.0", VersionError::Syntax),
        ("v2.+7.0", VersionError::Syntax),
        ("vv2.17.0", VersionError::Syntax),
        ("V2.17.0", VersionError::Syntax),
        ("v2.99999.0", VersionError::Syntax),
        ("v2.17.0 ", VersionError::Syntax),
        ("v２.17.0", VersionError::Syntax),
        ("v3.0.0", VersionError::Major),
        ("v1.2.3", VersionError::Major),
        ("v2.7.2-rc1", VersionError::PreRelease),
        ("v2.10.0-rc.1", VersionError::PreRelease),
        ("v2.10.0-RC.1", VersionError::PreRelease),
        ("v2.7.2-alpha", VersionError::PreRelease),
        ("v2.7.2-beta.2", VersionError::PreRelease),
        ("v2.7.2-arm-rc1", VersionError::PreRelease),
        ("v2.7.1-12-g0a1b2c3", VersionError::PreRelease),
        ("v2.7.2-dev", VersionError::PreRelease),
        ("v2.17.0-experimental", VersionError::PreRelease),
        ("v2.17.1", VersionError::NeverReleased),
        ("v2.18.0", VersionError::NeverReleased),
    ];
    for (tag, expected) in cases {
        assert_eq!(Version::from_tag(tag), Err(expected), "{tag}");
    }
}

#[test]
fn a_reference_tells_a_version_by_its_tag_alone() {
    let version = |text| ImageReference::parse(text).version();
    assert_eq!(
        version("tiller:v2.9.1"),
        Setting::Known(Version::of(2, 9, 1))
    );
    assert_eq!(version("other:2.9.1"), Setting::Known(Version::of(2, 9, 1)));
    for image in [
        "tiller",
        "h:5000/tiller",
        "tiller@sha256:ab",
        "tiller:v2.9.1@sha256:ab",
    ] {
        assert!(version(image).unknown().is_some(), "{image}");
    }
}

#[test]
fn versions_are_ordered_by_their_numbers() {
    assert!(Version::of(2, 9, 1) < Version::of(2, 10, 0));
    assert!(Version::of(2, 7, 2) < Version::of(2, 7, 10));
}
