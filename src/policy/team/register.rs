//! Which of the registered teams count: two that get in each other's way do not both.

use std::collections::BTreeMap;

use super::Team;

/// A team as it is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamRegistration {
    /// When its `ConfigMap` was made, in RFC 3339 and UTC as the API server writes it: earlier times come first.
    pub created: Box<str>,
    /// The team.
    pub team: Team,
}

/// A team gets in the way of another that was there first: all of it is ignored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the team \"{team}\" {conflict}, which came first: change or delete one of the two ConfigMaps"
)]
pub struct TeamClash {
    /// The team that is ignored.
    pub team: Box<str>,
    /// How they clash.
    pub conflict: TeamConflict,
}

/// How a team gets in the way of another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TeamConflict {
    /// Both name one account.
    #[error("names service account {namespace}/{account} of the team \"{other}\"")]
    Account {
        /// The namespace of both Tillers.
        namespace: Box<str>,
        /// The account's name.
        account: Box<str>,
        /// The other team.
        other: Box<str>,
    },
    /// Both Tillers would release in one namespace.
    #[error("has the target namespace {namespace} of the team \"{other}\"")]
    Target {
        /// The namespace.
        namespace: Box<str>,
        /// The other team.
        other: Box<str>,
    },
    /// It would release where the other's Tiller runs.
    #[error("has the target namespace {namespace}, where the Tiller of the team \"{other}\" runs")]
    OverTiller {
        /// The namespace.
        namespace: Box<str>,
        /// The other team.
        other: Box<str>,
    },
    /// The other would release where its Tiller runs.
    #[error("has its Tiller in {namespace}, a target namespace of the team \"{other}\"")]
    UnderTiller {
        /// The namespace.
        namespace: Box<str>,
        /// The other team.
        other: Box<str>,
    },
}

/// The teams that count, and those that are in the way of one of them. Of two that clash the one counts that was
/// registered first; of two registered in the same second, the one whose name comes first.
pub fn register<'r>(
    registrations: impl IntoIterator<Item = &'r TeamRegistration>,
) -> (Vec<&'r Team>, Vec<TeamClash>) {
    let mut in_order: Vec<_> = registrations.into_iter().collect();
    in_order.sort_by_key(|it| (&it.created, &it.team.name));
    let mut taken = Taken::default();
    let (mut counting, mut clashes) = (Vec::new(), Vec::new());
    for TeamRegistration { team, .. } in in_order {
        let Some(conflict) = taken.conflict(team) else {
            taken.take(team);
            counting.push(team);
            continue;
        };
        clashes.push(TeamClash {
            team: team.name.clone(),
            conflict,
        });
    }
    (counting, clashes)
}

/// What teams hold already, with one that does.
#[derive(Default)]
struct Taken<'r> {
    accounts: BTreeMap<(&'r str, &'r str), &'r str>,
    targets: BTreeMap<&'r str, &'r str>,
    tillers: BTreeMap<&'r str, &'r str>,
}

// === impl Taken ===

impl<'r> Taken<'r> {
    fn conflict(&self, team: &Team) -> Option<TeamConflict> {
        let namespace = &team.tiller_namespace;
        let account = &team.service_account;
        if let Some(other) = self.accounts.get(&(&**namespace, &**account)) {
            return Some(TeamConflict::Account {
                namespace: namespace.clone(),
                account: account.clone(),
                other: (*other).into(),
            });
        }
        if let Some(other) = self.targets.get(&**namespace) {
            return Some(TeamConflict::UnderTiller {
                namespace: namespace.clone(),
                other: (*other).into(),
            });
        }
        team.target_namespaces.iter().find_map(|target| {
            let namespace = target.clone();
            let shared = self.targets.get(&**target).map(|other| (*other).into());
            let over = self.tillers.get(&**target).map(|other| (*other).into());
            match (shared, over) {
                (Some(other), _) => Some(TeamConflict::Target { namespace, other }),
                (None, Some(other)) => Some(TeamConflict::OverTiller { namespace, other }),
                (None, None) => None,
            }
        })
    }

