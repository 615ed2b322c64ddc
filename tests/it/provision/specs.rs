//! Teams that cannot be, each with its reason.

use tiller_guard::policy::Settings;
use tiller_guard::provision::{ExtraRule, TeamSpec, check};

use super::{spec, texts};

/// What is said of these teams.
fn errors(specs: Vec<TeamSpec>) -> Vec<String> {
    let errors = check(specs, &Settings::default()).unwrap_err();
    let text = |error: &dyn std::error::Error| match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    };
    errors.iter().map(|error| text(error)).collect()
}

macro_rules! refused {
    ($($name:ident: { $($field:ident: $value:expr),* }, $reason:literal;)*) => {$(
        #[test]
        fn $name() {
            let errors = errors(vec![TeamSpec { $($field: $value,)* ..spec() }]);
            assert_eq!(errors.len(), 1, "{errors:#?}");
            assert!(errors[0].contains($reason), "{errors:#?}");
        }
    )*};
}

refused! {
    a_team_in_upper_case: { team: "Blue".to_owned() }, "the name \"Blue\" is not a DNS label";
    a_team_with_a_slash: { team: "a/b".to_owned() }, "the name \"a/b\" is not a DNS label";
    a_team_with_a_line_break: { team: "a\nb".to_owned() }, "\"a\\nb\" is not a DNS label";
    a_team_without_name: { team: String::new() }, "the name \"\" is not a DNS label";
    a_team_called_as_the_policy: { team: "tiller-guard-policy".to_owned() }, "which is the name of tiller-guard's policy";
    an_account_called_as_the_role: { service_account: "tiller-users".to_owned() }, "the name of the Role of the team's people";
    a_name_of_64_letters: { team: "a".repeat(64) }, "is not a DNS label";
    a_tiller_namespace_with_a_dot: { tiller_namespace: "a.b".to_owned() }, "the Tiller namespace \"a.b\"";
    a_target_that_begins_with_a_dash: { target_namespaces: texts(&["-a"]) }, "the target namespace \"-a\"";
    no_target: { target_namespaces: Vec::new() }, "has no target namespace";
    a_target_in_kube_system: { target_namespaces: texts(&["kube-system"]) }, "kube-system is protected";
    a_tiller_in_default: { tiller_namespace: "default".to_owned() }, "default is protected";
    a_target_with_the_guard: { target_namespaces: texts(&["tiller-guard"]) }, "is tiller-guard's own";
    a_tiller_with_the_guard: { tiller_namespace: "tiller-guard".to_owned() }, "is tiller-guard's own";
    a_target_beside_tiller: { target_namespaces: texts(&["blue-tiller"]) }, "the namespace blue-tiller would be the Tiller namespace of the team blue and the target of the team blue";
    everybody_s_account: { service_account: "default".to_owned() }, "a service account of Tiller's own";
    an_account_with_a_colon: { service_account: "a:b".to_owned() }, "the service account \"a:b\"";
    a_domain_with_blanks: { cluster_domain: "a b".to_owned() }, "a DNS domain such as cluster.local";
    a_user_with_a_line_break: { users: texts(&["a\nb"]) }, "the user \"a\\nb\" cannot be given access: the name holds control characters";
    a_user_without_name: { users: texts(&[""]) }, "the name is empty";
    tiller_as_its_own_client: { users: texts(&["system:serviceaccount:blue-tiller:tiller"]) }, "Tiller's own service account";
    another_tiller: { users: texts(&["system:serviceaccount:x:tiller-green"]) }, "Tiller's own service account";
    everybody: { groups: texts(&["system:authenticated"]) }, "this group holds service accounts";
    an_old_tiller: { tiller_version: "2.7.1".parse().unwrap() }, "Tiller 2.7.1 is older than 2.7.2";
    an_image_with_a_tag: { image: "ghcr.io/helm/tiller:v2.17.0".to_owned() }, "remove tag and digest";
    an_image_with_a_digest: { image: "ghcr.io/helm/tiller@sha256:00".to_owned() }, "remove tag and digest";
    an_image_with_a_blank: { image: "ghcr.io/helm tiller".to_owned() }, "is not a repository";
    every_verb: { extra_rules: ExtraRule::parse("*:pods").unwrap() }, "the extra rule for pods cannot be given: name each verb";
    escalation: { extra_rules: ExtraRule::parse("escalate:roles.rbac.authorization.k8s.io").unwrap() }, "no Tiller may have writing roles beyond";
}

#[test]
fn names_of_users_may_hold_what_kubernetes_takes() {
    let names = [
        "oidc:ada",
        "a/b",
        "ada@example.com",
        "a \"b\" 'c'",
        "système",
        "system:serviceaccount:ci:deployer",
    ];
    let team = check(
        vec![TeamSpec {
            users: texts(&names),
            ..spec()
        }],
        &Settings::default(),
    );
    assert_eq!(team.unwrap()[0].people().len(), names.len());
}

#[test]
fn two_teams_share_no_namespace() {
    let green = |tiller: &str, target: &str| {
        TeamSpec::new("green".to_owned(), tiller.to_owned(), texts(&[target]))
    };
    for (second, shared) in [
        (
            green("green-tiller", "blue"),
            "target of the team blue and the target of the team green",
        ),
        (
            green("blue-tiller", "green"),
            "Tiller namespace of the team blue and the Tiller namespace of the team green",
        ),
        (
            green("blue", "green"),
            "target of the team blue and the Tiller namespace of the team green",
        ),
        (
            green("green-tiller", "blue-tiller"),
            "Tiller namespace of the team blue and the target of the team green",
        ),
    ] {
        let errors = errors(vec![spec(), second]);
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert!(errors[0].contains(shared), "{errors:#?}");
    }
    let errors = errors(vec![spec(), spec()]);
    assert_eq!(errors, ["the team \"blue\" appears twice"]);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let errors = errors(vec![
        TeamSpec {
            team: "Blue".to_owned(),
            target_namespaces: texts(&["kube-system", "default"]),
            ..spec()
        },
        TeamSpec {
            users: texts(&["a\0"]),
            ..TeamSpec::new(
                "green".to_owned(),
                "green-tiller".to_owned(),
                texts(&["green"]),
            )
        },
    ]);
    assert_eq!(errors.len(), 4, "{errors:#?}");
}
