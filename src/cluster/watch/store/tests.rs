use std::collections::BTreeMap;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::{collection::vec, option};
use serde_json::{Value, json};

use super::*;
use crate::policy::custody::CaFile;
use crate::policy::rbac::{Account, RbacKind, RoleKind};
use crate::policy::{Settings, WorkloadKind};

const DEPLOYMENTS: WatchedResource = WatchedResource::Workloads(WorkloadKind::Deployment);
const ROLES: WatchedResource = WatchedResource::Rbac(RbacKind::Role);
const BINDINGS: WatchedResource = WatchedResource::Rbac(RbacKind::RoleBinding);

fn raw(object: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(object).unwrap()
}

fn tiller(name: &str, account: &str) -> Value {
    json!({
        "metadata": { "namespace": "team", "name": name },
        "spec": { "template": { "spec": {
            "serviceAccountName": account,
            "containers": [{ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0" }],
        } } },
    })
}

fn web(name: &str) -> Value {
    let mut web = tiller(name, "tiller");
    web["spec"]["template"]["spec"]["containers"] = json!([{ "name": "web", "image": "web:1" }]);
    web
}

fn role(name: &str, verbs: &[&str]) -> Value {
    json!({
        "metadata": { "namespace": "team", "name": name },
        "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": verbs }],
    })
}

fn binding(name: &str, subject: &str) -> Value {
    json!({
        "metadata": { "namespace": "team", "name": name },
        "roleRef": { "kind": "Role", "name": "role" },
        "subjects": [{ "kind": "ServiceAccount", "namespace": "team", "name": subject }],
    })
}

fn team(name: &str, namespace: &str) -> Value {
    json!({
        "metadata": {
            "namespace": "tiller-guard",
            "name": name,
            "creationTimestamp": "2026-11-24T08:00:00Z",
        },
        "data": { "tiller-namespace": namespace, "service-account": "releases" },
    })
}

fn changed(object: &Value) -> StoreUpdate {
    StoreUpdate::Changed(raw(object))
}

fn gone(object: &Value) -> StoreUpdate {
    StoreUpdate::Gone(raw(object))
}

/// Tells of a list of these.
fn list(store: &mut Store, resource: WatchedResource, objects: &[Value]) -> Vec<Remark> {
    let mut remarks = store.take(resource, &StoreUpdate::Listing);
    for object in objects {
        remarks.extend(store.take(resource, &StoreUpdate::Listed(vec![raw(object)])));
    }
    remarks.extend(store.take(resource, &StoreUpdate::Complete));
    remarks
}

fn is_tiller(store: &Store, name: &str) -> bool {
    let (namespace, settings) = ("team", Settings::default());
    let account = Account { namespace, name };
    store.knowledge().is_tiller_account(account, &settings)
}

#[test]
fn a_tiller_is_known_as_long_as_it_is_there() {
    let mut store = Store::default();
    store.take(DEPLOYMENTS, &changed(&tiller("a", "one")));
    assert!(is_tiller(&store, "one"));
    // Told twice, as after a watch that was made anew.
    store.take(DEPLOYMENTS, &changed(&tiller("a", "one")));
    assert_eq!(store.knowledge().size().tillers, 1);
    store.take(DEPLOYMENTS, &changed(&tiller("a", "two")));
    assert!(is_tiller(&store, "two") && !is_tiller(&store, "one"));
    store.take(DEPLOYMENTS, &gone(&tiller("a", "two")));
    assert_eq!(store.knowledge(), &Knowledge::default());
    // Gone twice.
    store.take(DEPLOYMENTS, &gone(&tiller("a", "two")));
    assert_eq!(store.knowledge(), &Knowledge::default());
}

#[test]
fn what_becomes_something_else_is_no_tiller_any_more() {
    let mut store = Store::default();
    store.take(DEPLOYMENTS, &changed(&tiller("a", "one")));
    let mut plain = web("a");
    plain["spec"]["template"]["spec"]["serviceAccountName"] = json!("web");
    store.take(DEPLOYMENTS, &changed(&plain));
    assert_eq!(store.knowledge(), &Knowledge::default());
}

