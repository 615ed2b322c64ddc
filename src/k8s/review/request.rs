//! The request of a review, as the API server sends it.

use super::answer::ApiVersion;
use super::reading::Reading;
use super::user::User;
use super::{BadReview, Malformed, VALIDATE_TRIAL};
use crate::json::{Problem, Read as _, ReadError, Reader, Source as _, Type, fields, once, read};
use crate::k8s::workload::told_namespace;
use crate::pod::Text;
use crate::policy::connection::{Connection, ConnectionKind};
use crate::policy::custody::{CustodyKind, CustodyObject};
use crate::policy::exposure::{ExposureKind, ExposureObject};
use crate::policy::rbac::{RbacKind, RbacObject};
use crate::policy::{Context, Settings, Workload, WorkloadKind};

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
    /// As JSON.
    pub(super) old_object: Option<&'a str>,
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
    Workload(Box<Workload<'a>>),
    /// One that gives rights.
    Rbac(Box<RbacObject<'a>>),
    /// One that opens a port.
    Exposure(Box<ExposureObject<'a>>),
    /// One that holds something of a Tiller's.
    Custody(Box<CustodyObject<'a>>),
    /// A connection to make.
    Connection(Connection<'a>),
    /// One that is not what its kind says.
    Malformed(Malformed),
}

#[derive(Debug, Default)]
struct GroupKind<'a> {
    group: Text<'a>,
    version: Text<'a>,
    kind: Text<'a>,
}

fields!(GroupKind<'a> {
    "group" => group,
    "version" => version,
    "kind" => kind,
});

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
        Self::read_with(body, Request::read_object)
    }

    /// Reads a review whose object holds no Tiller.
    pub(super) fn pass(body: &'a str) -> Result<Self, BadReview> {
        Self::read_with(body, Request::pass_object)
    }

    fn read_with(body: &'a str, object: ReadObject<'a>) -> Result<Self, BadReview> {
        let mut api_version = Text::default();
        let mut kind = Text::default();
        let mut request = None;
        let mut reader = Reader::new(body);
        reader
            .members(|name, value| match &**name {
                "apiVersion" => api_version.read(value),
                "kind" => kind.read(value),
                "request" => {
                    request = Request::read(value, object)?;
                    Ok(())
                }
                _ => value.skip(),
            })
            .and_then(|()| reader.end())?;
        let version = ApiVersion::find(&api_version)
            .filter(|_| kind == "AdmissionReview")
            .ok_or_else(|| BadReview::Version(format!("{api_version} {kind}")))?;
        let request = request.ok_or_else(|| BadReview::Envelope("it has no request".to_owned()))?;
        Ok(Self { version, request })
    }
}

impl From<ReadError> for BadReview {
    fn from(error: ReadError) -> Self {
        match error.problem() {
            Problem::Depth => Self::Depth,
            _ => Self::Envelope(error.to_string()),
        }
    }
}

/// How the object of a request is read, of which all is known that came before it.
type ReadObject<'a> = fn(&mut Request<'a>, &mut Reader<'a>) -> Result<(), ReadError>;

// === impl Request ===

impl<'a> Request<'a> {
    /// Reads a request, or `null`.
    fn read(reader: &mut Reader<'a>, object: ReadObject<'a>) -> Result<Option<Self>, ReadError> {
        if reader.what()? == Type::Null {
            return reader.skip().map(|()| None);
        }
        let mut request = Self::default();
        let mut seen = Seen::default();
        // The API server sends the kind first.
        let mut unread = None;
        reader.members(|name, value| match &**name {
            "uid" => request.uid.read(value),
            "kind" => {
                once(&mut seen.kind)?;
                request.kind.read(value)
            }
            "subResource" => request.sub_resource.read(value),
            "name" => request.name.read(value),
            "namespace" => request.namespace.read(value),
            "operation" => {
                request.operation = Operation::find(&value.text()?);
                Ok(())
            }
            "userInfo" => request.user.read_from(value),
            "dryRun" => {
                request.dry_run = read::<Option<bool>, _>(value)? == Some(true);
                Ok(())
            }
            "object" => {
                once(&mut seen.object)?;
                if seen.kind {
                    return object(&mut request, value);
                }
                unread = Some(value.raw()?);
                Ok(())
            }
            "oldObject" => {
                request.old_object = Some(value.raw()?).filter(|old| *old != "null");
                Ok(())
            }
            _ => value.skip(),
        })?;
        if let Some(unread) = unread {
            object(&mut request, &mut Reader::new(unread))?;
        }
        request.complete();
        Ok(Some(request))
    }

    fn read_object(&mut self, reader: &mut Reader<'a>) -> Result<(), ReadError> {
        let Some(reading) = self.reading() else {
            return self.pass_object(reader);
        };
        self.object = reading.read(reader)?;
        Ok(())
    }

    fn pass_object(&mut self, reader: &mut Reader<'a>) -> Result<(), ReadError> {
        self.object = match reader.what()? {
            Type::Null => Object::Absent,
            _ => Object::Other,
        };
        reader.skip()
    }

    /// Tells the object what the request knows of it: the object's own are a user's, and the body of a subresource may
    /// lack them.
    fn complete(&mut self) {
        if let Some(lack) = self.lack() {
            self.object = Object::Malformed(Malformed {
                kind: self.reading().map_or("request", Reading::as_str),
                reason: lack.to_owned(),
            });
        }
        let by_controller = self.operation == Operation::Create && self.user.is_controller();
        let Self {
            namespace,
            name,
            object,
            ..
        } = self;
        match object {
            Object::Workload(workload) => {
                workload.by_controller = by_controller;
                if !namespace.is_empty() {
                    (workload.namespace, workload.placeholder) = told_namespace(namespace.clone());
                }
                if !name.is_empty() {
                    workload.name = name.clone();
                }
            }
            Object::Rbac(object) if !namespace.is_empty() => object.stand_in(namespace.clone()),
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
            Object::Rbac(_)
            | Object::Exposure(_)
            | Object::Absent
            | Object::Other
            | Object::Malformed(_) => {}
        }
    }

    /// Whether the object may still be changed: the containers of a stored Pod may not, nor those in the
    /// template of a stored Job (`ValidatePodUpdate`, `ValidateJobUpdate`), nor what is a copy. What undoes the
    /// hardening of such a one is no change once it is hardened again.
    pub(super) fn can_be_patched(&self, settings: &Settings, context: &Context<'_>) -> bool {
        let is_copy = matches!(&self.object, Object::Workload(workload) if workload.is_copy());
        self.sub_resource.is_empty()
            && !is_copy
            && (self.operation == Operation::Create
                || !matches!(self.workload(), Some(WorkloadKind::Pod | WorkloadKind::Job))
                || self.was_hardened(settings, context))
    }

    /// Whether it is what `doctor` tries for the validating webhook alone.
    pub(super) fn is_trial_of_validate(&self, workload: &Workload<'_>) -> bool {
        self.dry_run && self.operation == Operation::Create && workload.name == VALIDATE_TRIAL
    }

    /// The kind, if it is one that carries a pod.
    pub(super) fn workload(&self) -> Option<WorkloadKind> {
        WorkloadKind::find(&self.kind.group, &self.kind.kind)
    }

    /// How the object is read, if it is of a kind that is.
    fn reading(&self) -> Option<Reading> {
        let GroupKind { group, kind, .. } = &self.kind;
        let access = || {
            RbacKind::find(group, kind).map(|kind| Reading::Rbac(kind, self.is_of_first_version()))
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

/// Which of the fields that decide how others are read have come.
#[derive(Default)]
struct Seen {
    kind: bool,
    object: bool,
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
