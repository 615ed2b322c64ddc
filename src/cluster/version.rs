//! Which Kubernetes an API server is that does not say so.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIGroupList;

/// What is served, in the versions of groups, from which Kubernetes 1.x on; the newest first.
///
/// Source: the release notes of Kubernetes 1.10 to 1.36.
const SINCE: [(&str, u16); 10] = [
    ("resource.k8s.io/v1", 34),
    ("flowcontrol.apiserver.k8s.io/v1", 29),
    ("autoscaling/v2", 23),
    ("policy/v1", 21),
    ("flowcontrol.apiserver.k8s.io/v1beta1", 20),
    ("certificates.k8s.io/v1", 19),
    ("discovery.k8s.io/v1beta1", 17),
    ("admissionregistration.k8s.io/v1", 16),
    ("coordination.k8s.io/v1", 14),
    ("coordination.k8s.io/v1beta1", 12),
];
/// The oldest that is known.
const OLDEST: u16 = 10;

/// The x of Kubernetes 1.x that an API server with these groups is at least. One built from source without the
/// version's flags calls itself `v0.0.0-master`.
pub(super) fn at_least(groups: &APIGroupList) -> u16 {
    let served = |wanted: &str| {
        let mut versions = groups.groups.iter().flat_map(|group| &group.versions);
        versions.any(|version| version.group_version == wanted)
    };
    SINCE
        .into_iter()
        .find(|(wanted, _)| served(wanted))
        .map_or(OLDEST, |(_, minor)| minor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_group_tells() {
        let list = |versions: &[&str]| -> APIGroupList {
            let versions: Vec<_> = versions
                .iter()
                .map(|it| json!({ "groupVersion": it, "version": "v" }))
                .collect();
            let group = json!({ "name": "g", "versions": versions });
            serde_json::from_value(json!({ "groups": [group] })).unwrap()
        };
        assert_eq!(at_least(&list(&["apps/v1"])), 10);
        assert_eq!(at_least(&list(&["coordination.k8s.io/v1", "apps/v1"])), 14);
        let of_20 = [
            "admissionregistration.k8s.io/v1",
            "certificates.k8s.io/v1",
            "flowcontrol.apiserver.k8s.io/v1beta1",
            "policy/v1beta1",
        ];
        assert_eq!(at_least(&list(&of_20)), 20);
    }
}
