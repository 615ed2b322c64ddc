//! A value that a manifest tells, or the reason why it does not.

use std::borrow::Cow;

/// A value of Tiller's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting<T> {
    /// The value Tiller runs with.
    Known(T),
    /// Why the manifest does not tell the value.
    Unknown(Unknown),
}

/// Why a manifest does not tell a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// The variable's value comes from elsewhere (`valueFrom`).
    #[error("{variable} comes from {source_kind}, whose value is not in the manifest")]
    VariableSource {
        /// The variable's name.
        variable: String,
        /// The field of `valueFrom`, such as `secretKeyRef`.
        source_kind: &'static str,
    },
    /// `envFrom` may set the variable.
    #[error("envFrom may set {variable}")]
    EnvironmentFrom {
        /// The variable's name.
        variable: &'static str,
    },
    /// The kubelet expands a `$(NAME)` when it starts the container.
    #[error("\"{text}\" holds $(…), which the kubelet expands when it starts the container")]
    Expansion {
        /// The word or value, or its beginning.
        text: String,
    },
    /// Another program than Tiller is started and may start Tiller in any way.
    #[error("the container starts \"{program}\", not /tiller")]
    Wrapper {
        /// The first word of the launch, or its beginning.
        program: String,
    },
    /// What the image starts by itself depends on its version.
    #[error("the command is the image's own, and {0}")]
    Entrypoint(Box<Self>),
    /// The image reference tells no version.
    #[error("the image reference \"{image}\" names no version: {because}")]
    Version {
        /// The reference, or its beginning.
        image: String,
        /// What stands in the version's place.
        because: Cow<'static, str>,
    },
    /// The manifest names no namespace.
    #[error("the manifest names no namespace")]
    Namespace,
    /// Tiller does not run, so the setting has no value.
    #[error("Tiller exits before it reads this")]
    Exits,
}

/// The most bytes of a manifest's text that a reason holds.
const EXCERPT: usize = 512;

/// A text for people, cut where it is longer than anyone reads: reasons are copied to each setting.
pub(super) fn excerpt(text: &str) -> String {
    match text.get(..text.floor_char_boundary(EXCERPT)) {
        Some(start) if start.len() < text.len() => format!("{start}…"),
        _ => text.to_owned(),
    }
}

impl<T> Setting<T> {
    /// The value, where it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// The reason, where the value is not known.
    pub fn unknown(&self) -> Option<&Unknown> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(reason) => Some(reason),
        }
    }

    /// The setting with its value turned into another.
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> Setting<U> {
        match self {
            Self::Known(value) => Setting::Known(turn(value)),
            Self::Unknown(reason) => Setting::Unknown(reason),
        }
    }
}

impl<T: PartialEq> Setting<T> {
    /// Whether the value is known to be this one.
    pub fn is(&self, value: &T) -> bool {
        self.known() == Some(value)
    }
}
