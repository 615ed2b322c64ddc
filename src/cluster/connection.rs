//! How a cluster is reached, and which Kubernetes answers.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::version;
use crate::k8s::registration;

/// How long an API server may take to say who it is.
const GREETING: Duration = Duration::from_secs(10);
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// How to reach a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The kubeconfig; where none is given, `KUBECONFIG`, `~/.kube/config`, or the pod's own service account.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; its current one where none is given.
    pub context: Option<String>,
}

/// A cluster that answered.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    version: KubernetesVersion,
    registrations: Arc<OnceCell<&'static str>>,
}

/// The version of an API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KubernetesVersion {
    /// Always 1, so far.
    pub major: u16,
    /// 10 to 36 are known to this build.
    pub minor: u16,
}

/// A cluster cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be read, or lacks what is asked of it.
    #[error("cannot use the kubeconfig; give --kubeconfig and --context a good one")]
    Kubeconfig(#[source] Box<KubeconfigError>),
    /// There is neither a kubeconfig nor a pod's service account.
    #[error("there is no cluster to talk to; give --kubeconfig")]
    Nowhere(#[source] Box<InferConfigError>),
    /// The client could not be set up from what the kubeconfig says.
    #[error("cannot set up a client for {address}")]
    Client {
        /// The API server.
        address: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// Nobody answers, or not as an API server does.
    #[error("the API server at {address} does not answer")]
    Unreachable {
        /// The API server.
        address: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// It takes too long.
    #[error("the API server at {address} has not answered in {} s", GREETING.as_secs())]
    Slow {
        /// The API server.
        address: String,
    },
    /// It answers with a version that is none.
    #[error("the API server at {address} calls itself version \"{version}\"")]
    Version {
        /// The API server.
        address: String,
        /// What it said.
        version: String,
    },
}

// === impl Cluster ===

impl Cluster {
    /// Finds the cluster and asks it for its version.
    pub async fn connect(reach: &Reach) -> Result<Self, ConnectError> {
        Self::connect_with(configuration(reach).await?).await
    }

    /// The same, for those who try again at their own pace: the client itself tries nothing twice. Left to itself it
    /// would answer 429, 503 and 504 with up to 15 more tries, the first after 5 ms.
    pub async fn connect_patiently(reach: &Reach) -> Result<Self, ConnectError> {
        let mut config = configuration(reach).await?;
        config.default_retry = false;
        Self::connect_with(config).await
    }

    async fn connect_with(mut config: Config) -> Result<Self, ConnectError> {
        config.connect_timeout = Some(CONNECT);
        let address = config.cluster_url.to_string();
        let client = Client::try_from(config).map_err(|source| ConnectError::Client {
            address: address.clone(),
            source: Box::new(source),
        })?;
        let told = match timeout(GREETING, client.apiserver_version()).await {
            Ok(Ok(told)) => told,
            Ok(Err(source)) => {
                let source = Box::new(source);
                return Err(ConnectError::Unreachable { address, source });
            }
            Err(_) => return Err(ConnectError::Slow { address }),
        };
        let Some(mut version) = KubernetesVersion::read(&told.git_version) else {
            let version = told.git_version;
            return Err(ConnectError::Version { address, version });
        };
        if version.major == 0 {
            let groups = client.list_api_groups().await;
            let groups = groups.map_err(|source| ConnectError::Unreachable {
                address,
                source: Box::new(source),
            })?;
            version = KubernetesVersion {
                major: 1,
                minor: version::at_least(&groups),
            };
        }
        Ok(Self {
            client,
            version,
            registrations: Arc::default(),
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

    /// The version in which webhooks are registered: `v1` from Kubernetes 1.16 on, or `v1beta1` where that alone is
    /// served, which a server up to 1.21 may be told to do.
    pub async fn registration_version(&self) -> Result<&'static str, kube::Error> {
        let asked = self.registrations.get_or_try_init(|| async {
            let (has_v1, has_beta) = (self.version.is_from(16), !self.version.is_from(22));
            let served = match (has_v1, has_beta) {
                (true, true) => {
                    let v1 = format!("{}/v1", registration::GROUP);
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
    /// Whether another try may succeed without anybody changing how the cluster is to be reached.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Slow { .. } | Self::Version { .. } => true,
            Self::Kubeconfig(_) | Self::Nowhere(_) | Self::Client { .. } => false,
        }
    }
}

async fn configuration(reach: &Reach) -> Result<Config, ConnectError> {
    let Reach {
        kubeconfig,
        context,
    } = reach;
    let of_kubeconfig = |error| ConnectError::Kubeconfig(Box::new(error));
    let options = KubeConfigOptions {
        context: context.clone(),
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
        None => Config::infer()
            .await
            .map_err(|error| ConnectError::Nowhere(Box::new(error))),
    }
}

// === impl KubernetesVersion ===

impl KubernetesVersion {
    /// Reads `gitVersion` of `/version`, such as `v1.20.2` or `v1.27.3-gke.100`. `major` and `minor` beside it are
    /// empty where a distribution does not set them.
    fn read(git_version: &str) -> Option<Self> {
        let mut numbers = git_version.strip_prefix('v')?.split(['.', '-', '+']);
        let mut number = || numbers.next()?.parse().ok();
        Some(Self {
            major: number()?,
            minor: number()?,
        })
    }

    /// Whether it is Kubernetes 1.`minor` or later.
    pub fn is_from(self, minor: u16) -> bool {
        self >= Self { major: 1, minor }
    }
}

/// `1.20`.
impl fmt::Display for KubernetesVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_distributions_are_read() {
        let read = |text| {
            KubernetesVersion::read(text).map(|version: KubernetesVersion| version.to_string())
        };
        assert_eq!(read("v1.10.13").as_deref(), Some("1.10"));
        assert_eq!(read("v1.27.3-gke.100").as_deref(), Some("1.27"));
        assert_eq!(read("v1.36+k3s").as_deref(), Some("1.36"));
        assert_eq!(read("1.20.2").as_deref(), None);
        assert_eq!(read("v1.x").as_deref(), None);
        assert!(KubernetesVersion::read("v1.22.0").unwrap().is_from(16));
        assert!(!KubernetesVersion::read("v1.9.11").unwrap().is_from(16));
    }

    #[tokio::test]
    async fn a_kubeconfig_that_is_not_there_is_named_as_the_cause() {
        let reach = Reach {
            kubeconfig: Some("/nonexistent/kubeconfig".into()),
            context: None,
        };
        let error = Cluster::connect(&reach).await.unwrap_err();
        assert!(matches!(error, ConnectError::Kubeconfig(_)), "{error}");
    }
}