#[test]
fn a_pod_that_holds_a_tiller_is_known_whatever_it_runs_as() {
    let pods = WatchedResource::Workloads(WorkloadKind::Pod);
    let pod = |image: &str, account: &str| {
        json!({
            "metadata": { "namespace": "team", "name": "a" },
            "spec": {
                "serviceAccountName": account,
                "containers": [{ "name": "tiller", "image": image }],
            },
        })
    };
    let tiller = "ghcr.io/helm/tiller:v2.17.0";
    let mut store = Store::default();
    store.take(pods, &changed(&pod(tiller, "default")));
    let pod_now = pod(tiller, "default");
    let known = Knowledge::default().with(&k8s::read(WorkloadKind::Pod, &pod_now).unwrap());
    assert_eq!(store.knowledge(), &known);
    store.take(pods, &changed(&pod(tiller, "one")));
    assert_ne!(store.knowledge(), &known);
    store.take(pods, &gone(&pod(tiller, "one")));
    assert_eq!(store.knowledge(), &Knowledge::default());
}

#[test]
fn a_service_is_known_as_long_as_it_leads_to_tiller() {
    let service = |port: u16| {
        json!({
            "metadata": { "namespace": "team", "name": "a" },
            "spec": { "ports": [{ "port": port }], "selector": { "app": "helm" } },
        })
    };
    let mut store = Store::default();
    store.take(WatchedResource::Services, &changed(&service(44134)));
    let known = Knowledge::default().with_tiller_service("team", "a");
    assert_eq!(store.knowledge(), &known);
    list(&mut store, WatchedResource::Services, &[service(80)]);
    assert_eq!(store.knowledge(), &Knowledge::default());
}

#[test]
fn a_record_of_a_release_is_known_by_its_name_alone() {
    let record = json!({
        "kind": "PartialObjectMetadata",
        "metadata": { "namespace": "team", "name": "web.v1", "labels": { "OWNER": "TILLER" } },
    });
    let mut store = Store::default();
    list(&mut store, WatchedResource::Records, &[record]);
    let known = Knowledge::default().with_release_record("team", "web.v1");
    assert_eq!(store.knowledge(), &known);
    list(&mut store, WatchedResource::Records, &[]);
    assert_eq!(store.knowledge(), &Knowledge::default());
}

/// Keys are never kept.
#[test]
fn of_a_secret_with_certificates_what_it_trusts_is_known() {
    let resource = WatchedResource::Certificates("tiller-tls");
    let secret = |data: Value| {
        json!({
            "metadata": { "namespace": "team", "name": "tiller-tls" },
            "data": data,
        })
    };
    let mut store = Store::default();
    list(
        &mut store,
        resource,
        &[secret(json!({ "tls.key": "a2V5" }))],
    );
    let known = |file| Knowledge::default().with_certificates("team", "tiller-tls", file);
    assert_eq!(store.knowledge(), &known(CaFile::Absent));
    store.take(resource, &changed(&secret(json!({ "ca.crt": "?" }))));
    let unreadable = CaFile::Unreadable("it is not base64");
    assert_eq!(store.knowledge(), &known(unreadable));
    let remarks = store.take(resource, &changed(&secret(json!({ "ca.crt": 5 }))));
    let told = format!("{remarks:?}");
    assert!(told.contains("team/tiller-tls"), "{told}");
    assert_eq!(store.knowledge(), &Knowledge::default());
}

