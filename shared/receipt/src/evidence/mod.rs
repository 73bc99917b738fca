//! Evidence: signatures that an auditor verifies with the files and the public keys alone.
//!
//! [`seal`] signs a JSON object by a [`Signer`]. [`CertifiedSealer`] signs receipts with a
//! short-lived key that a signer certified. [`verified`] opens a sealed file and verifies it; its
//! error says what is wrong with the file.

mod certificate;
mod certified;
mod jwks;
mod jws;
mod sealed;
mod sealer;
mod signer;
#[cfg(test)]
mod tests;

pub use certificate::{Certificate, Signatory, signatory};
pub use certified::{CertifiedSealer, SealerHost};
pub use jwks::{Jwk, Jwks};
pub use jws::{Kind, SigningInput, from_der, signing_input, verify};
pub use sealed::{
    MAX_BYTES, SealError, SealedFile, VerifiedFile, open, seal, signed_by, verified, with_signature,
};
pub use sealer::{NoSigner, Seal};
pub use signer::{MemorySigner, SignError, Signer};
