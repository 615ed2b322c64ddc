//! What an answer asks to be looked up, and what comes of it.

use serde_json::{Value, json};
use tiller_guard::k8s::overlay;
use tiller_guard::k8s::review::{Answer, Decision, Lookup, Webhook, answer};
use tiller_guard::policy::rbac::RoleKind;
use tiller_guard::policy::rights::existing_excesses;
use tiller_guard::policy::{Context, Knowledge, Mode, Policy, Settings, Timestamp};

use super::creation;
use crate::policy::corpus::canonical;
use crate::policy::known::{known, with};

fn access(kind: &str, object: &Value) -> Value {
    creation("rbac.authorization.k8s.io", kind, object)
}

fn ask(review: &Value, knowledge: &Knowledge, mode: Mode) -> Answer {
    ask_of(Webhook::Validate, review, knowledge, mode)
}

fn ask_of(webhook: Webhook, review: &Value, knowledge: &Knowledge, mode: Mode) -> Answer {
    let context = Context::new(Timestamp(0), knowledge);
    let mut policy = Policy::default();
    policy.modes.default = mode;
    answer(webhook, review.to_string().as_bytes(), &policy, &context).unwrap()
}

fn binding(account: &str) -> Value {
    json!({
        "metadata": { "name": "b", "namespace": "red" },
        "roleRef": { "kind": "Role", "name": "charts" },
        "subjects": [{ "kind": "ServiceAccount", "name": account }],
    })
}

/// The same, as it is stored.
fn binding_of(account: &str) -> Value {
    let mut binding = binding(account);
    binding["kind"] = json!("RoleBinding");
    binding
}

fn role(verb: &str) -> Value {
    json!({
        "kind": "Role",
        "metadata": { "name": "charts", "namespace": "red" },
        "rules": [{ "apiGroups": ["apps"], "resources": ["deployments"], "verbs": [verb] }],
    })
}

fn role_lookup() -> Lookup {
    Lookup::Role {
        kind: RoleKind::Role,
        namespace: Some("red".into()),
        name: "charts".into(),
    }
}

fn found(knowledge: &Knowledge, lookup: &Lookup, objects: &[Value]) -> Knowledge {
    found_since(knowledge, knowledge, lookup, objects)
}

/// By a lookup that began when this was known.
fn found_since(
    before: &Knowledge,
    knowledge: &Knowledge,
    lookup: &Lookup,
    objects: &[Value],
) -> Knowledge {
    let objects: Vec<_> = objects.iter().map(ToString::to_string).collect();
    overlay(knowledge, before, lookup, objects.iter().map(|it| &**it)).0
}

#[test]
fn a_binding_to_a_role_that_was_made_a_moment_ago_is_let_in_once_it_is_found() {
    let knowledge = known(&[]);
    let review = access("RoleBinding", &binding("tiller"));
    let first = ask(&review, &knowledge, Mode::Enforce);
    assert_eq!(
        (first.decision, &first.rules[..]),
        (Decision::Refused, &["rights-unknown"][..])
    );
    assert_eq!(first.lookups, [role_lookup()]);
    let there = found(&knowledge, &role_lookup(), &[role("create")]);
    assert_eq!(
        ask(&review, &there, Mode::Enforce).decision,
        Decision::Unconcerned
    );
    let nowhere = found(&knowledge, &role_lookup(), &[]);
    assert_eq!(
        ask(&review, &nowhere, Mode::Enforce).rules,
        ["rights-unknown"]
    );
}

#[test]
fn a_binding_to_a_role_that_was_widened_a_moment_ago_is_refused_once_that_is_found() {
    let knowledge = known(&[role("create")]);
    let review = access("RoleBinding", &binding("tiller"));
    let first = ask(&review, &knowledge, Mode::Enforce);
    assert_eq!(
        (first.decision, first.lookups),
        (Decision::Unconcerned, vec![role_lookup()])
    );
    let wide = found(&knowledge, &role_lookup(), &[role("impersonate")]);
    assert_eq!(ask(&review, &wide, Mode::Enforce).rules, ["role-rights"]);
}

