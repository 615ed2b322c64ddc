//! The `env` file, sourced by real shells.

use std::env;
use std::fmt::Write as _;
use std::process::Command;

use proptest::prelude::*;
use tiller_guard::provision::Environment;

use crate::offline::Folder;

/// Those that the machine has of these are asked; bash and sh it has to have.
const SHELLS: [&str; 4] = ["bash", "sh", "zsh", "fish"];

/// What the shell makes of each home: the variables after sourcing, each closed by a null.
fn sourced(shell: &str, homes: &[&str]) -> Option<String> {
    let folder = Folder::new();
    let mut script = String::new();
    for (number, home) in homes.iter().enumerate() {
        let environment = Environment {
            folder: home,
            tiller_namespace: "blue-tiller",
            kubeconfig: &[format!("{home}/kubeconfig"), "/etc/b".to_owned()],
            programs: Some("/opt/it's a \\ folder"),
        };
        let file = folder.file(&format!("env-{number}"), environment.text());
        writeln!(
            script,
            ". {file}; env -0 | grep -z '^\\(HELM_\\|TILLER_\\|KUBECONFIG=\\)' | sort -z"
        )
        .unwrap();
    }
    let path = env::var_os("PATH").unwrap();
    let output = Command::new(shell)
        .args(["-c", &script])
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder.path())
        .output();
    let Ok(output) = output else {
        assert!(!["bash", "sh"].contains(&shell), "{shell} is needed");
        return None;
    };
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{shell}: {output:?}"
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

fn expected(homes: &[&str]) -> String {
    let of_home = |home: &&str| {
        format!(
            "HELM_HOME={home}\0HELM_TLS_CA_CERT={home}/ca.pem\0HELM_TLS_CERT={home}/cert.pem\0HELM_TLS_ENABLE=true\0\
             HELM_TLS_KEY={home}/key.pem\0HELM_TLS_VERIFY=true\0KUBECONFIG={home}/kubeconfig:/etc/b\0\
             TILLER_NAMESPACE=blue-tiller\0"
        )
    };
    homes.iter().map(of_home).collect()
}

/// The wrapper of Helm comes before all programs, and these stay.
#[test]
fn every_shell_looks_for_programs_in_the_given_folder_first() {
    let folder = Folder::new();
    let programs = format!("{}/it's here", folder.path());
    std::fs::create_dir(&programs).unwrap();
    let environment = Environment {
        folder: "/home/ada",
        tiller_namespace: "blue-tiller",
        kubeconfig: &[],
        programs: Some(&programs),
    };
    let file = folder.file("env", environment.text());
    for shell in SHELLS {
        let run = Command::new(shell)
            .args(["-c", &format!(". {file}; env")])
            .output();
        if let Ok(output) = run {
            let printed = String::from_utf8(output.stdout).unwrap();
            let path = printed.lines().find_map(|line| line.strip_prefix("PATH="));
            let expected = format!("{programs}:{}", env::var("PATH").unwrap());
            assert_eq!(path, Some(expected.as_str()), "{shell}");
            assert!(!printed.contains("KUBECONFIG="), "{shell}: {printed}");
        }
    }
}

#[test]
fn every_shell_reads_the_paths_as_they_are() {
    let homes = [
        "/home/ada/.helm",
        "/tmp/a b",
        "/tmp/$HOME/`id`/$(id)",
        r"/tmp/it's \ \n \' \\",
        r"\",
        "'",
        "/tmp/\"double\" ! # ~ * ? [x] {a,b} ; & | < > ( )",
        "/tmp/größe ☃ \u{f600} \u{10fffd}",
        "/tmp/two\nlines\n",
        "/tmp/tab\tand\rreturn",
    ];
    for shell in SHELLS {
        if let Some(read) = sourced(shell, &homes) {
            assert_eq!(read, expected(&homes), "{shell}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Many at a time, since a shell takes long to start.
    #[test]
    fn every_shell_reads_any_path_as_it_is(homes in prop::collection::vec("([ -~]|['\"\\\\$`!\n]|[^\0]){0,24}", 32)) {
        let homes: Vec<_> = homes.iter().map(String::as_str).collect();
        for shell in SHELLS {
            if let Some(read) = sourced(shell, &homes) {
                prop_assert_eq!(read, expected(&homes), "{}", shell);
            }
        }
    }
}
