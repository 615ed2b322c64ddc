//! The `env` file, sourced by real shells.

use std::process::Command;

use tiller_guard::provision::environment;

use crate::offline::Folder;

/// What `HELM_HOME` is after sourcing, in every shell that this machine has.
#[test]
fn every_shell_reads_the_paths_as_they_are() {
    let homes = [
        "/home/ada/.helm",
        "/tmp/a b",
        "/tmp/$HOME/`id`/$(id)",
        r"/tmp/it's \ \n \' \\",
        "/tmp/\"double\" ! # ~ * ? [x] {a,b} ; & | < > ( )",
        "/tmp/größe ☃",
        "/tmp/two\nlines",
    ];
    let mut tried = 0;
    for shell in ["bash", "sh", "zsh", "fish"] {
        for home in homes {
            let folder = Folder::new();
            let file = folder.file("env", environment(home, "blue-tiller"));
            let script = format!(
                ". {file}; printf '%s|' \"$HELM_HOME\" \"$HELM_TLS_KEY\" \"$TILLER_NAMESPACE\" \"$HELM_TLS_VERIFY\""
            );
            let Ok(output) = Command::new(shell).args(["-c", &script]).output() else {
                assert_ne!(shell, "bash", "bash is needed");
                continue;
            };
            assert!(output.status.success(), "{shell}: {output:?}");
            let text = String::from_utf8(output.stdout).unwrap();
            assert_eq!(
                text,
                format!("{home}|{home}/key.pem|blue-tiller|true|"),
                "{shell}"
            );
            tried += 1;
        }
    }
    assert!(tried >= homes.len());
}
