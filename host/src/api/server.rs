//! Serves the router on a listener until it is told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::ListenerExt;
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long requests in work may take after the stop.
const GRACE: Duration = Duration::from_secs(10);

/// Tells open streams that the server stops; they would keep it up for ever.
#[derive(Debug, Clone, Default)]
pub(super) struct Closing(pub CancellationToken);

/// Accepts connections until `shutdown` is ready, then ends streams, lets requests in work finish (10 s at most) and returns.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let closing = CancellationToken::new();
    let service = router
        .layer(Extension(Closing(closing.clone())))
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
    });
    let stop = closing.clone();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        shutdown.await;
        stop.cancel();
    });
    let overdue = async {
        closing.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = server.into_future() => ended,
        () = overdue => Ok(()),
    }
}
