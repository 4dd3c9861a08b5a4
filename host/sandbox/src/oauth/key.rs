//! Public keys of clients: JSON Web Keys (RFC 7517, 7518) and the signatures they verify.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::Value;

/// A public key.
#[derive(Clone)]
pub(crate) struct Key {
    id: Option<String>,
    form: Form,
}

#[derive(Clone)]
enum Form {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// A point of P-256, uncompressed.
    Ec(Vec<u8>),
}

impl Key {
    /// Reads a key; none if it is not public, of another kind, or too short.
    pub(crate) fn parse(key: &Value) -> Option<Self> {
        if key.get("d").is_some() {
            // A private key has no business here.
            return None;
        }
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let number = |name: &str| bytes(text(name)?);
        let form = match text("kty")? {
            "RSA" => {
                let (modulus, exponent) = (number("n")?, number("e")?);
                let long = (256..=1024).contains(&modulus.len());
                let minimal = [&modulus, &exponent]
                    .iter()
                    .all(|it| it.first().is_some_and(|it| *it != 0));
                (long && minimal).then_some(Form::Rsa { modulus, exponent })?
            }
            "EC" if text("crv") == Some("P-256") => {
                let (x, y) = (number("x")?, number("y")?);
                // RFC 7518, section 6.2.1.2: both have the full length.
                (x.len() == 32 && y.len() == 32).then(|| Form::Ec([vec![4], x, y].concat()))?
            }
            _ => return None,
        };
        Some(Self {
            id: text("kid").map(ToOwned::to_owned),
            form,
        })
    }

    /// Tells whether the key is meant by the `kid` of a header, if there is one.
    pub(crate) fn is_called(&self, id: Option<&str>) -> bool {
        id.is_none() || self.id.as_deref() == id
    }

    /// Tells whether the key made the signature by this `alg`; an RSA key does not verify `ES256`.
    pub(crate) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        match (&self.form, algorithm) {
            (Form::Rsa { modulus, exponent }, "RS256") => RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .is_ok(),
            (Form::Ec(point), "ES256") => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(message, signature)
                .is_ok(),
            _ => false,
        }
    }
}

/// Decodes base64url without padding, as JOSE has it everywhere.
pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
