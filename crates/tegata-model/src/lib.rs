//! The nouns every other crate shares: ids, names, states, time and secrets.
//!
//! Nothing here is asynchronous, knows a database, speaks HTTP or spells a noun the way one wire dialect does.
//!
//! | module | what |
//! |---|---|
//! | [`id`] | one type per kind of row, random and never reused |
//! | [`name`] | names people choose, valid by construction |
//! | [`network`] | blocks of addresses |
//! | [`number`] | the public numbers an account, user or role carries from birth |
//! | [`state`] | enabled or not, and the epochs that take credentials back |
//! | [`time`] | instants and their text forms |
//! | [`secret`] | values that cannot be printed |

pub mod id;
pub mod name;
pub mod network;
pub mod number;
pub mod secret;
pub mod state;
pub mod time;

pub use id::*;
pub use name::*;
pub use network::{Network, NetworkError};
pub use number::*;
pub use secret::{PasswordHash, SecretKey};
pub use state::*;
pub use time::Timestamp;
