//! Who asks.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::pod::Text;
use crate::policy::BreakGlass;

/// Who asks.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct User<'a> {
    #[serde(rename = "username")]
    pub(super) name: Text<'a>,
    /// A list of names, which is read only where somebody may break the glass by his group.
    groups: Option<&'a RawValue>,
}

impl User<'_> {
    /// Whether this is one of the controllers that make Pods and `ReplicaSet`s. Each has an account of its own in
    /// `kube-system`, where only administrators write, or all act as their manager
    /// (`--use-service-account-credentials`).
    pub(super) fn is_controller(&self) -> bool {
        self.name == "system:kube-controller-manager"
            || self
                .name
                .strip_prefix("system:serviceaccount:kube-system:")
                .is_some_and(|account| account.ends_with("-controller"))
    }

    /// Whether this user may break the glass.
    pub(super) fn may_break(&self, glass: &BreakGlass) -> bool {
        let BreakGlass { users, groups } = glass;
        users.iter().any(|it| self.name.as_str() == it)
            || (!groups.is_empty() && self.is_in_any(groups))
    }

    fn is_in_any(&self, groups: &[String]) -> bool {
        self.groups
            .and_then(|own| serde_json::from_str::<Vec<Text<'_>>>(own.get()).ok())
            .is_some_and(|own| {
                own.iter()
                    .any(|it| groups.iter().any(|group| it.as_str() == group))
            })
    }
}
