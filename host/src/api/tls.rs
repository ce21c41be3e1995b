//! TLS of the server itself: the certificate and key that it serves with, and changing them while it runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What the server proves itself with. A clone is the same: a reload changes it for connections that come after it.
#[derive(Debug, Clone)]
pub struct Tls {
    cert: PathBuf,
    key: PathBuf,
    config: RustlsConfig,
}

impl Tls {
    /// Reads a certificate chain and its key, both PEM. TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn load(cert: &Path, key: &Path) -> Result<Self, String> {
        Ok(Tls {
            config: RustlsConfig::from_config(Arc::new(read(cert, key)?)),
            cert: cert.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Reads the files again. If they cannot be used, what was there stays.
    pub fn reload(&self) -> Result<(), String> {
        self.config.reload_from_config(Arc::new(read(&self.cert, &self.key)?));
        Ok(())
    }

    pub(super) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }
}

fn read(cert: &Path, key: &Path) -> Result<ServerConfig, String> {
    let bytes = |setting: &str, path: &Path| std::fs::read(path).map_err(|e| format!("{setting} {}: {e}", path.display()));
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&bytes("tls.cert", cert)?)
        .collect::<Result<_, _>>()
        .map_err(|e| format!("tls.cert {} is not PEM: {e}", cert.display()))?;
    if chain.is_empty() {
        return Err(format!("tls.cert {} holds no certificate (PEM)", cert.display()));
    }
    let secret = PrivateKeyDer::from_pem_slice(&bytes("tls.key", key)?)
        .map_err(|_| format!("tls.key {} holds no private key (PEM, not encrypted)", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("TLS cannot be set up: {e}"))?;
    let mut config = config
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|e| match e {
            rustls::Error::InconsistentKeys(_) => {
                format!(
                    "the key in tls.key {} does not belong to the certificate in tls.cert {}",
                    key.display(),
                    cert.display()
                )
            }
            other => format!(
                "tls.cert {} and tls.key {} cannot be used: {other}",
                cert.display(),
                key.display()
            ),
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
