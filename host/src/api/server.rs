//! Serves the router on a listener, with TLS or without, until it is told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use axum::{Extension, Router};
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsAcceptor;
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::tls::Tls;

/// How long requests in work may take after the stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long a connection may take to send a request's head, or to send nothing between two requests.
const HEAD_TIME: Duration = Duration::from_secs(60);
/// How often an HTTP/2 connection is asked whether it is there, and how long it may take to answer.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIME: Duration = Duration::from_secs(20);

/// Tells open streams that the server stops; they would keep it up for ever.
#[derive(Debug, Clone, Default)]
pub(super) struct Closing(pub CancellationToken);

/// Accepts connections until `shutdown` is ready, then ends streams, lets requests in work finish (10 s at most) and returns.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<&Tls>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let closing = CancellationToken::new();
    let service = router
        .layer(Extension(Closing(closing.clone())))
        .into_make_service_with_connect_info::<SocketAddr>();
    let handle = Handle::new();
    let stopper = tokio::spawn({
        let handle = handle.clone();
        async move {
            shutdown.await;
            closing.cancel();
            handle.graceful_shutdown(Some(GRACE));
        }
    });
    let mut server = Server::<SocketAddr>::from_listener(listener)
        .handle(handle)
        .acceptor(NoDelayAcceptor::new());
    let http = server.http_builder();
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIME);
    let ended = match tls {
        Some(tls) => {
            let acceptor = RustlsAcceptor::new(tls.config());
            let server = server.map(|plain| acceptor.acceptor(plain));
            server.serve(service).await
        }
        None => server.serve(service).await,
    };
    stopper.abort();
    ended
}
