//! Traces for the collector that the operator names: OpenTelemetry's protocol over HTTP, as JSON.
//!
//! What is sent are the spans of the runtime, of which each is a call or a request. Log lines are not, since a connector may have written them.

use std::time::Duration;

use anyhow::{Context as _, Result};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer as _;

use crate::arguments::Listener;

/// How long the collector may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the spans of a command go.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    endpoint: String,
}

impl Traces {
    /// Begins to collect spans for a collector such as `http://localhost:4318`.
    pub(crate) fn begin(collector: &str) -> Result<(Self, Listener)> {
        // The HTTP client of the exporter takes what the process has.
        let _there_is_one = rustls::crypto::ring::default_provider().install_default();
        let endpoint = format!("{}/v1/traces", collector.trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(&endpoint)
            .with_timeout(PATIENCE)
            .build()
            .with_context(|| format!("traces cannot be sent to {collector:?}"))?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder()
            .with_service_name("brightsync")
            .with_attribute(version);
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(exporter)
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("brightsync"))
            .with_location(false)
            .with_threads(false)
            .with_filter(filter_fn(is_ours))
            .boxed();
        Ok((Self { provider, endpoint }, layer))
    }

    /// Sends what has not been sent yet.
    pub(crate) async fn end(self) -> Result<()> {
        let Self { provider, endpoint } = self;
        tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(PATIENCE))
            .await?
            .with_context(|| format!("the traces did not reach {endpoint}"))
    }
}

fn is_ours(of: &Metadata<'_>) -> bool {
    of.is_span() && of.target().starts_with("brightsync") && *of.level() <= Level::INFO
}
