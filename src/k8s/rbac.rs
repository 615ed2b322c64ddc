//! From an object of `rbac.authorization.k8s.io` to what it grants or binds. Its versions `v1`, `v1beta1` and
//! `v1alpha1` differ in one thing that is read: see [`everybody`].

use std::collections::BTreeMap;

use super::workload::told_namespace;
use crate::json::{ReadError, Source, fields, read as read_value};
use crate::pod::{Items, Text};
use crate::policy::rbac::{
    AggregationRule, Binding, MAX_RULES, PolicyRule, RbacKind, RbacObject, Role, RoleKind, RoleRef,
    Subject, Subjects,
};

/// Reads an object of this kind.
pub(super) fn read<'j, S: Source<'j>>(
    kind: RbacKind,
    object: &mut S,
) -> Result<RbacObject<'j>, ReadError> {
    match kind {
        RbacKind::Role => role(RoleKind::Role, object),
        RbacKind::ClusterRole => role(RoleKind::ClusterRole, object),
        RbacKind::RoleBinding => binding(false, object),
        RbacKind::ClusterRoleBinding => binding(true, object),
    }
}

fn role<'j, S: Source<'j>>(kind: RoleKind, object: &mut S) -> Result<RbacObject<'j>, ReadError> {
    let RoleFields {
        metadata,
        rules,
        aggregation_rule,
    } = read_value(object)?;
    let Metadata {
        name,
        namespace,
        labels,
    } = metadata;
    Ok(RbacObject::Role(Role {
        kind,
        namespace: told_namespace(namespace)
            .0
            .filter(|_| kind == RoleKind::Role),
        name,
        labels: labels.unwrap_or_default(),
        rules,
        aggregation_rule,
    }))
}

fn binding<'j, S: Source<'j>>(
    cluster_wide: bool,
    object: &mut S,
) -> Result<RbacObject<'j>, ReadError> {
    let BindingFields {
        api_version,
        metadata,
        role_ref,
        subjects,
    } = read_value(object)?;
    let Metadata {
        name, namespace, ..
    } = metadata;
    let is_first = api_version.ends_with("/v1alpha1");
    let mut object = RbacObject::Binding(Binding {
        cluster_wide,
        namespace: told_namespace(namespace).0.filter(|_| !cluster_wide),
        name,
        role: role_ref,
        subjects,
    });
    if is_first {
        of_first_version(&mut object);
    }
    Ok(object)
}

/// Reads again what means another thing in `v1alpha1`.
pub(super) fn of_first_version(object: &mut RbacObject<'_>) {
    if let RbacObject::Binding(Binding { subjects, .. }) = object {
        *subjects = std::mem::take(subjects).map(everybody);
    }
}

/// In `v1alpha1` the user `*` is everybody who has logged in: `Convert_v1alpha1_Subject_To_rbac_Subject`.
fn everybody(subject: Subject<'_>) -> Subject<'_> {
    if subject.kind == "User" && subject.name == "*" {
        Subject {
            kind: "Group".into(),
            name: "system:authenticated".into(),
            ..subject
        }
    } else {
        subject
    }
}

#[derive(Default)]
struct Metadata<'a> {
    name: Text<'a>,
    namespace: Text<'a>,
    labels: Option<BTreeMap<String, Text<'a>>>,
}

fields!(Metadata<'a> {
    "name" => name,
    "namespace" => namespace,
    "labels" => labels,
});

#[derive(Default)]
struct RoleFields<'a> {
    metadata: Metadata<'a>,
    rules: Items<PolicyRule<'a>, MAX_RULES>,
    aggregation_rule: Option<AggregationRule<'a>>,
}

fields!(RoleFields<'a> {
    "metadata" => metadata,
    "rules" => rules,
    "aggregationRule" => aggregation_rule,
});

#[derive(Default)]
struct BindingFields<'a> {
    api_version: Text<'a>,
    metadata: Metadata<'a>,
    role_ref: RoleRef<'a>,
    subjects: Subjects<'a>,
}

