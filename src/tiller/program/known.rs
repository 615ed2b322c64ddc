//! Programs by their names, as far as it is known what they do with their arguments.

/// Programs that read a command line: `-c` names it, and else they read their input.
#[rustfmt::skip]
pub(super) const SHELLS: [&str; 8] = [
    "ash", "bash", "dash", "fish", "ksh", "mksh", "sh", "zsh",
];

/// Programs that talk to a Tiller or about one.
#[rustfmt::skip]
pub(super) const CLIENTS: [&str; 6] = [
    "helm", "helm2", "helmfile", "helmsman", "kubectl", "oc",
];

/// Programs that handle files, texts and hosts, and start nothing in this container: a path in their arguments is no start.
#[rustfmt::skip]
pub(super) const HANDLERS: [&str; 117] = [
    ":", "[", "[[", "alias", "apk", "apt-get", "aws", "az", "b2sum", "base64", "basename", "bzip2", "cargo", "cat", "cd",
    "chgrp", "chmod", "chown", "cksum", "cmp", "cosign", "crane", "crictl", "cut", "declare", "diff", "dirname", "docker",
    "du", "echo", "exit", "export", "false", "file", "gcloud", "git", "grep", "gsutil", "gunzip", "gzip", "hash", "head",
    "hexdump", "http", "kill", "killall", "ldconfig", "ldd", "less", "local", "logger", "ls", "make", "mc", "md5sum",
    "minikube", "mkdir", "mount", "nerdctl", "nm", "objdump", "od", "openssl", "oras", "patchelf", "pgrep", "pidof",
    "pkill", "podman", "printf", "pytest", "rclone", "read", "readelf", "readlink", "realpath", "restic", "return", "rg",
    "rm", "rsync", "scp", "sed", "set", "setcap", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "shift",
    "skopeo", "sort", "ssh", "stat", "strings", "strip", "sum", "sync", "tail", "tar", "tee", "test", "touch", "trivy",
    "true", "type", "umount", "unset", "unzip", "upx", "wc", "which", "xxd", "xz", "zip", "zstd",
];

/// Programs that give a file another name.
#[rustfmt::skip]
pub(super) const COPIERS: [&str; 5] = [
    "cp", "dd", "install", "ln", "mv",
];

/// Programs that run the scripts of a package: `exec` of theirs starts a program.
#[rustfmt::skip]
pub(super) const RUNNERS: [&str; 3] = [
    "npm", "pnpm", "yarn",
];

/// Words in the name of a program that starts what its arguments name.
#[rustfmt::skip]
pub(super) const STARTERS: [&str; 4] = [
    "entrypoint", "exec", "supervise", "wrapper",
];

/// Words in the name of a program that serves or asks by itself: what follows `--` is a word to it, not a program.
#[rustfmt::skip]
pub(super) const SERVERS: [&str; 13] = [
    "cli", "client", "controller", "ctl", "dashboard", "exporter", "gateway", "operator", "proxy", "registry",
    "scheduler", "server", "webhook",
];

/// Programs that write what is at an address into a file.
pub(super) const DOWNLOADERS: [&str; 2] = ["curl", "wget"];

/// Programs that start a shell, or a program, as another user or group.
pub(super) const USER_CHANGERS: [&str; 3] = ["runuser", "sg", "su"];
