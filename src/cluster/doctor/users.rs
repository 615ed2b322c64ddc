//! Whether the policy leaves users to OpenShift where OpenShift chooses them.

use super::Check;
use crate::cluster::Cluster;
use crate::policy::RunAsUser;

/// What OpenShift serves and no other Kubernetes does: its security context constraints, which choose a pod's user.
const CONSTRAINTS: &str = "security.openshift.io/v1";

/// Nothing where there is no OpenShift, and the policy knows of none.
pub(super) async fn check(cluster: &Cluster, user: RunAsUser) -> Option<Check> {
    const ID: &str = "users";
    let served = cluster.client().list_api_group_resources(CONSTRAINTS).await;
    let is_openshift = match served {
        Ok(_) => true,
        Err(kube::Error::Api(status)) if status.code == 404 => false,
        Err(error) => {
            let request = format!("GET /apis/{CONSTRAINTS}");
            return Some(Check::unread(ID, &request, &error));
        }
    };
    told(is_openshift, user)
}

fn told(is_openshift: bool, user: RunAsUser) -> Option<Check> {
    const ID: &str = "users";
    match (is_openshift, user) {
        (true, RunAsUser::Project) => Some(Check::good(
            ID,
            "OpenShift gives pods a user of their project's range, and the policy leaves it to that".to_owned(),
        )),
        (true, RunAsUser::Nobody) => Some(Check::doubtful(
            ID,
            "OpenShift refuses user 65534, as which the policy lets Tiller run, under its constraint restricted".to_owned(),
            "set runAsUser: project in the policy, and install with it",
        )),
        (false, RunAsUser::Project) => Some(Check::doubtful(
            ID,
            "the policy leaves Tiller's user to OpenShift's projects, but this cluster has none".to_owned(),
            "set runAsUser: nobody in the policy; images before 2.13.0 would not start, since they are root's",
        )),
        (false, RunAsUser::Nobody) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;

    #[test]
    fn users_are_told_of_where_openshift_or_the_policy_chooses_them() {
        let health = |is_openshift, user| told(is_openshift, user).map(|it| it.health);
        assert_eq!(health(false, RunAsUser::Nobody), None);
        assert_eq!(health(true, RunAsUser::Project), Some(Health::Good));
        assert_eq!(health(true, RunAsUser::Nobody), Some(Health::Doubtful));
        assert_eq!(health(false, RunAsUser::Project), Some(Health::Doubtful));
    }
}
