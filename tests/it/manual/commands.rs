//! The commands that the manual shows are commands, and print what it shows.

use std::env;
use std::fs;

use super::{Block, Page, pages, repository};
use crate::offline::run_in;

/// In place of lines that are not shown.
const LEFT_OUT: &str = "…";

/// Every `tiller-guard …` in a block of commands.
#[test]
fn commands_are_ones_that_the_program_takes() {
    let mut bad = Vec::new();
    let mut tried = 0;
    for page in pages() {
        for block in page.blocks() {
            if !matches!(block.language, "console" | "sh") {
                continue;
            }
            for line in block.text.lines() {
                for command in commands_in(line) {
                    tried += 1;
                    if let Err(error) = taken(command) {
                        bad.push(format!("{}:{}: {command}: {error}", page.name, block.line));
                    }
                }
            }
        }
    }
    assert!(tried > 15, "{tried}");
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Every backquoted command in the text is one, too: `tiller-guard doctor`.
#[test]
fn commands_in_the_text_are_ones_that_the_program_takes() {
    let mut bad = Vec::new();
    for page in pages() {
        let outside = page.text.split("```").step_by(2);
        for part in outside {
            for quoted in part.split('`').skip(1).step_by(2) {
                if quoted.starts_with("tiller-guard ")
                    && let Err(error) = taken(quoted)
                {
                    bad.push(format!("{}: {quoted}: {error}", page.name));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// What needs no cluster is run, in the repository. `UPDATE_DOCS=1` writes what is shown whole.
#[test]
fn commands_print_what_is_shown() {
    let mut run = 0;
    for page in pages() {
        let mut text = page.text.clone();
        for block in page.blocks() {
            if block.language != "console" {
                continue;
            }
            let (command, shown) = block.text.split_once('\n').unwrap();
            let Some(command) = command.strip_prefix("$ ") else {
                panic!("{}:{}: no command", page.name, block.line);
            };
            if !is_offline(command) {
                continue;
            }
            run += 1;
            let output = run_in(repository(), command);
            let printed = output.stdout + &output.stderr;
            if shown.lines().any(|line| line == LEFT_OUT) {
                shows_parts(&page, &block, shown, &printed);
            } else if env::var_os("UPDATE_DOCS").is_some() {
                let new = format!("$ {command}\n{printed}");
                text = text.replace(&block.text, &new);
            } else {
                assert_eq!(printed, shown, "{}:{}: {command}", page.name, block.line);
            }
        }
        if text != page.text {
            fs::write(repository().join(&page.name), text).unwrap();
        }
    }
    assert!(run > 0);
}

/// The parts between `…` come in their order.
fn shows_parts(page: &Page, block: &Block<'_>, shown: &str, printed: &str) {
    let mut rest = printed;
    for part in format!("\n{shown}").split(&format!("\n{LEFT_OUT}\n")) {
        let part = part.trim_start_matches('\n').trim_end_matches('\n');
        let Some(at) = rest.find(part) else {
            panic!(
                "{}:{}: it prints no\n{part}\nbut\n{printed}",
                page.name, block.line
            );
        };
        rest = &rest[at + part.len()..];
    }
}

/// Whether the whole line is a command that looks at files only.
fn is_offline(command: &str) -> bool {
    let mut words = command.split(' ');
    let (program, subcommand) = (words.next(), words.next());
    let offline = ["check", "harden", "policy", "explain"];
    program == Some("tiller-guard")
        && subcommand.is_some_and(|word| offline.contains(&word))
        && !command.contains('|')
}

/// The calls of the program in a line of a shell.
fn commands_in(line: &str) -> impl Iterator<Item = &str> {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    let line = line.split(" #").next().unwrap_or_default();
    let parts = line.split(['|', ';', '&']);
    parts
        .map(str::trim)
        .filter(|part| part.starts_with("tiller-guard "))
}

/// Whether the words are a command, with words such as `FILE` and `…` standing for anything that is one.
fn taken(command: &str) -> Result<(), String> {
    let words = command
        .split_whitespace()
        .filter(|word| !matches!(*word, "…" | "…`"))
        .map(|word| word.trim_matches('\''))
        .map(|word| match word {
            "TEAM" | "REFERENCE" => "anything",
            word => word,
        });
    let parsed = tiller_guard::cli::command().try_get_matches_from(words);
    match parsed {
        Ok(_) => Ok(()),
        Err(error) if is_incomplete(&error) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// A text may name a command without what it needs.
fn is_incomplete(error: &clap::Error) -> bool {
    use clap::error::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}
