//! Objects: put, get, list, delete, sign URLs. Signed with version 4, path style.

use std::time::Duration;

use bytes::Bytes;
use crc_fast::{CrcAlgorithm::Crc64Xz, Digest};
use quick_xml::{Reader, events::Event};
use tegata_model::Timestamp;
use tegata_sign::{ObjectAddress, form, oss::Unsigned, oss_v4};

use crate::{
    ClientError, Credential, Refusal, Reply, Transport,
    transport::{LongReply, Upload},
};

/// The object gateway of one server.
#[derive(Debug, Clone)]
pub struct Oss {
    transport: Transport,
    endpoint: String,
    region: String,
}

/// An object as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was written, as the server spells it.
    pub modified: String,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The objects, by key.
    pub objects: Vec<Listed>,
    /// How to ask for the next part, if there is one.
    pub next: Option<String>,
}

/// A bucket as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBucket {
    /// Its name.
    pub name: String,
    /// When it was made, as the server spells it.
    pub created: String,
}

/// The check number that the gateway tells of every object: of the bytes as they pass.
#[derive(Debug)]
pub struct Check(Digest);

impl Default for Check {
    fn default() -> Self {
        Self(Digest::new(Crc64Xz))
    }
}

impl Check {
    /// Takes in some bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// False if the server told another number than that of the bytes that passed.
    pub fn agrees(&self, told: &str) -> bool {
        told.is_empty() || told.parse() == Ok(self.0.finalize())
    }
}

/// The header that tells the check number.
pub const CHECK_HEADER: &str = "x-oss-hash-crc64ecma";

impl Oss {
    /// The gateway at `endpoint`, a URL without path such as `http://127.0.0.1:8421`.
    pub fn new(transport: Transport, endpoint: &str, region: &str) -> Self {
        Self { transport, endpoint: endpoint.trim_end_matches('/').to_owned(), region: region.to_owned() }
    }

    /// Stores an object; its entity tag.
    pub async fn put(&self, credential: &Credential, bucket: &str, key: &str, body: Bytes, now: Timestamp) -> Result<String, ClientError> {
        let reply = self.call(credential, "PUT", &object(bucket, key), &[], body, now).await?;
        Ok(reply.header("etag").to_owned())
    }

    /// Reads an object.
    pub async fn get(&self, credential: &Credential, bucket: &str, key: &str, now: Timestamp) -> Result<Bytes, ClientError> {
        Ok(self.call(credential, "GET", &object(bucket, key), &[], Bytes::new(), now).await?.body)
    }

