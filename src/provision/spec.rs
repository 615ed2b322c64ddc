//! What is asked for a team, and whether it can be.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use serde_json::{Value, json};

use super::names::{LABEL, is_label, is_name};
use super::{ExtraRule, Names, Person, PersonError, PersonKind, SpecError};
use crate::policy::Settings;
use crate::policy::rbac::{Account, Holder};
use crate::policy::team::Team;
use crate::tiller::Version;

/// What is asked for a team, as it was typed or read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamSpec {
    /// The team's name.
    pub team: String,
    /// The namespace of Tiller alone.
    pub tiller_namespace: String,
    /// Where Tiller releases.
    pub target_namespaces: Vec<String>,
    /// Tiller's account.
    pub service_account: String,
    /// The users who may use Tiller.
    pub users: Vec<String>,
    /// The groups that may.
    pub groups: Vec<String>,
    /// Which Tiller.
    pub tiller_version: Version,
    /// Where its image comes from, without tag.
    pub image: String,
    /// How many revisions of a release are kept; 0 keeps all.
    pub history_max: u32,
    /// Whether Tiller itself is made; else `helm init` does that.
    pub with_tiller: bool,
    /// Rights in the target namespaces beyond the usual ones.
    pub extra_rules: Vec<ExtraRule>,
    /// The guard's own namespace.
    pub guard_namespace: String,
    /// The cluster's DNS domain.
    pub cluster_domain: String,
}

/// A team that can be provisioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedTeam {
    spec: TeamSpec,
    people: Vec<Person>,
}

/// Examines teams by themselves and beside one another.
pub fn check(
    specs: Vec<TeamSpec>,
    settings: &Settings,
) -> Result<Vec<CheckedTeam>, Vec<SpecError>> {
    let mut errors = Vec::new();
    for spec in &specs {
        spec.check_names(&mut errors);
        spec.check_namespaces(settings, &mut errors);
        spec.check_tiller(settings, &mut errors);
    }
    check_together(&specs, &mut errors);
    let teams = specs.into_iter().map(|mut spec| {
        spec.target_namespaces.sort_unstable();
        spec.target_namespaces.dedup();
        let people = spec.people(settings, &mut errors);
        CheckedTeam { spec, people }
    });
    let teams = teams.collect();
    if errors.is_empty() {
        Ok(teams)
    } else {
        Err(errors)
    }
}

