//! An `AdmissionReview` in, an `AdmissionReview` out.
//!
//! A request is read in one pass, its object as its kind; one that is not what its kind says is skipped there, so that it
//! is refused under its own uid. An object without any word of Tiller, of rights or of a Tiller's service account is
//! skipped. What was read is judged as often as more is known: [`Review::answer`].
//!
//! Source: `admission.k8s.io/v1` and `v1beta1`, Kubernetes 1.10 to 1.36.

mod answer;
mod concern;
mod error;
mod message;
mod request;
mod response;
mod template;
mod unread;
mod update;
mod user;
mod version;

pub use crate::policy::rights::Lookup;
pub use crate::policy::{Decision, Mode, Webhook};

pub use answer::{Answer, Record};
pub use error::BadReview;
pub use request::{MUTATE_TRIAL, TRIAL_NAMESPACE, VALIDATE_TRIAL};
pub use response::UNWATCHED;
pub use unread::{BEGINNING, Unjudged, deny_unread};

use crate::policy::rights::lookups;
use crate::policy::{
    Arrival, Circumstances, Context, Knowledge, Modes, Object, Outcome, Policy, Settings, Verdict,
    decide,
};

use super::read::Malformed;
use answer::{Reply, denial};
use request::{Asked, Envelope, Operation, Request};
use template::Template;

/// The API server itself: when it starts it brings Kubernetes' own roles and bindings up to date, and does not
/// become ready if it may not. Nobody else gets this name without the right to impersonate it.
const API_SERVER: &str = "system:apiserver";

/// A review that was read.
#[derive(Debug)]
pub enum Read<'b> {
    /// It concerns no Tiller, independent of what is known, and is answered.
    Unconcerned(Answer),
    /// It must be judged.
    Concerned(Review<'b>),
}

/// A review to judge, as often as more is known.
#[derive(Debug)]
pub struct Review<'b> {
    webhook: Webhook,
    envelope: Envelope<'b>,
    /// What is not watched now.
    unwatched: Vec<&'static str>,
}

/// Answers the review in a request's body.
pub fn answer(
    webhook: Webhook,
    body: &[u8],
    policy: &Policy,
    context: &Context<'_>,
) -> Result<Answer, BadReview> {
    Ok(
        match Review::read(webhook, body, &policy.settings, context.knowledge)? {
            Read::Unconcerned(answer) => answer,
            Read::Concerned(mut review) => review.answer(policy, context),
        },
    )
}

// === impl Review ===

impl<'b> Review<'b> {
    /// Reads the review in a request's body.
    pub fn read(
        webhook: Webhook,
        body: &'b [u8],
        settings: &Settings,
        knowledge: &Knowledge,
    ) -> Result<Read<'b>, BadReview> {
        let body = std::str::from_utf8(body).map_err(BadReview::Encoding)?;
        if !concern::is_possible(body, settings, knowledge) {
            let envelope = Envelope::pass(body)?.with_uid()?;
            let request = &envelope.request;
            let is_whole = !matches!(request.object, Asked::Malformed(_));
            if is_whole && !concern::is_asked(request, body, settings) {
                return Ok(Read::Unconcerned(envelope.answer(Reply::unconcerned())));
            }
        }
        let envelope = Envelope::read(body)?.with_uid()?;
        Ok(Read::Concerned(Self {
            webhook,
            envelope,
            unwatched: Vec::new(),
        }))
    }

    /// The answers to what `doctor` tries say that these are not watched now.
    pub fn tell_unwatched(&mut self, resources: Vec<&'static str>) {
        self.unwatched = resources;
    }

    /// Judges it by what is known now.
    pub fn answer(&mut self, policy: &Policy, context: &Context<'_>) -> Answer {
        let Self {
            webhook,
            envelope,
            unwatched,
        } = self;
        let (webhook, settings) = (*webhook, &policy.settings);
        envelope.request.tell_workload(settings, context.knowledge);
        let request = &envelope.request;
        let (requester, verdict);
        let reply = match &request.object {
            Asked::Absent | Asked::Other => Reply::unconcerned(),
            Asked::Malformed(malformed) => malformed_reply(malformed, request, policy),
            Asked::Of(object) if is_let_be(webhook, object, request) => Reply::unconcerned(),
            Asked::Of(object) => {
                requester = request.requester_of(object);
                let context = Context {
                    requester: requester.as_ref(),
                    updates: request.operation == Operation::Update,
                    ..*context
                };
                verdict = decide(object, settings, &context);
                let reply = judged(webhook, request, &verdict, policy, &context);
                let open = || lookups(object, &verdict, settings, context.knowledge);
                let reply = if reply.decision == Decision::Refused && request.leaves_template() {
                    Reply::unconcerned()
                } else {
                    reply
                };
                match object {
                    // Where something was found, this is not why it passes.
                    Object::Workload(workload) if reply.decision == Decision::Unconcerned => {
                        let reason = settings.reason_against(workload);
                        reply.sparing(reason.filter(|_| verdict.is_empty()))
                    }
                    Object::Workload(_) if !is_last_word(webhook, reply.decision) => reply,
                    _ => settled_by(reply, request, policy, open),
                }
            }
        };
        envelope.answer(reply.telling_unwatched(unwatched))
    }
}

