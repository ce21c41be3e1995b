//! The shared bearer tokens, kept as SHA-256.

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::principal::Principal;

/// Digests of the tokens with the principal of each.
#[derive(Debug)]
pub(super) struct Tokens(Vec<([u8; 32], Principal)>);

impl Tokens {
    /// Blank tokens are no tokens.
    pub(super) fn new(tokens: &[String]) -> Self {
        let known = tokens.iter().map(|token| token.trim()).filter(|token| !token.is_empty());
        Tokens(
            known
                .map(|token| (digest(token), Principal::shared_token(fingerprint(&digest(token)))))
                .collect(),
        )
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The principal of the request's bearer token. Takes the same time whether, where and which token matches.
    pub(super) fn verify(&self, headers: &HeaderMap) -> Option<&Principal> {
        let given = digest(bearer(headers)?);
        let mut found = u32::MAX;
        for (at, (known, _)) in (0u32..).zip(&self.0) {
            let same: Choice = known.ct_eq(&given);
            found.conditional_assign(&at, same);
        }
        self.0.get(found as usize).map(|(_, principal)| principal)
    }
}

/// The token of an `Authorization` header: scheme in any case, the rest trimmed.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim_start();
    let (scheme, token) = value.split_once(char::is_whitespace)?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn fingerprint(digest: &[u8; 32]) -> String {
    hex::encode(&digest[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_configured_token_is_accepted_under_any_spelling_of_the_scheme() {
        let tokens = Tokens::new(&["one".into(), " ".into(), "two".into()]);
        let verify = |value: &str| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
            tokens.verify(&headers).map(|who| who.token_fingerprint.clone())
        };
        assert_eq!(verify("Bearer one").as_deref(), Some("7692c3ad3540"));
        assert_eq!(verify("bEARER   two  ").as_deref(), Some("3fc4ccfe7458"));
        for refused in ["Bearer three", "Bearer", "Bearer ", "Basic one", "one", ""] {
            assert_eq!(verify(refused), None, "{refused}");
        }
    }
}
