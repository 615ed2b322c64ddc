//! Tables and examples that name what the code has.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tiller_guard::config;
use tiller_guard::k8s::webhook_configuration::{Endpoint, WebhookConfigurations};
use tiller_guard::policy::{Mode, Timestamp};

use super::{page, pages, repository};
use crate::api_server::cluster;
use crate::chart;
use crate::cluster::get_accepting;

/// Every webhook of the configurations is in the table of what happens to requests that nobody answers.
#[test]
fn the_table_of_webhooks_is_that_of_the_configurations() {
    let page = page("docs/operate.md");
    let stated: BTreeMap<String, bool> = page
        .part("webhooks")
        .lines()
        .skip(2)
        .map(|line| {
            let name = line.strip_prefix("| `").unwrap().split('`').next().unwrap();
            (name.to_owned(), line.ends_with("| refused |"))
        })
        .collect();
    let mut known = BTreeMap::new();
    for minor in [20, 30] {
        let configuration = WebhookConfigurations {
            minor,
            namespace: "tiller-guard",
            endpoint: Endpoint::Url("https://127.0.0.1"),
            ca_bundle: None,
            account_patterns: &[],
        };
        for configuration in [configuration.mutating(), configuration.validating()] {
            for webhook in configuration["webhooks"].as_array().unwrap() {
                let name = webhook["name"].as_str().unwrap();
                let name = name.strip_suffix(".tiller-guard.io").unwrap();
                known.insert(name.to_owned(), webhook["failurePolicy"] == "Fail");
            }
        }
    }
    assert_eq!(stated, known);
}

#[test]
fn the_table_of_alerts_is_that_of_the_chart() {
    let values =
        json!({ "kubeVersion": "1.30", "metrics": { "prometheusRule": { "enabled": true } } });
    let objects = chart::rendered(&values);
    let rules = objects.iter().find(|it| it["kind"] == "PrometheusRule");
    let rules = rules.unwrap()["spec"]["groups"][0]["rules"].as_array();
    let operate = page("docs/operate.md");
    for rule in rules.unwrap() {
        let annotation = |name: &str| rule["annotations"][name].as_str().unwrap();
        assert!(annotation("description").ends_with('.'), "{rule}");
        let (address, anchor) = annotation("runbook_url").split_once('#').unwrap();
        assert!(address.ends_with("/docs/operate.md"), "{rule}");
        let mut headings = operate.text.lines().filter(|line| line.starts_with('#'));
        let is_there = headings.any(|heading| {
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            heading.replace(' ', "-").replace(',', "") == anchor
        });
        assert!(is_there, "{rule}");
    }
    let known: Vec<&str> = rules
        .unwrap()
        .iter()
        .filter_map(|it| it["alert"].as_str())
        .collect();
    assert_eq!(page("docs/operate.md").names("alerts"), known);
}

/// Every family that a guard in a cluster serves is in the table. A family without a series is not served: what is in the
/// table is registered somewhere.
#[tokio::test]
async fn the_table_of_metrics_is_what_is_served() {
    let health = cluster().guard().unwrap().health;
    let (_, text) = get_accepting(health, "/metrics", "*/*").unwrap();
    let stated = page("docs/operate.md").names("metrics");
    let served = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    for name in served {
        assert!(
            stated.iter().any(|it| it == name),
            "{name} is not in the table"
        );
    }
    let mut sources = String::new();
    read_sources(&repository().join("src"), &mut sources);
    for name in stated {
        let name = name.strip_prefix("tiller_guard_").unwrap();
        let registered = ["", "_total", "_info", "_seconds"].iter().any(|suffix| {
            let name = name.strip_suffix(suffix).unwrap_or(name);
            sources.contains(&format!("\"{name}\""))
        });
        assert!(registered, "{name} is registered nowhere");
    }
}

fn read_sources(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_sources(&path, sources);
        } else {
            *sources += &fs::read_to_string(&path).unwrap();
        }
    }
}

/// The example holds every key, and is good.
#[test]
fn the_example_of_a_policy_file_is_one() {
    let page = page("docs/policy-file.md");
    let (_, rest) = page
        .text
        .split_once("<!-- policy: example -->\n```yaml\n")
        .unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let policy = config::read(example.as_bytes(), Timestamp(0))
        .unwrap_or_else(|rejected| panic!("{}", rejected.lines("the example")));
    assert_eq!(policy.modes.of(Some("team-done")), Mode::Forbid);
    assert_eq!(policy.settings.exceptions.len(), 1);
    let schema: Value = serde_json::from_str(config::SCHEMA).unwrap();
    for key in schema["properties"].as_object().unwrap().keys() {
        let there = example
            .lines()
            .any(|line| line.starts_with(&format!("{key}:")));
        assert!(there, "{key} is missing");
    }
}

/// What a page shows of a file is the file.
#[test]
fn files_that_are_shown_are_shown_whole() {
    let mut shown = 0;
    for page in pages() {
        for part in page.text.split("<!-- file: ").skip(1) {
            let (name, rest) = part.split_once(" -->\n").unwrap();
            let (_, rest) = rest.split_once('\n').unwrap();
            let (text, _) = rest.split_once("```").unwrap();
            let file = fs::read_to_string(repository().join(name)).unwrap();
            assert_eq!(text, file, "{name} in {}", page.name);
            shown += 1;
        }
    }
    assert!(shown > 0);
}
