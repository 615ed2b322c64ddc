//! Who asks.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::pod::Text;
use crate::policy::{People, Requester, is_controller};

/// Who asks.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct User<'a> {
    #[serde(rename = "username")]
    pub(super) name: Text<'a>,
    /// A list of names, which is read only where it counts who asks.
    groups: Option<&'a RawValue>,
}

impl<'a> User<'a> {
    /// Whether this is one of the controllers that come with Kubernetes.
    pub(super) fn is_controller(&self) -> bool {
        is_controller(&self.name)
    }

    /// Whether this user may break the glass.
    pub(super) fn may_break(&self, glass: &People) -> bool {
        *glass != People::default() && glass.include(&self.requester())
    }

    /// Who asks, with his groups. Groups that cannot be read are none.
    pub(super) fn requester(&self) -> Requester<'a> {
        let groups = self.groups.map(|groups| serde_json::from_str(groups.get()));
        Requester {
            name: self.name.clone(),
            groups: groups.and_then(Result::ok).unwrap_or_default(),
        }
    }
}
