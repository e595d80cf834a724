//! The flags of `tegata key`.

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use tegata_core::KeyUse;

use super::Place;

/// Commands on the server's own keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Put a new key in the place of one that signs tokens
    #[command(after_help = ROTATE)]
    Rotate(KeyRotateFlags),
}

const ROTATE: &str = "The new key is published at once and signs after five minutes; the old one is published for another day, so that nothing that \
    it signed is refused. With --compromised every key of the kind is dropped at once: what they signed counts no more, sign-ins go on. \
    On SQLite stop the server first; on PostgreSQL it learns of the change while it runs.";

/// Flags of `key rotate`.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeyRotateFlags {
    /// Which kind of token the key signs
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(KeyUse::ALL.map(KeyUse::word)))]
    pub(crate) signing: String,
    /// Somebody else may have the key: drop it at once
    #[arg(long)]
    pub(crate) compromised: bool,
    #[command(flatten)]
    pub(crate) place: Place,
}
