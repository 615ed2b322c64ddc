//! An `AdmissionReview` in, an `AdmissionReview` out.
//!
//! The request is read in one pass, the object as its kind. Where that fails the envelope is read once
//! more with the object as plain JSON, so that a malformed object is refused under its own uid. An object without
//! a word that tells of Tiller, of rights or of a Tiller's account is left out before anything is read.
//!
//! Source: `admission.k8s.io/v1` and `v1beta1`, Kubernetes 1.10 to 1.36.

mod answer;
mod concern;
mod message;
mod nesting;
mod reading;
mod request;
mod unread;
mod update;
mod user;

pub use crate::policy::{Decision, Webhook};

pub use unread::{BEGINNING, Unjudged, deny_unread};

pub use crate::policy::Mode;
use crate::policy::connection::decide_connection;
use crate::policy::custody::{Coming, decide_custody};
use crate::policy::exposure::decide_exposure;
pub use crate::policy::rights::Lookup;
use crate::policy::rights::{decide_rbac, lookups_for_rbac, lookups_for_workload};
use crate::policy::{
    Arrival, Circumstances, Context, Modes, ObjectKind, ObjectName, Outcome, Policy, Verdict,
    Workload, decide, except,
};

use super::Malformed;
use answer::{Reply, denial};
use nesting::{Nesting, TooDeep};
use request::{Envelope, Object, Operation, Request};

/// The body is no review that could be answered: HTTP 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReview {
    /// Not UTF-8.
    #[error("the body is not UTF-8")]
    Encoding(#[source] std::str::Utf8Error),
    /// Arrays and objects are nested too deep.
    #[error("the body nests deeper than {} levels", crate::json::MAX_DEPTH)]
    Depth,
    /// Not JSON, or not an `AdmissionReview` with a request.
    #[error("the body is no AdmissionReview: {0}")]
    Envelope(String),
    /// An `AdmissionReview` of a version that is not spoken here.
    #[error("the body is an AdmissionReview of \"{0}\", not of admission.k8s.io/v1 or v1beta1")]
    Version(String),
    /// Without a uid no answer can be told from another.
    #[error("the request has no uid")]
    Uid,
}

