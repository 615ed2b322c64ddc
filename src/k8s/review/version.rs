//! The versions of `admission.k8s.io` that are spoken.

/// A version of `admission.k8s.io`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ApiVersion {
    V1,
    V1beta1,
}

// === impl ApiVersion ===

impl ApiVersion {
    pub(super) fn find(name: &str) -> Option<Self> {
        [Self::V1, Self::V1beta1]
            .into_iter()
            .find(|version| version.as_str() == name)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "admission.k8s.io/v1",
            Self::V1beta1 => "admission.k8s.io/v1beta1",
        }
    }
}
