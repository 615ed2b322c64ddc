//! `tiller-guard configure --check`: what keeps Helm from Tiller, found within a second.

use std::env;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::super::super::Exit;
use super::super::super::reach::ReachArguments;
use super::super::certs::days;
use super::finding::{Finding, Wrong, print, unnamed, wrong};
use super::helm::{BRIEFLY, HelmClient};
use super::{Arguments, environment, next_step};
use crate::cluster::Cluster;
use crate::cluster::team::{LookError, PersonalBundle, Reached, bundle, reached, requester};
use crate::cluster::told::chain;
use crate::pki::team::{Certificate, Issued};
use crate::policy::Requester;
use crate::provision::{Bundle, Person, PersonKind, quoted};
use crate::tiller::{ImageReference, Version};

/// How long the API server may take to answer, in all.
const PATIENCE: Duration = Duration::from_millis(800);

/// Looks at all of it, prints a line each, and gives exit code 1 if anything is wrong.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let folder = arguments.folder()?;
    let person = arguments.person()?;
    let again = arguments.again(&folder, person.as_ref());
    let Arguments {
        team,
        helm,
        guard_namespace,
        reach,
        ..
    } = arguments;
    let (mut findings, own) = bundle_findings(&folder, &again);
    findings.push(environment_finding(&folder, &again));
    // Helm and the API server are asked at the same time.
    let client = spawn_blocking(move || HelmClient::find(helm.as_deref(), BRIEFLY));
    let asking = ask(reach, &team, &guard_namespace, person.as_ref());
    let answer = timeout(PATIENCE, asking).await;
    let version = match answer {
        Err(_) => {
            findings.push(silent());
            None
        }
        Ok(Err(error)) => {
            findings.push(unreachable(&error));
            None
        }
        Ok(Ok(answer)) => {
            let version = answer.version();
            if answer.is_as_old(own.as_deref()) {
                let renew = renewed_first(&team, &again);
                let states = findings.into_iter().map(|finding| Finding {
                    state: finding.state.map_err(|wrong| match finding.what {
                        "bundle" => wrong.with_remedy(&*renew),
                        _ => wrong,
                    }),
                    ..finding
                });
                findings = states.collect();
            }
            findings.extend(answer.findings(own.as_deref(), &team, &again));
            version
        }
    };
    findings.push(Finding {
        what: "helm",
        state: client.await?.usable_for(version, &folder, &again),
    });
    print(&findings)
}

/// What to do about a bundle that has expired in the cluster too.
fn renewed_first(team: &str, again: &str) -> String {
    format!("ask an administrator to run: tiller-guard provision renew {team}; then run: {again}")
}

/// The bundle in the folder, and its certificate's text for a comparison with the cluster's.
fn bundle_findings(folder: &Path, again: &str) -> (Vec<Finding>, Option<String>) {
    let read = |name: &str| fs::read(folder.join(name)).ok();
    let [trusted, certificate, key] = Bundle::NAMES.map(read);
    let (Some(trusted), Some(certificate), Some(key)) = (trusted, certificate, key) else {
        let message = format!("{} holds no bundle", folder.display());
        let state = Err(wrong(message, format!("run: {again}")));
        let what = "bundle";
        return (vec![Finding { what, state }], None);
    };
    let state = pair(folder, &trusted, &certificate, &key, again);
    let own = [trusted, certificate].concat();
    let what = "bundle";
    (
        vec![Finding { what, state }],
        Some(String::from_utf8_lossy(&own).into_owned()),
    )
}

/// Whether key, certificate and CAs belong together, and are valid now.
fn pair(
    folder: &Path,
    trusted: &[u8],
    certificate: &[u8],
    key: &[u8],
    again: &str,
) -> Result<String, Wrong> {
    let remedy = || format!("run: {again}");
    let issued = Issued::read(certificate, key).map_err(|error| {
        let error = anyhow::Error::new(error);
        wrong(
            format!("{} holds no usable pair: {error:#}", folder.display()),
            format!("run: {again} --force"),
        )
    })?;
    let now = SystemTime::now();
    let left = issued.certificate.left(now);
    let end = issued.certificate.validity().end_text();
    if left.is_zero() {
        return Err(wrong(
            format!("your certificate expired on {end}"),
            remedy(),
        ));
    }
    if issued.certificate.validity().check(now).is_err() {
        return Err(wrong(
            "your certificate is not valid yet",
            "set this machine's clock",
        ));
    }
    let issuers = Certificate::read_all(trusted).unwrap_or_default();
    let is_of_these = issuers.iter().any(|it| it.has_issued(&issued.certificate));
    if !is_of_these {
        return Err(wrong("ca.pem and cert.pem are of different CAs", remedy()));
    }
    Ok(format!(
        "{}, of {}, valid until {end} ({} days)",
        folder.display(),
        issued.certificate.holder(),
        days(left)
    ))
}

