//! Answers that many paths share: what is refused, and how it says so.

use utoipa::{IntoResponses, ToSchema};

/// Every error but a validation: one text.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Error` writes")]
pub struct Detail {
    detail: String,
}

/// One finding of a validation.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Issue` writes")]
pub struct Finding {
    r#type: String,
    /// Where: `["body", "runs", 0, "run_id"]`.
    loc: Vec<serde_json::Value>,
    msg: String,
    /// The value as the client sent it.
    input: serde_json::Value,
    ctx: Option<serde_json::Value>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Error::Invalid` writes")]
pub struct Findings {
    detail: Vec<Finding>,
}

/// Any guarded path.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers of the guard")]
pub enum Refused {
    /// No token, or not one of this gateway's.
    #[response(status = 401)]
    Unauthorized(Detail),
    /// The origin is not allowed, or the principal may not do this.
    #[response(status = 403)]
    Forbidden(Detail),
    /// Locked out after wrong tokens, too many requests at once, or too many runs or starts; `Retry-After` says when to come back.
    #[response(status = 429)]
    TooMany(Detail),
    /// The gateway failed; its log says why.
    #[response(status = 500)]
    Failed(Detail),
    /// No token is configured, the gateway is shutting down, or it cannot store anything at the moment.
    #[response(status = 503)]
    Unavailable(Detail),
}

#[derive(IntoResponses)]
#[response(status = 400, description = "Cannot be done as it was asked")]
#[expect(dead_code, reason = "describes `Error::bad_request`")]
pub struct BadRequest(Detail);

#[derive(IntoResponses)]
#[response(status = 404, description = "There is no such thing")]
#[expect(dead_code, reason = "describes `Error::not_found`")]
pub struct NotFound(Detail);

#[derive(IntoResponses)]
#[response(status = 409, description = "What there is stands against it")]
#[expect(dead_code, reason = "describes `Error::conflict`")]
pub struct Conflict(Detail);

/// Rows that were asked for have expired.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Error::Expired` writes")]
pub struct Horizon {
    detail: String,
    /// Number of the first row that is still there: the least `after` is one less.
    horizon: u64,
}

#[derive(IntoResponses)]
#[response(status = 410, description = "Rows before the horizon have expired")]
#[expect(dead_code, reason = "describes `Error::Expired`")]
pub struct Expired(Horizon);

/// Any path that takes a body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes `Stalled` and `TooLarge`")]
pub enum Unread {
    /// The body stopped coming.
    #[response(status = 408)]
    Stalled(Detail),
    /// The body, or what it is to bring in, is larger than this path allows.
    #[response(status = 413)]
    TooLarge(Detail),
}

#[derive(IntoResponses)]
#[response(status = 413, description = "What is asked for is larger than may be read")]
#[expect(dead_code, reason = "describes a file over its limit")]
pub struct TooLarge(Detail);

#[derive(IntoResponses)]
#[response(status = 422, description = "The request does not have the declared shape")]
#[expect(dead_code, reason = "describes `Error::Invalid`")]
pub struct Invalid(Findings);

#[derive(IntoResponses)]
#[response(
    status = 507,
    description = "The tenant keeps as many bytes as it may; the detail names the limit"
)]
#[expect(dead_code, reason = "describes what admission refuses")]
pub struct Full(Detail);
