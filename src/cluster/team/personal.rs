//! A person's own bundle, which is all that the person may read.

use zeroize::Zeroizing;

use super::found::{data, read_pair, text};
use super::{LookError, api, asked};
use crate::cluster::Cluster;
use crate::pki::team::Certificate;
use crate::provision::{
    Bundle, Names, Person, TARGET_NAMESPACES_ANNOTATION, TILLER_NAMESPACE_ANNOTATION,
};

/// A person's bundle, as the cluster has it.
#[derive(Debug)]
pub struct PersonalBundle {
    /// The certificates.
    pub bundle: Bundle,
    /// The namespace of the Tiller that it opens.
    pub tiller_namespace: String,
    /// The namespaces that this Tiller releases to; none if an earlier version made the bundle.
    pub target_namespaces: Vec<String>,
}

/// A person's bundle, in one request for one Secret, which is all that the person may.
pub async fn bundle(
    cluster: &Cluster,
    team: &str,
    guard_namespace: &str,
    person: &Person,
) -> Result<PersonalBundle, LookError> {
    let name = Names { team }.bundle(person);
    let api = api(cluster, "v1", "Secret", guard_namespace);
    let found = asked(async || api.get_opt(&name).await).await;
    let missing = || LookError::NoBundle {
        team: team.to_owned(),
        person: person.clone(),
        namespace: guard_namespace.to_owned(),
        name: name.clone(),
    };
    let found = match found {
        Ok(found) => found.ok_or_else(missing)?,
        Err(kube::Error::Api(status)) if status.code == 403 => {
            return Err(LookError::NotYours {
                person: person.clone(),
                namespace: guard_namespace.to_owned(),
                name,
            });
        }
        Err(error) => {
            let what = format!("get the Secret {name}");
            return Err(LookError::asked(&what, guard_namespace, error));
        }
    };
    let found = serde_json::to_value(found).unwrap_or_default();
    let pem = |key| {
        let data = data(&found, key)?;
        Some(Zeroizing::new(str::from_utf8(&data).ok()?.to_owned()))
    };
    let [ca, certificate, key] = Bundle::NAMES;
    let is_usable = read_pair(&found, certificate, key).and_then(|issued| {
        let issuers = data(&found, ca).unwrap_or_default();
        let issuers = Certificate::read_all(&issuers).unwrap_or_default();
        let is_of_these = issuers.iter().any(|it| it.has_issued(&issued.certificate));
        let why = format!("no CA in {ca} has issued {certificate}");
        is_of_these.then_some(()).ok_or(why)
    });
    if let Err(why) = is_usable {
        return Err(LookError::UnusableBundle {
            person: person.clone(),
            namespace: guard_namespace.to_owned(),
            name,
            why,
        });
    }
    let parts = (pem(ca), pem(certificate), pem(key));
    let (Some(ca_certificates), Some(certificate), Some(key)) = parts else {
        return Err(missing());
    };
    let annotation = |key| text(&found, "annotations", key);
    let targets = annotation(TARGET_NAMESPACES_ANNOTATION);
    let targets = targets.unwrap_or_default().split(',');
    Ok(PersonalBundle {
        bundle: Bundle::of(ca_certificates.to_string(), certificate.to_string(), key),
        tiller_namespace: annotation(TILLER_NAMESPACE_ANNOTATION)
            .ok_or_else(missing)?
            .to_owned(),
        target_namespaces: targets
            .filter(|it| !it.is_empty())
            .map(ToOwned::to_owned)
            .collect(),
    })
}
