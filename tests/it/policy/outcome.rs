//! What becomes of a verdict: mode by circumstance.

use serde_json::{Value, json};
use tiller_guard::k8s::read;
use tiller_guard::policy::{
    Arrival, Circumstances, Decision, Mode, Outcome, Settings, Webhook, WorkloadKind, decide,
};

use super::NOW;
use super::corpus::canonical;

/// A Tiller with nothing to find.
fn clean() -> Value {
    canonical()
}

/// One that hardening mends.
fn open() -> Value {
    let mut manifest = canonical();
    manifest["spec"]["template"]["spec"]["containers"][0]["args"] = json!([]);
    manifest
}

/// One that only a person can mend.
fn bad() -> Value {
    let mut manifest = open();
    manifest["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
    manifest
}

/// No Tiller.
fn other() -> Value {
    json!({ "metadata": { "name": "web", "namespace": "team" }, "spec": { "template": { "spec": {
        "containers": [{ "name": "web", "image": "nginx:1" }]
    } } } })
}

const FIRST: Circumstances = Circumstances {
    webhook: Webhook::Mutate,
    arrival: Arrival::New,
    can_be_patched: true,
    may_break_glass: false,
};

fn outcome(manifest: &Value, mode: Mode, circumstances: Circumstances) -> Outcome {
    let settings = Settings::default();
    let workload = read(WorkloadKind::Deployment, manifest).unwrap();
    let verdict = decide(&workload, &settings, &NOW);
    Outcome::of(&verdict, mode, circumstances, &settings)
}

/// `name: object, mode, arrival, webhook => decision, decision of who may break the glass`.
macro_rules! table {
    ($($name:ident: $object:ident, $mode:ident, $arrival:ident, $webhook:ident => $decision:ident, $broken:ident;)*) => {
        $(#[test] fn $name() {
            let circumstances = Circumstances {
                webhook: Webhook::$webhook,
                arrival: Arrival::$arrival,
                ..FIRST
            };
            let decided = |may_break_glass| {
                let circumstances = Circumstances { may_break_glass, ..circumstances };
                outcome(&$object(), Mode::$mode, circumstances).decision
            };
            assert_eq!(decided(false), Decision::$decision);
            assert_eq!(decided(true), Decision::$broken);
        })*
    };
}

table! {
    audit_lets_a_clean_one_in: clean, Audit, New, Validate => Allowed, Allowed;
    audit_hardens_nothing: open, Audit, New, Mutate => Audited, Audited;
    audit_refuses_nothing: bad, Audit, New, Validate => Audited, Audited;
    audit_looks_at_updates_too: bad, Audit, Known, Mutate => Audited, Audited;
    warn_lets_a_clean_one_in: clean, Warn, New, Mutate => Allowed, Allowed;
    warn_hardens_nothing: open, Warn, New, Mutate => Warned, Warned;
    warn_refuses_nothing: bad, Warn, Known, Validate => Warned, Warned;
    enforce_lets_a_clean_one_in: clean, Enforce, New, Validate => Allowed, Allowed;
    enforce_hardens_first: open, Enforce, New, Mutate => Hardened, Hardened;
    enforce_refuses_what_was_not_hardened: open, Enforce, New, Validate => Refused, BreakGlass;
    enforce_refuses_at_once_what_cannot_be: bad, Enforce, New, Mutate => Refused, BreakGlass;
    enforce_judges_updates_alike: open, Enforce, Known, Validate => Refused, BreakGlass;
    freeze_lets_no_new_one_in: clean, Freeze, New, Mutate => Refused, BreakGlass;
    freeze_lets_no_new_one_in_at_the_end: clean, Freeze, New, Validate => Refused, BreakGlass;
    freeze_lets_one_restart: clean, Freeze, Made, Validate => Allowed, Allowed;
    freeze_hardens_one_that_restarts: open, Freeze, Made, Mutate => Hardened, Hardened;
    freeze_refuses_a_bad_one_that_restarts: bad, Freeze, Made, Mutate => Refused, BreakGlass;
    freeze_lets_one_be_updated: clean, Freeze, Known, Validate => Allowed, Allowed;
    freeze_hardens_an_update: open, Freeze, Known, Mutate => Hardened, Hardened;
    forbid_refuses_a_clean_one: clean, Forbid, New, Validate => Refused, BreakGlass;
    forbid_refuses_one_that_restarts: clean, Forbid, Made, Mutate => Refused, BreakGlass;
    forbid_refuses_an_update: clean, Forbid, Known, Validate => Refused, BreakGlass;
    forbid_hardens_nothing: open, Forbid, New, Mutate => Refused, BreakGlass;
    forbid_leaves_others_alone: other, Forbid, New, Validate => Unconcerned, Unconcerned;
    freeze_leaves_others_alone: other, Freeze, New, Validate => Unconcerned, Unconcerned;
    enforce_leaves_others_alone: other, Enforce, New, Mutate => Unconcerned, Unconcerned;
}

#[test]
fn what_can_not_be_patched_is_refused_at_once() {
    let circumstances = Circumstances {
        arrival: Arrival::Known,
        can_be_patched: false,
        ..FIRST
    };
    let decided = |manifest: Value, mode| outcome(&manifest, mode, circumstances).decision;
    for mode in [Mode::Enforce, Mode::Freeze] {
        assert_eq!(decided(open(), mode), Decision::Refused);
        assert_eq!(decided(bad(), mode), Decision::Refused);
    }
    assert_eq!(decided(open(), Mode::Audit), Decision::Audited);
}

#[test]
fn a_mode_refuses_in_its_own_words() {
    let said = |mode| outcome(&bad(), mode, FIRST).objection.unwrap().to_string();
    assert_eq!(
        said(Mode::Freeze),
        "tiller-frozen: /spec/template/spec/containers/0: this namespace is frozen: no new Tiller is allowed; use the existing Tiller, or Helm 3, which needs none"
    );
    assert_eq!(
        said(Mode::Forbid),
        "tiller-forbidden: /spec/template/spec/containers/0: Tillers are forbidden in this namespace; use \
         Helm 3, which needs no Tiller; scale this one to zero or delete it"
    );
    for mode in [Mode::Audit, Mode::Warn, Mode::Enforce] {
        assert_eq!(outcome(&bad(), mode, FIRST).objection, None);
    }
}

#[test]
fn an_object_that_cannot_be_read_is_refused_where_tillers_are() {
    for (mode, decision) in [
        (Mode::Audit, Decision::Audited),
        (Mode::Warn, Decision::Warned),
        (Mode::Enforce, Decision::Refused),
        (Mode::Freeze, Decision::Refused),
        (Mode::Forbid, Decision::Refused),
    ] {
        assert_eq!(Outcome::of_malformed(mode, false).decision, decision);
    }
    let broken = Outcome::of_malformed(Mode::Enforce, true);
    assert_eq!(broken.decision, Decision::BreakGlass);
}

#[test]
fn modes_and_decisions_have_names_of_their_own() {
    for mode in Mode::ALL {
        assert_eq!(Mode::find(mode.as_str()), Some(mode));
    }
    let mut names = Decision::ALL.map(Decision::as_str);
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
}
