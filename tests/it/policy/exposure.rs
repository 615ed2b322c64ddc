//! How exposed a workload's Tillers are, measured from the model and the manifest and not from the rules.

use serde_json::Value;
use tiller_guard::k8s::read;
use tiller_guard::pod::Container;
use tiller_guard::policy::{Settings, WorkloadKind, decide};
use tiller_guard::tiller::{ClientVerification, Setting, Storage, Tiller};

use super::NOW;

/// Each weakness with its degree: 0 is safe, more is worse, unknown is worst.
#[derive(Debug)]
pub(crate) struct Exposure {
    pub(crate) weaknesses: Vec<(String, u8)>,
}

const UNKNOWN: u8 = 9;

impl Exposure {
    pub(crate) fn of(kind: WorkloadKind, object: &Value) -> Self {
        let workload = read(kind, object).unwrap();
        let settings = Settings::default();
        let verdict = decide(&workload, &settings, &NOW);
        let mut weaknesses = Vec::new();
        for tiller in &verdict.tillers {
            let mut weakness = |what: &str, degree| {
                weaknesses.push((format!("{} {what}", tiller.path()), degree));
            };
            launch(&tiller.tiller, &mut weakness);
            container(tiller.container, &mut weakness);
        }
        let of_pod = workload.workload().unwrap().pod.security_context.as_ref();
        let rooted = of_pod.is_none_or(|it| it.run_as_user.unwrap_or(0) == 0);
        weaknesses.push(("the pod's user".to_owned(), rooted.into()));
        Self { weaknesses }
    }
}

fn launch(tiller: &Tiller<'_>, weakness: &mut impl FnMut(&str, u8)) {
    let effective = &tiller.effective;
    // A launch that is refused stays as it is.
    weakness(
        "storage",
        degree(&effective.storage, |storage| match storage {
            Storage::Secret => 0,
            Storage::ConfigMap | Storage::Sql => 1,
            Storage::Memory => 2,
        }),
    );
    weakness(
        "TLS",
        degree(&effective.tls.enabled, |enabled| u8::from(!enabled)),
    );
    weakness(
        "client verification",
        degree(&effective.tls.verify, |verify| match verify {
            ClientVerification::Required => 0,
            ClientVerification::IfGiven => 1,
            ClientVerification::Off => 2,
        }),
    );
    weakness(
        "CA",
        degree(&effective.tls.ca, |path| match path.as_ref() {
            "/etc/certs/ca.crt" => 0,
            "" => 2,
            _ => 1,
        }),
    );
    weakness("trace", degree(&effective.trace, |trace| u8::from(*trace)));
    weakness(
        "experimental",
        degree(&effective.experimental_release, |on| u8::from(*on)),
    );
    weakness(
        "listen",
        degree(&effective.listen, |address| {
            let loopback = address.starts_with("127.") || address.starts_with("localhost:");
            u8::from(!loopback)
        }),
    );
}

fn container(container: &Container<'_>, weakness: &mut impl FnMut(&str, u8)) {
    let context = container.security_context.as_deref();
    let flag = |given: Option<Option<bool>>, safe: bool| u8::from(given.flatten() != Some(safe));
    let privileged = context.and_then(|it| it.privileged) == Some(true);
    weakness("privileged", privileged.into());
    weakness(
        "escalation",
        flag(context.map(|it| it.allow_privilege_escalation), false),
    );
    weakness(
        "root file system",
        flag(context.map(|it| it.read_only_root_filesystem), true),
    );
    let dropped = context
        .and_then(|it| it.capabilities.as_ref())
        .is_some_and(|it| it.add.is_empty() && it.drop.iter().any(|name| name == "ALL"));
    weakness("capabilities", u8::from(!dropped));
    let writable = container
        .volume_mounts
        .iter()
        .filter(|mount| mount.mount_path.starts_with("/etc") && mount.read_only != Some(true))
        .count();
    weakness("writable certificates", u8::try_from(writable).unwrap());
}

fn degree<T>(setting: &Setting<T>, rank: impl FnOnce(&T) -> u8) -> u8 {
    setting.known().map_or(UNKNOWN, rank)
}
