//! A team lead and a team member, who follow `docs/teams.md` to the letter.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::time::Duration;

use super::cluster::{World, assert_tells};
use super::rotation::become_ready;
use crate::api_server::cluster;
use crate::clients::program;
use crate::manual::{page, repository};
use crate::offline::Folder;

const MANUAL: &str = "docs/teams.md";
/// In place of lines that are not shown.
const LEFT_OUT: &str = "…";
/// A Helm that says what it is asked and where it would look.
const HELM: &str = "#!/bin/sh\n\
    case $* in\n\
    'version --client --short') echo 'Client: v2.17.0+ga690bad' ;;\n\
    *) echo \"helm $* with $HELM_HOME in $TILLER_NAMESPACE, tls $HELM_TLS_ENABLE\" ;;\n\
    esac\n";

/// A command of the manual, and the lines that it is shown to print.
struct Shown {
    command: String,
    lines: Vec<String>,
}

/// Those of its blocks, and those of its table of everyday commands.
fn shown() -> (Vec<Shown>, Vec<String>) {
    let text = page(MANUAL).text;
    let (mut blocks, mut language) = (Vec::<Shown>::new(), None);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("```") {
            language = Some(name).filter(|name| !name.is_empty());
            continue;
        }
        let command = match language {
            Some("console") => line.strip_prefix("$ "),
            Some("sh") => Some(line),
            _ => continue,
        };
        match command {
            Some(command) => blocks.push(Shown {
                command: command.to_owned(),
                lines: Vec::new(),
            }),
            None => blocks.last_mut().unwrap().lines.push(line.to_owned()),
        }
    }
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `tiller-guard "));
    let everyday = rows.filter_map(|row| row.split_once('`'));
    let everyday = everyday
        .map(|(words, _)| format!("tiller-guard {words}"))
        .collect();
    (blocks, everyday)
}

/// A person's machine: a home with the programs and a kubeconfig.
struct Machine {
    home: Folder,
    path: String,
}

// === impl Machine ===

impl Machine {
    fn new() -> Self {
        let home = Folder::new();
        let programs = format!("{}/programs", home.path());
        fs::create_dir(&programs).unwrap();
        let helm = format!("{programs}/helm");
        fs::write(&helm, HELM).unwrap();
        fs::set_permissions(&helm, fs::Permissions::from_mode(0o755)).unwrap();
        symlink(
            env!("CARGO_BIN_EXE_tiller-guard"),
            format!("{programs}/tiller-guard"),
        )
        .unwrap();
        symlink(program("kubectl-1.20"), format!("{programs}/kubectl")).unwrap();
        let path = format!("{programs}:/usr/bin:/bin");
        Self { home, path }
    }

    /// Runs a line of a shell in the repository; its exit code and all that it prints.
    async fn run(&self, line: &str) -> (Option<i32>, String) {
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(repository())
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", self.home.path())
            .env("KUBECONFIG", cluster().kubeconfig());
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        let output = output.unwrap().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(printed).unwrap())
    }
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
    let machine = Machine::new();
    let (blocks, everyday) = shown();
    assert!(
        blocks.len() >= 6 && everyday.len() >= 10,
        "{} {}",
        blocks.len(),
        everyday.len()
    );
    for Shown { command, lines } in &blocks {
        let (code, printed) = machine.run(command).await;
        let expected = i32::from(command.ends_with("--check"));
        assert_eq!(code, Some(expected), "{command}\n{printed}");
        for line in lines.iter().filter(|line| *line != LEFT_OUT) {
            assert_tells(&printed, &line.replace("/home/ada", &machine.home.path()));
        }
        if command.ends_with("helm ls") {
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
