//! Programs by their names, as far as it is known what they do with their arguments.

/// Programs that read a command line: `-c` names it, and else they read their input.
#[rustfmt::skip]
pub(super) const SHELLS: [&str; 14] = [
    "ash", "bash", "csh", "dash", "fish", "hush", "ksh", "mksh", "pwsh", "rbash", "sh", "tcsh", "yash", "zsh",
];

/// Programs that talk to a Tiller or about one.
#[rustfmt::skip]
pub(super) const CLIENTS: [&str; 7] = [
    "helm", "helm2", "helm3", "helmfile", "helmsman", "kubectl", "oc",
];

/// Programs that handle files, texts and hosts, and start nothing in this container: a path in their arguments is no start.
#[rustfmt::skip]
pub(super) const HANDLERS: [&str; 199] = [
    "7z", ":", "[", "[[", "addr2line", "age", "aide", "alias", "apk", "apt", "apt-get", "aws", "az", "b2sum", "b3sum",
    "base64", "basename", "bsdtar", "buildah", "bzip2", "cargo", "cat", "cd", "chattr", "checksec", "chgrp", "chmod",
    "chown", "cksum", "clamscan", "cmp", "comm", "cosign", "cpio", "crane", "crc32", "crictl", "ctr", "cut", "debsums",
    "declare", "diff", "dirname", "distrobox", "dive", "docker", "dockle", "du", "echo", "emacs", "ex", "exit", "expand",
    "export", "fallocate", "false", "fatrace", "file", "flyctl", "fold", "fuser", "gcloud", "getfacl", "git", "gpg",
    "grep", "grype", "gsed", "gsutil", "gtar", "gunzip", "gvim", "gzip", "hash", "head", "heroku", "hexdump", "http",
    "iconv", "incus", "inotifywait", "jar", "join", "jq", "kill", "killall", "ldconfig", "ldd", "less", "local", "logger",
    "ls", "lsattr", "lsblk", "lsof", "lxc", "make", "man", "mariadb", "mc", "md5sum", "minikube", "minisign", "mkdir",
    "more", "mount", "multipass", "mysql", "nano", "nerdctl", "nl", "nm", "nslookup", "nvim", "objcopy", "objdump", "od",
    "openssl", "oras", "paste", "patchelf", "pgrep", "pidof", "ping", "pkill", "podman", "printf", "ps", "psql", "pytest",
    "rclone", "read", "readelf", "readlink", "realpath", "restic", "restorecon", "return", "rg", "rhash", "rm", "rsync",
    "rvim", "scp", "sed", "set", "setcap", "setfacl", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha3sum",
    "sha512sum", "shift", "shred", "size", "skopeo", "sort", "split", "sqlite3", "ssh", "stat", "strings", "strip", "sum",
    "syft", "sync", "tac", "tail", "tar", "tee", "test", "touch", "tr", "trivy", "true", "truncate", "type", "umount",
    "uniq", "unset", "unzip", "upx", "vagrant", "vi", "view", "vim", "vimdiff", "virsh", "wc", "which", "xxd", "xxhsum",
    "xz", "yara", "yq", "zip", "zstd",
];

/// Programs that serve, keep or check what is at a path, and start none of it. So do images of these names.
#[rustfmt::skip]
const KEEPERS: [&str; 65] = [
    "bandit", "bindfs", "black", "borg", "caddy", "checkov", "cloc", "conftest", "darkhttpd", "datree", "duplicati", "duplicity",
    "filebeat", "filebrowser", "fluentd", "fswatch", "ftpd", "git-daemon", "gitea", "gitleaks", "gogs", "goofys", "hugo", "inotifywatch",
    "jekyll", "jupyter", "kics", "kopia", "kube-score", "kubeconform", "kubeval", "kustomize", "lighttpd", "lsyncd", "mergerfs",
    "minio", "mkdocs", "mypy", "ncdu", "opa", "pluto", "polaris", "prettier", "promtail", "rdiff-backup", "rsnapshot", "ruff",
    "seaweedfs", "semgrep", "serve", "sftpgo", "snyk", "sshfs", "svnserve", "syncthing", "telegraf", "terraform", "terrascan",
    "tfsec", "thttpd", "tree", "trufflehog", "unison", "vsftpd", "webfsd",
];

/// How words in the names of such programs end: `yamllint`, `shellcheck`.
#[rustfmt::skip]
const KEEPING: [&str; 11] = [
    "audit", "check", "checker", "fmt", "lint", "linter", "scan", "scanner", "validator", "verifier", "verify",
];

/// Whether a program of this name serves, keeps or checks what is at a path.
pub(super) fn keeps(name: &str) -> bool {
    let mut words = name.split(|it: char| !it.is_ascii_alphabetic());
    KEEPERS.contains(&name) || words.any(|word| KEEPING.iter().any(|it| word.ends_with(it)))
}

/// Programs that give a file another name.
#[rustfmt::skip]
pub(super) const COPIERS: [&str; 5] = [
    "cp", "dd", "install", "ln", "mv",
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

/// Commands of a program that else starts another one, by which it starts none: `perf report`, `forever list`.
#[rustfmt::skip]
pub(super) const WITHOUT_START: [&str; 14] = [
    "annotate", "attach", "connect", "core", "create", "help", "info", "install", "list", "remove", "replay", "report", "stop", "version",
];

/// Programs that run later what their input names.
pub(super) const LATER: [&str; 2] = ["at", "batch"];

/// Programs that pass each of their arguments to a shell.
pub(super) const LINE_RUNNERS: [&str; 3] = ["concurrently", "hyperfine", "multirun"];

/// How the names of variables end whose value programs start: `PAGER`, `GIT_EDITOR`.
#[rustfmt::skip]
const VARIABLES: [&str; 7] = ["BROWSER", "EDITOR", "GIT_SSH", "GIT_SSH_COMMAND", "PAGER", "PROMPT_COMMAND", "VISUAL"];

/// Whether programs start what a variable of this name holds.
pub(super) fn is_started_variable(name: &str) -> bool {
    VARIABLES.iter().any(|it| name.ends_with(it))
}
