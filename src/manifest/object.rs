//! The Kubernetes objects of a document: the document itself, the items of a list, or the objects of a template.

use serde_json::Value;

use crate::policy::rbac::RbacKind;
use crate::policy::{ObjectKind, WorkloadKind};

use super::node::{Content, Duplicate, Node, Position};
use super::stream::{Document, Unreadable};
use super::template::Filling;
use super::{Fault, openshift};

/// An object of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestObject {
    /// Its JSON pointer in the document: empty, `/items/0` and so on in a list, `/objects/0` in a template.
    pub pointer: String,
    /// `apiVersion`, such as `apps/v1`.
    pub api_version: String,
    /// `kind`, such as `Deployment`.
    pub kind: String,
    /// `metadata.namespace`, where it names one.
    pub namespace: Option<String>,
    /// `metadata.name`; empty if the API server makes one.
    pub name: String,
    /// The object, as [`Self::as_read`] reads it.
    pub value: Value,
    /// What the template that holds it puts into it.
    filling: Filling,
    /// The keys that it holds twice, with pointers in the document.
    pub duplicates: Vec<Duplicate>,
    /// Where it begins in the stream.
    pub place: Position,
}

impl ManifestObject {
    /// The kind, if it is one that is judged: one of Kubernetes', roles and bindings of OpenShift's too, or any that has a
    /// template of a pod where a Deployment has it.
    pub fn judged_as(&self) -> Option<ObjectKind> {
        let of_openshift = || {
            let is_group = openshift::is_group(self.group());
            is_group.then(|| ObjectKind::find(RbacKind::GROUP, &self.kind))?
        };
        let custom = || {
            let custom = ObjectKind::Workload(WorkloadKind::Custom);
            self.has_pod_template().then_some(custom)
        };
        ObjectKind::find(self.group(), &self.kind)
            .or_else(of_openshift)
            .or_else(custom)
    }

    fn has_pod_template(&self) -> bool {
        let pod = self.value.pointer("/spec/template/spec");
        let is_list = |list| {
            pod.and_then(|pod| pod.get(list))
                .is_some_and(Value::is_array)
        };
        ["containers", "initContainers"].into_iter().any(is_list)
    }

    /// What is judged of an object that is written so in its place: with what its template puts into it, and in
    /// Kubernetes' own words.
    pub fn as_read(&self, written: Value) -> Value {
        let mut value = written;
        self.filling.fill(&mut value);
        if openshift::is_group(self.group())
            && matches!(self.judged_as(), Some(ObjectKind::Rbac(_)))
        {
            openshift::to_rbac(&mut value);
        }
        value
    }

    /// Whether it is a template of OpenShift's.
    fn is_template(&self) -> bool {
        self.kind == "Template" && matches!(self.group(), "" | "template.openshift.io")
    }

    /// The object with only those duplicate keys that are outside of this list of objects.
    fn without_duplicates_in(&self, list: &str) -> Self {
        let within = format!("{}/{list}/", self.pointer);
        let mut own = self.clone();
        own.duplicates
            .retain(|duplicate| !duplicate.pointer.starts_with(&within));
        own
    }

    fn group(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }
}

impl Document {
    /// `apiVersion` and `kind`, where the document says them; nothing where it is no mapping.
    pub fn head(&self) -> Option<[Option<&str>; 2]> {
        if !matches!(self.root.content, Content::Mapping(..)) {
            return None;
        }
        let text = |key| self.root.get(key).and_then(Node::text);
        Some([text("apiVersion"), text("kind")])
    }

    /// The objects, in order, and what stands in their place but is none. A
    /// `List` is among them only where it holds a key twice itself.
    pub fn objects(&self) -> Vec<Result<ManifestObject, Unreadable>> {
        let mut found = Vec::new();
        self.collect(&self.root, String::new(), Around::default(), &mut found);
        found
    }