/// Whether this shell has sourced `env`.
fn environment_finding(folder: &Path, again: &str) -> Finding {
    let file = environment(folder);
    let text = fs::read_to_string(&file);
    let sources = format!("run: . {}", quoted(&file));
    let remedy = match &text {
        Ok(_) => sources,
        Err(_) => format!("run: {again}; then {sources}"),
    };
    let state =
        sourced(folder, &text.unwrap_or_default()).map_err(|message| wrong(message, remedy));
    Finding { what: "env", state }
}

fn sourced(folder: &Path, text: &str) -> Result<String, String> {
    match env::var_os("HELM_HOME") {
        None => return Err("env is not sourced in this shell: HELM_HOME is not set".to_owned()),
        Some(other) if other != *folder => {
            let other = Path::new(&other).display();
            return Err(format!("HELM_HOME is {other}, not this folder"));
        }
        Some(_) => {}
    }
    let names = [
        "TILLER_NAMESPACE",
        "HELM_TLS_ENABLE",
        "HELM_TLS_VERIFY",
        "KUBECONFIG",
    ];
    let stale = names.into_iter().find(|name| is_stale(name, text));
    match stale {
        Some(name) => Err(format!("{name} is not what env sets")),
        None => Ok("sourced in this shell".to_owned()),
    }
}

/// Whether a variable is another than the line of `env` for it.
fn is_stale(name: &str, text: &str) -> bool {
    let start = format!("export {name}=");
    let line = text.lines().find_map(|line| line.strip_prefix(&start));
    let Some(line) = line else { return false };
    let value = env::var(name).unwrap_or_default();
    line != value && line != quoted(&value)
}

/// What the cluster says.
struct Answer {
    person: Option<Person>,
    /// Who asks, if the API server says it.
    requester: Option<Requester<'static>>,
    bundle: Option<Result<PersonalBundle, LookError>>,
    reached: Result<Option<Reached>, LookError>,
}

async fn ask(
    reach: ReachArguments,
    team: &str,
    guard_namespace: &str,
    person: Option<&Person>,
) -> anyhow::Result<Answer> {
    let cluster = Cluster::connect_patiently(&reach.into()).await?;
    let found = async {
        match person {
            Some(person) => Some(bundle(&cluster, team, guard_namespace, person).await),
            None => None,
        }
    };
    let (found, requester) = tokio::join!(found, requester(&cluster));
    let namespace = match &found {
        Some(Ok(bundle)) => Some(bundle.tiller_namespace.clone()),
        _ => env::var("TILLER_NAMESPACE").ok(),
    };
    let reached = match namespace {
        Some(namespace) => reached(&cluster, &namespace).await.map(Some),
        None => Ok(None),
    };
    Ok(Answer {
        person: person.cloned(),
        requester,
        bundle: found,
        reached,
    })
}

fn silent() -> Finding {
    let state = Err(wrong(
        format!(
            "the API server did not answer within {} ms",
            PATIENCE.as_millis()
        ),
        "check the network, --kubeconfig and --context; kubectl version asks the same server",
    ));
    Finding {
        what: "cluster",
        state,
    }
}

fn unreachable(error: &anyhow::Error) -> Finding {
    let state = Err(wrong(
        chain(error.as_ref()),
        "check --kubeconfig and --context; kubectl version asks the same server",
    ));
    Finding {
        what: "cluster",
        state,
    }
}

// === impl Answer ===

impl Answer {
    /// The version of Tiller, if its pods may be listed and the image says it.
    fn version(&self) -> Option<Version> {
        let pods = &self.reached.as_ref().ok()?.as_ref()?.pods;
        let image = &pods.iter().find(|pod| pod.is_ready)?.image;
        let tag = ImageReference::parse(image).tag?;
        Version::from_tag(tag).ok()
    }

