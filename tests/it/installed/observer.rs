//! An observer's walk: from an empty API server, the quickstart's commands and nothing else, to an enforced policy and
//! back. What each command prints is what the quickstart shows.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::leaving::until_nobody_is_asked;
use super::service::Service;
use super::{PROGRAM, World, said, start};
use crate::clients::kubectl;
use crate::cluster::{Cluster, Peculiar};
use crate::manual::page;
use crate::manual::walk::{Machine, helm2};
use crate::suite::{Feature, Version};

/// Of nobody else, so that it is empty.
static EMPTY: LazyLock<Mutex<Cluster>> = LazyLock::new(|| start(Peculiar::default()));

/// A command of the quickstart, and what it shows beneath it.
#[derive(Debug)]
struct Step {
    command: String,
    output: String,
}

/// The commands of the quickstart's console blocks, in their order.
fn steps() -> VecDeque<Step> {
    let text = page("docs/quickstart.md").text;
    let mut steps: VecDeque<Step> = VecDeque::new();
    for block in text.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                steps.push_back(Step {
                    command: command.to_owned(),
                    output: String::new(),
                });
            } else {
                let step = steps.back_mut().unwrap();
                step.output += line;
                step.output.push('\n');
            }
        }
    }
    steps
}

/// As it is typed, with the kubeconfig where users have it. Only who may not listen on 443 needs another Service.
async fn typed(world: &World, command: &str) -> (Option<i32>, String) {
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("tiller-guard"), "{command}");
    let mut program = Command::new(PROGRAM);
    program.args(words).env("KUBECONFIG", &world.kubeconfig);
    if !may_listen_on_443().await && !command.contains("uninstall") {
        program.arg(world.service_port);
    }
    let output = program.output().await.unwrap();
    (output.status.code(), said(&output))
}

/// How the line of the second proof begins.
const VALIDATED: &str = "✓ validating-proof: validate.tiller-guard.io refuses ";

/// How the lines begin that say what no webhook guards before Kubernetes 1.12.
const UNGUARDED: [&str; 2] = ["‼ connections: ", "    grant pods/exec"];

/// What the quickstart shows for Kubernetes 1.20, for another: it tells the version and, before 1.21, the labels that namespaces
/// lack.
fn shown_for((major, minor): Version, output: &str) -> String {
    let of_labels = [
        "labelled  Namespace",
        "✓ namespace-labels:",
        "kept      label ",
    ];
    let of_trials = "trying the webhooks";
    let lines = output.lines().filter(|line| {
        let is_of_labels = of_labels.iter().any(|start| line.starts_with(start));
        (minor < 21 || !is_of_labels) && (minor >= 15 || !line.starts_with(of_trials))
    });
    let mut text = String::new();
    for line in lines {
        text += line;
        text.push('\n');
    }
    if minor < 16 {
        text = text.replace(
            "admissionregistration.k8s.io/v1 ",
            "admissionregistration.k8s.io/v1beta1 ",
        );
    }
    text.replace("Kubernetes 1.20 ", &format!("Kubernetes {major}.{minor} "))
}

pub(super) async fn may_listen_on_443() -> bool {
    let bound = TcpListener::bind("127.0.0.1:443").await;
    !bound.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

/// The commands of the quickstart that try a Tiller. Helm 2's are typed if there is a Helm 2: it reaches nothing but the API server,
/// since its repositories are there already.
async fn try_it(world: &World) {
    let text = page("docs/quickstart.md").text;
    let blocks = text.split("```sh\n").skip(1);
    let mut blocks = blocks.map(|it| it.split("```").next().unwrap());
    let block = blocks.find(|it| it.contains("helm init")).unwrap();
    let machine = Machine::new(&world.kubeconfig, kubectl(world.cluster.version()));
    let helm = helm2().map(|programs| programs.join("helm"));
    if let Some(helm) = &helm {
        machine.has("helm", helm);
        let repositories = "apiVersion: v1\ngenerated: 2026-01-01T00:00:00Z\nrepositories: []\n";
        let file = ".helm/repository/repositories.yaml";
        machine.home.file(file, repositories);
    }
    for command in block.lines() {
        let is_of_helm = command.starts_with("helm ") || command.contains("tiller-deploy");
        if is_of_helm && helm.is_none() {
            continue;
        }
        let (code, printed) = machine.run(command).await;
        assert_eq!(code, Some(0), "{command}\n{printed}");
        if command.starts_with("kubectl") && is_of_helm {
            assert!(printed.contains("--storage=secret"), "{printed}");
            assert!(printed.contains("--tls-verify=true"), "{printed}");
        }
    }
}

/// Does what nodes do once there is a Deployment.
pub(super) async fn nodes(world: &World) -> Service {
    let deployments = world.objects("apps", "v1", "Deployment", "tiller-guard");
    while deployments.get_opt("tiller-guard").await.unwrap().is_none() {
        sleep(Duration::from_millis(50)).await;
    }
    let service = world.serve(2, &[]).await;
    world.play_nodes().await;
    service
}

#[tokio::test]
async fn the_quickstart_leads_from_an_empty_cluster_to_an_enforced_policy_and_back() {
    let world = World::enter_in(EMPTY.lock().await).await;
    // An API server makes the namespace a moment after it is ready.
    until_nobody_is_asked(&world).await;
    let mut steps = steps();
    let mut service = None;
    while let Some(Step { command, output }) = steps.pop_front() {
        let (code, printed) = if command == "tiller-guard install" {
            let (told, started) = tokio::join!(typed(&world, &command), nodes(&world));
            service = Some(started);
            told
        } else {
            typed(&world, &command).await
        };
        let shown = shown_for(world.cluster.version(), &output);
        // Without dry run it tries something else for the validating webhook.
        let differs = !Feature::DryRun.is_in(world.cluster.version());
        let unguarded = !Feature::Connections.is_in(world.cluster.version());
        let [printed, shown] = [printed, shown].map(|text| {
            let lines = text.lines().map(ToOwned::to_owned);
            let kept = lines.filter(|line| {
                let of_connections = UNGUARDED.iter().any(|start| line.starts_with(start));
                // From Kubernetes 1.28 on: others do not tell who asks.
                let of_who_asks = line.starts_with("✓ administrator: you, ");
                // A server that was built from its source may give no version.
                let of_version = line.contains(" api-server: ") || line.contains("GET /version");
                !(of_who_asks
                    || of_version
                    || differs && line.starts_with(VALIDATED)
                    || unguarded && of_connections)
            });
            kept.collect::<Vec<_>>()
        });
        assert_eq!(printed, shown, "$ {command}");
        assert_eq!(code, Some(0), "$ {command}");
        let held = world.try_tiller().await;
        match &*command {
            "tiller-guard doctor --pre" => assert!(held.is_ok()),
            "tiller-guard install" | "tiller-guard doctor" => {
                let refused = held.unwrap_err();
                assert!(refused.contains("protected-namespace"), "{refused}");
                if command == "tiller-guard install" {
                    try_it(&world).await;
                }
            }
            "tiller-guard uninstall" => {}
            other => panic!("{other} is new here"),
        }
    }
    assert!(service.is_some(), "the quickstart installs nothing");
}
