//! The request of a review, as the API server sends it.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::answer::ApiVersion;
use super::reading::{InPlace, Reading, read_apart};
use super::user::User;
use super::{BadReview, Malformed};
use crate::pod::Text;
use crate::policy::access::{AccessKind, AccessObject};
use crate::policy::connection::{Connection, ConnectionKind};
use crate::policy::custody::{CustodyKind, CustodyObject};
use crate::policy::exposure::{ExposureKind, ExposureObject};
use crate::policy::{Kind, Subject};

/// A review as it came.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    pub(super) version: ApiVersion,
    pub(super) request: Request<'a>,
}

/// What is asked.
#[derive(Debug, Default)]
pub(super) struct Request<'a> {
    pub(super) uid: Text<'a>,
    kind: GroupKind<'a>,
    pub(super) sub_resource: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) namespace: Text<'a>,
    pub(super) operation: Operation,
    pub(super) user: User<'a>,
    pub(super) dry_run: bool,
    pub(super) object: Object<'a>,
    pub(super) old_object: Option<&'a RawValue>,
}

/// The object that is asked about.
#[derive(Debug, Default)]
pub(super) enum Object<'a> {
    /// None.
    #[default]
    Absent,
    /// One that is no business of ours.
    Other,
    /// One that carries a pod.
    Subject(Box<Subject<'a>>),
    /// One that gives rights.
    Access(Box<AccessObject<'a>>),
    /// One that opens a port.
    Exposure(Box<ExposureObject<'a>>),
    /// One that holds something of a Tiller's.
    Custody(Box<CustodyObject<'a>>),
    /// A connection to make.
    Connection(Connection<'a>),
    /// One that is not what its kind says.
    Malformed(Malformed),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct GroupKind<'a> {
    group: Text<'a>,
    version: Text<'a>,
    kind: Text<'a>,
}

/// What is done to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Operation {
    Create,
    Update,
    Delete,
    Connect,
    #[default]
    Other,
}

// === impl Envelope ===

impl<'a> Envelope<'a> {
    /// Reads a review and its object.
    pub(super) fn read(body: &'a str) -> Result<Self, BadReview> {
        read_as::<OnePass<'a>>(body)
            .or_else(|_| read_as::<TwoPasses<'a>>(body))
            .map_err(|error| BadReview::Envelope(error.to_string()))?
            .try_into()
    }

    /// Reads a review whose object holds no Tiller.
    pub(super) fn pass(body: &'a str) -> Result<Self, BadReview> {
        read_as::<NoPass<'a>>(body)
            .map_err(|error| BadReview::Envelope(error.to_string()))?
            .try_into()
    }
}

impl<'a> TryFrom<Review<'a, Request<'a>>> for Envelope<'a> {
    type Error = BadReview;

    fn try_from(review: Review<'a, Request<'a>>) -> Result<Self, BadReview> {
        let Review {
            api_version,
            kind,
            request,
        } = review;
        let version = ApiVersion::find(&api_version)
            .filter(|_| kind == "AdmissionReview")
            .ok_or_else(|| BadReview::Version(format!("{api_version} {kind}")))?;
        let request = request.ok_or_else(|| BadReview::Envelope("it has no request".to_owned()))?;
        Ok(Self { version, request })
    }
}

/// Reads a review with its request read in one of three ways.
fn read_as<'a, R: Deserialize<'a> + Into<Request<'a>>>(
    body: &'a str,
) -> serde_json::Result<Review<'a, Request<'a>>> {
    serde_json::from_str(body).map(|review: Review<'a, R>| review.map(Into::into))
}

#[derive(Deserialize)]
#[serde(
    rename_all = "camelCase",
    bound(deserialize = "'de: 'a, R: Deserialize<'de>")
)]
struct Review<'a, R> {
    #[serde(default)]
    api_version: Text<'a>,
    #[serde(default)]
    kind: Text<'a>,
    request: Option<R>,
}

impl<'a, R> Review<'a, R> {
    fn map<S>(self, read: impl FnOnce(R) -> S) -> Review<'a, S> {
        let Self {
            api_version,
            kind,
            request,
        } = self;
        Review {
            api_version,
            kind,
            request: request.map(read),
        }
    }
}

// === impl Request ===

impl Request<'_> {
    /// Whether the object may still be changed: the containers of a stored Pod may not, nor those in the
    /// template of a stored Job (`ValidatePodUpdate`, `ValidateJobUpdate`), nor what is a copy.
    pub(super) fn can_be_patched(&self) -> bool {
        let is_copy = matches!(&self.object, Object::Subject(subject) if subject.is_copy());
        self.sub_resource.is_empty()
            && !is_copy
            && (self.operation == Operation::Create
                || !matches!(self.workload(), Some(Kind::Pod | Kind::Job)))
    }

    /// The kind, if it is one that carries a pod.
    pub(super) fn workload(&self) -> Option<Kind> {
        Kind::find(&self.kind.group, &self.kind.kind)
    }

    /// How the object is read, if it is of a kind that is.
    fn reading(&self) -> Option<Reading> {
        let GroupKind { group, kind, .. } = &self.kind;
        let access = || {
            AccessKind::find(group, kind)
                .map(|kind| Reading::Access(kind, self.is_of_first_version()))
        };
        let exposure = || ExposureKind::find(group, kind).map(Reading::Exposure);
        let custody = || CustodyKind::find(group, kind).map(Reading::Custody);
        let connection = || ConnectionKind::find(group, kind).map(Reading::Connection);
        self.workload()
            .map(Reading::Workload)
            .or_else(access)
            .or_else(exposure)
            .or_else(custody)
            .or_else(connection)
    }

    /// The kind, or `other`.
    pub(super) fn kind_name(&self) -> &'static str {
        self.reading().map_or("other", Reading::as_str)
    }

    /// Whether the object is of the first version of its group, which in reviews of 1.10 it does not tell itself.
    pub(super) fn is_of_first_version(&self) -> bool {
        self.kind.version == "v1alpha1"
    }

    /// What the request lacks that every request has.
    fn lack(&self) -> Option<&'static str> {
        let carries = matches!(
            self.operation,
            Operation::Create | Operation::Update | Operation::Connect
        );
        if self.kind.kind.is_empty() {
            Some("the request names no kind")
        } else if carries && self.reading().is_some() && matches!(self.object, Object::Absent) {
            Some("the request has no object")
        } else {
            None
        }
    }
}

