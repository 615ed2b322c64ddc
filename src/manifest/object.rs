//! The Kubernetes objects of a document: the document itself, or the items of a list.

use serde_json::Value;

use crate::policy::Kind;
use crate::policy::access::AccessKind;
use crate::policy::custody::CustodyKind;
use crate::policy::exposure::ExposureKind;

use super::Fault;
use super::node::{Content, Duplicate, Node, Place};
use super::stream::{Document, Unreadable};

/// An object of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its JSON pointer in the document: empty, or `/items/0` and so on in a list.
    pub pointer: String,
    /// `apiVersion`, such as `apps/v1`.
    pub api_version: String,
    /// `kind`, such as `Deployment`.
    pub kind: String,
    /// `metadata.namespace`, where it names one.
    pub namespace: Option<String>,
    /// `metadata.name`; empty where the API server is to make one.
    pub name: String,
    /// The object.
    pub value: Value,
    /// The keys that it holds twice, with pointers in the document.
    pub duplicates: Vec<Duplicate>,
    /// Where it begins in the stream.
    pub place: Place,
}

impl Object {
    /// The kind, if it is one that carries a pod.
    pub fn pod_kind(&self) -> Option<Kind> {
        Kind::find(self.group(), &self.kind)
    }

    /// The kind, if it is one that gives rights.
    pub fn access_kind(&self) -> Option<AccessKind> {
        AccessKind::find(self.group(), &self.kind)
    }

    /// The kind, if it is one that opens a port.
    pub fn exposure_kind(&self) -> Option<ExposureKind> {
        ExposureKind::find(self.group(), &self.kind)
    }

    /// The kind, if it is one that holds something of a Tiller's.
    pub fn custody_kind(&self) -> Option<CustodyKind> {
        CustodyKind::find(self.group(), &self.kind)
    }

    fn group(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }
}

impl Document {
    /// The objects, in order, and what stands in their place but is none. A
    /// `List` is among them only where it holds a key twice itself.
    pub fn objects(&self) -> Vec<Result<Object, Unreadable>> {
        let mut found = Vec::new();
        self.collect(&self.root, String::new(), None, &mut found);
        found
    }

    fn collect(
        &self,
        node: &Node,
        pointer: String,
        list: Option<&ListItem<'_>>,
        found: &mut Vec<Result<Object, Unreadable>>,
    ) {
        let object = match self.object(node, pointer, list) {
            Ok(object) => object,
            Err(fault) => {
                let place = self.in_stream(fault.place);
                let message = fault.message;
                return found.push(Err(Unreadable {
                    document: self.number,
                    place,
                    message,
                }));
            }
        };
        let items = match items(node, &object) {
            Ok(Some(items)) => items,
            Ok(None) => return found.push(Ok(object)),
            Err(message) => {
                found.push(Err(Unreadable {
                    document: self.number,
                    place: object.place,
                    message: message.to_owned(),
                }));
                return;
            }
        };
        // kubectl gives an item of a typed list that says neither what the list says.
        let kind = object
            .kind
            .strip_suffix("List")
            .filter(|kind| !kind.is_empty());
        let list = kind.map(|kind| ListItem {
            api_version: &object.api_version,
            kind,
        });
        for (index, item) in items.iter().enumerate() {
            let pointer = format!("{}/items/{index}", object.pointer);
            self.collect(item, pointer, list.as_ref(), found);
        }
        let own = format!("{}/items/", object.pointer);
        let duplicates: Vec<Duplicate> = object
            .duplicates
            .iter()
            .filter(|duplicate| !duplicate.pointer.starts_with(&own))
            .cloned()
            .collect();
        if !duplicates.is_empty() {
            found.push(Ok(Object {
                duplicates,
                ..object
            }));
        }
    }

    fn object(
        &self,
        node: &Node,
        pointer: String,
        list: Option<&ListItem<'_>>,
    ) -> Result<Object, Fault> {
        let fail = |message: &str| Fault {
            place: node.place,
            message: message.to_owned(),
        };
        if !matches!(node.content, Content::Mapping(..)) {
            return Err(fail("no Kubernetes object: not a mapping"));
        }
        let text = |node: Option<&Node>| node.and_then(Node::text).map(str::to_owned);
        let filled = |key| text(node.get(key)).filter(|text| !text.is_empty());
        let named = match (filled("kind"), filled("apiVersion"), list) {
            (Some(kind), Some(api_version), _) => Some((kind, api_version)),
            (None, None, Some(list)) => Some((list.kind.to_owned(), list.api_version.to_owned())),
            _ => None,
        };
        let Some((kind, api_version)) = named else {
            return Err(fail(
                "no Kubernetes object: it has no kind or no apiVersion",
            ));
        };
        let metadata = node.get("metadata");
        let field = |name| text(metadata.and_then(|metadata| metadata.get(name)));
        let prefix = format!("{pointer}/");
        Ok(Object {
            api_version,
            kind,
            namespace: field("namespace").filter(|namespace| !namespace.is_empty()),
            name: field("name").unwrap_or_default(),
            value: node.to_value(),
            duplicates: self
                .duplicates
                .iter()
                .filter(|duplicate| duplicate.pointer.starts_with(&prefix))
                .cloned()
                .collect(),
            place: self.in_stream(node.place),
            pointer,
        })
    }
}

/// The items, where the object is a list to every client.
fn items<'n>(node: &'n Node, object: &Object) -> Result<Option<&'n [Node]>, &'static str> {
    if node.has_other_case("items") {
        return Err(
            "a key that is \"items\" in other letters: kubectl before 1.23 takes the object for a list",
        );
    }
    match node.get("items").map(|items| &items.content) {
        Some(Content::List(items, _)) if object.kind.ends_with("List") => Ok(Some(items)),
        Some(Content::List(..) | Content::Scalar(Value::Null, _)) => Err(
            "kubectl takes an object with the key \"items\" for a list and sends the items alone, other \
             clients send the object",
        ),
        _ => Ok(None),
    }
}

/// What an item of a typed list is where it does not say so itself.
struct ListItem<'a> {
    api_version: &'a str,
    kind: &'a str,
}
