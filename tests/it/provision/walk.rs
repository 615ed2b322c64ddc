//! A team lead and a team member, who follow `docs/teams.md` to the letter.

use std::time::Duration;

use super::cluster::{World, assert_tells};
use super::real_tiller::{RealTiller, releases};
use super::rotation::become_ready;
use crate::api_server::cluster;
use crate::clients::kubectl;
use crate::manual::walk::{LEFT_OUT, Machine, Shown, helm2, shown};
use crate::manual::{page, repository};

const MANUAL: &str = "docs/teams.md";
/// A Helm that says what it is asked and where it would look.
const HELM: &str = "#!/bin/sh\n\
    case $* in\n\
    'version --client --short') echo 'Client: v2.17.0+ga690bad' ;;\n\
    *) echo \"helm $* with $HELM_HOME in $TILLER_NAMESPACE, tls $HELM_TLS_ENABLE\" ;;\n\
    esac\n";

/// The commands of the table of everyday commands.
fn everyday() -> Vec<String> {
    let text = page(MANUAL).text;
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `tiller-guard "));
    let everyday = rows.filter_map(|row| row.split_once('`'));
    everyday
        .map(|(words, _)| format!("tiller-guard {words}"))
        .collect()
}

#[tokio::test]
async fn the_commands_of_the_page_do_what_it_shows() {
    let world = World::create().await;
    let nodes = tokio::spawn(async move {
        loop {
            for namespace in ["blue-tiller", "green-tiller"] {
                become_ready(&world, namespace).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut machine =
        Machine::new(&cluster().kubeconfig(), kubectl(cluster().version())).in_folder(repository());
    let programs = helm2();
    match &programs {
        Some(programs) => machine.has("helm", &programs.join("helm")),
        None => machine.has_script("helm", HELM),
    }
    let mut tiller = None;
    let (blocks, everyday) = (shown(MANUAL, true), everyday());
    assert!(
        blocks.len() >= 6 && everyday.len() >= 10,
        "{} {}",
        blocks.len(),
        everyday.len()
    );
    for Shown { command, lines } in &blocks {
        if let Some(programs) = programs.as_ref().filter(|_| command.ends_with("helm ls")) {
            let started = RealTiller::start(programs, "blue-tiller").await;
            machine.set("HELM_HOST", started.address.clone());
            tiller = Some(started);
        }
        let (code, printed) = machine.run(command).await;
        let expected = i32::from(command.ends_with("--check"));
        assert_eq!(code, Some(expected), "{command}\n{printed}");
        for line in lines.iter().filter(|line| *line != LEFT_OUT) {
            assert_tells(&printed, &line.replace("/home/ada", &machine.home.path()));
        }
        if command.ends_with("helm ls") && tiller.is_some() {
            releases(&machine, &printed).await;
        } else if command.ends_with("helm ls") {
            let told = format!(
                "helm ls with {}/.helm-blue in blue-tiller, tls true\n",
                machine.home.path()
            );
            assert_eq!(printed, told);
        }
    }
    for command in everyday {
        let command = command
            .replace("TEAM", "blue")
            .replace("NAME", "bob@example.com");
        let command = match command.as_str() {
            // It asks a person.
            "tiller-guard deprovision blue" => format!("{command} --yes"),
            // Without a name it is about the teams of other tests too.
            "tiller-guard provision renew" => format!("{command} blue"),
            _ => command,
        };
        let (code, printed) = machine.run(&command).await;
        assert_eq!(code, Some(0), "{command}\n{printed}");
        // What it says to run next works as it stands.
        let own = printed
            .lines()
            .filter_map(|line| line.split_once(": tiller-guard configure "));
        for (_, words) in own.filter(|(_, words)| words.contains("ada@example.com")) {
            let (code, printed) = machine
                .run(&format!("tiller-guard configure {words}"))
                .await;
            assert_eq!(code, Some(0), "{words}\n{printed}");
        }
    }
    nodes.abort();
}
