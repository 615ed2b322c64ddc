//! The programs that start the program that their arguments name, with their options.

use super::wrapper::Wrapper;

pub(super) const fn with(
    name: &'static str,
    valued: &'static [&'static str],
    own: usize,
) -> Wrapper {
    Wrapper {
        name,
        valued,
        lines: &[],
        own,
        joins: false,
    }
}

const fn with_line(
    name: &'static str,
    valued: &'static [&'static str],
    lines: &'static [&'static str],
    own: usize,
) -> Wrapper {
    Wrapper {
        name,
        valued,
        lines,
        own,
        joins: false,
    }
}

const fn joined(name: &'static str, valued: &'static [&'static str], own: usize) -> Wrapper {
    Wrapper {
        joins: true,
        ..with(name, valued, own)
    }
}

/// Those without options that take a value, and without arguments of their own.
#[rustfmt::skip]
pub(super) static PLAIN: [&str; 39] = [
    "authbind", "box64", "box86", "builtin", "busybox", "catatonit", "catchsegv", "chronic", "command", "coproc",
    "dbus-run-session", "eatmydata", "fakeroot", "heaptrack", "init", "linux32", "linux64", "my_init", "nohup", "npx",
    "pgrphack", "pid1", "prlimit", "rlwrap", "s6-fghack", "s6-notifyoncheck", "s6-setsid", "secrets-init", "setsid",
    "spawn", "ssm-env", "torsocks", "toybox", "unbuffer", "valgrind", "vault-env", "wine", "winpty", "with-contenv",
];

/// Source: the manuals of util-linux, coreutils, procps, `busybox`, sudo, tini, dumb-init, su-exec, gosu and strace.
#[rustfmt::skip]
pub(super) static WRAPPERS: [Wrapper; 79] = [
    with("aa-exec", &["-p", "--profile", "-n", "--namespace"], 0),
    with("abduco", &["-n", "-c", "-A", "-a", "-e"], 0),
    with("chpst", &["-u", "-U", "-b", "-e", "-/", "-C", "-n", "-l", "-L", "-m", "-d", "-o", "-p", "-f", "-c", "-r", "-t",
        "-s"], 0),
    with("chroot", &[], 1),
    with("chrt", &["-T", "-P", "-D"], 1),
    with("conda", &["-n", "--name", "-p", "--prefix", "--cwd"], 1),
    with_line("consul-template", &["-config", "-template"], &["-exec"], 0),
    with("cpulimit", &["-l", "-e", "-p"], 0),
    with("daemon", &["-n", "-u", "-r", "-F", "-E", "-O", "-D", "-U", "-e", "--name", "--user", "--chdir", "--pidfile",
        "--output", "--errlog"], 0),
    with("daemonize", &["-c", "-e", "-o", "-p", "-u", "-l", "-E"], 0),
    with("dlv", &["-l", "--listen", "--log-output", "--log-dest", "--wd", "--backend", "--init", "--api-version"], 1),
    with("doas", &["-u", "-C", "-a"], 0),
    with("dockerize", &["-wait", "-timeout", "-template", "-stdout", "-stderr", "-wait-http-header", "-wait-retry-interval",
        "-delims", "-env", "-env-header", "-env-section"], 0),
    with("dotenv", &["-f", "-e"], 0),
    with("dtach", &["-a", "-A", "-c", "-n", "-N", "-e", "-r", "-p"], 0),
    with("dumb-init", &["-r", "--rewrite"], 0),
    joined("entr", &[], 0),
    with_line("env", &["-u", "--unset", "-C", "--chdir"], &["-S", "--split-string"], 0),
    with("envdir", &[], 1),
    with("envuidgid", &[], 1),
    with("exec", &["-a"], 0),
    with_line("execlineb", &[], &["-c"], 0),
    with_line("expect", &["-f", "-b"], &["-c"], usize::MAX),
    with("faketime", &["-f"], 1),
    with("firejail", &[], 0),
    with_line("flock", &["-w", "-E", "--wait", "--timeout"], &["-c", "--command"], 1),
    with_line("forever", &["-m", "-l", "-o", "-e", "-p", "--uid", "--pidFile", "--minUptime", "--spinSleepTime",
        "--sourceDir", "--workingDir"], &["-c", "--command"], 1),
    with("gdb", &["-ex", "-iex", "-x", "-ix", "-cd", "-d", "-p", "-c", "-s", "-eval-command", "-command", "-directory",
        "-pid", "-core", "-symbols", "-se", "--eval-command", "--command", "--cd", "--directory", "--pid", "--core",
        "--symbols"], 0),
    with("gdbserver", &[], 1),
    with_line("go-init", &[], &["-main", "-pre", "-post"], 0),
    with("gosu", &[], 1),
    with("honcho", &["-e", "-f"], 1),
    with("immortal", &["-c", "-d", "-e", "-f", "-F", "-l", "-logger", "-p", "-P", "-r", "-s", "-u", "-w"], 0),
    with("ionice", &["-c", "-n", "--class", "--classdata"], 0),
    with("lldb-server", &["--log-file", "--log-channels"], 2),
    with("ltrace", &["-e", "-o", "-p", "-u"], 0),
    with_line("nc", &["-w", "-p", "-s", "-i", "-x", "-X", "-q", "-g", "-G"], &["-e", "-c", "--exec", "--sh-exec"],
        usize::MAX),
    with_line("ncat", &["-w", "-p", "-s", "-i"], &["-e", "-c", "--exec", "--sh-exec"], usize::MAX),
    with_line("netcat", &["-w", "-p", "-s", "-i"], &["-e", "-c"], usize::MAX),
    with("nice", &["-n", "--adjustment"], 0),
    with_line("nix-shell", &["-p", "-I", "-A", "-E"], &["--run", "--command"], usize::MAX),
    with_line("nodemon", &["-e", "-w"], &["-x", "--exec"], 0),
    with("nsenter", &["-t", "--target", "-S", "-G"], 0),
    with("numactl", &["-m", "-N", "-C", "-i", "-p", "--membind", "--cpunodebind", "--physcpubind", "--interleave",
        "--preferred"], 0),
    joined("parallel", &["-j", "-a", "-I", "-N", "-L"], 0),
    with("perf", &["-e", "-o", "-F", "-c", "-p", "-t", "-C", "-G", "-m", "-r"], 1),
    with("proot", &["-r", "--rootfs", "-b", "--bind", "-m", "--mount", "-q", "--qemu", "-w", "--pwd", "--cwd", "-k", "-i",
        "-R", "-S"], 0),
    with("proxychains", &["-f"], 0),
    with("proxychains4", &["-f"], 0),
    with("reflex", &["-r", "-R", "-g", "-G", "-d", "-t"], 0),
    with("rr", &["-o", "-M", "--output-trace-dir"], 1),
    with("runcon", &["-t", "-u", "-r", "-l"], 1),
    with("s6-envdir", &[], 1),
    with("s6-setuidgid", &[], 1),
    with("s6-softlimit", &["-m", "-d", "-s", "-p", "-o", "-c", "-f", "-l", "-a", "-r", "-t"], 0),
    with("screen", &["-S", "-c", "-t", "-p", "-s"], 0),
    with_line("script", &["-E", "-o", "-I", "-O", "-B", "-T", "-m"], &["-c", "--command"], 1),
    with("setarch", &[], 1),
    with("setlock", &[], 1),
    with("setpriv", &["--reuid", "--regid", "--groups", "--inh-caps", "--ambient-caps", "--bounding-set", "--securebits"],
        0),
    with("setuidgid", &[], 1),
    with("setuser", &[], 1),
    with("softlimit", &["-m", "-d", "-s", "-p", "-o", "-c", "-f", "-l", "-a", "-r", "-t"], 0),
    with("stdbuf", &["-i", "-o", "-e"], 0),
    with("strace", &["-e", "-o", "-p", "-s", "-u", "-E", "-a", "-O", "-P", "-S", "-I"], 0),
    with("su-exec", &[], 1),
    with("sudo", &["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-U", "-D", "-R", "-T", "--user", "--group", "--host",
        "--prompt", "--close-from", "--role", "--type", "--other-user", "--chdir", "--chroot", "--command-timeout"], 0),
    with("systemd-cat", &["-t", "--identifier", "-p", "--priority", "--stderr-priority", "--level-prefix", "--namespace"],
        0),
    with("systemd-nspawn", &["-D", "--directory", "-i", "--image", "-M", "--machine", "-u", "--user", "-E", "--setenv",
        "--bind", "-p", "--port"], 0),
    with("systemd-run", &["-p", "-u", "-M", "-H", "-E", "--unit", "--property", "--description", "--slice",
        "--service-type", "--uid", "--gid", "--nice", "--working-directory", "--setenv", "--machine", "--host", "--background",
        "--on-active", "--on-boot", "--on-startup", "--on-unit-active", "--on-unit-inactive", "--on-calendar",
        "--path-property", "--socket-property", "--timer-property"], 0),
    with("taskset", &[], 1),
    with("time", &["-f", "-o", "--format", "--output"], 0),
    with("timeout", &["-s", "-k", "--signal", "--kill-after"], 1),
    joined("tmux", &["-s", "-n", "-c", "-x", "-y", "-L", "-S", "-f", "-t"], 1),
    with("uftrace", &["-d", "-F", "-N", "-A", "-R", "-D", "-t"], 1),
    with("unshare", &["-S", "-G", "-R", "-w", "--root", "--wd", "--map-user", "--map-group", "--setuid", "--setgid"], 0),
    joined("watch", &["-n", "--interval"], 0),
    joined("watchexec", &["-w", "--watch", "-e", "--exts", "-i", "--ignore", "-f", "--filter", "-s", "--signal", "-d",
        "--debounce", "--delay-run", "--workdir", "-E", "--env", "--shell", "--project-origin", "--stop-signal",
        "--stop-timeout"], 0),
    with("xargs", &["-I", "-n", "-P", "-L", "-s", "-a", "-d", "-E"], 0),
];
