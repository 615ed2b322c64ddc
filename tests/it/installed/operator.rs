//! An operator, who follows `docs/operate.md` to the letter: an upgrade, another policy, and the removal.

use super::observer::{may_listen_on_443, nodes};
use super::{World, said};
use crate::clients::kubectl;
use crate::manual::walk::{LEFT_OUT, Machine, Shown, shown};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_of_the_page_do_what_it_shows() {
    let world = World::enter().await;
    let port = if may_listen_on_443().await {
        String::new()
    } else {
        format!(" {}", world.service_port)
    };
    let machine = Machine::new(&world.kubeconfig, kubectl(world.cluster.version()));
    // As the quickstart says.
    let install = format!("tiller-guard install{port}");
    let ((code, printed), _service) = tokio::join!(machine.run(&install), nodes(&world));
    assert_eq!(code, Some(0), "{printed}");
    let commands = shown("docs/operate.md", false);
    assert!(commands.len() >= 8, "{commands:?}");
    for Shown { command, lines } in commands {
        let typed = match command.strip_prefix("tiller-guard install") {
            Some(words) => format!("{install}{words}"),
            None => command.clone(),
        };
        let (ended, ()) = tokio::join!(machine.run(&typed), world.play_nodes());
        let (code, printed) = ended;
        assert_eq!(code, Some(0), "$ {command}\n{printed}");
        for line in lines.iter().filter(|line| *line != LEFT_OUT) {
            let (begin, _) = line.split_once(LEFT_OUT).unwrap_or((line, ""));
            let is_shown = printed.lines().any(|it| it.starts_with(begin));
            assert!(is_shown, "$ {command}\n{line}\n{printed}");
        }
    }
    let gone = world.run(&["uninstall"]).await;
    assert_eq!(gone.status.code(), Some(0), "{}", said(&gone));
}