/// What is not judged though it is of a kind that is: what changes nothing, what `doctor` tries the other webhook with, and the
/// rights that the API server itself brings up to date.
fn is_let_be(webhook: Webhook, object: &Object<'_>, request: &Request<'_>) -> bool {
    let is_others = match object {
        Object::Workload(workload) => {
            webhook == Webhook::Mutate && request.is_trial_of_validate(workload)
        }
        Object::Rbac(_) => request.user.name == API_SERVER,
        Object::Exposure(_) | Object::Custody(_) | Object::Connection(_) => false,
    };
    is_others || request.leaves(object)
}

/// Whether no other webhook of ours is asked after this decision: unless it refuses, the mutating one is not the last.
fn is_last_word(webhook: Webhook, decision: Decision) -> bool {
    matches!(decision, Decision::Refused | Decision::Trial) || webhook == Webhook::Validate
}

/// Denies a review that could not be judged, under its own uid, so that a webhook with `failurePolicy: Ignore` lets nothing
/// through unjudged. `None` if the body is not a review.
pub fn deny_unjudged(body: &[u8]) -> Option<Vec<u8>> {
    let body = std::str::from_utf8(body).ok()?;
    let envelope = Envelope::pass(body).ok()?;
    let uid = &envelope.request.uid;
    (!uid.is_empty()).then(|| denial(envelope.version, uid, Unjudged::Failed))
}

fn judged<'v>(
    webhook: Webhook,
    request: &Request<'_>,
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
    let workload = request.workload();
    let is_trial = request.object().is_some_and(|it| request.is_trial(it));
    let circumstances = Circumstances {
        webhook,
        arrival: workload.map_or(Arrival::New, |workload| {
            request.arrival(workload, settings, context.knowledge)
        }),
        can_be_patched: request.can_be_patched(settings, context),
        may_break_glass: !is_trial && request.user.may_break(break_glass),
    };
    let mode = if is_trial {
        Mode::Enforce
    } else {
        mode_of(request, modes)
    };
    let outcome = Outcome::of(verdict, mode, circumstances, settings);
    let template = workload.map_or(Template::Unknown, |it| Template::of(it, settings, context));
    let about = (workload, &template);
    let mut reply = Reply::of(about, circumstances, &outcome, verdict).in_mode(mode);
    if reply.decision == Decision::Refused {
        let template = workload.and_then(|it| template::lookup(it, context.knowledge));
        reply.lookups.extend(template);
    }
    if is_trial && reply.decision == Decision::Refused {
        reply.decision = Decision::Trial;
    }
    reply
}

/// The reply, with what must be read live if that can change it: in a mode that refuses, unless something else is refused
/// anyway. A dry run stores nothing, so it may pass by what was known a moment ago.
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
        reply.lookups.extend(lookups());
    }
    reply
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
