//! Every way to be wrong, with its place and what to do.

use super::{NOW, Policy, policy, read};
use crate::config::{Cause, Rejected};

fn rejected(text: &str) -> Rejected {
    read(text.as_bytes(), NOW).expect_err("a bad policy")
}

/// What is told of a policy whose body begins on line 3.
fn told(body: &str) -> Vec<String> {
    let text = format!("apiVersion: tiller-guard.io/v1\nkind: Policy\n{body}");
    let problems = rejected(&text).problems;
    problems.iter().map(ToString::to_string).collect()
}

macro_rules! problems {
    ($($name:ident: $body:expr => $said:expr;)*) => {
        $(#[test] fn $name() { assert_eq!(told($body), $said); })*
    };
}

problems! {
    an_unknown_key: "modes: enforce" => [
        "3:1: unknown key \"modes\"; use apiVersion, kind, mode, namespaces, severities, \
         images, versionFloor, protectedNamespaces, allowedEnvironment, certificateSecret, accounts, \
         requireTeam, runAsUser, injectors, administrators, access, breakGlass, exceptions or notTillers"
    ];
    an_unknown_key_deep_down: "images:\n  allowed: [a/tiller]\n  tags: []" =>
        ["5:3: unknown key \"tags\"; use allowed or versions"];
    a_key_that_stands_twice: "mode: audit\nmode: enforce" =>
        ["4:1: \"mode\" is already on line 3; keep one of them"];
    tillers_own_image_as_no_tiller: "notTillers:\n- {image: ghcr.io/helm/tiller, reason: x}" => [
        "4:4: \"ghcr.io/helm/tiller\" is an image of Tiller; remove this entry, or exempt one Tiller from one rule under exceptions"
    ];
    one_of_tillers_images_as_no_tiller: "notTillers:\n- {image: \"gcr.io/kubernetes-helm/tiller:v2.17.0\", reason: x}" => [
        "4:4: \"gcr.io/kubernetes-helm/tiller:v2.17.0\" is an image of Tiller; remove this entry, or exempt one Tiller from one rule under exceptions"
    ];
    an_allowed_image_as_no_tiller: "notTillers:\n- {image: x/tiller, reason: x}\nimages:\n  allowed: [docker.io/x/tiller]" => [
        "4:4: \"x/tiller\" is an image of Tiller; remove this entry, or exempt one Tiller from one rule under exceptions"
    ];
    a_pattern_of_all_accounts: "accounts:\n  patterns: [\"*\"]" => [
        "4:14: \"*\" is not the name of a service account; write a name, or the beginning of names with a * at the end"
    ];
    a_pattern_with_a_star_inside: "accounts:\n  patterns: [a*b]" => [
        "4:14: \"a*b\" is not the name of a service account; write a name, or the beginning of names with a * at the end"
    ];
    all_cluster_roles: "accounts:\n  allowedClusterRoles: [\"*\"]" => [
        "4:25: \"*\" is not the name of a ClusterRole; write it as in Kubernetes, without wildcards"
    ];
    an_unknown_user: "runAsUser: 65534" =>
        ["3:1: found a number, expected a string; put it in quotes if it is one"];
    a_user_that_is_no_choice: "runAsUser: root" =>
        ["3:1: there is no user \"root\"; use nobody or project"];
    an_unknown_injector: "injectors: [istio, kuma]" => [
        "3:20: there is no injector \"kuma\"; use istio, linkerd, vault, datadog, aws or azure"
    ];
    a_team_required_by_a_text: "requireTeam: always" =>
        ["3:1: found a string, expected true or false"];
    an_exception_of_a_rule_for_another_kind: "exceptions:
- rule: binding-scope
  object: {kind: Pod, namespace: a, name: b}
  reason: r
  expires: 2099-01-01" =>
        ["5:12: binding-scope does not look at a Pod; name a Role, ClusterRole, RoleBinding or ClusterRoleBinding"];
    an_exception_for_the_cluster_in_a_namespace: "exceptions:
- rule: binding-scope
  object: {kind: ClusterRoleBinding, namespace: a, name: b}
  reason: r
  expires: 2099-01-01" =>
        ["5:38: a ClusterRoleBinding has no namespace; remove this key"];
    an_exception_for_a_role_without_a_namespace: "exceptions:
- rule: role-rights
  object: {kind: Role, name: b}
  reason: r
  expires: 2099-01-01" =>
        ["5:3: namespace is missing; write it here"];
    an_exception_for_a_connection: "exceptions:\n- rule: tiller-exec\n  object: {kind: Pod, namespace: a, name: b}\n  reason: r\n  expires: 2099-01-01" =>
        ["4:3: tiller-exec judges connections, for which there are no exceptions; use access"];
    access_for_everybody: "access:\n  portForward: {groups: ['system:authenticated']}" =>
        ["4:26: \"system:authenticated\" holds nearly everybody; name a group of those who are meant"];
    access_for_nobody_known: "access:\n  exec: {users: ['system:anonymous']}" =>
        ["4:18: \"system:anonymous\" is everyone who has not logged in; name the users who are meant"];
    an_unknown_mode: "mode: Enforce" =>
        ["3:1: there is no mode \"Enforce\"; use audit, warn, enforce, freeze or forbid"];
    nothing_where_a_mode_is_wanted: "mode:" => ["3:1: found nothing, expected a string"];
    a_boolean_mode: "mode: off" =>
        ["3:1: found a boolean, expected a string; put it in quotes if it is one"];
    a_namespace_without_a_mode: "namespaces:\n  team-a: {}" =>
        ["4:3: mode is missing; write it here"];
    a_namespace_with_a_wildcard: "namespaces:\n  team-*: {mode: audit}" => [
        "4:3: \"team-*\" is not the name of a namespace; write it as in Kubernetes, without wildcards"
    ];
    namespaces_in_a_list: "namespaces:\n- team-a" =>
        ["3:1: found a list, expected a mapping of keys"];
    a_severity_of_no_rule: "severities:\n  tracking: low" =>
        ["4:3: there is no rule \"tracking\"; `tiller-guard explain` lists all rules"];
    an_unknown_severity: "severities:\n  tracing: severe" =>
        ["4:3: there is no severity \"severe\"; use low, medium, high or critical"];
    no_image_at_all: "images:\n  allowed: []" =>
        ["4:3: no image is allowed; list some, or set mode: forbid to allow no Tiller"];
    an_image_with_a_wildcard: "images:\n  allowed:\n  - mirror.local/*" => [
        "5:5: \"mirror.local/*\" is not an image; write a full reference such as ghcr.io/helm/tiller:v2.17.0, without wildcards"
    ];
    a_short_digest: "images:\n  allowed:\n  - mirror.local/tiller@sha256:12" => [
        "5:5: \"mirror.local/tiller@sha256:12\" is not an image; write a full reference such as ghcr.io/helm/tiller:v2.17.0, without wildcards"
    ];
    the_version_of_a_repository:
        "images:\n  versions:\n  - image: mirror.local/tiller\n    version: 2.17.0" =>
        ["5:5: \"mirror.local/tiller\" names a repository; name one image in it by its digest or tag"];
    a_version_that_the_tag_tells:
        "images:\n  versions:\n  - image: mirror.local/tiller:v2.14.3\n    version: 2.17.0" =>
        ["5:5: the tag already says version 2.14.3; remove this entry"];
    an_image_without_its_version: "images:\n  versions:\n  - image: mirror.local/tiller:stable" =>
        ["5:5: version is missing; write it here"];
    a_floor_below_what_can_be_hardened: "versionFloor: 2.7.1" =>
        ["3:1: Tiller before 2.7.2 cannot be hardened; write that version or a newer one"];
    a_floor_of_two_numbers: "versionFloor: 2.16" =>
        ["3:1: found a number, expected a string; put it in quotes if it is one"];
    a_floor_of_helm_3: "versionFloor: 3.0.0" =>
        ["3:1: \"3.0.0\" is not a version of Tiller; write one such as 2.16.12"];
    one_namespace_where_a_list_is_wanted: "protectedNamespaces: prod" =>
        ["3:1: found a string, expected a list; begin each element with \"- \""];
    a_variable_with_its_value: "allowedEnvironment:\n- HTTPS_PROXY=http://proxy" => [
        "4:3: \"HTTPS_PROXY=http://proxy\" is not the name of a variable; write only the name, such as \
         HTTPS_PROXY"
    ];
    a_secret_with_a_slash: "certificateSecret: team/tls" => [
        "3:1: \"team/tls\" is not the name of an object; write it as in Kubernetes, without wildcards"
    ];
    a_service_account_breaks_no_glass:
        "breakGlass:\n  users:\n  - system:serviceaccount:team-a:tiller" => [
        "5:5: \"system:serviceaccount:team-a:tiller\" is not a person; name the users who may use break-glass"
    ];
    nor_does_every_service_account: "breakGlass:\n  groups: ['system:serviceaccounts:team-a']" => [
        "4:12: \"system:serviceaccounts:team-a\" does not hold only administrators; name a group of people who may use break-glass, or system:masters or system:cluster-admins"
    ];
    nor_does_everyone: "breakGlass:\n  groups: ['system:authenticated']" => [
        "4:12: \"system:authenticated\" does not hold only administrators; name a group of people who may use break-glass, or system:masters or system:cluster-admins"
    ];
    an_empty_group: "breakGlass:\n  groups: ['']" =>
        ["4:12: an empty text; write what is meant, or leave the key out"];
}

const EXCEPTION: &str = "exceptions:
- rule: tracing
  object: {kind: Deployment, namespace: team-a, name: tiller-deploy}
  reason: until the migration
  expires: 2026-12-31
";

fn exception(from: &str, to: &str) -> String {
    assert!(EXCEPTION.contains(from));
    EXCEPTION.replace(from, to)
}

#[test]
fn exceptions_are_whole_and_of_a_rule() {
    assert_eq!(policy(EXCEPTION).settings.exceptions.len(), 1);
    for (from, to, said) in [
        (
            "tracing",
            "tls",
            "4:3: there is no rule \"tls\"; `tiller-guard explain` lists all rules",
        ),
        (
            "tracing",
            "tiller-forbidden",
            "4:3: tiller-forbidden comes from the mode; set another mode for the namespace under namespaces",
        ),
        (
            "Deployment",
            "Service",
            "5:12: tracing does not look at a Service; name a Pod, \
          PodTemplate, ReplicationController, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or CronJob",
        ),
        (
            ", name: tiller-deploy",
            "",
            "5:3: name is missing; write it here",
        ),
        (
            "until the migration",
            "' '",
            "6:3: an empty text; write what is meant, or leave the key out",
        ),
        (
            "  reason: until the migration\n",
            "",
            "4:3: reason is missing; write it here",
        ),
        (
            "  expires: 2026-12-31\n",
            "",
            "4:3: expires is missing; write it here",
        ),
        (
            "2026-12-31",
            "2026-02-30",
            "7:3: \"2026-02-30\" is not a date; write one such as 2027-03-31 \
          or 2027-03-31T12:00:00Z",
        ),
        (
            "2026-12-31",
            "never",
            "7:3: \"never\" is not a date; write one such as 2027-03-31 or \
          2027-03-31T12:00:00Z",
        ),
    ] {
        assert_eq!(told(&exception(from, to)), [said]);
    }
}

#[test]
fn an_expired_exception_is_told_and_the_rest_still_counts() {
    let body = exception("2026-12-31", "2026-06-30T23:59:59Z");
    let text = format!("apiVersion: tiller-guard.io/v1\nkind: Policy\nmode: freeze\n{body}");
    let Rejected {
        problems,
        without_expired,
    } = rejected(&text);
    let said = "8:3: this exception has expired; remove it, or set a new date";
    assert_eq!(problems[0].to_string(), said);
    assert_eq!(problems[0].cause, Cause::Expired);
    let expected = Policy {
        modes: policy("mode: freeze").modes,
        ..Policy::default()
    };
    assert_eq!(without_expired.as_deref(), Some(&expected));

    // With anything else wrong, nothing counts.
    assert_eq!(
        rejected(&text.replace("freeze", "frozen")).without_expired,
        None
    );
}

#[test]
fn an_exception_lasts_to_the_end_of_its_day() {
    policy(&exception("2026-12-31", "2026-07-01T00:00:01Z"));
    policy(&exception("2026-12-31", "2026-07-01"));
    assert_eq!(
        told(&exception("2026-12-31", "2026-07-01T00:00:00Z")).len(),
        1
    );
    assert_eq!(told(&exception("2026-12-31", "2026-06-30")).len(), 1);
}

#[test]
fn a_file_is_one_policy() {
    for (text, said) in [
        (
            "",
            "1:1: the file holds no policy; begin with apiVersion and kind: Policy",
        ),
        (
            "# nothing\n---\n",
            "1:1: the file holds no policy; begin with apiVersion and kind: Policy",
        ),
        ("- a", "1:1: found a list, expected a mapping of keys"),
        (
            "apiVersion: tiller-guard.io/v2\nkind: Policy",
            "1:1: \"tiller-guard.io/v2\" is not read here; write tiller-guard.io/v1",
        ),
        (
            "apiVersion: tiller-guard.io/v1\nkind: Config",
            "2:1: \"Config\" is not read here; write Policy",
        ),
        (
            "apiVersion: tiller-guard.io/v1",
            "1:1: kind is missing; write it here",
        ),
        (
            "apiVersion: tiller-guard.io/v1\nkind: Policy\n---\nmode: audit",
            "4:1: a second document; a policy file holds one, so move it to another file",
        ),
    ] {
        let problems = rejected(text).problems;
        let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told, [said]);
    }
}

#[test]
fn what_is_no_yaml_is_unreadable() {
    let problems = rejected("apiVersion: [\n").problems;
    assert_eq!(problems[0].cause, Cause::Unreadable);
    assert_eq!(problems[0].place.line, 1);
}

#[test]
fn what_a_file_holds_cannot_forge_a_line_or_fill_a_screen() {
    let long = "x".repeat(1000);
    let body = format!("mode: \"audit\\npolicy:1:1: all is well\"\n\"{long}\": 1\n");
    let told = told(&body);
    assert_eq!(told.len(), 2);
    assert!(
        told.iter()
            .all(|line| !line.contains('\n') && line.len() < 400),
        "{told:?}"
    );

    let many = (0..10_000).fold(String::new(), |text, number| {
        text + &format!("key{number}: 1\n")
    });
    let text = format!("apiVersion: tiller-guard.io/v1\nkind: Policy\n{many}");
    assert_eq!(rejected(&text).problems.len(), 50);
}
