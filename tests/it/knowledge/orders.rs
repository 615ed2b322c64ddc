//! Role, binding, account and Tiller in every order: the last that completes a Tiller with too many rights is refused.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::{ACCOUNT, api, binding, create, refusal, refused_change, role, tiller, wide_role};
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, status};

/// What arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrives {
    Account,
    Role,
    Binding,
    Tiller,
}
use Arrives::{Account, Binding, Role, Tiller};

/// What is refused, by which rule and at which path. Nobody can judge a binding to a role that is not there; a role that
/// comes to a binding from before the Tiller is judged when it comes.
fn refused(order: &[Arrives]) -> (Arrives, &'static str, &'static str) {
    let place = |what| order.iter().position(|it| *it == what).unwrap();
    let (role, binding, tiller) = (place(Role), place(Binding), place(Tiller));
    if tiller < binding && binding < role {
        (Binding, "rights-unknown", "/roleRef")
    } else if role > binding && role > tiller {
        (Role, "role-rights", "/rules/0/verbs")
    } else if binding > role && binding > tiller {
        (Binding, "role-rights", "/roleRef")
    } else {
        (Tiller, "account-rights", "serviceAccountName")
    }
}

fn object(world: &World, what: Arrives) -> Value {
    match what {
        Account => json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": ACCOUNT },
        }),
        Role => wide_role("wide"),
        Binding => binding("wide", "wide", ACCOUNT),
        Tiller => tiller(world, ACCOUNT),
    }
}

fn orders() -> Vec<[Arrives; 4]> {
    let all = [Account, Role, Binding, Tiller];
    let mut orders = Vec::new();
    for one in all {
        for two in all {
            for three in all {
                for four in all {
                    let order = [one, two, three, four];
                    if all.iter().all(|what| order.contains(what)) {
                        orders.push(order);
                    }
                }
            }
        }
    }
    orders
}

#[tokio::test]
async fn every_order_ends_in_a_refusal() {
    let orders = orders();
    assert_eq!(orders.len(), 24);
    for (number, order) in orders.into_iter().enumerate() {
        let world = World::create(&format!("order-{number}")).await;
        let (last, rule, path) = refused(&order);
        for what in order {
            let object = object(&world, what);
            if what == last {
                assert_refused(refusal(&world, &object).await, rule, path);
            } else {
                create(&world, &object).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_role_is_not_widened_later() {
    let world = World::create("widened-later").await;
    let narrow = role("charts", "apps", "deployments", &["get", "create"]);
    for object in [
        narrow,
        binding("charts", "charts", ACCOUNT),
        tiller(&world, ACCOUNT),
    ] {
        create(&world, &object).await.unwrap();
    }
    let wide = json!({ "rules": [{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }] });
    let answer = refused_change(&world, "Role", "charts", &wide).await;
    assert_refused(answer, "role-rights", "/rules/0/apiGroups");
    let more =
        json!({ "rules": [{ "apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["*"] }] });
    let changed = api(&world, "Role")
        .patch("charts", &PatchParams::default(), &Patch::Merge(more))
        .await;
    status(changed).unwrap();
}
