//! Whether a server may start with these settings: a gateway that others can reach is never open by accident.

use super::Error;
use super::settings::{Settings, Token};

/// Tokens that a stranger would try first.
const KNOWN_TOKENS: &[&str] = &[
    "token",
    "changeme",
    "change-me",
    "password",
    "admin",
    "secret",
    "test",
    "default",
    "letmein",
    "12345678",
    "your-token",
    "your-token-here",
    "dev-token",
    "development",
    "localdevelopment",
];

/// Shortest token that may guard an address which other machines can reach.
const SHORTEST: usize = 15;

/// What is to be done before a server with these settings listens.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// No token is set and one is needed: make one, or read the one made before.
    pub make_token: bool,
    /// Sentences for the operator.
    pub warnings: Vec<String>,
}

/// The rules of the address, the token and the origins.
pub fn check(settings: &Settings) -> Result<Verdict, Error> {
    if settings.tls.is_half() {
        let text = "tls.cert and tls.key belong together: set both, or neither for plain HTTP";
        return Err(Error::Refused(text.to_owned()));
    }
    let security = &settings.security;
    let public = !settings.is_loopback();
    let mut warnings = Vec::new();
    if !security.enabled {
        let reach = if public {
            "and every machine that reaches it can start and read runs"
        } else {
            "on this machine"
        };
        warnings.push(format!(
            "security is off (security.enabled = false): {} needs no token, {reach}",
            settings.host
        ));
        return Ok(Verdict {
            make_token: false,
            warnings,
        });
    }
    let guarded = security.protect_write || security.protect_read;
    let make_token = guarded && settings.tokens.is_empty();
    if make_token && public {
        return Err(Error::Refused(format!(
            "Refusing to start: no auth token is set, and {} can be reached from other machines. Set FLOWGATE_AUTH_TOKEN \
             (at least {SHORTEST} characters), or listen on 127.0.0.1.",
            settings.host
        )));
    }
    let weak = settings.tokens.iter().any(is_weak);
    let wild = security
        .allowed_origins
        .iter()
        .filter(|o| is_public_wildcard(o))
        .map(String::as_str)
        .collect::<Vec<_>>();
    if public {
        if weak {
            let text = "Refusing to start: weak auth token detected while binding to a non-loopback host.";
            return Err(Error::Refused(format!(
                "{text} Use at least {SHORTEST} characters that nobody can guess."
            )));
        }
        warnings.push(format!("{} can be reached from other machines", settings.host));
        if !settings.tls.is_on() {
            warnings.push("HTTP is not encrypted: serve TLS (tls.cert, tls.key) or stand behind a proxy that does".to_owned());
        }
        if !security.protect_write {
            warnings.push("writes need no token (security.protect_write = false)".to_owned());
        }
        if !security.protect_read {
            warnings.push("reads need no token (security.protect_read = false)".to_owned());
        }
    }
    if !wild.is_empty() {
        warnings.push(format!(
            "browser pages of many origins may call this server: {}",
            wild.join(", ")
        ));
    }
    Ok(Verdict { make_token, warnings })
}

fn is_weak(token: &Token) -> bool {
    let text = token.reveal().trim();
    text.len() < SHORTEST || KNOWN_TOKENS.iter().any(|known| known.eq_ignore_ascii_case(text))
}

/// A pattern that pages of other people's sites can match.
fn is_public_wildcard(origin: &str) -> bool {
    if !origin.contains(['*', '?', '[']) {
        return false;
    }
    let host = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    let host = host
        .strip_prefix("[::1]")
        .map_or_else(|| host.split(['/', ':']).next().unwrap_or(host), |_| "::1");
    !super::settings::is_loopback(host)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::{Environment, Sources, resolve};

    fn verdict(pairs: &[(&str, &str)]) -> Result<Verdict, String> {
        let environment = Environment::from_pairs(pairs.iter().copied());
        let settings = resolve(&Sources {
            environment,
            ..Sources::default()
        })
        .unwrap()
        .settings;
        check(&settings).map_err(|e| e.to_string())
    }

    #[test]
    fn a_server_that_others_reach_needs_a_strong_token() {
        let strong = ("FLOWGATE_AUTH_TOKEN", "0123456789abcdef0123");
        assert_eq!(
            verdict(&[]),
            Ok(Verdict {
                make_token: true,
                warnings: vec![]
            })
        );
        assert!(
            verdict(&[("FLOWGATE_HOST", "0.0.0.0")])
                .unwrap_err()
                .contains("no auth token")
        );
        assert!(
            verdict(&[("FLOWGATE_HOST", "gateway.example")])
                .unwrap_err()
                .contains("no auth token")
        );
        assert!(
            verdict(&[("FLOWGATE_HOST", "::"), ("FLOWGATE_AUTH_TOKEN", "changeme")])
                .unwrap_err()
                .contains("weak auth token")
        );
        assert!(!verdict(&[("FLOWGATE_HOST", "0.0.0.0"), strong]).unwrap().make_token);
        assert!(
            !verdict(&[("FLOWGATE_AUTH_TOKEN", "short")]).unwrap().make_token,
            "on loopback any token will do"
        );
        assert!(
            !verdict(&[("FLOWGATE_HOST", "0.0.0.0"), ("FLOWGATE_SECURITY", "0")])
                .unwrap()
                .warnings
                .is_empty()
        );
    }

    #[test]
    fn a_certificate_needs_its_key() {
        for half in ["FLOWGATE_TLS_CERT", "FLOWGATE_TLS_KEY"] {
            assert!(verdict(&[(half, "x.pem")]).unwrap_err().contains("belong together"));
        }
        let both = [("FLOWGATE_TLS_CERT", "c.pem"), ("FLOWGATE_TLS_KEY", "k.pem")];
        assert!(verdict(&both).unwrap().warnings.is_empty());
    }

    #[test]
    fn wildcard_origins_of_strangers_are_warned_about() {
        for (origin, warned) in [
            ("*", true),
            ("https://*.ngrok-free.app", true),
            ("https://*", true),
            ("http://localhost:*", false),
            ("http://127.0.0.1:*", false),
            ("http://[::1]:*", false),
            ("https://app.example", false),
        ] {
            let got = verdict(&[("FLOWGATE_ALLOWED_ORIGINS", origin)]).unwrap();
            assert_eq!(!got.warnings.is_empty(), warned, "{origin}");
        }
    }
}
