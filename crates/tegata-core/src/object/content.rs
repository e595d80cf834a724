//! What an object is, apart from its bytes.

use serde::{Deserialize, Serialize};
use tegata_model::{ObjectKey, Timestamp};
use tegata_store::object::ObjectRow;

/// The headers that are stored with an object and given back with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectHeaders {
    /// Its media type.
    #[serde(skip)]
    pub content_type: String,
    /// `Cache-Control`, `Content-Disposition`, `Content-Encoding`, `Content-Language`, `Expires`: lower-case name and value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub standard: Vec<(String, String)>,
    /// The user's own, lower-case name without the wire's prefix, and value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub meta: Vec<(String, String)>,
    /// The MD5 of the bytes in base64, as the `Content-MD5` header has it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub content_md5: String,
}

/// A stored object without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Its key.
    pub key: ObjectKey,
    /// Its length in bytes.
    pub size: u64,
    /// Its entity tag, quoted.
    pub etag: String,
    /// CRC-64 (ECMA-182, reflected) of its bytes.
    pub crc64: u64,
    /// Its headers.
    pub headers: ObjectHeaders,
    /// When it was written.
    pub modified_at: Timestamp,
}

impl StoredObject {
    pub(crate) fn of(row: &ObjectRow) -> Self {
        let mut headers: ObjectHeaders = serde_json::from_str(&row.headers).unwrap_or_default();
        headers.content_type.clone_from(&row.content_type);
        Self {
            key: row.key.clone(),
            size: row.size,
            etag: format!("\"{}\"", row.etag),
            crc64: row.crc64,
            headers,
            modified_at: row.modified_at,
        }
    }
}