    fn collect(
        &self,
        node: &Node,
        pointer: String,
        around: Around<'_>,
        found: &mut Vec<Result<ManifestObject, Unreadable>>,
    ) {
        let object = match self.object(node, pointer, around) {
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
        if object.is_template()
            && let Some(objects) = list(node, "objects")
        {
            return self.collect_template(&object, node, objects, found);
        }
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
        let around = Around {
            list: kind.map(|kind| ListItem {
                api_version: &object.api_version,
                kind,
            }),
            ..around
        };
        for (index, item) in items.iter().enumerate() {
            let pointer = format!("{}/items/{index}", object.pointer);
            self.collect(item, pointer, around, found);
        }
        let own = object.without_duplicates_in("items");
        if !own.duplicates.is_empty() {
            found.push(Ok(own));
        }
    }

    /// The objects of a template, and the template itself where it holds a key twice outside them.
    fn collect_template(
        &self,
        template: &ManifestObject,
        node: &Node,
        objects: &[Node],
        found: &mut Vec<Result<ManifestObject, Unreadable>>,
    ) {
        let filling = Filling::of(node);
        let around = Around {
            list: None,
            filling: Some(&filling),
        };
        for (index, object) in objects.iter().enumerate() {
            let pointer = format!("{}/objects/{index}", template.pointer);
            self.collect(object, pointer, around, found);
        }
        let own = template.without_duplicates_in("objects");
        if !own.duplicates.is_empty() {
            found.push(Ok(own));
        }
    }

    fn object(
        &self,
        node: &Node,
        pointer: String,
        around: Around<'_>,
    ) -> Result<ManifestObject, Fault> {
        let fail = |message: &str| Fault {
            place: node.place,
            message: message.to_owned(),
        };
        if !matches!(node.content, Content::Mapping(..)) {
            return Err(fail("not a Kubernetes object: not a mapping"));
        }
        let Around { list, filling } = around;
        let text = |node: Option<&Node>| node.and_then(Node::text).map(str::to_owned);
        let filled = |key| text(node.get(key)).filter(|text| !text.is_empty());
        let named = match (filled("kind"), filled("apiVersion"), list) {
            (Some(kind), Some(api_version), _) => Some((kind, api_version)),
            (None, None, Some(list)) => Some((list.kind.to_owned(), list.api_version.to_owned())),
            _ => None,
        };
        let Some((kind, api_version)) = named else {
            return Err(fail(
                "not a Kubernetes object: it has no kind or no apiVersion",
            ));
        };
        let prefix = format!("{pointer}/");
        let mut object = ManifestObject {
            api_version,
            kind,
            namespace: None,
            name: String::new(),
            value: Value::Null,
            filling: filling.cloned().unwrap_or_default(),
            duplicates: self
                .duplicates
                .iter()
                .filter(|duplicate| duplicate.pointer.starts_with(&prefix))
                .cloned()
                .collect(),
            place: self.in_stream(node.place),
            pointer,
        };
        object.value = object.as_read(node.to_value());
        let field = |name: &str| {
            let field = object.value.get("metadata")?.get(name)?;
            field.as_str().map(str::to_owned)
        };
        let namespace = field("namespace").filter(|namespace| !namespace.is_empty());
        let name = field("name").unwrap_or_default();
        Ok(ManifestObject {
            namespace,
            name,
            ..object
        })
    }
}

/// The items, where the object is a list to every client.
fn items<'n>(node: &'n Node, object: &ManifestObject) -> Result<Option<&'n [Node]>, &'static str> {
    if node.has_other_case("items") {
        return Err(
            "a key that is \"items\" in other letters: kubectl before 1.23 takes the object for a list",
        );
    }
    match node.get("items").map(|items| &items.content) {
        Some(Content::List(items, _)) if object.kind.ends_with("List") => Ok(Some(items)),
        // Go writes an empty list so, as `kubectl cluster-info dump` shows.
        Some(Content::Scalar(Value::Null, _)) if is_known_list(object) => Ok(Some(&[])),
        Some(Content::List(..) | Content::Scalar(Value::Null, _)) => Err(
            "kubectl takes an object with the key \"items\" for a list and sends only the items, other \
             clients send the object",
        ),
        _ => Ok(None),
    }
}

/// Whether it is a list of Kubernetes' own kinds, whose groups have no name that a domain could have, or of one that is known.
fn is_known_list(object: &ManifestObject) -> bool {
    let of = object.kind.strip_suffix("List");
    of.is_some_and(|kind| {
        kind.is_empty()
            || !object.group().contains('.')
            || ObjectKind::find(object.group(), kind).is_some()
    })
}

fn list<'n>(node: &'n Node, field: &str) -> Option<&'n [Node]> {
    match &node.get(field)?.content {
        Content::List(items, _) => Some(items),
        Content::Scalar(..) | Content::Mapping(..) => None,
    }
}

/// What the object around another one says of it.
#[derive(Clone, Copy, Default)]
struct Around<'a> {
    list: Option<ListItem<'a>>,
    filling: Option<&'a Filling>,
}

/// What an item of a typed list is where it does not say so itself.
#[derive(Clone, Copy)]
struct ListItem<'a> {
    api_version: &'a str,
    kind: &'a str,
}
