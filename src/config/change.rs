//! How one policy loosens or tightens another.

use std::collections::BTreeSet;
use std::fmt;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::gather::Gather as _;
use crate::policy::{
    Exception, ImageVersion, Innocent, Mode, Modes, NotTiller, People, Policy, Settings, Timestamp,
};

/// One difference between two policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyChange {
    /// Whether it loosens or tightens.
    pub direction: Direction,
    /// The key in the policy file, with the value before and after.
    pub what: String,
}

/// Whether it loosens or tightens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// It loosens.
    Loosens,
    /// It tightens.
    Tightens,
    /// It does neither, or both.
    Changes,
}

/// Every difference between `before` and `after` that changes a decision. Severities do not.
pub fn policy_changes(before: &Policy, after: &Policy) -> Vec<PolicyChange> {
    let mut changes = Changes::default();
    let Policy {
        settings,
        modes,
        break_glass,
    } = after;
    changes.of_modes(&before.modes, modes);
    changes.of_people("breakGlass", &before.break_glass, break_glass);
    changes.of_settings(&before.settings, settings);
    changes.0
}

#[derive(Default)]
struct Changes(Vec<PolicyChange>);

// === impl Direction ===

impl Direction {
    /// A word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loosens => "loosens",
            Self::Tightens => "tightens",
            Self::Changes => "changes",
        }
    }

    fn opposite(self) -> Self {
        match self {
            Self::Loosens => Self::Tightens,
            Self::Tightens => Self::Loosens,
            Self::Changes => Self::Changes,
        }
    }
}

/// `loosens mode: enforce becomes audit`
impl fmt::Display for PolicyChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { direction, what } = self;
        write!(formatter, "{} {what}", direction.as_str())
    }
}

// === impl Changes ===

impl Changes {
    fn add(&mut self, direction: Direction, what: String) {
        self.0.push(PolicyChange { direction, what });
    }

    /// Compares two values: a greater one has the effect `more`.
    fn of_value<T: PartialOrd>(
        &mut self,
        key: &str,
        [before, after]: [T; 2],
        more: Direction,
        text: impl Fn(&T) -> String,
    ) {
        if before != after {
            let direction = if after > before {
                more
            } else {
                more.opposite()
            };
            let what = format!("{key}: {} becomes {}", text(&before), text(&after));
            self.add(direction, what);
        }
    }

    /// Compares two lists: an added element has the effect `more`.
    fn of_list<T>(
        &mut self,
        key: &str,
        [before, after]: [&[T]; 2],
        more: Direction,
        text: impl Fn(&T) -> String,
    ) {
        let [before, after] = [before, after].map(|it| it.iter().map(&text).collect());
        let (before, after): (BTreeSet<String>, BTreeSet<String>) = (before, after);
        for added in after.difference(&before) {
            self.add(more, format!("{key}: {added} is added"));
        }
        for removed in before.difference(&after) {
            self.add(more.opposite(), format!("{key}: {removed} is removed"));
        }
    }

    fn of_people(&mut self, key: &str, before: &People, after: &People) {
        let People { users, groups } = after;
        for (list, before, after) in [
            ("users", &before.users, users),
            ("groups", &before.groups, groups),
        ] {
            let key = format!("{key}.{list}");
            self.of_list(&key, [before, after], Direction::Loosens, String::clone);
        }
    }

    fn of_modes(&mut self, before: &Modes, after: &Modes) {
        let tightens = Direction::Tightens;
        let text = |mode: &Mode| mode.as_str().to_owned();
        self.of_value("mode", [before.default, after.default], tightens, text);
        let names: BTreeSet<&String> = before
            .namespaces
            .keys()
            .chain(after.namespaces.keys())
            .gather();
        for name in names {
            let modes = [before, after].map(|modes| modes.of(Some(name)));
            let key = format!("namespaces.{name}.mode");
            self.of_value(&key, modes, tightens, text);
        }
    }