    fn take(&mut self, team: &'r Team) {
        let Team {
            name,
            tiller_namespace,
            service_account,
            target_namespaces,
            ..
        } = team;
        self.accounts
            .insert((tiller_namespace, service_account), name);
        self.tillers.insert(tiller_namespace, name);
        for target in target_namespaces {
            self.targets.insert(target, name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(name: &str, created: &str, tiller: &str, targets: &str) -> TeamRegistration {
        let data = [
            ("tiller-namespace", tiller),
            ("service-account", name),
            ("target-namespaces", targets),
        ];
        TeamRegistration {
            created: created.into(),
            team: Team::read(name, data).unwrap(),
        }
    }

    fn told(registrations: &[TeamRegistration]) -> (Vec<String>, Vec<String>) {
        let (counting, clashes) = register(registrations);
        let names = counting.iter().map(|team| team.name.to_string()).collect();
        (names, clashes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn teams_that_keep_apart_all_count() {
        let registrations = [
            team("a", "2026-01-02T00:00:00Z", "tiller-a", "a-dev\na-prod"),
            team("b", "2026-01-01T00:00:00Z", "tiller-b", "b-dev"),
            // Two Tillers in one namespace, each with an account of its own.
            team("c", "2026-01-03T00:00:00Z", "tiller-b", "c-dev"),
        ];
        let (counting, clashes) = told(&registrations);
        assert_eq!(counting, ["b", "a", "c"]);
        assert_eq!(clashes, [""; 0]);
    }

    #[test]
    fn the_one_that_was_registered_first_counts() {
        let later = team("a", "2026-01-02T00:00:00Z", "tiller-a", "shared");
        let earlier = team("b", "2026-01-01T00:00:00Z", "tiller-b", "shared");
        let clash = "the team \"a\" has the target namespace shared of the team \"b\", which came first: change or delete one of the two ConfigMaps";
        let both = [later, earlier];
        let (counting, clashes) = told(&both);
        assert_eq!(
            (counting, clashes),
            (vec!["b".to_owned()], vec![clash.to_owned()])
        );
    }

    #[test]
    fn of_two_of_one_second_the_name_decides() {
        let created = "2026-01-01T00:00:00Z";
        let both = [
            team("b", created, "tiller-b", "shared"),
            team("a", created, "tiller-a", "shared"),
        ];
        assert_eq!(told(&both).0, ["a"]);
    }

    #[test]
    fn nobody_releases_where_anothers_tiller_runs() {
        let first = team("a", "2026-01-01T00:00:00Z", "tiller-a", "");
        let over = team("b", "2026-01-02T00:00:00Z", "tiller-b", "tiller-a");
        let (counting, clashes) = told(&[first.clone(), over.clone()]);
        assert_eq!(counting, ["a"]);
        assert!(clashes[0].contains("where the Tiller of the team \"a\" runs"));
        let over = TeamRegistration {
            created: "2025-01-01T00:00:00Z".into(),
            ..over
        };
        let (counting, clashes) = told(&[first, over]);
        assert_eq!(counting, ["b"]);
        assert!(clashes[0].contains("has its Tiller in tiller-a, a target namespace"));
    }

    #[test]
    fn one_account_is_one_teams() {
        let mut other = team("a", "2026-01-02T00:00:00Z", "tiller-a", "");
        other.team.name = "b".into();
        let first = team("a", "2026-01-01T00:00:00Z", "tiller-a", "");
        let (counting, clashes) = told(&[first, other]);
        assert_eq!(counting, ["a"]);
        assert!(clashes[0].contains("names service account tiller-a/a of the team \"a\""));
    }

    #[test]
    fn one_that_is_ignored_stands_in_nobodys_way() {
        let registrations = [
            team("a", "2026-01-01T00:00:00Z", "tiller-a", "shared"),
            team("b", "2026-01-02T00:00:00Z", "tiller-b", "shared\nb-dev"),
            team("c", "2026-01-03T00:00:00Z", "tiller-c", "b-dev"),
        ];
        assert_eq!(told(&registrations).0, ["a", "c"]);
    }
}
