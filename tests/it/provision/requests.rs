//! What `provision` asks the API server for many new teams.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::cluster::World;
use super::proxy::{Asked, Fate, Proxy, run_at};
use crate::offline::Folder;

const TEAMS: usize = 20;
/// The objects of a team of two. No API server makes two objects in one request.
const OBJECTS: usize = 21;
/// What is asked once for all teams: versions, lists, rights, and who asks.
const SHARED: usize = 15;

/// Requests by verb and path, with the team's name taken out.
fn table(asked: &[Asked], teams: &[String]) -> BTreeMap<String, usize> {
    let mut table = BTreeMap::new();
    for Asked { method, path } in asked {
        let team = teams.iter().find(|team| path.contains(&format!("/{team}")));
        let path = team.map_or_else(|| path.clone(), |team| path.replacen(team, "TEAM", 1));
        *table.entry(format!("{method} {path}")).or_default() += 1;
    }
    table
}

fn text(table: &BTreeMap<String, usize>) -> String {
    let mut text = String::new();
    for (request, count) in table {
        writeln!(text, "{count:5} {request}").unwrap();
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_teams_take_a_request_for_each_object() {
    let world = World::create().await;
    let teams: Vec<_> = (10..10 + TEAMS).map(|it| format!("q-{it}")).collect();
    let document = |team: &String| {
        format!(
            "---\napiVersion: tiller-guard.io/v1\nkind: Team\nname: {team}\ntillerNamespace: {team}-t\n\
             targetNamespaces: [{team}]\nusers: [ada, bob]\n"
        )
    };
    let folder = Folder::new();
    let file = folder.file("teams.yaml", teams.iter().map(document).collect::<String>());
    let proxy = Proxy::start(world.client.clone(), |_| Fate::Passes).await;
    let made = run_at(
        &proxy.kubeconfig(),
        &["provision", "-f", &file, "--no-wait"],
    )
    .await;
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let table = table(&proxy.asked(), &teams);
    let writes = proxy.asked().iter().filter(|it| it.writes()).count();
    let others = proxy.asked().len() - writes;
    assert!(others <= SHARED, "{}", text(&table));
    // Until the guard has learned of a role, it may refuse a binding, which is sent again.
    let again = TEAMS / 2;
    assert!(writes <= TEAMS * OBJECTS + again, "{}", text(&table));
}
