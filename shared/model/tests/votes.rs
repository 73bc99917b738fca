//! The votes of an approval in every interleaving: every property holds under the rules of the
//! ledger, and each broken rule is detected.

mod votes {
    mod broken;
    mod casts;
    mod holds;
}
