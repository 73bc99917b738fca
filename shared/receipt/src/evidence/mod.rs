//! Evidence: receipts that prove themselves, to somebody who has the files and the public keys only.
//!
//! [`seal`] signs a JSON object by a [`Signer`]; [`verified`] takes a sealed file apart again, or says what is wrong.

mod jwks;
mod jws;
mod sealed;
mod sealer;
mod signer;
#[cfg(test)]
mod tests;

pub use jwks::{Jwk, Jwks};
pub use jws::{Kind, SigningInput, from_der, signing_input, verify};
pub use sealed::{MAX_BYTES, SealError, Sealed, Verified, open, seal, verified, with_signature};
pub use sealer::{Seal, Unsigned};
pub use signer::{MemorySigner, SignError, Signer};
