//! Which requests only an administrator may make (gateway contract, section 1.11).

use axum::http::Method;
use axum::response::Response;
use serde::Serialize;

use super::Principal;

/// The role that is needed, in the words of the refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AdminOnly {
    detail: &'static str,
    reason_code: &'static str,
    required_role: &'static str,
    resource_class: &'static str,
    action: &'static str,
}

/// What a request needs that `principal` lacks.
pub fn lacking(principal: &Principal, method: &Method, path: &str) -> Option<AdminOnly> {
    let resource_class = resource(path)?;
    let is_read = *method == Method::GET || *method == Method::HEAD;
    (!principal.is_admin()).then_some(AdminOnly {
        detail: "Admin principal required",
        reason_code: "admin_required",
        required_role: "admin",
        resource_class,
        action: if is_read { "read" } else { "write" },
    })
}

/// The class of what only administrators reach: the operator's files and log.
fn resource(path: &str) -> Option<&'static str> {
    let names: Vec<&str> = path
        .strip_prefix("/api/gateway/")?
        .split('/')
        .filter(|name| !name.is_empty())
        .collect();
    match names.as_slice() {
        ["files", ..] | ["artifacts", "import"] | ["attachments", "ingest"] | ["runs", _, "artifacts", _, "export"] => {
            Some("workspace")
        }
        ["audit", ..] => Some("audit"),
        _ => None,
    }
}

impl AdminOnly {
    pub fn response(self) -> Response {
        crate::api::json(axum::http::StatusCode::FORBIDDEN, &self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_files_and_log_are_an_administrators() {
        let nobody = Principal::anonymous();
        for (path, wanted) in [
            ("/api/gateway/files/read", Some("workspace")),
            ("/api/gateway//files//list/", Some("workspace")),
            ("/api/gateway/artifacts/import", Some("workspace")),
            ("/api/gateway/attachments/ingest", Some("workspace")),
            ("/api/gateway/runs/r/artifacts/a/export", Some("workspace")),
            ("/api/gateway/audit/tail", Some("audit")),
            ("/api/gateway/attachments/upload", None),
            ("/api/gateway/workspace/policy", None),
            ("/api/gateway/runs/files", None),
        ] {
            let lacking = lacking(&nobody, &Method::GET, path).map(|need| need.resource_class);
            assert_eq!(lacking, wanted, "{path}");
            assert_eq!(
                super::lacking(&Principal::shared_token(String::new()), &Method::GET, path),
                None
            );
        }
    }
}
