//! The rights that no Tiller may have, found in the rules of a role.

use std::fmt;

use super::role::PolicyRule;
use crate::pod::Text;

/// A right that lets whoever has it become more than it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Something in every API group, those that do not exist yet too.
    AllGroups,
    /// Grant more than one has, by writing a role.
    Escalate,
    /// Bind roles that hold more than one has.
    Bind,
    /// Act as another.
    Impersonate,
    /// Get tokens of service accounts.
    Token,
    /// Something with nodes.
    Nodes,
    /// Something with the cluster's admission.
    Admission,
    /// Run commands in pods, or containers beside theirs. Refused in a Tiller's own namespace only.
    Exec,
}

/// What a role's rules amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights {
    /// A bit for each [`Right`].
    rights: u8,
    /// Whether something is granted beyond what Kubernetes gives everybody.
    particular: bool,
}

/// A part of a rule that grants a right, by its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Grant {
    pub(in crate::policy) right: Right,
    pub(in crate::policy) field: &'static str,
}

const CORE: &str = "";
const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";

/// The group by which OpenShift answers the questions of `authorization.k8s.io`; before 3.6 it was the core group.
const OPENSHIFT_AUTHORIZATION: &str = "authorization.openshift.io";

/// What the paths begin with by which clients find the API: those of `system:discovery` and
/// `system:service-account-issuer-discovery`, Kubernetes 1.10 to 1.36, and of `cluster-status`,
/// `system:openshift:discovery` and `system:openshift:public-info-viewer` (`pkg/bootstrappolicy/policy.go` of
/// openshift-apiserver, and its carried patches of Kubernetes), OpenShift 3.11 to 4.20.
const DISCOVERY: [&str; 11] = [
    "/.well-known",
    "/api",
    "/healthz",
    "/livez",
    "/oapi",
    "/openapi",
    "/openid/v1/jwks",
    "/osapi",
    "/readyz",
    "/swagger",
    "/version",
];

/// By impersonating a scope, whoever may act as an account takes less of it (`system:scope-impersonation` of OpenShift,
/// which binds it to everybody). It lets nobody act as an account.
const SCOPES: &str = "userextras/scopes.authorization.openshift.io";

// === impl Right ===

impl Right {
    /// Every right.
    pub const ALL: [Self; 8] = [
        Self::AllGroups,
        Self::Escalate,
        Self::Bind,
        Self::Impersonate,
        Self::Token,
        Self::Nodes,
        Self::Admission,
        Self::Exec,
    ];

    /// What it is, as the object of "grants".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllGroups => "rights in every API group",
            Self::Escalate => "writing roles beyond its own rights (escalate)",
            Self::Bind => "binding roles beyond its own rights (bind)",
            Self::Impersonate => "acting as other accounts (impersonate)",
            Self::Token => "tokens of other accounts (serviceaccounts/token)",
            Self::Nodes => "rights on nodes",
            Self::Admission => "rights on the cluster's admission webhooks and policies",
            Self::Exec => "commands in pods (exec, attach, ephemeral containers)",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

// === impl Rights ===

impl Rights {
    /// None that are known, and more than everybody has.
    pub(in crate::policy) const UNKNOWN: Self = Self {
        rights: 0,
        particular: true,
    };

    /// What these rules amount to.
    pub fn of(rules: &[PolicyRule<'_>]) -> Self {
        let mut rights = Self::default();
        for rule in rules {
            for Grant { right, field: _ } in rule.grants() {
                rights.rights |= right.bit();
            }
            rights.particular |= !rule.is_everybodys();
        }
        rights
    }

    /// Whether this right is among them.
    pub fn has(self, right: Right) -> bool {
        self.rights & right.bit() != 0
    }

    /// Whether nothing is granted beyond what Kubernetes gives everybody who has logged in: the paths by which
    /// clients find the API, and questions about oneself.
    pub fn are_everybodys(self) -> bool {
        !self.particular
    }

    /// The rights that a Tiller may not have, in the order of [`Right::ALL`]; in its own namespace one more.
    pub(in crate::policy) fn excessive(self, own_namespace: bool) -> Option<Excessive> {
        let mut rights = self;
        if !own_namespace {
            rights.rights &= !Right::Exec.bit();
        }
        (rights.rights != 0).then_some(Excessive(rights))
    }
}

/// At least one right that a Tiller may not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Excessive(Rights);

// === impl Excessive ===

impl Excessive {
    /// Those of a role that grants everything.
    pub(in crate::policy) const ALL: Self = Self(Rights {
        rights: u8::MAX,
        particular: true,
    });
}

/// Their names, with commas.
impl fmt::Display for Excessive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for right in Right::ALL.into_iter().filter(|right| self.0.has(*right)) {
            write!(formatter, "{separator}{}", right.as_str())?;
            separator = ", ";
        }
        Ok(())
    }
}

// === impl PolicyRule ===

