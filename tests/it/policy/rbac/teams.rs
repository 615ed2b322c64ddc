//! Teams, as ConfigMaps register them.

use tiller_guard::policy::team::{Team, TeamError};

const FINGERPRINT: &str = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:FF:\
                           00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff";

fn read(further: &[(&str, &str)]) -> Result<Team, TeamError> {
    let data = [
        ("tiller-namespace", "red-tiller"),
        ("service-account", "tiller"),
    ];
    let kept = data
        .into_iter()
        .filter(|(key, _)| further.iter().all(|(other, _)| other != key));
    Team::read(
        "red",
        kept.chain(further.iter().copied())
            .filter(|(_, value)| *value != "absent"),
    )
}

#[test]
fn a_whole_team_is_read() {
    let team = read(&[
        ("target-namespaces", "red-prod\n\n  red-dev\nred-prod"),
        ("users", "ann\nbob@example.com"),
        ("groups", "red team"),
        (
            "ca-fingerprint",
            &format!("{FINGERPRINT}\n\n{}\n", "0".repeat(64)),
        ),
    ])
    .unwrap();
    assert_eq!(team.account().to_string(), "red-tiller/tiller");
    assert_eq!(
        *team.target_namespaces,
        ["red-dev".into(), "red-prod".into()]
    );
    assert_eq!(*team.users, ["ann".into(), "bob@example.com".into()]);
    assert_eq!(*team.groups, ["red team".into()]);
    let [first, second] = *team.ca_fingerprints else {
        panic!("{:?}", team.ca_fingerprints)
    };
    assert_eq!(
        (first[0], first[1], first[15], first[31]),
        (0, 0x11, 0xff, 0xff)
    );
    assert_eq!(second, [0; 32]);
    for (namespace, reached) in [
        ("red-tiller", true),
        ("red-dev", true),
        ("red", false),
        ("", false),
    ] {
        assert_eq!(team.reaches(namespace), reached, "{namespace}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_key() {
    let long = "a".repeat(64);
    let many = "ann\n".repeat(1025);
    let digits = "0".repeat(65);
    for (key, value, message) in [
        (
            "tiller-namespace",
            "absent",
            "has no tiller-namespace: set it in the ConfigMap's data",
        ),
        (
            "service-account",
            "absent",
            "has no service-account: set it in the ConfigMap's data",
        ),
        (
            "tiller-namespace",
            "Red",
            "has tiller-namespace \"Red\": it must be the name of a namespace",
        ),
        (
            "tiller-namespace",
            long.as_str(),
            "it must be the name of a namespace",
        ),
        (
            "target-namespaces",
            "red-dev, red-prod",
            "has target-namespaces \"red-dev, red-prod\": it must be",
        ),
        (
            "service-account",
            "default",
            "it must be an account of Tiller's own, not the namespace's",
        ),
        (
            "service-account",
            "a..b",
            "it must be the name of a service account",
        ),
        (
            "users",
            many.as_str(),
            "it must be a list of at most 1024 lines",
        ),
        (
            "ca-fingerprint",
            "00:11",
            "has ca-fingerprint \"00:11\": it must be 64 hexadecimal digits",
        ),
        ("ca-fingerprint", "\n", "it must be 64 hexadecimal digits"),
        (
            "ca-fingerprint",
            digits.as_str(),
            "it must be 64 hexadecimal digits",
        ),
        (
            "target-namespace",
            "red-dev",
            "has the unknown key target-namespace",
        ),
    ] {
        let error = read(&[(key, value)]).unwrap_err().to_string();
        assert!(error.starts_with("the team \"red\" "), "{error}");
        assert!(error.contains(message), "{error}");
    }
}
