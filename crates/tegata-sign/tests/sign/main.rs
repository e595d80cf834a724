//! Each scheme against the recorded vectors, spoiled in every way, and against itself.

#[cfg(test)]
mod acs3;
#[cfg(test)]
mod common;
#[cfg(test)]
mod oss_common;
#[cfg(test)]
mod oss_v1;
#[cfg(test)]
mod oss_v4;
#[cfg(test)]
mod rpc;
