//! The page of the command line, from what the program takes.

use std::fmt::Write as _;

use clap::{Arg, Command};

use super::{generated, page};

const BEGIN: &str = "<!-- commands: generated -->\n";

#[test]
fn the_page_of_the_command_line_is_that_of_the_program() {
    let head = page("docs/command-line.md").text;
    let (head, _) = head.split_once(BEGIN).unwrap();
    let mut text = format!("{head}{BEGIN}");
    let mut command = tiller_guard::cli::command();
    command.build();
    for command in command.get_subcommands() {
        write_command(command, &mut text);
    }
    generated("docs/command-line.md", &text);
}

fn write_command(command: &Command, text: &mut String) {
    if command.get_name() == "help" {
        return;
    }
    let name = command.get_bin_name().unwrap();
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    write!(
        text,
        "\n## {name}\n\n{}\n\n```text\n{usage}\n```\n",
        sentence(&about)
    )
    .unwrap();
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|it| !it.is_hide_set() && it.get_id() != "help" && it.get_id() != "version")
        .collect();
    let mut headings: Vec<Option<&str>> = Vec::new();
    for argument in &arguments {
        if !headings.contains(&argument.get_help_heading()) {
            headings.push(argument.get_help_heading());
        }
    }
    for heading in headings {
        let of_heading = arguments
            .iter()
            .filter(|it| it.get_help_heading() == heading);
        let title = heading.unwrap_or("Options");
        write!(text, "\n| {title} | |\n|---|---|\n").unwrap();
        for argument in of_heading {
            writeln!(text, "| `{}` | {} |", spelled(argument), meaning(argument)).unwrap();
        }
    }
    for command in command.get_subcommands() {
        write_command(command, text);
    }
}

/// `-o, --output <FORMAT>`
fn spelled(argument: &Arg) -> String {
    let values: Vec<&str> = match argument.get_value_names() {
        Some(names) if argument.get_action().takes_values() => {
            names.iter().map(clap::builder::Str::as_str).collect()
        }
        _ => Vec::new(),
    };
    let value = values.join(" ");
    let long = argument.get_long().map(|long| format!("--{long}"));
    let short = argument.get_short().map(|short| format!("-{short}"));
    let option = [short, long].into_iter().flatten().collect::<Vec<_>>();
    if option.is_empty() {
        return value;
    }
    let option = option.join(", ");
    if value.is_empty() {
        option
    } else if argument.is_require_equals_set() {
        format!("{option}[={value}]")
    } else {
        format!("{option} {value}")
    }
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let mut text = sentence(&help.map(ToString::to_string).unwrap_or_default());
    let values = argument.get_possible_values();
    if !values.is_empty() && argument.get_action().takes_values() {
        let names: Vec<String> = values
            .iter()
            .map(|it| match it.get_help() {
                Some(help) => format!("`{}` ({help})", it.get_name()),
                None => format!("`{}`", it.get_name()),
            })
            .collect();
        write!(text, ". One of {}", names.join(", ")).unwrap();
    }
    let defaults: Vec<String> = argument
        .get_default_values()
        .iter()
        .map(|it| format!("`{}`", it.to_string_lossy()))
        .collect();
    if !defaults.is_empty() && argument.get_action().takes_values() {
        write!(text, ". Default: {}", defaults.join(", ")).unwrap();
    }
    text.replace('|', "\\|").replace('\n', " ")
}

fn sentence(text: &str) -> String {
    text.trim().to_owned()
}
