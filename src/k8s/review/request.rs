//! The request of a review, as the API server sends it.

use std::cell::OnceCell;

use super::error::BadReview;
use super::user::User;
use super::version::ApiVersion;

use crate::json::{Problem, Read as _, ReadError, Reader, Source as _, Type, fields, once, read};
use crate::k8s::rbac::of_first_version;
use crate::k8s::read::{Malformed, read_from};
use crate::k8s::workload::told_namespace;
use crate::pod::Text;
use crate::policy::custody::CustodyObject;
use crate::policy::{Context, Object, ObjectKind, Requester, Settings, Workload, WorkloadKind};

/// The namespace of what `doctor` lets an API server try.
pub const TRIAL_NAMESPACE: &str = "default";
/// The name of the Tiller by which it sees that the mutating webhook is asked.
pub const MUTATE_TRIAL: &str = "tiller-guard-proof";
/// The name of the Deployment by which `doctor` sees, in a dry run, that the validating webhook is asked: the mutating one
/// does not change it. It is never stored, no matter who sends it.
pub const VALIDATE_TRIAL: &str = "tiller-guard-proof-of-validate";

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
    pub(super) object: Asked<'a>,
    /// The object as JSON.
    pub(super) object_json: &'a str,
    /// What is updated, as JSON.
    pub(super) old_object: Option<&'a str>,
    /// What is updated, once it was read.
    pub(super) before: OnceCell<Option<Object<'a>>>,
}

