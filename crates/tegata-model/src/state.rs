//! States and epochs: what must hold, on every use, for a credential to work.

use serde::{Deserialize, Serialize};

/// Whether an account, user, role or key may be used at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// In use.
    Active,
    /// Switched off by an administrator; everything issued through it stops at the next request.
    Inactive,
}

impl Status {
    /// The stored number.
    pub fn to_i64(self) -> i64 {
        match self {
            Self::Active => 1,
            Self::Inactive => 0,
        }
    }

    /// From the stored number; `None` if it is neither.
    pub fn from_i64(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Active),
            0 => Some(Self::Inactive),
            _ => None,
        }
    }

    /// True when in use.
    pub fn is_active(self) -> bool {
        self == Self::Active
    }
}

/// How often everything issued before was taken back. A credential carries the epochs of all its ancestors;
/// each must be *equal* to the current one, so clock skew and revoke-then-login within one second are harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Epoch(pub u32);

/// The generation of an aggregate row, raised by any change to it or beneath it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Generation(pub i64);