#[test]
fn what_a_list_does_not_name_is_forgotten() {
    let mut store = Store::default();
    let objects = [tiller("a", "one"), tiller("b", "two"), web("c")];
    list(&mut store, DEPLOYMENTS, &objects);
    assert_eq!(store.knowledge().size().tillers, 2);
    list(&mut store, ROLES, &[role("role", &["get"])]);
    list(&mut store, DEPLOYMENTS, &objects[1..]);
    assert_eq!(store.knowledge().size().tillers, 1);
    assert!(is_tiller(&store, "two"));
    assert_eq!(store.knowledge().size().roles, 1);
}

#[test]
fn a_list_that_is_not_told_to_its_end_takes_nothing_away() {
    let mut store = Store::default();
    list(
        &mut store,
        DEPLOYMENTS,
        &[tiller("a", "one"), tiller("b", "two")],
    );
    store.take(DEPLOYMENTS, &StoreUpdate::Listing);
    store.take(
        DEPLOYMENTS,
        &StoreUpdate::Listed(vec![raw(&tiller("b", "two"))]),
    );
    assert_eq!(store.knowledge().size().tillers, 2);
    list(&mut store, DEPLOYMENTS, &[tiller("a", "one")]);
    assert!(is_tiller(&store, "one") && !is_tiller(&store, "two"));
}

#[test]
fn a_binding_that_can_hold_no_account_leaves_nothing() {
    let mut store = Store::default();
    let mut people = binding("people", "tiller");
    people["subjects"] = json!([{ "kind": "User", "name": "ann" }]);
    list(&mut store, BINDINGS, &[binding("a", "tiller"), people]);
    assert_eq!(store.knowledge().size().bindings, 1);
    assert_eq!(store.tracked[&BINDINGS].objects.len(), 1);
}

#[test]
fn a_role_that_cannot_be_read_may_grant_anything_and_leaves_the_others() {
    let mut store = Store::default();
    list(&mut store, ROLES, &[role("a", &["get"]), role("b", &[])]);
    let mut bad = role("a", &[]);
    bad["rules"] = json!("all");
    let remarks = store.take(ROLES, &changed(&bad));
    let [Remark::Unreadable { object, cause }] = &remarks[..] else {
        panic!("{remarks:?}")
    };
    assert_eq!(object, "team/a");
    assert_eq!(cause.reason, "rules: expected a list, found a string");
    let known = Knowledge::default().with_unreadable_role(RoleKind::Role, Some("team"), "a");
    store.take(ROLES, &StoreUpdate::Gone(raw(&role("b", &[]))));
    assert_eq!(store.knowledge(), &known);
    store.take(ROLES, &StoreUpdate::Gone(raw(&role("a", &[]))));
    assert_eq!(store.knowledge(), &Knowledge::default());
}

#[test]
fn a_bad_team_is_told_once_and_ignored_until_it_is_mended() {
    let mut store = Store::default();
    let mut bad = team("a", "tiller-a");
    bad["data"]["service-acount"] = json!("x");
    let remarks = list(&mut store, WatchedResource::Teams, &[bad.clone()]);
    let [Remark::TeamIgnored(why)] = &remarks[..] else {
        panic!("{remarks:?}")
    };
    assert!(why.contains("has the unknown key service-acount"), "{why}");
    assert_eq!(
        (store.teams_ignored(), store.knowledge().size().teams),
        (1, 0)
    );
    assert_eq!(list(&mut store, WatchedResource::Teams, &[bad]), []);
    let remarks = store.take(WatchedResource::Teams, &changed(&team("a", "tiller-a")));
    assert_eq!(remarks, [Remark::TeamMended("a".to_owned())]);
    assert_eq!(
        (store.teams_ignored(), store.knowledge().size().teams),
        (0, 1)
    );
}

