//! How a webhook configuration in the cluster differs from what it is to say.
//!
//! What the API server adds to it is no difference, nor what AKS adds, nor whose CAs its bundle holds.

use serde_json::{Value, json};

use super::aks;
use super::apply::missing;

/// Every way in which a webhook configuration asks less, or is heard less, than it is to: a sentence each.
pub(super) fn drift(wanted: &Value, live: &Value) -> Vec<String> {
    let mut drifts = Vec::new();
    for webhook in webhooks(wanted) {
        let name = name(webhook);
        let Some(found) = webhooks(live).find(|it| self::name(it) == name) else {
            drifts.push(format!("{name} is missing"));
            continue;
        };
        let found = aks::without_its_own(found);
        if let Some(Value::Object(fields)) = missing(webhook, &found) {
            drifts.extend(fields.keys().map(|field| {
                let of = |webhook: &Value| webhook.get(field).cloned().unwrap_or_default();
                let differences = differences(field, &of(webhook), &of(&found));
                format!("{name}: {}", differences.join(", "))
            }));
        }
        // Both make it ask about less, and are nothing by default.
        for field in ["objectSelector", "matchConditions"] {
            let more = found.get(field).filter(|value| !is_empty(value));
            if let (Some(more), None) = (more, webhook.get(field)) {
                drifts.push(format!(
                    "{name}: {field} is {}, must be empty",
                    shortened(&more.to_string())
                ));
            }
        }
        let bundle = found
            .pointer("/clientConfig/caBundle")
            .and_then(Value::as_str);
        if bundle.unwrap_or_default().is_empty() {
            drifts.push(format!("{name} has no caBundle yet"));
        }
    }
    for webhook in webhooks(live) {
        let name = name(webhook);
        if !webhooks(wanted).any(|it| self::name(it) == name) {
            drifts.push(format!("{name} is unexpected"));
        }
    }
    drifts
}

/// How what is found differs from what is wanted: a line for each field.
pub(super) fn differences(path: &str, wanted: &Value, found: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    compare(path, wanted, found, &mut differences);
    differences
}

fn compare(path: &str, wanted: &Value, found: &Value, differences: &mut Vec<String>) {
    // A selector is compared as a whole, which its name tells.
    let key = path.rsplit('.').next().unwrap_or(path);
    match (wanted, found) {
        _ if missing(&json!({ key: wanted }), &json!({ key: found })).is_none() => {}
        (Value::Object(wanted), Value::Object(found)) if !wanted.is_empty() => {
            let before = differences.len();
            for (key, wanted) in wanted {
                let found = found.get(key).unwrap_or(&Value::Null);
                compare(&format!("{path}.{key}"), wanted, found, differences);
            }
            // A selector that holds more selects less.
            if differences.len() == before {
                let found = shortened(&Value::from(found.clone()).to_string());
                differences.push(format!("{path} is {found}, which holds more than it must"));
            }
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                compare(&format!("{path}[{index}]"), wanted, found, differences);
            }
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.iter().any(Value::is_object) => {
            let (wanted, found) = (wanted.len(), found.len());
            differences.push(format!("{path} has {found} entries, must have {wanted}"));
        }
        (wanted, Value::Null) => {
            let wanted = shortened(&wanted.to_string());
            differences.push(format!("{path} is not set, must be {wanted}"));
        }
        _ => {
            let [wanted, found] = [wanted, found].map(|it| shortened(&it.to_string()));
            differences.push(format!("{path} is {found}, must be {wanted}"));
        }
    }
}