#[test]
fn nothing_is_looked_up_where_nothing_hangs_on_it() {
    let knowledge = known(&[
        role("impersonate"),
        json!({ "kind": "Tiller", "account": "red/x" }),
    ]);
    for (what, review, mode) in [
        (
            "nobody's account",
            access("RoleBinding", &binding("web")),
            Mode::Enforce,
        ),
        (
            "refused all the same",
            access("ClusterRoleBinding", &binding("tiller")),
            Mode::Enforce,
        ),
        (
            "a mode that lets all in",
            access("RoleBinding", &binding("tiller")),
            Mode::Audit,
        ),
        (
            "a harmless role",
            access("Role", &role("create")),
            Mode::Enforce,
        ),
    ] {
        assert_eq!(ask(&review, &knowledge, mode).lookups, [], "{what}");
    }
    let nobody = known(&[]);
    let role = access("Role", &role("impersonate"));
    assert_eq!(ask(&role, &nobody, Mode::Enforce).lookups, []);
}

/// What a dry run lets pass is not stored; what it refuses should be refused for a reason that holds.
#[test]
fn a_dry_run_looks_up_only_what_may_let_it_pass() {
    let mut review = access("RoleBinding", &binding("tiller"));
    review["request"]["dryRun"] = json!(true);
    let passed = ask(&review, &known(&[role("create")]), Mode::Enforce);
    assert_eq!(
        (passed.decision, passed.lookups),
        (Decision::Unconcerned, Vec::new())
    );
    let refused = ask(&review, &known(&[]), Mode::Enforce);
    assert_eq!(refused.rules, ["rights-unknown"]);
    assert_eq!(refused.lookups, [role_lookup()]);
}

#[test]
fn a_role_is_judged_by_the_bindings_of_its_namespace_that_are_found() {
    let knowledge = known(&[json!({ "kind": "Tiller", "account": "red/deployer" })]);
    let review = access("Role", &role("impersonate"));
    let first = ask(&review, &knowledge, Mode::Enforce);
    let bindings = Lookup::BindingsIn("red".into());
    assert_eq!(first.decision, Decision::Unconcerned);
    assert_eq!(first.lookups, std::slice::from_ref(&bindings));
    let bound = found(&knowledge, &bindings, &[binding("deployer")]);
    assert_eq!(ask(&review, &bound, Mode::Enforce).rules, ["role-rights"]);
}

/// First the bindings, then the roles that they name.
#[test]
fn a_tiller_is_judged_by_the_bindings_and_then_by_the_roles_that_are_found() {
    let review = tiller();
    let knowledge = known(&[]);
    let first = ask(&review, &knowledge, Mode::Enforce);
    assert_eq!(first.decision, Decision::Allowed, "{:?}", first.rules);
    let bindings = Lookup::BindingsIn("red".into());
    let pods = Lookup::PodsOf {
        namespace: "red".into(),
        name: "tiller".into(),
    };
    assert_eq!(
        first.lookups,
        [bindings.clone(), Lookup::ClusterRoleBindings, pods.clone()]
    );
    let bound = found(&knowledge, &bindings, &[binding("tiller")]);
    let second = ask(&review, &bound, Mode::Enforce);
    assert_eq!(second.decision, Decision::Allowed);
    assert!(second.lookups.contains(&role_lookup()));
    let web = |phase: &str| {
        json!({
            "metadata": { "name": "web", "namespace": "red" },
            "spec": { "serviceAccountName": "tiller", "containers": [{ "name": "web", "image": "web" }] },
            "status": { "phase": phase },
        })
    };
    for (phase, rules) in [("Running", &["service-account"][..]), ("Failed", &[])] {
        let used = found(&bound, &pods, &[web(phase)]);
        assert_eq!(ask(&review, &used, Mode::Enforce).rules, rules);
    }
    let wide = found(&bound, &role_lookup(), &[role("escalate")]);
    assert_eq!(ask(&review, &wide, Mode::Enforce).rules, ["account-rights"]);
}

