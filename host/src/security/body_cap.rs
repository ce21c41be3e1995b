//! The largest body of a write, by path. A declared length is checked at once, any other body while it is read.

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures::StreamExt;

use super::Settings;

/// What multipart framing may add to an upload.
const FRAMING: u64 = 2 * 1024 * 1024;

/// A body over its cap; both in bytes. For a body of unknown length `bytes` is what had come when the cap was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Payload Too Large ({bytes} bytes > {cap} bytes)")]
pub struct TooLarge {
    pub bytes: u64,
    pub cap: u64,
}

/// The cap of a path in bytes; `None` = any size.
pub(super) fn cap(settings: &Settings, path: &str) -> Option<u64> {
    let upload = if path.ends_with("/attachments/upload") {
        settings.max_attachment_bytes
    } else if path.ends_with("/bundles/upload") || path.ends_with("/workflow-catalog/upload") {
        settings.max_bundle_bytes
    } else {
        return Some(settings.max_body_bytes).filter(|cap| *cap > 0);
    };
    let cap = upload.saturating_add(FRAMING);
    Some(if settings.max_upload_body_bytes > 0 {
        cap.min(settings.max_upload_body_bytes)
    } else {
        cap
    })
}

/// The declared length of a body.
pub(super) fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// The body, ending in [`TooLarge`] where it passes `cap`.
pub(super) fn capped(body: Body, cap: u64) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let mut bytes = 0u64;
    let counted = body.into_data_stream().map(move |chunk| -> Result<Bytes, axum::BoxError> {
        let chunk = chunk?;
        bytes += chunk.len() as u64;
        if bytes > cap {
            Err(TooLarge { bytes, cap }.into())
        } else {
            Ok(chunk)
        }
    });
    Body::from_stream(counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_have_their_own_caps() {
        let mut settings = Settings {
            max_body_bytes: 10,
            max_attachment_bytes: 20,
            max_bundle_bytes: 30,
            ..Settings::default()
        };
        let caps = |settings: &Settings| {
            [
                "/api/gateway/commands",
                "/api/gateway/attachments/upload",
                "/api/gateway/bundles/upload",
            ]
            .map(|path| cap(settings, path))
        };
        assert_eq!(caps(&settings), [Some(10), Some(20 + FRAMING), Some(30 + FRAMING)]);
        settings.max_upload_body_bytes = 25;
        settings.max_body_bytes = 0;
        assert_eq!(caps(&settings), [None, Some(25), Some(25)]);
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_ends_where_it_passes_the_cap() {
        let chunks = futures::stream::iter(["abc", "def"].map(|text| Ok::<_, std::io::Error>(Bytes::from(text))));
        let error = axum::body::to_bytes(capped(Body::from_stream(chunks), 5), usize::MAX)
            .await
            .unwrap_err();
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref::<TooLarge>() {
                assert_eq!(found, &TooLarge { bytes: 6, cap: 5 });
                return;
            }
            cause = error.source();
        }
        panic!("not found: {error}");
    }
}
