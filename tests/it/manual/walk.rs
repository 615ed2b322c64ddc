//! Somebody who follows a page of the manual to the letter, on a machine with the programs of the page.

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::page;
use crate::clients::program;
use crate::offline::Folder;

/// The folder with the real Helm 2 and Tiller, `helm` and `tiller` of 2.17.0, if there is one.
pub(crate) fn helm2() -> Option<PathBuf> {
    env::var_os("HELM2_PROGRAMS").map(PathBuf::from)
}

/// In place of lines that are not shown.
pub(crate) const LEFT_OUT: &str = "…";

/// A command of the manual, and the lines that it is shown to print.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) command: String,
    pub(crate) lines: Vec<String>,
}

/// The commands of a page's console blocks and, where it has them, of its shell blocks, which show no output.
pub(crate) fn shown(name: &str, with_shell_blocks: bool) -> Vec<Shown> {
    let text = page(name).text;
    let (mut shown, mut language) = (Vec::<Shown>::new(), None);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("```") {
            language = Some(name).filter(|name| !name.is_empty());
            continue;
        }
        let command = match language {
            Some("console") => line.strip_prefix("$ "),
            Some("sh") if with_shell_blocks => Some(line),
            _ => continue,
        };
        match command {
            Some(command) => shown.push(Shown {
                command: command.to_owned(),
                lines: Vec::new(),
            }),
            None => shown.last_mut().unwrap().lines.push(line.to_owned()),
        }
    }
    shown
}

/// A person's machine: a home with the programs, a kubeconfig, and a folder where commands are typed.
pub(crate) struct Machine {
    pub(crate) home: Folder,
    path: String,
    kubeconfig: PathBuf,
    folder: PathBuf,
    variables: Vec<(&'static str, String)>,
}

// === impl Machine ===

impl Machine {
    /// One with tiller-guard and the kubectl of a version such as `1.20`.
    pub(crate) fn new(kubeconfig: &Path, kubectl: &str) -> Self {
        let home = Folder::new();
        let programs = format!("{}/programs", home.path());
        fs::create_dir(&programs).unwrap();
        let machine = Self {
            path: format!("{programs}:/usr/bin:/bin"),
            kubeconfig: kubeconfig.to_owned(),
            folder: home.path().into(),
            variables: Vec::new(),
            home,
        };
        machine.has(
            "tiller-guard",
            Path::new(env!("CARGO_BIN_EXE_tiller-guard")),
        );
        machine.has("kubectl", &program(&format!("kubectl-{kubectl}")));
        machine
    }

    /// The same where commands are typed in another folder than the home.
    pub(crate) fn in_folder(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.folder);
        self
    }

    /// Sets a variable for all commands from now on.
    pub(crate) fn set(&mut self, name: &'static str, value: String) {
        self.variables.push((name, value));
    }

    /// Adds a program under this name.
    pub(crate) fn has(&self, name: &str, program: &Path) {
        symlink(program, self.program(name)).unwrap();
    }

    /// Adds a script under this name.
    pub(crate) fn has_script(&self, name: &str, text: &str) {
        let path = self.program(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn program(&self, name: &str) -> String {
        format!("{}/programs/{name}", self.home.path())
    }

    /// Runs a line of a shell; its exit code and all that it prints.
    pub(crate) async fn run(&self, line: &str) -> (Option<i32>, String) {
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", self.home.path())
            .env("KUBECONFIG", &self.kubeconfig)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        let output = output.unwrap().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(printed).unwrap())
    }
}