fields!(BindingFields<'a> {
    "apiVersion" => api_version,
    "metadata" => metadata,
    "roleRef" => role_ref,
    "subjects" => subjects,
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Reader;
    use crate::policy::rbac::{Account, Holder};

    fn holders(kind: RbacKind, json: &str) -> Vec<(usize, String)> {
        let object = read(kind, &mut Reader::new(json)).unwrap();
        let RbacObject::Binding(binding) = &object else {
            panic!("{object:?}")
        };
        let holders = binding.holders();
        holders.map(|(index, it)| (index, it.to_string())).collect()
    }

    fn subject(api_version: &str, fields: &str) -> Vec<(usize, String)> {
        holders(
            RbacKind::RoleBinding,
            &format!(
                r#"{{"apiVersion":"rbac.authorization.k8s.io/{api_version}","metadata":{{"namespace":"here"}},
                "subjects":[null,{{{fields}}}]}}"#
            )
            .replace("null,", r#"{"kind":"User","name":"ann"},"#),
        )
    }

    macro_rules! spelling {
        ($name:ident, $version:literal, $subject:literal, $holder:expr) => {
            #[test]
            fn $name() {
                let expected: Option<&str> = $holder;
                let expected: Vec<_> = expected.map(|it| (1, it.to_owned())).into_iter().collect();
                assert_eq!(subject($version, $subject), expected);
            }
        };
    }

    const ACCOUNT: Option<&str> = Some("system:serviceaccount:team:tiller");
    const EVERYBODY: Option<&str> = Some("system:authenticated");

    spelling!(
        an_account,
        "v1",
        r#""kind":"ServiceAccount","name":"tiller","namespace":"team""#,
        ACCOUNT
    );
    spelling!(
        an_account_of_the_first_version,
        "v1alpha1",
        r#""kind":"ServiceAccount","apiVersion":"v1","name":"tiller","namespace":"team""#,
        ACCOUNT
    );
    spelling!(
        an_account_without_a_namespace,
        "v1beta1",
        r#""kind":"ServiceAccount","name":"tiller""#,
        Some("system:serviceaccount:here:tiller")
    );
    spelling!(
        an_account_as_a_user,
        "v1",
        r#""kind":"User","name":"system:serviceaccount:team:tiller""#,
        ACCOUNT
    );
    spelling!(
        an_account_as_a_user_with_too_many_parts,
        "v1",
        r#""kind":"User","name":"system:serviceaccount:team:tiller:x""#,
        None
    );
    spelling!(
        an_account_as_a_user_without_a_name,
        "v1",
        r#""kind":"User","name":"system:serviceaccount:team:""#,
        None
    );
    spelling!(
        the_accounts_of_a_namespace,
        "v1",
        r#""kind":"Group","name":"system:serviceaccounts:team""#,
        Some("system:serviceaccounts:team")
    );
    spelling!(
        the_accounts_of_no_namespace,
        "v1",
        r#""kind":"Group","name":"system:serviceaccounts:""#,
        None
    );
    spelling!(
        all_accounts,
        "v1",
        r#""kind":"Group","name":"system:serviceaccounts""#,
        Some("system:serviceaccounts")
    );
    spelling!(
        everybody_who_has_logged_in,
        "v1",
        r#""kind":"Group","name":"system:authenticated""#,
        EVERYBODY
    );
    spelling!(
        everybody_else,
        "v1",
        r#""kind":"Group","name":"system:unauthenticated""#,
        None
    );
    spelling!(
        the_star_of_the_first_version,
        "v1alpha1",
        r#""kind":"User","name":"*""#,
        EVERYBODY
    );
    spelling!(
        a_user_called_star,
        "v1beta1",
        r#""kind":"User","name":"*""#,
        None
    );
    spelling!(
        a_group_of_people,
        "v1",
        r#""kind":"Group","name":"team""#,
        None
    );
    spelling!(
        a_user_called_like_a_group,
        "v1",
        r#""kind":"User","name":"system:serviceaccounts""#,
        None
    );
    spelling!(
        a_kind_that_the_api_does_not_know,
        "v1",
        r#""kind":"serviceaccount","name":"tiller""#,
        None
    );

    #[test]
    fn each_spelling_holds_its_accounts_and_no_others() {
        let account = |namespace, name| Account { namespace, name };
        let tiller = account("team", "tiller");
        for (holder, same_namespace, elsewhere) in [
            (Holder::Account(tiller), false, false),
            (Holder::Namespace("team"), true, false),
            (Holder::ServiceAccounts, true, true),
            (Holder::Authenticated, true, true),
        ] {
            assert!(tiller.holders().contains(&holder));
            assert!(holder.holds(tiller));
            assert_eq!(holder.holds(account("team", "web")), same_namespace);
            assert_eq!(holder.holds(account("other", "tiller")), elsewhere);
        }
    }

    #[test]
    fn an_account_of_no_namespace_in_a_cluster_wide_binding_is_nobody() {
        let json = r#"{"subjects":[{"kind":"ServiceAccount","name":"tiller"}]}"#;
        assert_eq!(holders(RbacKind::ClusterRoleBinding, json), []);
    }

    #[test]
    fn a_field_of_another_type_is_an_error_that_names_the_kind() {
        let object = serde_json::json!({ "rules": "all" });
        let error = crate::k8s::read(RbacKind::Role, &object).unwrap_err();
        let expected = "the Role cannot be read: rules: expected a list, found a string";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn null_is_nothing_in_every_field() {
        let json = r#"{"metadata":{"name":null,"namespace":null,"labels":null},
            "rules":[{"apiGroups":null,"resources":null,"verbs":null,"nonResourceURLs":null,"resourceNames":null}],
            "aggregationRule":{"clusterRoleSelectors":[{"matchLabels":null,"matchExpressions":null}]}}"#;
        let object = read(RbacKind::ClusterRole, &mut Reader::new(json));
        let RbacObject::Role(role) = object.unwrap() else {
            panic!("a role")
        };
        assert_eq!(
            (role.name.as_str(), role.rules.len(), role.labels.len()),
            ("", 1, 0)
        );
        assert!(role.aggregates());
    }
}
