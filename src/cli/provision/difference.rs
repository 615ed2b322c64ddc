//! What would change in an object, as a unified diff without secrets.

use serde_json::{Map, Value};

use crate::cluster::apply::Change;
use crate::manifest::to_yaml;
use crate::pki::team::Fingerprint;
use crate::report::unified_diff;

/// The diff, if there is a change.
pub(super) fn difference(name: &str, change: &Change, desired: &Value) -> Option<String> {
    let before = match change {
        Change::Created => String::new(),
        Change::Updated { before } => to_yaml(&masked(before)),
        Change::Unchanged | Change::Left | Change::Deleted | Change::Absent => return None,
    };
    let after = to_yaml(&masked(desired));
    Some(unified_diff(name, &before, &after))
}

/// A Secret's values are told by their hash: whether they change is seen, and what they are is not.
fn masked(object: &Value) -> Value {
    let mut object = object.clone();
    let is_secret = object.get("kind").is_none_or(|kind| kind == "Secret");
    let data = object.get_mut("data").and_then(Value::as_object_mut);
    if let Some(data) = data.filter(|_| is_secret) {
        mask(data);
    }
    object
}

fn mask(data: &mut Map<String, Value>) {
    for value in data.values_mut() {
        let hash = Fingerprint::of(value.to_string().as_bytes()).to_string();
        let start: String = hash.chars().take(12).collect();
        *value = format!("(hidden, sha256 {start})").into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_shows_that_it_changes_and_not_what_it_is() {
        let secret = |value: &str| json!({ "kind": "Secret", "data": { "tls.key": value, "ca.crt": "c2FtZQ==" } });
        let change = Change::Updated {
            before: secret("b2xk"),
        };
        let diff = difference("Secret a/b", &change, &secret("bmV3")).unwrap();
        assert!(diff.contains("--- Secret a/b\n+++ Secret a/b\n"), "{diff}");
        assert_eq!(diff.matches("\n-  tls.key: (hidden").count(), 1, "{diff}");
        assert_eq!(diff.matches("\n+  tls.key: (hidden").count(), 1, "{diff}");
        assert!(diff.contains("\n   ca.crt: (hidden"), "{diff}");
        assert!(!diff.contains("b2xk") && !diff.contains("bmV3") && !diff.contains("c2FtZQ"));
    }

    #[test]
    fn other_objects_are_shown_whole() {
        let map = json!({ "kind": "ConfigMap", "data": { "users": "ada" } });
        let diff = difference("ConfigMap a/b", &Change::Created, &map).unwrap();
        assert!(diff.contains("+  users: ada"), "{diff}");
        assert_eq!(difference("x", &Change::Unchanged, &map), None);
    }
}