    /// The keys under a prefix: the first thousand.
    pub async fn list(&self, credential: &Credential, bucket: &str, prefix: &str, now: Timestamp) -> Result<Vec<String>, ClientError> {
        let query = [("list-type", "2"), ("max-keys", "1000"), ("prefix", prefix)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let reply = self.call(credential, "GET", &ObjectAddress::Bucket(bucket.to_owned()), &query, Bytes::new(), now).await?;
        Ok(elements(&reply.body, "Key"))
    }

    /// One page of the objects under a prefix.
    pub async fn page(
        &self,
        credential: &Credential,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
        now: Timestamp,
    ) -> Result<Page, ClientError> {
        let mut query = vec![("list-type", "2"), ("max-keys", "1000"), ("prefix", prefix)];
        query.extend(after.map(|token| ("continuation-token", token)));
        let query: Vec<_> = query.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let reply = self.call(credential, "GET", &ObjectAddress::Bucket(bucket.to_owned()), &query, Bytes::new(), now).await?;
        let unreadable =
            || ClientError::Answer { url: self.endpoint.clone(), cause: "the list names an object without size or date".to_owned() };
        let (keys, sizes) = (elements(&reply.body, "Key"), elements(&reply.body, "Size"));
        let dates = elements(&reply.body, "LastModified");
        if keys.len() != sizes.len() || keys.len() != dates.len() {
            return Err(unreadable());
        }
        let objects = keys.into_iter().zip(sizes).zip(dates).map(|((key, size), modified)| {
            let size = size.parse().map_err(|_| unreadable())?;
            Ok(Listed { key, size, modified })
        });
        let next = elements(&reply.body, "NextContinuationToken").into_iter().next().filter(|token| !token.is_empty());
        Ok(Page { objects: objects.collect::<Result<_, ClientError>>()?, next })
    }

    /// The buckets of the account.
    pub async fn buckets(&self, credential: &Credential, now: Timestamp) -> Result<Vec<ListedBucket>, ClientError> {
        let (mut buckets, mut marker) = (Vec::new(), Vec::new());
        loop {
            let reply = self.call(credential, "GET", &ObjectAddress::Service, &marker, Bytes::new(), now).await?;
            let names = elements(&reply.body, "Name").into_iter().zip(elements(&reply.body, "CreationDate"));
            buckets.extend(names.map(|(name, created)| ListedBucket { name, created }));
            match elements(&reply.body, "NextMarker").into_iter().next().filter(|next| !next.is_empty()) {
                Some(next) => marker = vec![("marker".to_owned(), next)],
                None => return Ok(buckets),
            }
        }
    }

    /// Deletes an object. One that is not there is no error.
    pub async fn delete(&self, credential: &Credential, bucket: &str, key: &str, now: Timestamp) -> Result<(), ClientError> {
        self.call(credential, "DELETE", &object(bucket, key), &[], Bytes::new(), now).await.map(drop)
    }

    /// Begins to read an object.
    pub async fn open(&self, credential: &Credential, bucket: &str, key: &str, now: Timestamp) -> Result<LongReply, ClientError> {
        let (url, headers) = self.signed(credential, "GET", &object(bucket, key), &[], &[], now)?;
        let reply = self.transport.open("GET", &url, &headers).await?;
        if reply.status() < 400 {
            return Ok(reply);
        }
        accept(reply.whole().await?).and_then(|_| Err(ClientError::Request("a refusal that is none".to_owned())))
    }

    /// Stores an object while it is read; the reply's headers tell its entity tag and check number.
    pub async fn upload(
        &self,
        credential: &Credential,
        bucket: &str,
        key: &str,
        headers: &[(String, String)],
        body: Upload,
        now: Timestamp,
    ) -> Result<Reply, ClientError> {
        let (url, signed) = self.signed(credential, "PUT", &object(bucket, key), &[], headers, now)?;
        let headers: Vec<_> = headers.iter().cloned().chain(signed).collect();
        accept(self.transport.upload("PUT", &url, &headers, body).await?)
    }

    /// A URL that gives an object to whoever has it, for a while.
    pub fn signed_url(
        &self,
        credential: &Credential,
        bucket: &str,
        key: &str,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<String, ClientError> {
        self.signed_url_for("GET", credential, bucket, key, lifetime, now)
    }

    /// A URL that lets whoever has it do one thing with an object, for a while.
    pub fn signed_url_for(
        &self,
        method: &str,
        credential: &Credential,
        bucket: &str,
        key: &str,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<String, ClientError> {
        let address = object(bucket, key);
        let unsigned = Unsigned { method, address: &address, query: &[], headers: &[] };
        let query = oss_v4::presign(&unsigned, &[], &credential.signing(), &self.region, now, lifetime)
            .map_err(|error| ClientError::Request(error.to_string()))?;
        Ok(format!("{}?{}", self.url(&address), form::encode(&query)))
    }

    /// Sends a request to a URL exactly as given, with further headers: for signed URLs.
    pub async fn fetch(&self, url: &str, headers: &[(String, String)]) -> Result<Bytes, ClientError> {
        Ok(accept(self.transport.send("GET", url, headers, Bytes::new()).await?)?.body)
    }

    fn url(&self, address: &ObjectAddress) -> String {
        format!("{}{}", self.endpoint, form::percent_encode_path(&address.resource()))
    }

    /// The URL of a request, and the headers that its signature adds.
    fn signed(
        &self,
        credential: &Credential,
        method: &str,
        address: &ObjectAddress,
        query: &[(String, String)],
        headers: &[(String, String)],
        now: Timestamp,
    ) -> Result<(String, Vec<(String, String)>), ClientError> {
        let unsigned = Unsigned { method, address, query, headers };
        let signed = oss_v4::sign(&unsigned, &[], &credential.signing(), &self.region, now)
            .map_err(|error| ClientError::Request(error.to_string()))?;
        let mut url = self.url(address);
        if !query.is_empty() {
            url = format!("{url}?{}", form::encode(query));
        }
        Ok((url, signed))
    }

    async fn call(
        &self,
        credential: &Credential,
        method: &str,
        address: &ObjectAddress,
        query: &[(String, String)],
        body: Bytes,
        now: Timestamp,
    ) -> Result<Reply, ClientError> {
        let (url, headers) = self.signed(credential, method, address, query, &[], now)?;
        accept(self.transport.send(method, &url, &headers, body).await?)
    }
}

fn object(bucket: &str, key: &str) -> ObjectAddress {
    ObjectAddress::Object { bucket: bucket.to_owned(), key: key.to_owned() }
}

fn accept(reply: Reply) -> Result<Reply, ClientError> {
    if reply.status < 400 {
        return Ok(reply);
    }
    let first = |name| elements(&reply.body, name).into_iter().next().unwrap_or_default();
    let request_id = reply.header("x-oss-request-id").to_owned();
    Err(ClientError::Refused(Refusal { status: reply.status, code: first("Code"), message: first("Message"), request_id }))
}

/// The texts of all elements of this name, in order.
fn elements(body: &[u8], name: &str) -> Vec<String> {
    let Ok(text) = std::str::from_utf8(body) else { return Vec::new() };
    let mut reader = Reader::from_str(text);
    let (mut found, mut inside) = (Vec::new(), None::<String>);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) if start.name().as_ref() == name => inside = Some(String::new()),
            Ok(Event::Text(text)) => {
                if let Some(inside) = &mut inside {
                    inside.push_str(&text);
                }
            }
            Ok(Event::GeneralRef(reference)) => {
                if let Some(inside) = &mut inside {
                    inside.push_str(quick_xml::escape::resolve_predefined_entity(&reference).unwrap_or("\u{FFFD}"));
                }
            }
            Ok(Event::End(end)) if end.name().as_ref() == name => found.extend(inside.take()),
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_with_their_entities() {
        let xml = b"<R><Key>a&amp;b</Key><Other>x</Other><Key>c</Key></R>";
        assert_eq!(elements(xml, "Key"), ["a&b", "c"]);
        assert!(elements(b"<Key>never ends", "Key").is_empty());
    }
}
