//! How a cluster is reached, and which Kubernetes answers.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fmt, io};

use kube::client::ClientBuilder;
use kube::client::retry::RetryPolicy;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tower::buffer::BufferLayer;
use tower::retry::RetryLayer;

use super::version::{KubernetesVersion, Unanswered};
use crate::k8s::webhook_configuration;

/// How long an API server may take to say who it is; one that tells no version is asked for some seconds.
const GREETING: Duration = Duration::from_secs(20);
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// How many requests wait for the connection at a time.
const WAITING: usize = 64;
/// How often a request is sent again that an overloaded API server does not answer, the first time after [`FIRST_PAUSE`], and each time
/// after twice the pause, or when the API server says. The client's own 15 times would be silent for a minute and more.
const RETRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The environment variable that names kubeconfigs.
const VARIABLE: &str = "KUBECONFIG";

/// How to reach a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The kubeconfig; where none is given, `KUBECONFIG`, `~/.kube/config`, or the pod's own service account.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; its current one where none is given.
    pub context: Option<String>,
    /// The user to act as, with the right to impersonate; the kubeconfig's own where none is given.
    pub user: Option<String>,
    /// The groups of that user.
    pub groups: Vec<String>,
}

/// A cluster that answered.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    version: KubernetesVersion,
    guessed: Option<Arc<str>>,
    configurations: Arc<OnceCell<&'static str>>,
}

/// A cluster cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be read, or lacks what is asked of it.
    #[error("cannot use the kubeconfig; check --kubeconfig and --context")]
    Kubeconfig(#[source] Box<KubeconfigError>),
    /// There is neither a kubeconfig nor a pod's service account.
    #[error("no cluster is configured; pass --kubeconfig")]
    Nowhere,
    /// The client could not be set up from what the kubeconfig says.
    #[error("cannot set up a client for {address}")]
    Client {
        /// The API server.
        address: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// Nobody answers.
    #[error("the API server at {address} does not answer")]
    Unreachable {
        /// The API server.
        address: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// Its certificate is not of the CA that the kubeconfig names, not for its address, or not valid now.
    #[error("the certificate of the API server at {address} is refused")]
    Certificate {
        /// The API server.
        address: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// Somebody answers, but not as Kubernetes does, or not to us.
    #[error("the API server at {address} gives no usable answer to GET {path}")]
    Odd {
        /// The API server.
        address: String,
        /// What it was asked for.
        path: &'static str,
        /// What it said.
        source: Box<kube::Error>,
    },
    /// It takes too long.
    #[error("the API server at {address} has not answered in {} s", GREETING.as_secs())]
    Slow {
        /// The API server.
        address: String,
    },
}

// === impl Cluster ===

impl Cluster {
    /// Finds the cluster and asks it for its version. The client sends what is answered with 429, 503 or 504 up to four times more.
    pub async fn connect(reach: &Reach) -> Result<Self, ConnectError> {
        Self::connect_with(reach, retrying).await
    }

    /// The same, for those who try again at their own pace: the client itself tries nothing twice.
    pub async fn connect_patiently(reach: &Reach) -> Result<Self, ConnectError> {
        Self::connect_with(reach, Client::try_from).await
    }

    /// Who the API server is, is asked once.
    async fn connect_with(
        reach: &Reach,
        client: impl FnOnce(Config) -> Result<Client, kube::Error>,
    ) -> Result<Self, ConnectError> {
        let mut config = configuration(reach).await?;
        config.connect_timeout = Some(CONNECT);
        config.default_retry = false;
        let address = config.cluster_url.to_string();
        let failed = |source| ConnectError::Client {
            address: address.clone(),
            source: Box::new(source),
        };
        let greeter = Client::try_from(config.clone()).map_err(failed)?;
        let client = client(config).map_err(failed)?;
        let asked = match timeout(GREETING, KubernetesVersion::ask(&greeter)).await {
            Ok(Ok(asked)) => asked,
            Ok(Err(unanswered)) => return Err(ConnectError::of(address, unanswered)),
            Err(_) => return Err(ConnectError::Slow { address }),
        };
        Ok(Self {
            client,
            version: asked.version,
            guessed: asked.guessed.map(Arc::from),
            configurations: Arc::default(),
        })
    }

    /// The client, to be cloned at will.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Which Kubernetes it is.
    pub fn version(&self) -> KubernetesVersion {
        self.version
    }

    /// What the API server gave instead of a version, if [`version`](Self::version) is guessed from its API groups.
    pub fn guessed_from(&self) -> Option<&str> {
        self.guessed.as_deref()
    }

    /// The version in which webhooks are registered: `v1` from Kubernetes 1.16 on, or `v1beta1` where that alone is
    /// served, which a server up to 1.21 may be told to do.
    pub async fn webhook_configuration_version(&self) -> Result<&'static str, kube::Error> {
        let asked = self.configurations.get_or_try_init(|| async {
            let (has_v1, has_beta) = (self.version.is_from(16), !self.version.is_from(22));
            let served = match (has_v1, has_beta) {
                (true, true) => {
                    let v1 = format!("{}/v1", webhook_configuration::GROUP);
                    match self.client.list_api_group_resources(&v1).await {
                        Ok(_) => true,
                        Err(kube::Error::Api(status)) if status.code == 404 => false,
                        Err(error) => return Err(error),
                    }
                }
                (served, _) => served,
            };
            Ok(if served { "v1" } else { "v1beta1" })
        });
        asked.await.copied()
    }
}

/// A client that sends again what an overloaded API server does not answer.
fn retrying(config: Config) -> Result<Client, kube::Error> {
    let last_pause = FIRST_PAUSE * 2_u32.pow(RETRIES);
    let policy = RetryPolicy::new(FIRST_PAUSE, last_pause, RETRIES, false);
    let policy = policy.map_err(|error| kube::Error::Service(error.into()))?;
    Ok(ClientBuilder::try_from(config)?
        .with_layer(&BufferLayer::new(WAITING))
        .with_layer(&RetryLayer::new(policy))
        .build())
}

/// Without the client, which holds credentials.
impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cluster")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

// === impl ConnectError ===

impl ConnectError {
    fn of(address: String, unanswered: Unanswered) -> Self {
        let Unanswered { path, source } = unanswered;
        let refused = refuses_certificate(&source);
        let is_answer = matches!(source, kube::Error::Api(_) | kube::Error::SerdeError(_));
        let source = Box::new(source);
        if refused {
            Self::Certificate { address, source }
        } else if is_answer {
            Self::Odd {
                address,
                path,
                source,
            }
        } else {
            Self::Unreachable { address, source }
        }
    }

    /// Whether another try may succeed without a change of how the cluster is reached.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Certificate { .. }
            | Self::Odd { .. }
            | Self::Slow { .. } => true,
            Self::Kubeconfig(_) | Self::Nowhere | Self::Client { .. } => false,
        }
    }
}

