//! The largest body of a write, by path, and the longest pause within one. A declared length is checked at once, any other body
//! while it is read; no body is ever held as a whole here.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures::{StreamExt, stream};

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

/// A body of which nothing came for so long that its request is given up, and with it the permit that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Request Timeout (the body stopped)")]
pub struct Stalled;

/// The body, ending in [`TooLarge`] where it passes `cap`, and in [`Stalled`] where nothing comes for `patience`; zero waits for ever.
pub(super) fn bounded(body: Body, cap: Option<u64>, patience: Duration) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let chunks = stream::unfold(Some((body.into_data_stream(), 0u64)), move |state| async move {
        let (mut chunks, bytes) = state?;
        let next = if patience.is_zero() {
            Ok(chunks.next().await)
        } else {
            tokio::time::timeout(patience, chunks.next()).await
        };
        let chunk = match next {
            Err(_) => return Some((Err(Stalled.into()), None)),
            Ok(chunk) => chunk?,
        };
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return Some((Err(error.into()), None)),
        };
        let bytes = bytes + chunk.len() as u64;
        match cap.filter(|cap| bytes > *cap) {
            Some(cap) => Some((Err(TooLarge { bytes, cap }.into()), None)),
            None => Some((Ok::<Bytes, axum::BoxError>(chunk), Some((chunks, bytes)))),
        }
    });
    Body::from_stream(chunks)
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

    /// What a body that is read to its end ends in.
    async fn end_of<E: std::error::Error + Clone + 'static>(body: Body) -> E {
        let error = axum::body::to_bytes(body, usize::MAX).await.unwrap_err();
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref::<E>() {
                return found.clone();
            }
            cause = error.source();
        }
        panic!("not found: {error}");
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_ends_where_it_passes_the_cap() {
        let chunks = || stream::iter(["abc", "def"].map(|text| Ok::<_, std::io::Error>(Bytes::from(text))));
        let capped = bounded(Body::from_stream(chunks()), Some(5), Duration::ZERO);
        assert_eq!(end_of::<TooLarge>(capped).await, TooLarge { bytes: 6, cap: 5 });
        for cap in [Some(6), None] {
            let whole = bounded(Body::from_stream(chunks()), cap, Duration::from_secs(60));
            assert_eq!(axum::body::to_bytes(whole, usize::MAX).await.unwrap(), "abcdef");
        }
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_given_up() {
        let start = stream::iter([Ok::<_, std::io::Error>(Bytes::from("abc"))]).chain(stream::pending());
        let body = bounded(Body::from_stream(start), None, Duration::from_millis(5));
        assert_eq!(end_of::<Stalled>(body).await, Stalled);
    }
}
