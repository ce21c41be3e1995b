//! What is kept, and for how long.

use std::collections::HashMap;
use std::time::Duration;

use crate::ids::TenantId;

/// How long a tenant's runs are kept. What is None is kept for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// A tree of runs that have all ended goes this long after the last of them moved.
    pub finished_after: Option<Duration>,
    /// The id of a command is remembered this long after it was applied or refused.
    pub commands_after: Option<Duration>,
    /// Ledger rows of a run that goes on; a tenth more before the oldest go.
    pub max_rows: Option<u64>,
    /// Age of the ledger rows of a run that goes on.
    pub max_age: Option<Duration>,
}

impl Policy {
    pub(super) fn bounds_ledgers(&self) -> bool {
        self.max_rows.is_some() || self.max_age.is_some()
    }

    fn keeps_everything(&self) -> bool {
        *self == Policy::default()
    }
}

/// The policies of a host.
#[derive(Debug, Clone)]
pub struct Retention {
    /// Pause between two looks for what has expired.
    pub interval: Duration,
    pub all: Policy,
    /// Of tenants that have a policy of their own.
    pub tenants: HashMap<TenantId, Policy>,
}

impl Default for Retention {
    fn default() -> Self {
        Retention {
            interval: Duration::from_secs(10),
            all: Policy::default(),
            tenants: HashMap::new(),
        }
    }
}

impl Retention {
    pub(super) fn of(&self, tenant: TenantId) -> Policy {
        self.tenants.get(&tenant).copied().unwrap_or(self.all)
    }

    /// Whether anything ever expires.
    pub(super) fn is_off(&self) -> bool {
        self.all.keeps_everything() && self.tenants.values().all(Policy::keeps_everything)
    }
}
