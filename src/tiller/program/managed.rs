//! Programs that start what a file tells them: `supervisord`, `cron`, `runsvdir`, `make` and their like. Of the files that a command
//! line has written, those that tell of commands are read once such a program is started.

use super::Interpreter;
use super::order::{Order, Told};

/// Programs that start what files tell.
#[rustfmt::skip]
static MANAGERS: [(Told, &[&str]); 4] = [
    (Told::Scripts, &[
        "docker-entrypoint.sh", "init", "my_init", "rc-service", "run-parts", "runit", "runit-init", "runsv", "runsvdir", "s6-rc",
        "s6-supervise", "s6-svscan", "service", "svscan",
    ]),
    (Told::Keys, &[
        "chaperone", "circusd", "dinit", "forego", "foreman", "goreman", "hivemind", "honcho", "immortaldir", "monit", "mprocs",
        "overmind", "pm2", "pm2-runtime", "process-compose", "procodile", "supervisord", "systemctl",
    ]),
    (Told::Times, &["cron", "crond", "dcron", "go-crond", "mcron", "supercronic"]),
    (Told::Recipes, &["gmake", "just", "make"]),
];

/// The commands of `systemctl` that start nothing.
const WITHOUT_START: [&str; 5] = ["daemon-reload", "disable", "is-active", "status", "stop"];

/// Keys whose value is a command: `command=` of supervisord, `ExecStart=` of systemd.
#[rustfmt::skip]
const KEYS: [&str; 11] = [
    "cmd", "command", "entrypoint", "exec", "execstart", "execstartpost", "execstartpre", "run", "script", "start", "startup_command",
];

/// The fields of a time in a line for `cron`.
const CRON_FIELDS: usize = 5;

impl Interpreter<'_> {
    /// Reads what the files tell that were written so far, where this is a program that starts it.
    pub(super) fn managed(&mut self, manager: &str, arguments: &[String]) {
        let told = MANAGERS.iter().find(|(_, names)| names.contains(&manager));
        let Some((told, _)) = told else {
            return;
        };
        let starts_nothing = |it: &String| WITHOUT_START.contains(&it.as_str());
        if manager == "systemctl" && arguments.iter().any(starts_nothing) {
            return;
        }
        // `make` without a target takes the first; which ones it needs is not followed.
        let before = [""].into_iter().chain(arguments.iter().map(String::as_str));
        let targets = arguments.iter().map(String::as_str).zip(before);
        let targets = targets.filter(|(it, before)| {
            !it.starts_with('-') && !matches!(*before, "-f" | "-C" | "--file")
        });
        let order = Order {
            told: *told,
            targets: targets.map(|(it, _)| it.to_owned()).collect(),
        };
        for (name, text) in self.files.all() {
            if !self.has_room(text.len()) {
                return;
            }
            // A service is called as its script.
            let is_other =
                matches!(manager, "service" | "rc-service") && !order.targets.contains(&name);
            if !is_other {
                self.follow(&order, &name, &text);
            }
        }
        if arguments.iter().any(|it| is_input(it)) {
            self.reads_order = Some(order);
        }
    }

    /// Reads what a file tells a manager, which has this name.
    pub(super) fn follow(&mut self, order: &Order, name: &str, text: &str) {
        let Order { told, targets } = order;
        let is_script = text.starts_with("#!")
            || name
                .rsplit_once('.')
                .is_none_or(|(_, ending)| ending == "sh");
        if *told == Told::Scripts && is_script {
            self.script(text, &[]);
        }
        let is_list = name.starts_with("Procfile");
        let mut is_asked = true;
        for line in text.lines() {
            if let (Told::Recipes, Some((target, _))) = (*told, line.split_once(':')) {
                is_asked = targets.is_empty() || targets.iter().any(|it| it == target);
            }
            if !is_asked {
                continue;
            }
            for command in commands(*told, line, is_list) {
                self.line(&command, &[]);
            }
        }
    }
}

/// Whether a word names the standard input as a file: `make -f -`.
fn is_input(word: &str) -> bool {
    ["-", "-f-", "/dev/stdin"].contains(&word)
        || word.ends_with("=-")
        || word.ends_with("=/dev/stdin")
}

/// The commands in a line of a file.
fn commands(told: Told, line: &str, is_list: bool) -> Vec<String> {
    match told {
        Told::Recipes => {
            let recipe = line.strip_prefix('\t').into_iter();
            recipe
                .map(|it| it.trim_start_matches(['@', '-', '+']).to_owned())
                .collect()
        }
        Told::Keys => value(line, is_list).into_iter().collect(),
        Told::Times => timed(line),
        Told::Scripts => {
            let mut fields = line.split(':').skip(2);
            match fields.next() {
                Some("boot" | "once" | "respawn" | "sysinit" | "wait") => {
                    vec![fields.collect::<Vec<_>>().join(":")]
                }
                _ => Vec::new(),
            }
        }
    }
}

/// `KEY=COMMAND`, `KEY: COMMAND`, or any name and a command in a list of them.
fn value(line: &str, is_list: bool) -> Option<String> {
    let (key, value) = line.split_at_checked(line.find(['=', ':'])?)?;
    let key = key.trim_matches(|it: char| !it.is_ascii_alphanumeric());
    let value = value.get(1..)?.trim();
    if !is_list && !KEYS.contains(&key.to_ascii_lowercase().as_str()) {
        return None;
    }
    // A list of words, in JSON's or YAML's way.
    Some(match value.strip_prefix('[') {
        Some(list) => list.replace([',', '"', '\'', ']'], " "),
        None => value.trim_start_matches(['-', '@', '+']).to_owned(),
    })
}

/// `TIME … COMMAND`; `cron` of the system has a user before the command.
fn timed(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let is_named = words.first().is_some_and(|it| it.starts_with('@'));
    let times = if is_named { 1 } else { CRON_FIELDS };
    let is_time = |it: &&str| {
        let mut bytes = it.bytes();
        bytes.all(|it| it.is_ascii_alphanumeric() || b"*/,-?@".contains(&it))
    };
    let begins = |it: &str| it.starts_with(|it: char| it.is_ascii_digit() || "*@".contains(it));
    let begins = words.first().is_some_and(|it| begins(it));
    if !begins || !words.iter().take(times).all(is_time) {
        return Vec::new();
    }
    let commands = [times, times + 1].into_iter();
    commands
        .filter_map(|at| words.get(at..))
        .map(|command| command.join(" "))
        .collect()
}