/// Examines teams beside those that are registered already.
pub fn check_beside(teams: &[CheckedTeam], registered: &[Team]) -> Result<(), Vec<SpecError>> {
    let mut errors = Vec::new();
    let mut uses = Uses::default();
    for team in registered {
        if teams.iter().all(|new| *new.team != *team.name) {
            let targets = team.target_namespaces.iter().map(AsRef::as_ref);
            uses.add(&team.name, &team.tiller_namespace, targets, &mut errors);
        }
    }
    // What is registered is as it is.
    errors.clear();
    for team in teams {
        let targets = team.target_namespaces.iter().map(String::as_str);
        uses.add(&team.team, &team.tiller_namespace, targets, &mut errors);
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

fn check_together(specs: &[TeamSpec], errors: &mut Vec<SpecError>) {
    let mut uses = Uses::default();
    let mut teams = BTreeSet::new();
    for spec in specs {
        if teams.insert(&spec.team) {
            let targets = spec.target_namespaces.iter().map(String::as_str);
            uses.add(&spec.team, &spec.tiller_namespace, targets, errors);
        } else {
            errors.push(SpecError::Twice(spec.team.clone()));
        }
    }
}

/// A namespace has one use: it is one team's Tiller namespace, or one team's target.
#[derive(Default)]
struct Uses<'a>(BTreeMap<&'a str, String>);

impl<'a> Uses<'a> {
    fn add(
        &mut self,
        team: &str,
        tiller: &'a str,
        targets: impl Iterator<Item = &'a str>,
        errors: &mut Vec<SpecError>,
    ) {
        let targets = targets.map(|it| (it, "target"));
        for (namespace, kind) in [(tiller, "Tiller namespace")].into_iter().chain(targets) {
            let second = format!("{kind} of the team {team}");
            match self.0.get(namespace).filter(|first| **first != second) {
                Some(first) => errors.push(SpecError::Shared {
                    namespace: namespace.to_owned(),
                    first: first.clone(),
                    second,
                }),
                None => {
                    self.0.insert(namespace, second);
                }
            }
        }
    }
}

// === impl TeamSpec ===

impl TeamSpec {
    /// The official image that has every version.
    pub const IMAGE: &'static str = "ghcr.io/helm/tiller";
    /// Helm's own advice for `--history-max`.
    pub const HISTORY_MAX: u32 = 200;
    /// The last Tiller.
    pub const TILLER_VERSION: Version = Version {
        major: 2,
        minor: 17,
        patch: 0,
    };
    /// Where the guard runs unless it is told otherwise.
    pub const GUARD_NAMESPACE: &'static str = "tiller-guard";
    /// A cluster's DNS domain unless it is told otherwise.
    pub const CLUSTER_DOMAIN: &'static str = "cluster.local";
    /// Tiller's account unless it is told otherwise.
    pub const SERVICE_ACCOUNT: &'static str = "tiller";

    /// A team with everything else as it usually is.
    pub fn new(team: String, tiller_namespace: String, target_namespaces: Vec<String>) -> Self {
        Self {
            team,
            tiller_namespace,
            target_namespaces,
            service_account: Self::SERVICE_ACCOUNT.to_owned(),
            users: Vec::new(),
            groups: Vec::new(),
            tiller_version: Self::TILLER_VERSION,
            image: Self::IMAGE.to_owned(),
            history_max: Self::HISTORY_MAX,
            with_tiller: true,
            extra_rules: Vec::new(),
            guard_namespace: Self::GUARD_NAMESPACE.to_owned(),
            cluster_domain: Self::CLUSTER_DOMAIN.to_owned(),
        }
    }

    /// The team as a document of a file of teams.
    pub fn to_document(&self) -> Value {
        let Self {
            team,
            tiller_namespace,
            target_namespaces,
            service_account,
            users,
            groups,
            tiller_version,
            image,
            history_max,
            with_tiller,
            extra_rules,
            guard_namespace: _,
            cluster_domain,
        } = self;
        let rule = |rule: &ExtraRule| json!({ "apiGroups": rule.api_groups, "resources": rule.resources, "verbs": rule.verbs });
        json!({
            "apiVersion": "tiller-guard.io/v1",
            "kind": "Team",
            "name": team,
            "tillerNamespace": tiller_namespace,
            "targetNamespaces": target_namespaces,
            "serviceAccount": service_account,
            "users": users,
            "groups": groups,
            "tillerVersion": tiller_version.to_string(),
            "image": image,
            "historyMax": history_max,
            "noTiller": !with_tiller,
            "clusterDomain": cluster_domain,
            "allow": extra_rules.iter().map(rule).collect::<Vec<_>>(),
        })
    }

    fn check_names(&self, errors: &mut Vec<SpecError>) {
        let mut labels = vec![
            ("the name", &self.team),
            ("the Tiller namespace", &self.tiller_namespace),
            ("the guard's namespace", &self.guard_namespace),
        ];
        let targets = self.target_namespaces.iter();
        labels.extend(targets.map(|namespace| ("the target namespace", namespace)));
        for (what, value) in labels {
            if !is_label(value) {
                errors.push(self.bad_name(what, value, LABEL));
            }
        }
        let account = &self.service_account;
        if account == "default" {
            let expected =
                "a service account of Tiller's own: every pod in the namespace may use that one";
            errors.push(self.bad_name("the service account", account, expected));
        } else if !is_name(account) {
            let expected =
                "the name of a service account: lower-case letters, digits, dashes and dots";
            errors.push(self.bad_name("the service account", account, expected));
        }
        if !is_name(&self.cluster_domain) {
            let expected = "a DNS domain such as cluster.local";
            errors.push(self.bad_name("the cluster's domain", &self.cluster_domain, expected));
        }
        let reserved = [
            (
                "the name",
                &self.team,
                Names::POLICY,
                "tiller-guard's policy",
            ),
            (
                "the service account",
                account,
                Names::PEOPLE,
                "the Role of the team's people",
            ),
        ];
        for (what, value, name, owner) in reserved {
            if value == name {
                errors.push(SpecError::Reserved {
                    team: self.team.clone(),
                    what,
                    value: value.clone(),
                    owner,
                });
            }
        }
        for rule in &self.extra_rules {
            if let Err(source) = rule.check() {
                errors.push(SpecError::Rule {
                    team: self.team.clone(),
                    rule: rule.resources.join(","),
                    source,
                });
            }
        }
    }

    fn bad_name(&self, what: &'static str, value: &str, expected: &'static str) -> SpecError {
        SpecError::Name {
            team: self.team.escape_debug().to_string(),
            what,
            value: value.escape_debug().to_string(),
            expected,
        }
    }

    fn check_namespaces(&self, settings: &Settings, errors: &mut Vec<SpecError>) {
        let team = || self.team.clone();
        if self.target_namespaces.is_empty() {
            errors.push(SpecError::NoTarget(team()));
        }
        for namespace in [&self.tiller_namespace]
            .into_iter()
            .chain(&self.target_namespaces)
        {
            if settings.protected_namespaces.contains(namespace) {
                errors.push(SpecError::Protected {
                    team: team(),
                    namespace: namespace.clone(),
                });
            } else if *namespace == self.guard_namespace {
                errors.push(SpecError::Guard {
                    team: team(),
                    namespace: namespace.clone(),
                });
            }
        }
    }

    fn check_tiller(&self, settings: &Settings, errors: &mut Vec<SpecError>) {
        let (version, floor) = (self.tiller_version, settings.version_floor);
        if version < floor {
            errors.push(SpecError::Version {
                team: self.team.clone(),
                version,
                floor,
            });
        }
        let image = crate::tiller::ImageReference::parse(&self.image);
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte);
        if image.tag.is_some()
            || image.digest.is_some()
            || image.repository.is_empty()
            || !image.repository.bytes().all(inner)
        {
            errors.push(SpecError::Image {
                team: self.team.clone(),
                image: self.image.escape_debug().to_string(),
            });
        }
    }

    fn people(&self, settings: &Settings, errors: &mut Vec<SpecError>) -> Vec<Person> {
        let users = self.users.iter().map(|name| (PersonKind::User, name));
        let groups = self.groups.iter().map(|name| (PersonKind::Group, name));
        let mut people = Vec::new();
        for (kind, name) in users.chain(groups) {
            let person = Person::new(kind, name).and_then(|person| {
                let is_tiller = kind == PersonKind::User && self.is_tiller(name, settings);
                if is_tiller {
                    Err(PersonError::Tiller)
                } else {
                    Ok(person)
                }
            });
            match person {
                Ok(person) => people.push(person),
                Err(source) => errors.push(SpecError::Person {
                    team: self.team.clone(),
                    kind,
                    name: name.clone(),
                    source,
                }),
            }
        }
        people.sort_unstable();
        people.dedup();
        people
    }

    /// Whether a user is this team's Tiller, or an account that is taken for a Tiller's by its name.
    fn is_tiller(&self, user: &str, settings: &Settings) -> bool {
        let Some(Holder::Account(account)) = Holder::of_user(user) else {
            return false;
        };
        let own = Account {
            namespace: &self.tiller_namespace,
            name: &self.service_account,
        };
        account == own || crate::policy::Knowledge::default().is_tiller_account(account, settings)
    }
}

// === impl CheckedTeam ===

impl CheckedTeam {
    /// The users, then the groups, each once.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// The image of Tiller.
    pub fn image_reference(&self) -> String {
        format!("{}:v{}", self.image, self.tiller_version)
    }
}

impl Deref for CheckedTeam {
    type Target = TeamSpec;

    fn deref(&self) -> &TeamSpec {
        &self.spec
    }
}