/// A request whose object is read where it stands: the kind comes before it, as the API server sends it.
struct OnePass<'a>(Request<'a>);

/// A request whose object is read after it, so that an error in the one leaves the other.
struct TwoPasses<'a>(Request<'a>);

/// A request whose object is passed over, since it holds no Tiller.
struct NoPass<'a>(Request<'a>);

/// How the object of a request is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RequestVisitor {
    InPlace,
    Apart,
    Skip,
}

macro_rules! read_by {
    ($request:ident, $visitor:ident) => {
        impl<'de: 'a, 'a> Deserialize<'de> for $request<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer
                    .deserialize_map(RequestVisitor::$visitor)
                    .map(Self)
            }
        }

        impl<'a> From<$request<'a>> for Request<'a> {
            fn from($request(request): $request<'a>) -> Self {
                request
            }
        }
    };
}

read_by!(OnePass, InPlace);
read_by!(TwoPasses, Apart);
read_by!(NoPass, Skip);

impl<'de> Visitor<'de> for RequestVisitor {
    type Value = Request<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut request = Request::default();
        let mut seen = Seen::default();
        let mut unread: Option<&'de RawValue> = None;
        while let Some(field) = fields.next_key::<Text<'de>>()? {
            match field.as_str() {
                "uid" => request.uid = fields.next_value()?,
                "kind" => {
                    seen.once("kind")?;
                    request.kind = fields.next_value()?;
                }
                "subResource" => request.sub_resource = fields.next_value()?,
                "name" => request.name = fields.next_value()?,
                "namespace" => request.namespace = fields.next_value()?,
                "operation" => {
                    request.operation = Operation::find(&fields.next_value::<Text<'_>>()?);
                }
                "userInfo" => request.user = fields.next_value()?,
                "dryRun" => request.dry_run = fields.next_value::<Option<bool>>()? == Some(true),
                "object" => {
                    seen.once("object")?;
                    match (self, seen.kind, request.reading()) {
                        (Self::InPlace, true, Some(reading)) => {
                            request.object = fields.next_value_seed(InPlace(reading))?;
                        }
                        (Self::InPlace, false, _) | (Self::Apart, ..) => {
                            unread = fields.next_value()?;
                        }
                        (Self::InPlace, true, None) | (Self::Skip, ..) => {
                            let given: Option<IgnoredAny> = fields.next_value()?;
                            request.object = given.map_or(Object::Absent, |_| Object::Other);
                        }
                    }
                }
                "oldObject" => request.old_object = fields.next_value()?,
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        if let (Some(unread), Some(reading)) = (unread, request.reading()) {
            request.object = read_apart(reading, unread);
        }
        if let Some(lack) = request.lack() {
            request.object = Object::Malformed(Malformed {
                kind: request.reading().map_or("request", Reading::as_str),
                reason: lack.to_owned(),
            });
        }
        // The object's own are a user's; the body of a subresource may lack them.
        let (namespace, name) = (&request.namespace, &request.name);
        match &mut request.object {
            Object::Subject(subject) => {
                if !namespace.is_empty() {
                    subject.namespace = Some(namespace.clone());
                }
                if !name.is_empty() {
                    subject.name = name.clone();
                }
            }
            Object::Access(object) if !namespace.is_empty() => object.stand_in(namespace.clone()),
            Object::Custody(object) => {
                if !namespace.is_empty() {
                    object.stand_in(namespace.clone());
                }
                if let CustodyObject::TokenRequest(request) = &mut **object {
                    request.account = name.clone();
                }
            }
            Object::Connection(connection) => {
                connection.namespace = namespace.clone();
                connection.target = name.clone();
            }
            Object::Access(_)
            | Object::Exposure(_)
            | Object::Absent
            | Object::Other
            | Object::Malformed(_) => {}
        }
        Ok(request)
    }
}

/// Which of the fields that decide how others are read have come.
#[derive(Default)]
struct Seen {
    kind: bool,
    object: bool,
}

impl Seen {
    fn once<E: Error>(&mut self, field: &'static str) -> Result<(), E> {
        let seen = if field == "kind" {
            &mut self.kind
        } else {
            &mut self.object
        };
        if std::mem::replace(seen, true) {
            Err(E::duplicate_field(field))
        } else {
            Ok(())
        }
    }
}

// === impl Operation ===

impl Operation {
    fn find(name: &str) -> Self {
        match name {
            "CREATE" => Self::Create,
            "UPDATE" => Self::Update,
            "DELETE" => Self::Delete,
            "CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }

    /// The API's name, or `other`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Other => "other",
        }
    }
}