#[test]
fn a_team_that_was_in_the_way_gives_way() {
    let mut store = Store::default();
    let (first, second) = (team("a", "tiller"), team("b", "tiller"));
    let remarks = list(
        &mut store,
        WatchedResource::Teams,
        &[second.clone(), first.clone()],
    );
    assert!(matches!(&remarks[..], [Remark::TeamIgnored(why)] if why.contains("the team \"b\"")));
    let of_team = |store: &Store| {
        let team = store.knowledge().team_in("tiller");
        team.map(|team| team.name.to_string())
    };
    assert_eq!(of_team(&store).as_deref(), Some("a"));
    store.take(WatchedResource::Teams, &gone(&first));
    assert_eq!(of_team(&store).as_deref(), Some("b"));
    store.take(WatchedResource::Teams, &gone(&second));
    assert_eq!(store.knowledge(), &Knowledge::default());
}

/// One of the objects of the property below: what it is, and what it is like, if it is there.
fn object(index: usize, variant: u8) -> (WatchedResource, Value) {
    let name = format!("object-{index}");
    let pick = |words: [&'static str; 3]| words[usize::from(variant) % 3];
    match index % 4 {
        0 => {
            let account = pick(["one", "two", "default"]);
            let object = if variant % 5 == 4 {
                web(&name)
            } else {
                tiller(&name, account)
            };
            (DEPLOYMENTS, object)
        }
        1 => (ROLES, role(&name, &[pick(["get", "*", "impersonate"])])),
        2 => (BINDINGS, binding(&name, pick(["one", "two", "three"]))),
        _ => (
            WatchedResource::Teams,
            team(&name, pick(["tiller-a", "tiller-b", "?"])),
        ),
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// An object is made, changed or deleted, and the watch tells of it so many times.
    Write(usize, Option<u8>, u8),
    /// A watch lists anew, of so many objects only, before it breaks off, or to its end.
    List(usize, Option<usize>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..12_usize, option::of(any::<u8>()), 0..3_u8)
            .prop_map(|(index, variant, times)| Step::Write(index, variant, times)),
        1 => (0..4_usize, prop_oneof![Just(None), (0..4_usize).prop_map(Some)])
            .prop_map(|(resource, until)| Step::List(resource, until)),
    ]
}

fn tell_list(store: &mut Store, there: &BTreeMap<usize, u8>, kind: usize, until: Option<usize>) {
    let (resource, _) = object(kind, 0);
    let objects: Vec<Value> = there
        .iter()
        .filter(|(index, _)| *index % 4 == kind)
        .map(|(index, variant)| object(*index, *variant).1)
        .collect();
    match until {
        None => {
            list(store, resource, &objects);
        }
        Some(until) => {
            store.take(resource, &StoreUpdate::Listing);
            let told = objects.iter().take(until).map(raw).collect();
            store.take(resource, &StoreUpdate::Listed(told));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever was told, twice or not at all: after a last list all is known that is there, and nothing else.
    #[test]
    fn any_course_of_events_ends_in_what_is_there(steps in vec(step(), 0..60)) {
        let mut store = Store::default();
        let mut there: BTreeMap<usize, u8> = BTreeMap::new();
        let mut missed = [false; 4];
        for step in steps {
            match step {
                Step::Write(index, variant, times) => {
                    let before = match variant {
                        Some(variant) => there.insert(index, variant),
                        None => there.remove(&index),
                    };
                    let Some(variant) = variant.or(before) else { continue };
                    let (resource, object) = object(index, variant);
                    let update = if there.contains_key(&index) { changed(&object) } else { gone(&object) };
                    for _ in 0..times {
                        store.take(resource, &update);
                    }
                    missed[index % 4] |= times == 0;
                }
                Step::List(kind, until) => {
                    tell_list(&mut store, &there, kind, until);
                    missed[kind] = until.is_some();
                }
            }
        }
        for (kind, missed) in missed.into_iter().enumerate() {
            if missed {
                tell_list(&mut store, &there, kind, None);
            }
        }
        let mut fresh = Store::default();
        for kind in 0..4 {
            tell_list(&mut fresh, &there, kind, None);
        }
        assert_eq!(store.knowledge(), fresh.knowledge());
        assert_eq!(store.teams_ignored(), fresh.teams_ignored());
    }
}