/// A Tiller in the namespace of `binding`.
fn tiller() -> Value {
    let deployment = canonical().to_string().replace("tiller-world", "red");
    creation(
        "apps",
        "Deployment",
        &serde_json::from_str(&deployment).unwrap(),
    )
}

#[test]
fn a_tiller_is_let_in_once_what_gave_it_too_much_is_found_to_be_gone() {
    let knowledge = known(&[role("escalate"), binding_of("tiller")]);
    for webhook in [Webhook::Mutate, Webhook::Validate] {
        let ask = |knowledge: &Knowledge| ask_of(webhook, &tiller(), knowledge, Mode::Enforce);
        let first = ask(&knowledge);
        assert_eq!(first.rules, ["account-rights"]);
        let bindings = Lookup::BindingsIn("red".into());
        assert_eq!(first.lookups[0], bindings);
        assert!(first.lookups.contains(&role_lookup()));
        let unbound = found(&knowledge, &bindings, &[]);
        assert_eq!(ask(&unbound).decision, Decision::Allowed);
        let narrow = found(&knowledge, &role_lookup(), &[role("create")]);
        assert_eq!(ask(&narrow).decision, Decision::Allowed);
    }
}

/// The API server answered before that, or cannot be read.
#[test]
fn a_binding_that_is_not_found_counts_where_it_may_be_there_all_the_same() {
    let before = known(&[role("escalate")]);
    let bindings = Lookup::BindingsIn("red".into());
    let now = with(&before, &binding_of("tiller"));
    let found = found_since(&before, &now, &bindings, &[]);
    assert_eq!(
        ask(&tiller(), &found, Mode::Enforce).rules,
        ["account-rights"]
    );
    let made_anew = found_since(&now, &with(&before, &binding_of("tiller")), &bindings, &[]);
    assert_eq!(
        ask(&tiller(), &made_anew, Mode::Enforce).rules,
        ["account-rights"]
    );
    let unreadable = found_since(&now, &now, &bindings, &[json!({ "subjects": 7 })]);
    assert_eq!(
        ask(&tiller(), &unreadable, Mode::Enforce).rules,
        ["account-rights"]
    );
    let elsewhere = found_since(&now, &now, &Lookup::ClusterRoleBindings, &[]);
    assert_eq!(
        ask(&tiller(), &elsewhere, Mode::Enforce).rules,
        ["account-rights"]
    );
}

/// Status updates come by the thousand.
#[test]
fn what_leaves_the_pod_as_it_is_looks_nothing_up() {
    let mut review = creation("apps", "Deployment", &canonical());
    review["request"]["operation"] = json!("UPDATE");
    review["request"]["oldObject"] = review["request"]["object"].clone();
    review["request"]["subResource"] = json!("status");
    let answer = ask(&review, &known(&[]), Mode::Enforce);
    assert_eq!(
        (answer.decision, answer.lookups),
        (Decision::Unconcerned, Vec::new())
    );
}

/// Nobody knows what it gives, so that it may give anything.
#[test]
fn a_role_or_binding_that_cannot_be_read_may_give_any_right() {
    let account = json!({ "kind": "Tiller", "account": "red/tiller" });
    let knowledge = known(&[account, binding_of("tiller")]);
    let mut bad = role("get");
    bad["rules"] = json!("all");
    let unread = found(&knowledge, &role_lookup(), &[bad]);
    let refused = ask(&tiller(), &unread, Mode::Enforce);
    assert_eq!(refused.rules, ["account-rights"]);
    let standing = existing_excesses(&Settings::default(), &unread);
    assert!(
        standing[0].message.ends_with("cannot be read"),
        "{standing:?}"
    );
    let mut bad = binding_of("nobody");
    bad["roleRef"] = json!("all");
    let bindings = Lookup::BindingsIn("red".into());
    let unread = found(&known(&[]), &bindings, &[bad]);
    let refused = ask(&tiller(), &unread, Mode::Enforce);
    assert_eq!(refused.rules, ["account-rights"]);
    let gone = found(&unread, &bindings, &[]);
    assert_eq!(
        ask(&tiller(), &gone, Mode::Enforce).decision,
        Decision::Allowed
    );
}
