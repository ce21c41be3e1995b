//! Requests by route, and why security refused some.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use metrics::{Key, Label, SharedString};

use super::{dynamic_counter, dynamic_histogram};

/// Why the guard did not let a request through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    Origin,
    Lockout,
    Token,
    NoTokenConfigured,
    Role,
    Size,
    Concurrency,
}

impl Rejection {
    pub(super) const ALL: [Rejection; 7] = [
        Rejection::Origin,
        Rejection::Lockout,
        Rejection::Token,
        Rejection::NoTokenConfigured,
        Rejection::Role,
        Rejection::Size,
        Rejection::Concurrency,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Rejection::Origin => "origin",
            Rejection::Lockout => "lockout",
            Rejection::Token => "token",
            Rejection::NoTokenConfigured => "no_token_configured",
            Rejection::Role => "role",
            Rejection::Size => "size",
            Rejection::Concurrency => "concurrency",
        }
    }
}

/// Counts an answered request. `route` is the template that matched; none for a path that there is not.
pub fn request(route: Option<&str>, method: &Method, status: StatusCode, time: Duration) {
    let route: SharedString = match route {
        Some(route) => Arc::<str>::from(route).into(),
        None => SharedString::const_str("none"),
    };
    let labels = vec![
        Label::new("route", route.clone()),
        Label::new("method", verb(method)),
        Label::new("status", status.as_str().to_owned()),
    ];
    dynamic_counter(&Key::from_parts("flowgate_http_requests_total", labels)).increment(1);
    let labels = vec![Label::new("route", route)];
    dynamic_histogram(&Key::from_parts("flowgate_http_request_seconds", labels)).record(time);
}

/// A client may send any word as a verb.
fn verb(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
