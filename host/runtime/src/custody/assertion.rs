//! Signs assertions with the application's private key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brightsync_core::manifest::Algorithm;
use brightsync_core::recipe::{Reason, Trouble};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

/// Makes a JSON Web Token of what is to be signed, with a key in PEM: PKCS #8, or PKCS #1 for RSA.
pub(super) fn sign(
    algorithm: Algorithm,
    input: &str,
    key: &str,
) -> Result<Zeroizing<String>, Trouble> {
    let unusable = |why: &str| Trouble::new(Reason::WrongClient).with("", why);
    let unfit = |_| unusable("the private key is not one for this kind of signature");
    let der = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| unusable("the private key is not PEM with BEGIN PRIVATE KEY"))?;
    let random = SystemRandom::new();
    let signature = match (algorithm, &der) {
        (Algorithm::Rs256, PrivateKeyDer::Pkcs8(_) | PrivateKeyDer::Pkcs1(_)) => {
            let key = match &der {
                PrivateKeyDer::Pkcs1(_) => RsaKeyPair::from_der(der.secret_der()),
                _ => RsaKeyPair::from_pkcs8(der.secret_der()),
            };
            let key = key.map_err(unfit)?;
            let mut signature = vec![0; key.public().modulus_len()];
            key.sign(&RSA_PKCS1_SHA256, &random, input.as_bytes(), &mut signature)
                .map_err(|_| unusable("the private key cannot sign"))?;
            signature
        }
        (Algorithm::Es256, PrivateKeyDer::Pkcs8(_)) => {
            let der = der.secret_der();
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &random)
                .map_err(unfit)?;
            let signature = key.sign(&random, input.as_bytes());
            signature
                .map_err(|_| unusable("the private key cannot sign"))?
                .as_ref()
                .to_vec()
        }
        (Algorithm::Rs256 | Algorithm::Es256, _) => {
            return Err(unusable("the private key is not in PKCS #8"));
        }
    };
    let signature = URL_SAFE_NO_PAD.encode(signature);
    Ok(Zeroizing::new(format!("{input}.{signature}")))
}