fn webhooks(configuration: &Value) -> impl Iterator<Item = &Value> {
    configuration
        .get("webhooks")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn name(webhook: &Value) -> &str {
    webhook
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        _ => false,
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 120;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LONGEST).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::installation::tests::installation;

    fn validating() -> Value {
        let [_, validating] = installation(30).webhook_configurations();
        validating
    }

    /// As an API server has it: with the bundle, and the defaults of what is left out.
    fn live() -> Value {
        let mut live = validating();
        for webhook in live["webhooks"].as_array_mut().unwrap() {
            webhook["clientConfig"]["caBundle"] = json!("QQ==");
            if webhook.get("objectSelector").is_none() {
                webhook["objectSelector"] = json!({});
            }
        }
        live
    }

    fn drifts_after(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut live = live();
        change(&mut live["webhooks"][0]);
        drift(&validating(), &live)
    }

    #[test]
    fn what_the_server_and_the_guard_add_is_no_drift() {
        assert_eq!(drift(&validating(), &live()), [""; 0]);
    }

    /// `control-plane` and the rest as Azure/AKS 1771 and 4002 show them, after the guard's own.
    #[test]
    fn what_aks_adds_is_no_drift_and_what_looks_like_it_is() {
        let added = json!([
            { "key": "control-plane", "operator": "DoesNotExist" },
            { "key": "control-plane", "operator": "NotIn", "values": ["true"] },
            { "key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": ["aks"] },
        ]);
        for minor in [20, 30] {
            let [mutating, validating] = installation(minor).webhook_configurations();
            for wanted in [mutating, validating] {
                let mut live = wanted.clone();
                for webhook in live["webhooks"].as_array_mut().unwrap() {
                    webhook["clientConfig"]["caBundle"] = json!("QQ==");
                    let selector = &mut webhook["namespaceSelector"];
                    let mut expressions = selector["matchExpressions"].as_array().cloned();
                    let expressions = expressions.get_or_insert_default();
                    expressions.extend(added.as_array().unwrap().iter().cloned());
                    selector["matchExpressions"] = json!(expressions);
                }
                assert_eq!(drift(&wanted, &live), [""; 0]);
                assert!(aks::has_written(&live) && !aks::has_written(&wanted));
                let mut kept = wanted.clone();
                aks::keep(&mut kept, &live);
                for (webhook, live) in kept["webhooks"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .zip(live["webhooks"].as_array().unwrap())
                {
                    assert_eq!(webhook["namespaceSelector"], live["namespaceSelector"]);
                }
            }
        }
        for other in [
            json!({ "key": "control-plane", "operator": "Exists" }),
            json!({ "key": "control-plane", "operator": "NotIn", "values": ["false"] }),
            json!({ "key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": ["aks", "me"] }),
            json!({ "key": "team", "operator": "DoesNotExist" }),
        ] {
            let drifts = drifts_after(|webhook| {
                let expressions = &mut webhook["namespaceSelector"]["matchExpressions"];
                expressions.as_array_mut().unwrap().push(other.clone());
            });
            assert_eq!(drifts.len(), 1, "{other}: {drifts:?}");
        }
    }

    /// A selector with more in it, also beside nothing, selects less: its field is named.
    #[test]
    fn another_line_in_a_selector_is_named() {
        for minor in [14, 20, 30] {
            for wanted in installation(minor).webhook_configurations() {
                for field in ["namespaceSelector", "objectSelector"] {
                    let mut found = wanted.clone();
                    for webhook in found["webhooks"].as_array_mut().unwrap() {
                        webhook["clientConfig"]["caBundle"] = json!("QQ==");
                        webhook[field]["matchLabels"]["team"] = json!("blue");
                    }
                    let drifts = drift(&wanted, &found);
                    let all = wanted["webhooks"].as_array().unwrap();
                    assert_eq!(drifts.len(), all.len(), "{drifts:?}");
                    for (drift, webhook) in drifts.iter().zip(all) {
                        let name = webhook["name"].as_str().unwrap();
                        let expected = format!("{name}: {field}");
                        assert!(drift.starts_with(&expected), "{drift}");
                    }
                }
            }
        }
    }

    /// If there should be none.
    #[test]
    fn conditions_that_somebody_added_are_found() {
        let [_, wanted] = installation(20).webhook_configurations();
        let mut found = wanted.clone();
        let webhook = &mut found["webhooks"][0];
        webhook["clientConfig"]["caBundle"] = json!("QQ==");
        webhook["matchConditions"] = json!([{ "name": "never", "expression": "false" }]);
        let drifts = drift(&wanted, &found);
        let expected = "validate.tiller-guard.io: matchConditions is ";
        assert!(
            drifts.iter().any(|it| it.starts_with(expected)),
            "{drifts:?}"
        );
    }

    #[test]
    fn each_way_to_ask_less_is_found() {
        let name = "validate.tiller-guard.io";
        for (field, value, expected) in [
            (
                "failurePolicy",
                json!("Ignore"),
                "failurePolicy is \"Ignore\", must be \"Fail\"",
            ),
            ("rules", json!([]), "rules has 0 entries, must have "),
            (
                "namespaceSelector",
                json!({ "matchLabels": { "a": "b" } }),
                "namespaceSelector.matchExpressions is not set",
            ),
            (
                "objectSelector",
                json!({ "matchLabels": { "a": "b" } }),
                "objectSelector is {",
            ),
            (
                "matchConditions",
                json!([{ "name": "never", "expression": "false" }]),
                "matchConditions",
            ),
            (
                "matchPolicy",
                json!("Exact"),
                "matchPolicy is \"Exact\", must be \"Equivalent\"",
            ),
            ("timeoutSeconds", json!(1), "timeoutSeconds is 1, must be 5"),
        ] {
            let drifts = drifts_after(|webhook| webhook[field] = value);
            let found = drifts
                .iter()
                .any(|it| it.starts_with(&format!("{name}: {expected}")));
            assert!(found, "{field}: {drifts:?}");
        }
        let renamed = drifts_after(|webhook| webhook["name"] = json!("other"));
        assert_eq!(
            renamed,
            [
                format!("{name} is missing"),
                "other is unexpected".to_owned()
            ]
        );
        let bare = drifts_after(|webhook| webhook["clientConfig"]["caBundle"] = json!(""));
        assert_eq!(bare, [format!("{name} has no caBundle yet")]);
    }
}
