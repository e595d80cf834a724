//! Objects: put, get, list, sign URLs. Signed with version 4, path style.

use std::time::Duration;

use bytes::Bytes;
use quick_xml::{Reader, events::Event};
use tegata_model::Timestamp;
use tegata_sign::{ObjectAddress, form, oss::Unsigned, oss_v4};

use crate::{ClientError, Credential, Refusal, Reply, Transport};

/// The object gateway of one server.
#[derive(Debug, Clone)]
pub struct Oss {
    transport: Transport,
    endpoint: String,
    region: String,
}

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

    /// A URL that gives an object to whoever has it, for a while.
    pub fn signed_url(
        &self,
        credential: &Credential,
        bucket: &str,
        key: &str,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<String, ClientError> {
        let address = object(bucket, key);
        let unsigned = Unsigned { method: "GET", address: &address, query: &[], headers: &[] };
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

    async fn call(
        &self,
        credential: &Credential,
        method: &str,
        address: &ObjectAddress,
        query: &[(String, String)],
        body: Bytes,
        now: Timestamp,
    ) -> Result<Reply, ClientError> {
        let unsigned = Unsigned { method, address, query, headers: &[] };
        let headers = oss_v4::sign(&unsigned, &[], &credential.signing(), &self.region, now)
            .map_err(|error| ClientError::Request(error.to_string()))?;
        let mut url = self.url(address);
        if !query.is_empty() {
            url = format!("{url}?{}", form::encode(query));
        }
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
