//! The file of teams: one document each.

use super::problem::{Cause, Problem};
use super::reader::{Field, PolicyReader, Section};
use super::section::is;
use super::value;
use crate::manifest::{Document, Part, Position, Stream};
use crate::provision::{ExtraRule, TeamSpec};

const TEAM: [&str; 14] = [
    "apiVersion",
    "kind",
    "name",
    "tillerNamespace",
    "targetNamespaces",
    "serviceAccount",
    "users",
    "groups",
    "tillerVersion",
    "image",
    "historyMax",
    "noTiller",
    "clusterDomain",
    "allow",
];
const RULE: [&str; 3] = ["apiGroups", "resources", "verbs"];

const API_VERSION: &str = "tiller-guard.io/v1";
const KIND: &str = "Team";

/// Reads a file of teams. A key that it leaves out has the default of the option;
/// [`provision::check`](crate::provision::check) checks whether the teams are possible.
pub fn read_teams(content: &[u8]) -> Result<Vec<TeamSpec>, Vec<Problem>> {
    let stream = Stream::new("", content.to_vec());
    let (mut teams, mut problems) = (Vec::new(), Vec::new());
    for part in stream.parts() {
        match part {
            Part::Document(document) => match team(&document) {
                Ok(team) => teams.push(team),
                Err(mut found) => problems.append(&mut found),
            },
            Part::Unreadable(unreadable, _) => problems.push(Problem {
                cause: Cause::Unreadable,
                place: unreadable.place,
                message: unreadable.message,
            }),
            Part::Blank(_) => {}
        }
    }
    if teams.is_empty() && problems.is_empty() {
        problems.push(Problem {
            cause: Cause::Value,
            place: Position { line: 1, column: 1 },
            message: "the file holds no team; begin with apiVersion and kind: Team".to_owned(),
        });
    }
    if problems.is_empty() {
        Ok(teams)
    } else {
        Err(problems)
    }
}

fn team(document: &Document) -> Result<TeamSpec, Vec<Problem>> {
    let mut reader = PolicyReader::new(document);
    let value = document.value();
    let root = Field {
        value: &value,
        pointer: String::new(),
    };
    let team = reader
        .section(&root, &TEAM)
        .map(|section| read(&mut reader, &section));
    match team {
        Some(team) if reader.problems.is_empty() => Ok(team),
        _ => Err(reader.problems),
    }
}

fn read(reader: &mut PolicyReader<'_>, section: &Section<'_>) -> TeamSpec {
    for (key, right) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        if let Some(field) = section.wanted(key, reader) {
            reader.parsed(&field, |text| is(text, right));
        }
    }
    let mut name = |key| {
        let field = section.wanted(key, reader)?;
        reader.text(&field).map(ToOwned::to_owned)
    };
    let mut team = TeamSpec::new(
        name("name").unwrap_or_default(),
        name("tillerNamespace").unwrap_or_default(),
        Vec::new(),
    );
    if let Some(field) = section.wanted("targetNamespaces", reader) {
        team.target_namespaces = texts(reader, &field);
    }
    if let Some(field) = section.get("serviceAccount") {
        team.service_account = owned(reader, &field);
    }
    if let Some(field) = section.get("users") {
        team.users = texts(reader, &field);
    }
    if let Some(field) = section.get("groups") {
        team.groups = texts(reader, &field);
    }
    if let Some(field) = section.get("tillerVersion")
        && let Some(version) = reader.parsed(&field, value::version)
    {
        team.tiller_version = version;
    }
    if let Some(field) = section.get("image") {
        team.image = owned(reader, &field);
    }
    if let Some(field) = section.get("historyMax") {
        match field.value.as_u64().and_then(|it| u32::try_from(it).ok()) {
            Some(number) => team.history_max = number,
            None => reader.bad(&field, "not a number of revisions; write one such as 200"),
        }
    }
    if let Some(field) = section.get("clusterDomain") {
        team.cluster_domain = owned(reader, &field);
    }
    if let Some(field) = section.get("noTiller") {
        team.with_tiller = reader.truth(&field) != Some(true);
    }
    if let Some(field) = section.get("allow") {
        let rules = reader.list(&field);
        team.extra_rules = rules.iter().filter_map(|it| rule(reader, it)).collect();
    }
    team
}

