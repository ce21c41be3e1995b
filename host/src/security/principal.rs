//! Who makes a request, and for which tenant.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::ids::TenantId;

/// Put into every request that passes the guard; a handler takes it as an argument and gets its tenant from it.
#[derive(Debug, Clone)]
pub struct Principal(Arc<Who>);

/// What a principal is, as `/me` shows it.
#[derive(Debug)]
pub struct Who {
    pub tenant: TenantId,
    pub tenant_name: String,
    pub user: String,
    pub roles: Vec<String>,
    pub scopes: Vec<String>,
    /// First 12 hex digits of the token's SHA-256.
    pub token_fingerprint: String,
    /// False: the request needed no token and brought none.
    pub authenticated: bool,
}

impl Principal {
    /// The administrator that every shared token stands for.
    pub(super) fn shared_token(fingerprint: String) -> Self {
        Principal(Arc::new(Who {
            tenant: TenantId::LOCAL,
            tenant_name: "local".into(),
            user: "local-admin".into(),
            roles: vec!["admin".into(), "user".into()],
            scopes: vec!["*".into()],
            token_fingerprint: fingerprint,
            authenticated: true,
        }))
    }

    /// Whether the request may touch what is the operator's.
    pub fn is_admin(&self) -> bool {
        self.roles.iter().any(|role| role == "admin")
    }

    /// A request without a token where none is needed.
    pub(super) fn anonymous() -> Self {
        Principal(Arc::new(Who {
            tenant: TenantId::LOCAL,
            tenant_name: "local".into(),
            user: String::new(),
            roles: Vec::new(),
            scopes: Vec::new(),
            token_fingerprint: String::new(),
            authenticated: false,
        }))
    }
}

impl std::ops::Deref for Principal {
    type Target = Who;
    fn deref(&self) -> &Who {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Infallible;

    /// A route outside the guard has nobody but the anonymous principal.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts
            .extensions
            .get::<Principal>()
            .cloned()
            .unwrap_or_else(Principal::anonymous))
    }
}
