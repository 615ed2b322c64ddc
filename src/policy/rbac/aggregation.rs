//! Label selectors, by which a ClusterRole takes in the rules of others.
//!
//! Source: `LabelSelectorAsSelector` of apimachinery, Kubernetes 1.10 to 1.36.

use std::collections::BTreeMap;

use crate::json::{Problem, Read, ReadError, Source, fields};
use crate::pod::{Items, Text};

/// What a set of labels has to be like. One without any requirement takes everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector<'a> {
    /// Labels with their values.
    pub match_labels: Option<BTreeMap<String, Text<'a>>>,
    /// Further requirements.
    pub match_expressions: Items<Requirement<'a>>,
}

fields!(LabelSelector<'a> {
    "matchLabels" => match_labels,
    "matchExpressions" => match_expressions,
});

/// A requirement on one label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requirement<'a> {
    /// The label.
    pub key: Text<'a>,
    /// How its value is compared.
    pub operator: Operator,
    /// The values of [`Operator::In`] and [`Operator::NotIn`].
    pub values: Items<Text<'a>>,
}

fields!(Requirement<'a> {
    "key" => key,
    "operator" => operator,
    "values" => values,
});

/// How a label's value is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Operator {
    /// It is one of the values.
    #[default]
    In,
    /// It is none of the values, or there is no such label.
    NotIn,
    /// There is such a label.
    Exists,
    /// There is no such label.
    DoesNotExist,
}

impl<'j> Read<'j> for Operator {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        *self = match &*source.text()? {
            "In" => Self::In,
            "NotIn" => Self::NotIn,
            "Exists" => Self::Exists,
            "DoesNotExist" => Self::DoesNotExist,
            _ => return Err(Problem::Value("In, NotIn, Exists or DoesNotExist").into()),
        };
        Ok(())
    }
}

/// A selector as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) struct Selector {
    requirements: Box<[Required]>,
}

/// A requirement as it is kept: label, operator, values.
type Required = (Box<str>, Operator, Box<[Box<str>]>);

// === impl Selector ===

impl Selector {
    pub(in crate::policy) fn new(selector: &LabelSelector<'_>) -> Self {
        let LabelSelector {
            match_labels,
            match_expressions,
        } = selector;
        let equal = match_labels.iter().flatten().map(|(key, value)| {
            let values = Box::new([value.as_str().into()]) as Box<[Box<str>]>;
            (key.as_str().into(), Operator::In, values)
        });
        let further = match_expressions.iter().map(|requirement| {
            let Requirement {
                key,
                operator,
                values,
            } = requirement;
            let values = values.iter().map(|value| value.as_str().into()).collect();
            (key.as_str().into(), *operator, values)
        });
        Self {
            requirements: equal.chain(further).collect(),
        }
    }

    /// Whether it takes what has these labels.
    pub(in crate::policy) fn takes<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.requirements.iter().all(|(key, operator, values)| {
            let given = label(key);
            let among = given.is_some_and(|given| values.iter().any(|value| **value == *given));
            match operator {
                Operator::In => among,
                Operator::NotIn => !among,
                Operator::Exists => given.is_some(),
                Operator::DoesNotExist => given.is_none(),
            }
        })
    }
}