/// The object that is asked about.
#[derive(Debug, Default)]
pub(super) enum Asked<'a> {
    /// None.
    #[default]
    Absent,
    /// One that is not judged.
    Other,
    /// One that is judged.
    Of(Object<'a>),
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

impl Envelope<'_> {
    /// The same, if it can be answered.
    pub(super) fn with_uid(self) -> Result<Self, BadReview> {
        if self.request.uid.is_empty() {
            return Err(BadReview::Uid);
        }
        Ok(self)
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
        let Some(kind) = self.object_kind() else {
            return self.pass_object(reader);
        };
        if reader.what()? == Type::Null {
            return self.pass_object(reader);
        }
        // One that is JSON, and not what its kind says, is skipped.
        let read = |reader: &mut Reader<'a>| reader.attempt(|reader| read_from(kind, reader));
        let (read, json) = reader.with_raw(read)?;
        self.object_json = json;
        self.object = match read {
            Ok(object) => Asked::Of(object),
            Err(error) => Asked::Malformed(Malformed::new(kind, &error)),
        };
        Ok(())
    }

    fn pass_object(&mut self, reader: &mut Reader<'a>) -> Result<(), ReadError> {
        self.object = match reader.what()? {
            Type::Null => Asked::Absent,
            _ => Asked::Other,
        };
        reader.skip()
    }

    /// Completes the object by its request's fields: the object's own are a user's, and the body of a subresource may
    /// lack them.
    fn complete(&mut self) {
        if let Some(lack) = self.lack() {
            self.object = Asked::Malformed(Malformed {
                kind: self.object_kind().map_or("request", ObjectKind::as_str),
                reason: lack.to_owned(),
            });
        }
        let by_controller = self.operation == Operation::Create && self.user.is_controller();
        let is_of_first_version = self.is_of_first_version();
        let Asked::Of(object) = &mut self.object else {
            return;
        };
        complete(object, &self.namespace, is_of_first_version);
        match object {
            Object::Workload(workload) => {
                workload.by_controller = by_controller;
                if !self.name.is_empty() {
                    workload.name = self.name.clone();
                }
            }
            Object::Custody(object) => {
                if let CustodyObject::TokenRequest(request) = &mut **object {
                    request.account = self.name.clone();
                }
            }
            Object::Connection(connection) => connection.target = self.name.clone(),
            Object::Rbac(_) | Object::Exposure(_) => {}
        }
    }

    /// The object before an update; it is read once, when it is needed.
    pub(super) fn before(&self) -> Option<&Object<'a>> {
        let before = self.before.get_or_init(|| {
            let (Operation::Update, Some(json)) = (self.operation, self.old_object) else {
                return None;
            };
            let mut before = read_from(self.object_kind()?, &mut Reader::new(json)).ok()?;
            complete(&mut before, &self.namespace, self.is_of_first_version());
            Some(before)
        });
        before.as_ref()
    }

    /// Whether the object may still be changed: the containers of a stored Pod may not, nor those in the
    /// template of a stored Job (`ValidatePodUpdate`, `ValidateJobUpdate`), nor what is a copy. What undoes the
    /// hardening of such a one is no change once it is hardened again.
    pub(super) fn can_be_patched(&self, settings: &Settings, context: &Context<'_>) -> bool {
        let is_copy = self.workload().is_some_and(Workload::is_copy);
        self.sub_resource.is_empty()
            && !is_copy
            && (self.operation == Operation::Create
                || !matches!(
                    self.object_kind(),
                    Some(ObjectKind::Workload(WorkloadKind::Pod | WorkloadKind::Job))
                )
                || self.was_hardened(settings, context))
    }

    /// Whether this is the trial object of `doctor`, by its name. It is refused in every mode.
    pub(super) fn is_trial(&self, object: &Object<'_>) -> bool {
        self.operation == Operation::Create
            && self.namespace == TRIAL_NAMESPACE
            && [MUTATE_TRIAL, VALIDATE_TRIAL].contains(&object.name())
            && matches!(object, Object::Workload(_) | Object::Exposure(_))
    }

    /// Whether it is `doctor`'s trial object for the validating webhook.
    pub(super) fn is_trial_of_validate(&self, workload: &Workload<'_>) -> bool {
        self.dry_run && self.operation == Operation::Create && workload.name == VALIDATE_TRIAL
    }

    /// The user, if the decision depends on it: that reads the groups.
    pub(super) fn requester_of(&self, object: &Object<'_>) -> Option<Requester<'a>> {
        let counts = matches!(object, Object::Custody(_) | Object::Connection(_));
        counts.then(|| self.user.requester())
    }

    /// The object, if it is one that is judged.
    pub(super) fn object(&self) -> Option<&Object<'a>> {
        match &self.object {
            Asked::Of(object) => Some(object),
            Asked::Absent | Asked::Other | Asked::Malformed(_) => None,
        }
    }

    /// The object, if it carries a pod.
    pub(super) fn workload(&self) -> Option<&Workload<'a>> {
        self.object()?.workload()
    }

    /// The object's kind, if it is one that is judged.
    pub(super) fn object_kind(&self) -> Option<ObjectKind> {
        ObjectKind::find(&self.kind.group, &self.kind.kind)
    }

    /// The kind, or `other`.
    pub(super) fn kind_name(&self) -> &'static str {
        self.object_kind().map_or("other", ObjectKind::as_str)
    }

    /// Whether the object is of the first version of its group; in reviews of 1.10 the object does not say so.
    fn is_of_first_version(&self) -> bool {
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
        } else if carries && self.object_kind().is_some() && matches!(self.object, Asked::Absent) {
            Some("the request has no object")
        } else {
            None
        }
    }
}

/// Sets the namespace of the request, and converts fields that mean something else in the group's first version; in reviews
/// of 1.10 the object does not name its version.
fn complete<'a>(object: &mut Object<'a>, namespace: &Text<'a>, is_of_first_version: bool) {
    if let Object::Workload(workload) = object {
        if !namespace.is_empty() {
            (workload.namespace, workload.placeholder) = told_namespace(namespace.clone());
        }
    } else if !namespace.is_empty() {
        object.place_in(namespace.clone());
    }
    if let Object::Rbac(object) = object
        && is_of_first_version
    {
        of_first_version(object);
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