fn rule(reader: &mut PolicyReader<'_>, field: &Field<'_>) -> Option<ExtraRule> {
    let section = reader.section(field, &RULE)?;
    let mut words = |key| {
        let field = section.wanted(key, reader)?;
        let words = reader.list(&field).into_iter();
        // The core group is the empty string.
        let words = words.map(|word| match word.value.as_str() {
            Some("") if key == "apiGroups" => Some(String::new()),
            _ => reader.text(&word).map(ToOwned::to_owned),
        });
        words.collect::<Option<Vec<_>>>()
    };
    Some(ExtraRule {
        api_groups: words("apiGroups")?,
        resources: words("resources")?,
        verbs: words("verbs")?,
    })
}

fn owned(reader: &mut PolicyReader<'_>, field: &Field<'_>) -> String {
    reader.text(field).unwrap_or_default().to_owned()
}

fn texts(reader: &mut PolicyReader<'_>, field: &Field<'_>) -> Vec<String> {
    let fields = reader.list(field);
    let texts = fields.iter().filter_map(|it| reader.text(it));
    texts.map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: tiller-guard.io/v1\nkind: Team\n";

    #[test]
    fn a_file_says_what_the_options_say() {
        let text = format!(
            "{HEAD}name: blue\ntillerNamespace: blue-tiller\ntargetNamespaces: [blue, blue-jobs]\n\
             users: [ada@example.com, \"oidc:bob\"]\ngroups: [on-call]\ntillerVersion: v2.16.12\nhistoryMax: 10\n\
             noTiller: true\nallow:\n- apiGroups: [\"\"]\n  resources: [pods/exec]\n  verbs: [create]\n\
             ---\n{HEAD}name: green\ntillerNamespace: green-tiller\ntargetNamespaces: [green]\n"
        );
        let teams = read_teams(text.as_bytes()).unwrap();
        let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let blue = TeamSpec {
            users: owned(&["ada@example.com", "oidc:bob"]),
            groups: owned(&["on-call"]),
            tiller_version: "2.16.12".parse().unwrap(),
            history_max: 10,
            with_tiller: false,
            extra_rules: ExtraRule::parse("create:pods/exec").unwrap(),
            ..TeamSpec::new(
                "blue".to_owned(),
                "blue-tiller".to_owned(),
                owned(&["blue", "blue-jobs"]),
            )
        };
        let green = TeamSpec::new(
            "green".to_owned(),
            "green-tiller".to_owned(),
            owned(&["green"]),
        );
        assert_eq!(teams, [blue, green]);
        for team in teams {
            let document = team.to_document().to_string();
            assert_eq!(read_teams(document.as_bytes()).unwrap(), [team]);
        }
    }

    #[test]
    fn each_problem_is_told_with_its_place() {
        let text = format!(
            "{HEAD}name: 7\ntillerNamespace: blue-tiller\ntargets: [blue]\n---\n{HEAD}name: green\n\
             tillerNamespace: x\ntargetNamespaces: green\nhistoryMax: -1\ntillerVersion: latest\n\
             allow: [{{verbs: [get]}}]\n"
        );
        let problems = read_teams(text.as_bytes()).unwrap_err();
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        let expected = [
            "5:1: unknown key \"targets\"",
            "3:1: found a number",
            "1:1: targetNamespaces is missing",
            "11:1: found a string, expected a list",
            "13:1: \"latest\" is not a version",
            "12:1: not a number of revisions",
            "14:9: apiGroups is missing",
        ];
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{line}\n{expected}");
        }
    }

    #[test]
    fn a_file_without_teams_is_none() {
        let problems = read_teams(b"# nothing\n").unwrap_err();
        assert!(problems[0].to_string().contains("holds no team"));
        assert!(read_teams(b"\t: [").is_err());
    }
}
