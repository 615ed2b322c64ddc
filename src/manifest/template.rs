//! OpenShift's `Template`: objects with parameters in them, `${NAME}` in a text and `${{NAME}}` in place of any value, and
//! labels for all of them.
//!
//! A parameter with a value has that value by default. One without stays as it is written: who processes the template gives
//! it, or it is generated, so that its parent is not known.
//!
//! Source: `template.openshift.io/v1`, `pkg/template/templateprocessing` of OpenShift's library-go.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::node::{Content, Node};
use crate::gather::Gather as _;

/// How much longer the texts of an object may become by its parameters, in bytes.
const MAX_ADDED: usize = 1 << 20;

/// The kind whose pods get the labels too.
const DEPLOYMENT_CONFIG: &str = "DeploymentConfig";

/// What a template puts into its objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filling {
    /// The parameters that have a value, by their names.
    parameters: BTreeMap<String, String>,
    /// The labels.
    labels: Map<String, Value>,
}

// === impl Filling ===

impl Filling {
    /// That of a template.
    pub(super) fn of(template: &Node) -> Self {
        let labels = match template.get("labels").map(Node::to_value) {
            Some(Value::Object(labels)) => labels,
            _ => Map::new(),
        };
        Self {
            parameters: Self::parameters(template),
            labels,
        }
    }

    fn parameters(template: &Node) -> BTreeMap<String, String> {
        let Some(Node {
            content: Content::List(parameters, _),
            ..
        }) = template.get("parameters")
        else {
            return BTreeMap::new();
        };
        let with_value = parameters.iter().filter_map(|parameter| {
            let name = parameter.get("name")?.text()?;
            let value = match parameter.get("value")?.to_value() {
                Value::String(value) => value,
                Value::Null | Value::Array(_) | Value::Object(_) => return None,
                number => number.to_string(),
            };
            Some((name.to_owned(), value)).filter(|(_, value)| !value.is_empty())
        });
        with_value.gather()
    }

    /// Puts the labels and the values into an object.
    pub(super) fn fill(&self, object: &mut Value) {
        if !self.labels.is_empty() {
            self.label(Some(&mut *object));
            if object.get("kind").is_some_and(|it| it == DEPLOYMENT_CONFIG) {
                self.label(object.pointer_mut("/spec/template"));
            }
        }
        if !self.parameters.is_empty() {
            self.fill_within(object, &mut { MAX_ADDED });
        }
    }

    /// Puts the labels over those of an object, or of a pod's template.
    fn label(&self, labelled: Option<&mut Value>) {
        let mut place = labelled;
        for field in ["metadata", "labels"] {
            place = place.and_then(Value::as_object_mut).map(|fields| {
                let member = fields.entry(field).or_insert(Value::Null);
                if member.is_null() {
                    *member = Value::Object(Map::new());
                }
                member
            });
        }
        if let Some(labels) = place.and_then(Value::as_object_mut) {
            labels.extend(self.labels.clone());
        }
    }

    fn fill_within(&self, value: &mut Value, left: &mut usize) {
        match value {
            Value::String(text) => {
                if let Some(filled) = self.filled(text, left) {
                    *value = filled;
                }
            }
            Value::Array(items) => items
                .iter_mut()
                .for_each(|item| self.fill_within(item, left)),
            Value::Object(fields) => fields
                .values_mut()
                .for_each(|field| self.fill_within(field, left)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// What a text is with the values in it, if it refers to any.
    fn filled(&self, text: &str, left: &mut usize) -> Option<Value> {
        if let Some(name) = text
            .strip_prefix("${{")
            .and_then(|text| text.strip_suffix("}}"))
            && let Some(value) = self.parameters.get(name)
        {
            let parsed = serde_json::from_str(value);
            return Some(parsed.unwrap_or_else(|_| Value::String(value.clone())));
        }
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            filled.push_str(before);
            let reference = after.split_once('}');
            match reference.and_then(|(name, after)| Some((self.parameters.get(name)?, after))) {
                Some((value, after)) if value.len() <= *left => {
                    *left -= value.len();
                    filled.push_str(value);
                    rest = after;
                }
                _ => {
                    filled.push_str("${");
                    rest = after;
                }
            }
        }
        filled.push_str(rest);
        (filled != text).then_some(Value::String(filled))
    }
}