    /// Whether the folder has the cluster's bundle, and that has expired.
    fn is_as_old(&self, own: Option<&str>) -> bool {
        let Some(Ok(found)) = &self.bundle else {
            return false;
        };
        let bundle = &found.bundle;
        let newest = [bundle.ca_certificates(), bundle.certificate()].concat();
        let certificate = Certificate::read(bundle.certificate().as_bytes());
        let has_expired = certificate.is_ok_and(|it| it.left(SystemTime::now()).is_zero());
        own == Some(&newest) && has_expired
    }

    /// Whether the bundle is that of the kubeconfig's user. An administrator may read all bundles.
    fn is_yours(&self) -> Option<Finding> {
        let person = self.person.as_ref()?;
        let Some(requester) = &self.requester else {
            return Some(unnamed());
        };
        let is_it = match person.kind {
            PersonKind::User => *requester.name == *person.name,
            PersonKind::Group => requester.groups.iter().any(|it| **it == *person.name),
        };
        let user = &requester.name;
        let state = if is_it {
            Ok(format!("the kubeconfig's user is {user}"))
        } else {
            Err(wrong(
                format!("the kubeconfig's user is {user}, and the bundle is that of the {person}"),
                "use the kubeconfig of that person, or pass your own name with --user",
            ))
        };
        Some(Finding {
            what: "user",
            state,
        })
    }

    fn findings(&self, own: Option<&str>, team: &str, again: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(self.is_yours());
        if let (Some(bundle), Some(person)) = (&self.bundle, &self.person) {
            let state = if self.is_as_old(own) {
                let message = "the cluster has no newer bundle for you";
                Err(wrong(message, renewed_first(team, again)))
            } else {
                newest(bundle, own, again).map_err(|wrong| match bundle {
                    Err(error) => match next_step(error, team, person) {
                        Some(next) => wrong.with_remedy(next),
                        None => wrong,
                    },
                    Ok(_) => wrong,
                })
            };
            let what = "newest bundle";
            findings.push(Finding { what, state });
        }
        let asks = |message: String| {
            let remedy =
                format!("ask an administrator to run: tiller-guard provision status {team}");
            wrong(message, remedy)
        };
        match &self.reached {
            Ok(None) => {}
            Err(error) => findings.push(Finding {
                what: "rights",
                state: Err(asks(said(error))),
            }),
            Ok(Some(Reached { lacks, pods })) => {
                let rights = if lacks.is_empty() {
                    Ok("you may find Tiller's pod and forward its port".to_owned())
                } else {
                    let message = format!("you may not {} in Tiller's namespace", lacks.join(", "));
                    let user = "ask an administrator to run: tiller-guard provision grant";
                    Err(wrong(message, format!("{user} {team} --user NAME")))
                };
                findings.push(Finding {
                    what: "rights",
                    state: rights,
                });
                let ready = pods.iter().find(|pod| pod.is_ready);
                let may_list = !lacks.iter().any(|it| it.starts_with("list"));
                let tiller = match (ready, pods.first()) {
                    (Some(pod), _) => Some(Ok(format!("{} is ready", pod.name))),
                    (None, Some(pod)) => Some(Err(asks(format!("{} is not ready", pod.name)))),
                    (None, None) => may_list.then(|| Err(asks("Tiller has no pod".to_owned()))),
                };
                findings.extend(tiller.map(|state| Finding {
                    what: "tiller",
                    state,
                }));
            }
        }
        findings
    }
}

fn said(error: &LookError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// Whether the folder's bundle is the cluster's: after a new CA the old one is of no use.
fn newest(
    bundle: &Result<PersonalBundle, LookError>,
    own: Option<&str>,
    again: &str,
) -> Result<String, Wrong> {
    match bundle {
        Err(error) => Err(wrong(
            said(error),
            "check --team and --user, and who you are: kubectl config view --minify",
        )),
        Ok(found) => {
            let bundle = &found.bundle;
            let newest = [bundle.ca_certificates(), bundle.certificate()].concat();
            let is_it = own == Some(&newest);
            let is_other_ca = own.is_some_and(|own| !own.starts_with(bundle.ca_certificates()));
            if is_it {
                Ok("this is the newest bundle".to_owned())
            } else if is_other_ca {
                let message = "the team has another CA: Tiller may refuse your certificate";
                Err(wrong(message, format!("run: {again}")))
            } else {
                let message = "the cluster has a newer bundle for you";
                Err(wrong(message, format!("run: {again}")))
            }
        }
    }
}
