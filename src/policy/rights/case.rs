//! What an object that gives rights means to Tillers' accounts, as the rules see it.

use super::excess::{Bound, Excess, RoleExcess, excess};
use crate::policy::knowledge::Knowledge;
use crate::policy::knowledge::{KnownBinding, KnownRole};
use crate::policy::rbac::{Account, Binding, Holder, RbacObject, Role, RoleKind};
use crate::policy::settings::Settings;

/// An object that gives rights.
#[derive(Debug)]
pub(in crate::policy) enum RbacCase<'a> {
    /// For each subject of a binding that stands for a Tiller's account, what one of them gets beyond what its team
    /// allows.
    Binding(Vec<(usize, Gain<'a>)>),
    Role(Box<RoleCase<'a>>),
}

/// A role, and what it gives Tillers' accounts.
#[derive(Debug)]
pub(in crate::policy) struct RoleCase<'a> {
    pub(in crate::policy) role: &'a Role<'a>,
    /// What one of the accounts gets that are bound to it.
    pub(in crate::policy) own: Option<Gain<'a>>,
    /// What one of the accounts gets that are bound to a ClusterRole which takes its rules in.
    pub(in crate::policy) aggregated: Option<(&'a str, Gain<'a>)>,
}

/// What an account gets beyond what its team allows.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) struct Gain<'a> {
    pub(in crate::policy) holder: Holder<'a>,
    pub(in crate::policy) account: Account<'a>,
    pub(in crate::policy) bound: Bound<'a>,
    pub(in crate::policy) excess: Excess<'a>,
}

/// The ClusterRoles of Kubernetes that are taken in by one another: a policy that allows one of them allows what
/// Kubernetes makes of it.
const BUILT_IN: [&str; 6] = [
    "admin",
    "edit",
    "view",
    "system:aggregate-to-admin",
    "system:aggregate-to-edit",
    "system:aggregate-to-view",
];

// === impl RbacCase ===

impl<'a> RbacCase<'a> {
    pub(in crate::policy) fn new(
        object: &'a RbacObject<'a>,
        settings: &Settings,
        knowledge: &'a Knowledge,
    ) -> Self {
        let judge = Judge {
            settings,
            knowledge,
        };
        match object {
            RbacObject::Binding(binding) => Self::Binding(judge.binding(binding)),
            RbacObject::Role(role) => Self::Role(Box::new(judge.role(role))),
        }
    }
}

#[derive(Clone, Copy)]
struct Judge<'s, 'a> {
    settings: &'s Settings,
    knowledge: &'a Knowledge,
}

// === impl Judge ===

impl<'a> Judge<'_, 'a> {
    fn binding(self, binding: &'a Binding<'a>) -> Vec<(usize, Gain<'a>)> {
        binding.role.kind().map_or_else(Vec::new, |role_kind| {
            let bound = Bound {
                cluster_wide: binding.cluster_wide,
                namespace: binding.namespace.as_deref(),
                name: &binding.name,
                role_kind,
                role_name: &binding.role.name,
            };
            let role = bound.role(self.knowledge);
            let gain = |(index, holder)| Some((index, self.gain(holder, bound, role)?));
            binding.holders().filter_map(gain).collect()
        })
    }

    fn role(self, role: &'a Role<'a>) -> RoleCase<'a> {
        let Self {
            settings,
            knowledge,
        } = self;
        let new = KnownRole::new(role);
        let bindings = knowledge.bindings_to(role.kind, role.namespace.as_deref(), &role.name);
        let mut taken_in = knowledge.aggregates_of(role);
        if BUILT_IN.contains(&role.name.as_str()) {
            taken_in.clear();
        }
        let aggregated = taken_in.into_iter().find_map(|name| {
            let bindings = knowledge.bindings_to(RoleKind::ClusterRole, None, name);
            // What comes in is judged by itself, whatever the policy allows the whole.
            let allowed = settings.allows_cluster_role(name);
            let new = KnownRole {
                aggregated: !allowed,
                ..new
            };
            let by_itself = |bound| Bound {
                role_name: if allowed { &role.name } else { name },
                ..bound
            };
            let gain = self.worst(bindings, new, by_itself)?;
            Some((name, gain))
        });
        RoleCase {
            role,
            own: self.worst(bindings, new, |bound| bound),
            aggregated,
        }
    }

    /// The worst that these bindings give an account with this role. Whoever is bound may be bound anywhere as long as
    /// the role grants nothing: where one account is bound was judged with its binding, but its team may have lost a
    /// namespace since.
    fn worst(
        self,
        bindings: impl Iterator<Item = &'a KnownBinding>,
        role: KnownRole,
        seen_as: impl Fn(Bound<'a>) -> Bound<'a>,
    ) -> Option<Gain<'a>> {
        let gains = bindings.flat_map(|binding| {
            let bound = seen_as(Bound::known(binding));
            let gain = move |holder| {
                let mut gain = self.gain(holder, bound, Some(role))?;
                if role.rights.are_everybodys() {
                    gain.excess.scope = None;
                }
                Some(gain)
            };
            binding.holders().filter_map(gain)
        });
        worst(gains)
    }

    /// The worst that a binding gives an account by this subject.
    fn gain(
        self,
        holder: Holder<'a>,
        bound: Bound<'a>,
        role: Option<KnownRole>,
    ) -> Option<Gain<'a>> {
        let Self {
            settings,
            knowledge,
        } = self;
        let accounts = knowledge.tiller_accounts(holder, settings);
        worst(accounts.map(|account| Gain {
            holder,
            account,
            bound,
            excess: excess(account, holder, bound, role, settings, knowledge),
        }))
    }
}

/// The gain with the most that is wrong; the first of these.
fn worst<'a>(gains: impl Iterator<Item = Gain<'a>>) -> Option<Gain<'a>> {
    let mut worst: Option<Gain<'a>> = None;
    for gain in gains {
        let weight = gain.weight();
        if weight > worst.map_or(0, |worst| worst.weight()) {
            worst = Some(gain);
        }
        if weight == Gain::HEAVIEST {
            break;
        }
    }
    worst
}

// === impl Gain ===

impl Gain<'_> {
    const HEAVIEST: u8 = 7;

    /// Rights in a Tiller's own namespace are more than the same elsewhere.
    fn weight(&self) -> u8 {
        let Excess { scope, role } = self.excess;
        let role = match role {
            None => 0,
            Some(RoleExcess::Unknown) => 1,
            Some(_) if self.in_own_namespace() => 3,
            Some(_) => 2,
        };
        4 * u8::from(scope.is_some()) + role
    }

    /// Whether the rights hold in the account's own namespace.
    pub(in crate::policy) fn in_own_namespace(&self) -> bool {
        self.bound.cluster_wide || self.bound.namespace == Some(self.account.namespace)
    }
}