/// Whether a server's certificate was refused here. What tells of it is behind the errors of the HTTP client and of its
/// streams.
fn refuses_certificate(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let tls = error.downcast_ref::<rustls::Error>();
        if matches!(tls, Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        // Its source is the source of what it holds, not that.
        let held = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    false
}

async fn configuration(reach: &Reach) -> Result<Config, ConnectError> {
    let Reach {
        kubeconfig,
        context,
        user,
        groups,
    } = reach;
    let mut config = named_configuration(kubeconfig.as_deref(), context.as_ref()).await?;
    if user.is_some() {
        config.auth_info.impersonate.clone_from(user);
        config.auth_info.impersonate_groups = Some(groups.clone());
    }
    Ok(config)
}

async fn named_configuration(
    kubeconfig: Option<&Path>,
    context: Option<&String>,
) -> Result<Config, ConnectError> {
    let of_kubeconfig = |error| ConnectError::Kubeconfig(Box::new(error));
    let options = KubeConfigOptions {
        context: context.cloned(),
        ..KubeConfigOptions::default()
    };
    match kubeconfig {
        Some(path) => {
            let kubeconfig = Kubeconfig::read_from(path).map_err(of_kubeconfig)?;
            let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
            config.map_err(of_kubeconfig)
        }
        None if context.is_some() => Config::from_kubeconfig(&options)
            .await
            .map_err(of_kubeconfig),
        None => match Config::from_kubeconfig(&options).await {
            Ok(config) => Ok(config),
            Err(error) => Config::incluster().map_err(|_| match error {
                KubeconfigError::ReadConfig(ref read, _)
                    if read.kind() == io::ErrorKind::NotFound && !names_kubeconfigs() =>
                {
                    ConnectError::Nowhere
                }
                error => of_kubeconfig(error),
            }),
        },
    }
}

fn names_kubeconfigs() -> bool {
    env::var_os(VARIABLE).is_some_and(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_kubeconfig_that_is_not_there_is_named_as_the_cause() {
        let reach = Reach {
            kubeconfig: Some("/nonexistent/kubeconfig".into()),
            ..Reach::default()
        };
        let error = Cluster::connect(&reach).await.unwrap_err();
        assert!(matches!(error, ConnectError::Kubeconfig(_)), "{error}");
    }
}