    fn of_settings(&mut self, before: &Settings, after: &Settings) {
        let Settings {
            protected_namespaces,
            version_floor,
            allowed_repositories,
            allowed_images,
            image_versions,
            allowed_environment,
            certificate_secret,
            account_patterns,
            allowed_cluster_roles,
            common_cluster_roles,
            require_team,
            run_as_user,
            injectors,
            administrators,
            exec,
            port_forward,
            severities: _,
            exceptions,
            not_tillers,
        } = after;
        let (more, less, other) = (Direction::Loosens, Direction::Tightens, Direction::Changes);
        for (key, before, after, direction) in [
            (
                "protectedNamespaces",
                &before.protected_namespaces,
                protected_namespaces,
                less,
            ),
            (
                "images.allowed",
                &before.allowed_repositories,
                allowed_repositories,
                more,
            ),
            (
                "images.allowed",
                &before.allowed_images,
                allowed_images,
                more,
            ),
            (
                "allowedEnvironment",
                &before.allowed_environment,
                allowed_environment,
                more,
            ),
            (
                "accounts.patterns",
                &before.account_patterns,
                account_patterns,
                less,
            ),
            (
                "accounts.allowedClusterRoles",
                &before.allowed_cluster_roles,
                allowed_cluster_roles,
                more,
            ),
            (
                "accounts.commonClusterRoles",
                &before.common_cluster_roles,
                common_cluster_roles,
                more,
            ),
        ] {
            self.of_list(key, [before, after], direction, String::clone);
        }
        let versions = [before.image_versions.as_slice(), image_versions];
        self.of_list("images.versions", versions, more, image_version);
        let floors = [before.version_floor, *version_floor];
        self.of_value("versionFloor", floors, less, ToString::to_string);
        let teams = [before.require_team, *require_team];
        self.of_value("requireTeam", teams, less, ToString::to_string);
        let secrets = [&before.certificate_secret, certificate_secret];
        self.of_value("certificateSecret", secrets, other, ToString::to_string);
        let users = [before.run_as_user.as_str(), run_as_user.as_str()];
        self.of_value("runAsUser", users, other, ToString::to_string);
        let names = [before.injectors.as_slice(), injectors];
        self.of_list("injectors", names, other, |it| it.as_str().to_owned());
        self.of_people("administrators", &before.administrators, administrators);
        self.of_people("access.exec", &before.exec, exec);
        self.of_people("access.portForward", &before.port_forward, port_forward);
        let objects = [before.exceptions.as_slice(), exceptions];
        self.of_list("exceptions", objects, more, exception);
        let innocents = [before.not_tillers.as_slice(), not_tillers];
        self.of_list("notTillers", innocents, more, not_tiller);
    }
}

fn image_version(image: &ImageVersion) -> String {
    let ImageVersion { image, version } = image;
    format!("{image} as {version}")
}

fn exception(exception: &Exception) -> String {
    let Exception {
        rule,
        kind,
        namespace,
        name,
        reason: _,
        expires,
    } = exception;
    let slash = if namespace.is_empty() { "" } else { "/" };
    format!(
        "{} for {} {namespace}{slash}{name} until {expires}",
        rule.id,
        kind.as_str(),
        expires = date(*expires),
    )
}

fn date(Timestamp(seconds): Timestamp) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok();
    let text = time.and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_else(|| seconds.to_string())
}

fn not_tiller(not_tiller: &NotTiller) -> String {
    let NotTiller { what, reason: _ } = not_tiller;
    match what {
        Innocent::Image(image) => format!("image {image}"),
        Innocent::Workload {
            kind,
            namespace,
            name,
        } => format!("{} {namespace}/{name}", kind.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(change: impl FnOnce(&mut Policy)) -> [Vec<String>; 2] {
        let before = Policy::default();
        let mut after = before.clone();
        change(&mut after);
        let [there, back] = [
            policy_changes(&before, &after),
            policy_changes(&after, &before),
        ];
        [there, back].map(|changes| changes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_policy_is_no_change_to_itself() {
        assert_eq!(told(|_| {}), [[""; 0]; 2]);
    }

    #[test]
    fn a_change_and_its_opposite_go_in_opposite_directions() {
        let [there, back] = told(|policy| policy.modes.default = Mode::Audit);
        assert_eq!(there, ["loosens mode: enforce becomes audit"]);
        assert_eq!(back, ["tightens mode: audit becomes enforce"]);
        let [there, back] = told(|policy| policy.break_glass.users.push("ada".to_owned()));
        assert_eq!(there, ["loosens breakGlass.users: ada is added"]);
        assert_eq!(back, ["tightens breakGlass.users: ada is removed"]);
        let [there, back] = told(|policy| policy.settings.require_team = true);
        assert_eq!(there, ["tightens requireTeam: false becomes true"]);
        assert_eq!(back, ["loosens requireTeam: true becomes false"]);
        let [there, back] = told(|policy| {
            let protected = &mut policy.settings.protected_namespaces;
            protected.push("prod".to_owned());
        });
        assert_eq!(there, ["tightens protectedNamespaces: prod is added"]);
        assert_eq!(back, ["loosens protectedNamespaces: prod is removed"]);
    }

    #[test]
    fn a_namespace_is_compared_by_the_mode_that_it_has() {
        let [there, back] = told(|policy| {
            let modes = [("same", Mode::Enforce), ("late", Mode::Warn)];
            let modes = modes.map(|(name, mode)| (name.to_owned(), mode));
            policy.modes.namespaces.extend(modes);
        });
        assert_eq!(
            there,
            ["loosens namespaces.late.mode: enforce becomes warn"]
        );
        assert_eq!(
            back,
            ["tightens namespaces.late.mode: warn becomes enforce"]
        );
    }

    #[test]
    fn what_only_changes_reports_is_no_change() {
        let [there, back] = told(|policy| {
            let severities = &mut policy.settings.severities;
            severities.insert("tracing", crate::policy::Severity::Critical);
        });
        assert_eq!([there, back], [[""; 0]; 2]);
    }
}