/// The answer to a review, with what logs and metrics tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The `AdmissionReview` to send, as JSON.
    pub body: Vec<u8>,
    /// What was decided.
    pub decision: Decision,
    /// The mode of the namespace; nothing where the decision is [`Decision::Unconcerned`].
    pub mode: Option<Mode>,
    /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT` or `other`: a closed set, for metrics.
    pub operation: &'static str,
    /// The kind, or `other`: a closed set, for metrics.
    pub kind: &'static str,
    /// The rules that found something, each once.
    pub rules: Vec<&'static str>,
    /// What whoever asked is told, where it is refused: a line for each rule.
    pub refusal: Option<String>,
    /// The rules that found something and were let off, with the reason.
    pub excepted: Vec<(&'static str, String)>,
    /// Why what has the signs of a Tiller is none, where the policy says so.
    pub not_tiller: Option<String>,
    /// What the decision hangs on that may have changed a moment ago: to be looked up, where there is a way to, and
    /// judged again by what was found.
    pub lookups: Vec<Lookup>,
    /// For logs: present where something was found or let off.
    pub record: Option<Record>,
}

/// Who asked for what, for the log. Never the object's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The request's uid.
    pub uid: String,
    /// The user's name.
    pub user: String,
    /// The namespace.
    pub namespace: String,
    /// The object's name; empty where the API server makes one.
    pub name: String,
    /// Whether nothing will be stored.
    pub dry_run: bool,
}

/// The name of the Deployment that `doctor` lets an API server try, in a dry run, to see that the validating webhook is asked:
/// the mutating one leaves it alone. Nothing is stored, whoever sends it.
pub const VALIDATE_TRIAL: &str = "tiller-guard-proof-of-validate";

/// The API server itself: when it starts it brings Kubernetes' own roles and bindings up to date, and does not
/// become ready if it may not. Nobody else gets this name without the right to impersonate it.
const API_SERVER: &str = "system:apiserver";

/// Answers the review in a request's body.
pub fn answer(
    webhook: Webhook,
    body: &[u8],
    policy: &Policy,
    context: &Context<'_>,
) -> Result<Answer, BadReview> {
    let body = std::str::from_utf8(body).map_err(BadReview::Encoding)?;
    let left;
    let mut envelope = if concern::is_possible(body, &policy.settings, context.knowledge) {
        Envelope::read(body)?
    } else {
        let nesting = Nesting::of(body).map_err(|TooDeep| BadReview::Depth)?;
        left = nesting.without_objects();
        if concern::is_asked(&left, body, &policy.settings) {
            Envelope::read(body)?
        } else {
            Envelope::pass(&left)?
        }
    };
    envelope
        .request
        .tell_workload(&policy.settings, context.knowledge);
    let request = &envelope.request;
    let Request { uid, object, .. } = request;
    if uid.is_empty() {
        return Err(BadReview::Uid);
    }
    let verdict;
    let reply = match object {
        Object::Absent | Object::Other => Reply::unconcerned(),
        Object::Malformed(malformed) => malformed_reply(malformed, request, policy),
        Object::Workload(_) if request.leaves_pod() => Reply::unconcerned(),
        Object::Workload(workload)
            if webhook == Webhook::Mutate && request.is_trial_of_validate(workload) =>
        {
            Reply::unconcerned()
        }
        Object::Workload(workload) => {
            verdict = decide(workload, &policy.settings, context);
            let reply = judged(webhook, request, Some(workload), &verdict, policy, context);
            let reply = match reply.decision {
                Decision::Refused if request.leaves_template(body) => Reply::unconcerned(),
                _ => reply,
            };
            // Where it does not refuse, the mutating webhook has not the last word; most are none of our business.
            let refused = reply.decision == Decision::Refused;
            let concerned = reply.decision != Decision::Unconcerned;
            if !concerned {
                reply.sparing(policy.settings.reason_against(workload))
            } else if webhook == Webhook::Validate || refused {
                let lookups = || lookups_for_workload(workload, &verdict, context.knowledge);
                settled_by(reply, request, policy, lookups)
            } else {
                reply
            }
        }
        Object::Rbac(_) if request.user.name == API_SERVER => Reply::unconcerned(),
        Object::Rbac(object) if request.leaves_rights(object) => Reply::unconcerned(),
        Object::Rbac(object) => {
            let (settings, knowledge) = (&policy.settings, context.knowledge);
            let findings = decide_rbac(object, settings, knowledge);
            let named = named(request, ObjectKind::Rbac(object.kind()), object.name());
            verdict = except(findings, named, settings, context);
            let reply = judged(webhook, request, None, &verdict, policy, context);
            let lookups = || lookups_for_rbac(object, settings, knowledge);
            settled_by(reply, request, policy, lookups)
        }
        Object::Exposure(object)
            if request.follows_service(object) || request.leaves_exposure(object) =>
        {
            Reply::unconcerned()
        }
        Object::Exposure(object) => {
            let findings = decide_exposure(object, &policy.settings);
            let named = named(request, ObjectKind::Exposure(object.kind()), object.name());
            verdict = except(findings, named, &policy.settings, context);
            judged(webhook, request, None, &verdict, policy, context)
        }
        Object::Custody(object) if request.leaves_custody(object) => Reply::unconcerned(),
        Object::Custody(object) => {
            let coming = Coming {
                requester: Some(&request.user.requester()),
                updates: request.operation == Operation::Update,
            };
            let findings = decide_custody(object, coming, &policy.settings, context);
            let named = named(request, ObjectKind::Custody(object.kind()), object.name());
            verdict = except(findings, named, &policy.settings, context);
            judged(webhook, request, None, &verdict, policy, context)
        }
        Object::Connection(connection) => {
            let requester = request.user.requester();
            let findings = decide_connection(connection, &requester, &policy.settings, context);
            verdict = findings.into();
            judged(webhook, request, None, &verdict, policy, context)
        }
    };
    Ok(envelope.answer(reply))
}

/// Denies the review in a request's body, which judging failed on, under its own uid, so that a webhook registered
/// with `failurePolicy: Ignore` lets nothing through unjudged. Nothing where there is no review to answer.
pub fn deny_unjudged(body: &[u8]) -> Option<Vec<u8>> {
    let body = std::str::from_utf8(body).ok()?;
    let envelope = Envelope::pass(body).ok()?;
    let uid = &envelope.request.uid;
    (!uid.is_empty()).then(|| denial(envelope.version, uid, Unjudged::Failed))
}

fn judged<'v>(
    webhook: Webhook,
    request: &Request<'_>,
    workload: Option<&Workload<'_>>,
    verdict: &'v Verdict<'_>,
    policy: &Policy,
    context: &Context<'_>,
) -> Reply<'v> {
    if verdict.is_empty() {
        return Reply::unconcerned();
    }
    let Policy {
        settings,
        modes,
        break_glass,
    } = policy;
    let circumstances = Circumstances {
        webhook,
        arrival: workload.map_or(Arrival::New, |workload| {
            request.arrival(workload, settings, context.knowledge)
        }),
        can_be_patched: request.can_be_patched(settings, context),
        may_break_glass: request.user.may_break(break_glass),
    };
    let mode = mode_of(request, modes);
    let outcome = Outcome::of(verdict, mode, circumstances, settings);
    Reply::of(workload, circumstances, &outcome, verdict).in_mode(mode)
}

/// The reply, with what it hangs on where that may still turn it: in a mode that refuses, where nothing was found that
/// would be refused all the same. A dry run stores nothing, so that it does no harm to let one pass by what was known a
/// moment ago.
fn settled_by<'v>(
    mut reply: Reply<'v>,
    request: &Request<'_>,
    policy: &Policy,
    lookups: impl FnOnce() -> Vec<Lookup>,
) -> Reply<'v> {
    let passes = !request.dry_run
        && matches!(
            reply.decision,
            Decision::Unconcerned | Decision::Allowed | Decision::Hardened | Decision::Warned
        );
    let refuses = matches!(
        mode_of(request, &policy.modes),
        Mode::Enforce | Mode::Freeze
    );
    let open = passes || reply.decision == Decision::Refused && reply.may_be_settled;
    if open && refuses {
        reply.lookups = lookups();
    }
    reply
}

/// The object of this kind and name, in the namespace of the request.
fn named<'n>(request: &'n Request<'_>, kind: ObjectKind, name: &'n str) -> ObjectName<'n> {
    let namespace = request.namespace.as_str();
    ObjectName {
        kind,
        namespace: if kind.has_namespace() { namespace } else { "" },
        name,
    }
}

/// The mode of the request's namespace; of what has none, the default.
fn mode_of(request: &Request<'_>, modes: &Modes) -> Mode {
    modes.of(Some(request.namespace.as_str()).filter(|namespace| !namespace.is_empty()))
}

fn malformed_reply(
    malformed: &Malformed,
    request: &Request<'_>,
    policy: &Policy,
) -> Reply<'static> {
    let mode = mode_of(request, &policy.modes);
    let may_break_glass = request.user.may_break(&policy.break_glass);
    Reply::of_malformed(&Outcome::of_malformed(mode, may_break_glass), malformed).in_mode(mode)
}
