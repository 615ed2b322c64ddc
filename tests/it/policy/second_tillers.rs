//! Which Tillers are others: copies that controllers make are not.

use serde_json::{Value, json};
use tiller_guard::k8s::read;
use tiller_guard::policy::{Context, Settings, Timestamp, WorkloadKind, decide};

use super::corpus::canonical;
use super::generate::object;
use super::known::known;

/// Whether a Tiller of this kind and name, and of this maker, comes as a second one beside those that are known.
fn is_second(
    kind: WorkloadKind,
    name: &str,
    maker: Option<(&str, &str, &str)>,
    others: &[&str],
) -> bool {
    let mut metadata = json!({ "name": name, "namespace": "red" });
    if let Some((api_version, kind, name)) = maker {
        metadata["ownerReferences"] = json!([
            { "apiVersion": api_version, "kind": kind, "name": name, "controller": true }
        ]);
    }
    let carrier = object(kind, &metadata, canonical()["spec"]["template"].clone());
    let tiller = |workload: &&str| -> Value {
        json!({ "kind": "Tiller", "account": "red/tiller", "workload": workload })
    };
    let knowledge = known(&others.iter().map(tiller).collect::<Vec<_>>());
    let context = Context::new(Timestamp(0), &knowledge);
    let workload = read(kind, &carrier).unwrap();
    let settings = Settings::default();
    let verdict = decide(&workload, &settings, &context);
    let mut found = verdict.findings.iter();
    found.any(|finding| finding.rule.id == "second-tiller")
}

const DEPLOYMENT: Option<(&str, &str, &str)> = Some(("apps/v1", "Deployment", "tiller-deploy"));
const REPLICA_SET: Option<(&str, &str, &str)> =
    Some(("apps/v1", "ReplicaSet", "tiller-deploy-6f8"));

macro_rules! table {
    ($($test:ident: $kind:ident $name:literal of $maker:expr, beside $others:expr => $second:literal;)*) => {
        $(#[test] fn $test() {
            assert_eq!(is_second(WorkloadKind::$kind, $name, $maker, &$others), $second);
        })*
    };
}

table! {
    the_first: Deployment "tiller-deploy" of None, beside [] => false;
    itself_as_helm_init_upgrade_sends_it: Deployment "tiller-deploy" of None,
        beside ["Deployment/tiller-deploy"] => false;
    itself_beside_another_that_was_there_before: Deployment "tiller-deploy" of None,
        beside ["Deployment/releases", "Deployment/tiller-deploy"] => false;
    another_kind_by_the_same_name: Deployment "tiller-deploy" of None,
        beside ["StatefulSet/tiller-deploy"] => true;
    a_deployment_beside_what_was_made_of_it: Deployment "tiller-deploy" of None,
        beside ["ReplicaSet/tiller-deploy-6f8", "Pod/tiller-deploy-6f8-x7k"] => false;
    a_deployment_beside_what_cannot_have_been: Deployment "tiller-deploy" of None,
        beside ["Pod/tiller-deploy-6f8-x7k-2"] => true;
    a_bare_pod_beside_a_deployment: Pod "tiller-deploy-6f8-x7k" of None,
        beside ["Deployment/tiller-deploy"] => true;
    a_pod_without_a_name_yet: Pod "" of None, beside ["Deployment/tiller-deploy"] => true;
    a_replica_set_of_it: ReplicaSet "tiller-deploy-6f8" of DEPLOYMENT,
        beside ["Deployment/tiller-deploy"] => false;
    a_replica_set_of_it_beside_its_last: ReplicaSet "tiller-deploy-6f8" of DEPLOYMENT,
        beside ["ReplicaSet/tiller-deploy-5a2"] => false;
    a_replica_set_of_another: ReplicaSet "tiller-deploy-6f8" of DEPLOYMENT,
        beside ["Deployment/releases"] => true;
    a_pod_of_it: Pod "" of REPLICA_SET, beside ["Deployment/tiller-deploy"] => false;
    a_pod_of_its_replica_set: Pod "" of REPLICA_SET, beside ["ReplicaSet/tiller-deploy-6f8"] => false;
    a_pod_beside_one_of_the_same: Pod "" of REPLICA_SET, beside ["Pod/tiller-deploy-6f8-x7k"] => false;
    a_pod_of_another: Pod "" of REPLICA_SET, beside ["Deployment/releases"] => true;
    a_pod_of_one_of_two: Pod "" of REPLICA_SET,
        beside ["Deployment/releases", "Deployment/tiller-deploy"] => false;
    a_pod_of_what_is_no_workload: Pod "" of Some(("apps.kruise.io/v1alpha1", "CloneSet", "tiller-deploy")),
        beside ["Deployment/tiller-deploy"] => true;
    a_pod_of_a_stateful_set: Pod "tiller-0" of Some(("apps/v1", "StatefulSet", "tiller")),
        beside ["StatefulSet/tiller"] => false;
    a_job_of_a_cron_job: Job "tiller-1606" of Some(("batch/v1", "CronJob", "tiller")),
        beside ["CronJob/tiller"] => false;
    a_pod_of_that_job: Pod "" of Some(("batch/v1", "Job", "tiller-1606")), beside ["CronJob/tiller"] => false;
    a_cron_job_beside_its_pods: CronJob "tiller" of None, beside ["Pod/tiller-1606-x7k"] => false;
    a_stateful_set_beside_what_is_not_its_pod: StatefulSet "tiller" of None,
        beside ["Pod/tiller-1606-x7k"] => true;
    a_template_of_pods: PodTemplate "tiller" of None, beside ["Pod/tiller-x7k"] => true;
}
