//! Traces by OTLP over HTTP: spans of requests, activations, ticks and external effects.
//!
//! On when the standard `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) is set; the exporter reads the other `OTEL_*` variables
//! itself. Off, no span of this kind is made. A span names runs, flows, nodes, routes and request ids; never a payload, a header or a
//! token.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Metadata, Span, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::registry::LookupSpan;

use crate::ids::TenantId;

/// The target of the spans that are exported, and of nothing else.
pub const TARGET: &str = "flowgate::trace";

static ON: AtomicBool = AtomicBool::new(false);
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Whether spans are exported. Asked before a span is made.
pub fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// The layer that exports spans.
///
/// # Errors
/// What the `OTEL_*` variables say cannot be used.
pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> Result<impl Layer<S>, String> {
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build();
    let exporter = exporter.map_err(|e| format!("traces cannot be exported: {e}"))?;
    // Attributes and names of the environment win over these.
    let resource = Resource::builder().with_service_name(service_name()).build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build();
    let tracer = provider.tracer("flowgate");
    let _set_before = PROVIDER.set(provider);
    ON.store(true, Ordering::Relaxed);
    let exported = FilterFn::new(|metadata: &Metadata<'_>| metadata.is_span() && metadata.target() == TARGET);
    let layer = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false);
    Ok(layer.with_filter(exported))
}

fn service_name() -> String {
    let given = crate::config::Environment::of_process();
    given.get("OTEL_SERVICE_NAME").unwrap_or("flowgate").to_owned()
}

/// Sends what has not been sent. Blocks: not for an async task.
pub(super) fn close() {
    if let Some(provider) = PROVIDER.get()
        && let Err(error) = provider.shutdown()
    {
        tracing::warn!(%error, "the last traces could not be sent");
    }
}

/// The span of a run's activation; none when traces are off.
pub fn activation(tenant: TenantId, run_id: &str, workflow_id: &str) -> Span {
    if !is_on() {
        return Span::none();
    }
    tracing::info_span!(target: TARGET, "activation", tenant = tenant.0, run_id, flow = workflow_id)
}

/// The span of one tick within an activation.
pub fn tick(node: &str) -> Span {
    if !is_on() {
        return Span::none();
    }
    tracing::info_span!(target: TARGET, "tick", node, fuel = tracing::field::Empty, steps = tracing::field::Empty)
}

/// The span of an external effect.
pub fn effect(run_id: &str, workflow_id: &str, node: &str, kind: &str, attempt: u32) -> Span {
    if !is_on() {
        return Span::none();
    }
    tracing::info_span!(
        target: TARGET,
        "effect",
        otel.kind = "client",
        otel.status_code = tracing::field::Empty,
        run_id,
        flow = workflow_id,
        node,
        kind,
        attempt
    )
}
