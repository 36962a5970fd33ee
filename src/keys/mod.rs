//! How are signing keys made, sealed, published, used and replaced? (RFC 7515, RFC 7517, RFC 7518, RFC 7638, RFC 8037)
//!
//! | file | question |
//! |---|---|
//! | `alg` | which algorithms sign access tokens? |
//! | `private_key` | which private keys are accepted, and how are they read and written? |
//! | `generate` | how is a new private key made? |
//! | `key_pair` | how does a parsed key sign, verify and name its public half? |
//! | `certificate` | which certificate goes with a key? |
//! | `jwk` | what is published about a key? |
//! | `public_key` | which public keys may a client register, and in which forms? |
//! | `x509` | which key does a certificate hold, and when is it valid? |
//! | `signer` | how does a token get its signature? |
//! | `seal` | how does a private key lie in the database? |
//! | `master_keys` | which master key seals, and which others open? |
//! | `master_key_file` | how does the master key lie on disk? |
//! | `lifecycle` | when does a key sign, and how long is it published? |
//! | `public_test_keys`, `public_test_primes` | which keys may `dev` use because they are worthless? |

pub mod lifecycle;
pub mod master_key_file;
pub mod public_test_keys;
pub mod public_test_primes;

mod alg;
mod certificate;
mod generate;
mod jwk;
mod key_pair;
mod master_keys;
mod private_key;
mod public_key;
mod seal;
mod signer;
mod x509;

pub use alg::{SigningAlg, UnknownSigningAlg};
pub use certificate::{CERTIFICATE_VALIDITY_DAYS, CertificateError, self_signed_certificate};
pub use generate::{RsaBits, UnsupportedRsaBits, generate_private_key};
pub use jwk::{KeyUse, PublicJwk, PublicJwkError, PublicParameters, render_jwk_set};
pub use master_keys::MasterKeys;
pub use private_key::{PrivateKey, PrivateKeyError};
pub use public_key::{PublicKey, PublicKeyError, ReadKey};
pub use seal::{MasterKey, MasterKeyError, MasterKeyId, SealError};
pub use signer::{SignError, Signer, SignerError};
pub use x509::Validity;
