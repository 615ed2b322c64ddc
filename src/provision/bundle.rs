//! What a person needs to reach Tiller: the certificates of a `HELM_HOME`, and the settings to source.

use std::fmt;

use zeroize::Zeroizing;

use crate::pki::team::{Certificates, Issued};

/// The certificates of a person, by the names that Helm looks for in its home.
pub struct Bundle {
    ca_certificates: String,
    certificate: String,
    key: Zeroizing<String>,
}

/// A file of a bundle.
#[derive(Clone, Copy)]
pub struct BundleFile<'a> {
    /// `ca.pem`, `cert.pem` or `key.pem`.
    pub name: &'static str,
    /// Its content, which may be a key.
    pub content: &'a str,
}

// === impl Bundle ===

impl Bundle {
    /// The names of the files, as Helm from 2.3 on looks for them.
    pub const NAMES: [&'static str; 3] = ["ca.pem", "cert.pem", "key.pem"];
    /// The file to source.
    pub const ENVIRONMENT: &'static str = "env";

    /// The bundle of who holds this certificate.
    pub fn new(certificates: &Certificates, issued: &Issued) -> Self {
        Self {
            ca_certificates: certificates.trusted_pem(),
            certificate: issued.certificate.pem(),
            key: issued.key.pem(),
        }
    }

    /// A bundle of these three texts.
    pub fn of(ca_certificates: String, certificate: String, key: Zeroizing<String>) -> Self {
        Self {
            ca_certificates,
            certificate,
            key,
        }
    }

    /// The CAs that Tiller's certificate is checked by, as PEM.
    pub fn ca_certificates(&self) -> &str {
        &self.ca_certificates
    }

    /// The person's certificate, as PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Its files.
    pub fn files(&self) -> impl Iterator<Item = BundleFile<'_>> {
        let Self {
            ca_certificates,
            certificate,
            key,
        } = self;
        let contents = [ca_certificates.as_str(), certificate, key];
        Self::NAMES
            .into_iter()
            .zip(contents)
            .map(|(name, content)| BundleFile { name, content })
    }
}

/// Without the key.
impl fmt::Debug for Bundle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Bundle(…)")
    }
}

/// By name alone.
impl fmt::Debug for BundleFile<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// What `env` sets for a bundle's folder.
#[derive(Debug, Clone, Copy)]
pub struct Environment<'a> {
    /// The folder.
    pub folder: &'a str,
    /// The namespace of Tiller.
    pub tiller_namespace: &'a str,
    /// Kubeconfig files, the first of which counts most; none leaves them as they are.
    pub kubeconfig: &'a [String],
    /// A folder that comes first in `PATH`.
    pub programs: Option<&'a str>,
}

// === impl Environment ===

impl Environment<'_> {
    /// The settings that make Helm use the folder, for `. env` in bash, zsh and sh and `source env` in fish.
    ///
    /// Helm takes `true` where it would ignore `yes` without a word. The paths are given outright: up to 2.10 the default
    /// ones hold a literal `$HELM_HOME`.
    pub fn text(&self) -> String {
        let Self {
            folder,
            tiller_namespace,
            kubeconfig,
            programs,
        } = self;
        let file = |name: &str| quoted(&format!("{folder}/{name}"));
        let [ca_certificates, certificate, key] = Bundle::NAMES;
        let mut settings = vec![
            ("HELM_HOME", quoted(folder)),
            ("TILLER_NAMESPACE", quoted(tiller_namespace)),
            ("HELM_TLS_ENABLE", "true".to_owned()),
            ("HELM_TLS_VERIFY", "true".to_owned()),
            ("HELM_TLS_CA_CERT", file(ca_certificates)),
            ("HELM_TLS_CERT", file(certificate)),
            ("HELM_TLS_KEY", file(key)),
        ];
        if !kubeconfig.is_empty() {
            settings.push(("KUBECONFIG", quoted(&kubeconfig.join(":"))));
        }
        if let Some(programs) = programs {
            settings.push(("PATH", format!("{}:\"$PATH\"", quoted(programs))));
        }
        let lines = settings
            .into_iter()
            .map(|(name, value)| format!("export {name}={value}\n"));
        lines.collect()
    }
}

/// A word that sh, bash, zsh and fish take as it is. Inside single quotes fish alone gives the backslash a meaning, so
/// that backslashes and single quotes stand outside, where all agree.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for character in text.chars() {
        match character {
            '\'' => out.push_str("'\\''"),
            '\\' => out.push_str("'\\\\'"),
            _ => out.push(character),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_stay_readable() {
        let environment = Environment {
            folder: "/home/ada/blue",
            tiller_namespace: "blue-tiller",
            kubeconfig: &[
                "/home/ada/blue/kubeconfig".to_owned(),
                "/etc/it's".to_owned(),
            ],
            programs: Some("/home/ada/blue/bin"),
        };
        assert_eq!(
            environment.text(),
            "export HELM_HOME='/home/ada/blue'\n\
             export TILLER_NAMESPACE='blue-tiller'\n\
             export HELM_TLS_ENABLE=true\n\
             export HELM_TLS_VERIFY=true\n\
             export HELM_TLS_CA_CERT='/home/ada/blue/ca.pem'\n\
             export HELM_TLS_CERT='/home/ada/blue/cert.pem'\n\
             export HELM_TLS_KEY='/home/ada/blue/key.pem'\n\
             export KUBECONFIG='/home/ada/blue/kubeconfig:/etc/it'\\''s'\n\
             export PATH='/home/ada/blue/bin':\"$PATH\"\n"
        );
    }

    #[test]
    fn quotes_and_backslashes_stand_outside_the_quotes() {
        assert_eq!(quoted(r"a'b\c d$e"), r"'a'\''b'\\'c d$e'");
    }
}
