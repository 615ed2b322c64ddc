//! From a `ConfigMap` in the guard's namespace to the team that it registers.

use std::collections::BTreeMap;

use super::Malformed;
use crate::json::{Source, fields, read};
use crate::pod::Text;
use crate::policy::team::{Team, TeamError, TeamRegistration};

/// The label of a `ConfigMap` that registers a team, as a selector of the API.
pub const TEAM_SELECTOR: &str = "tiller-guard.io/kind=team";

/// Reads a team's `ConfigMap`: whether it can be read at all, and whether it is a team then.
pub fn team_registration<'j, S: Source<'j>>(
    mut config_map: S,
) -> Result<Result<TeamRegistration, TeamError>, Malformed> {
    let ConfigMap { metadata, data } = read(&mut config_map).map_err(|error| Malformed {
        kind: "ConfigMap",
        reason: error.to_string(),
    })?;
    let entries = data.iter().flatten();
    let entries = entries.map(|(key, value)| (key.as_str(), value.as_str()));
    Ok(
        Team::read(&metadata.name, entries).map(|team| TeamRegistration {
            created: metadata.creation_timestamp.as_str().into(),
            team,
        }),
    )
}

#[derive(Default)]
struct ConfigMap<'a> {
    metadata: Metadata<'a>,
    data: Option<BTreeMap<String, Text<'a>>>,
}

fields!(ConfigMap<'a> {
    "metadata" => metadata,
    "data" => data,
});

#[derive(Default)]
struct Metadata<'a> {
    name: Text<'a>,
    creation_timestamp: Text<'a>,
}

fields!(Metadata<'a> {
    "name" => name,
    "creationTimestamp" => creation_timestamp,
});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_team_is_read_with_the_time_of_its_registration() {
        let config_map = json!({
            "metadata": { "name": "payments", "creationTimestamp": "2026-11-24T08:00:00Z" },
            "data": { "tiller-namespace": "tiller-payments", "service-account": "tiller" },
        });
        let TeamRegistration { created, team } = team_registration(&config_map).unwrap().unwrap();
        assert_eq!(
            (&*created, &*team.name),
            ("2026-11-24T08:00:00Z", "payments")
        );
        assert_eq!(team.account().to_string(), "tiller-payments/tiller");
    }

    #[test]
    fn one_without_data_is_no_team() {
        let config_map = json!({ "metadata": { "name": "payments" }, "data": null });
        let error = team_registration(&config_map).unwrap().unwrap_err();
        assert!(matches!(error, TeamError::Missing { .. }), "{error}");
    }
}