impl PolicyRule<'_> {
    /// The rights in this rule that a Tiller may not have, each with the field that shows it best.
    ///
    /// What has no namespace (nodes, webhooks, users and groups) is out of reach of a role that is bound in one, so
    /// that `*` among the resources does not mean it; who names it means it.
    pub(in crate::policy) fn grants(&self) -> impl Iterator<Item = Grant> {
        Right::ALL.into_iter().filter_map(|right| {
            let field = self.grant(right)?;
            Some(Grant { right, field })
        })
    }

    fn grant(&self, right: Right) -> Option<&'static str> {
        if self.verbs.is_empty() {
            return None;
        }
        match right {
            Right::AllGroups => has(&self.api_groups, "*").then_some("apiGroups"),
            Right::Escalate => self.verb("escalate", RBAC, &["roles", "clusterroles"]),
            Right::Bind => self.verb("bind", RBAC, &["roles", "clusterroles"]),
            Right::Impersonate => self.impersonates(),
            Right::Token => {
                let tokens = self.group(CORE) && self.resource("serviceaccounts/token");
                (tokens && self.any_verb(&["create"])).then_some("resources")
            }
            Right::Nodes => {
                let nodes = |resource: &Text<'_>| {
                    resource
                        .strip_prefix("nodes")
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                };
                (self.group(CORE) && self.resources.iter().any(nodes)).then_some("resources")
            }
            Right::Admission => has(&self.api_groups, ADMISSION).then_some("apiGroups"),
            Right::Exec => self.executes().then_some("resources"),
        }
    }

    /// Where a verb that is named outright counts, whatever it is said of, and `*` where it reaches one of these.
    fn verb(&self, verb: &str, group: &str, resources: &[&str]) -> Option<&'static str> {
        let reached = || self.group(group) && resources.iter().any(|it| self.resource(it));
        (has(&self.verbs, verb) || has(&self.verbs, "*") && reached()).then_some("verbs")
    }

    /// From Kubernetes 1.35 on there are `impersonate:user-info` and others beside `impersonate`.
    fn impersonates(&self) -> Option<&'static str> {
        if self.takes_scopes() {
            return None;
        }
        let named = self
            .verbs
            .iter()
            .any(|verb| verb.starts_with("impersonate"));
        if named {
            return Some("verbs");
        }
        self.verb("impersonate", CORE, &["serviceaccounts"])
            .or_else(|| {
                let people = ["users", "groups"]
                    .iter()
                    .any(|name| has(&self.resources, name));
                let others = people && self.group(CORE) || has(&self.api_groups, AUTHENTICATION);
                (others && has(&self.verbs, "*")).then_some("verbs")
            })
    }

    /// `get` suffices for a command over a WebSocket.
    fn executes(&self) -> bool {
        let commands = ["pods/exec", "pods/attach"]
            .iter()
            .any(|it| self.resource(it));
        let containers = self.resource("pods/ephemeralcontainers");
        self.group(CORE)
            && (commands && self.any_verb(&["create", "get"])
                || containers && self.any_verb(&["update", "patch"]))
    }

    fn takes_scopes(&self) -> bool {
        let scopes = |resource: &Text<'_>| resource == SCOPES;
        let authentication = |group: &Text<'_>| group == AUTHENTICATION;
        !self.resources.is_empty()
            && self.resources.iter().all(scopes)
            && self.api_groups.iter().all(authentication)
    }

    /// Whether it grants nothing beyond what `system:discovery`, `system:public-info-viewer` and
    /// `system:basic-user` do, and OpenShift's own counterparts.
    fn is_everybodys(&self) -> bool {
        let Self {
            api_groups,
            resources,
            verbs,
            non_resource_urls,
        } = self;
        if verbs.is_empty() {
            return true;
        }
        let asks = |verb: &Text<'_>| matches!(verb.as_str(), "get" | "head");
        let finds = |path: &Text<'_>| {
            path == "/" || DISCOVERY.iter().any(|prefix| path.starts_with(prefix))
        };
        let own = |resource: &Text<'_>| {
            matches!(
                resource.as_str(),
                "selfsubjectaccessreviews" | "selfsubjectrulesreviews" | "selfsubjectreviews"
            )
        };
        let about_self = |group: &Text<'_>| {
            [CORE, AUTHENTICATION, AUTHORIZATION, OPENSHIFT_AUTHORIZATION].contains(&group.as_str())
        };
        let harmless_paths = non_resource_urls.iter().all(finds) && verbs.iter().all(asks);
        let harmless_resources = resources.iter().all(own)
            && api_groups.iter().all(about_self)
            && verbs.iter().all(|verb| verb == "create");
        (non_resource_urls.is_empty() || harmless_paths)
            && (resources.is_empty()
                || api_groups.is_empty()
                || harmless_resources
                || self.takes_scopes())
    }

    fn group(&self, group: &str) -> bool {
        has(&self.api_groups, "*") || has(&self.api_groups, group)
    }

    /// Whether a resource is among them; `*/NAME` stands for every subresource of that name.
    fn resource(&self, resource: &str) -> bool {
        let sub_resource = resource.split_once('/').map(|(_, name)| name);
        self.resources.iter().any(|given| {
            given == "*"
                || given == resource
                || sub_resource.is_some_and(|name| given.strip_prefix("*/") == Some(name))
        })
    }

    fn any_verb(&self, verbs: &[&str]) -> bool {
        has(&self.verbs, "*") || verbs.iter().any(|verb| has(&self.verbs, verb))
    }
}

fn has(words: &[Text<'_>], word: &str) -> bool {
    words.iter().any(|given| given == word)
}
