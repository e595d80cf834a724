//! What the two OSS runners share.

use serde_json::Value;
use tegata_model::{AccessKeyId, SecretKey};
use tegata_sign::{Addressing, ObjectAddress, Verified, oss};

use crate::common::{Request, header_list, text};

pub(crate) fn addressing() -> Addressing {
    Addressing {
        suffixes: vec!["oss.tegata.test".into()],
        cnames: vec![("img.cname.test".into(), "examplebucket".into())],
        region: "cn-hangzhou".into(),
    }
}

pub(crate) struct Keys {
    pub(crate) id: AccessKeyId,
    pub(crate) secret: SecretKey,
    pub(crate) token: Option<String>,
}

pub(crate) fn keys(file: &Value, which: &str) -> Keys {
    let keys = &file["credentials"][which];
    Keys {
        id: AccessKeyId::new(text(keys, "access_key_id")).unwrap(),
        secret: SecretKey::new(text(keys, "access_key_secret").into()),
        token: keys["security_token"].as_str().map(str::to_owned),
    }
}

pub(crate) fn request(case: &Value) -> Request {
    let request = Request::new(text(case, "method"), text(case, "request_target"), header_list(&case["headers"]), "");
    for (name, value) in &request.query {
        assert_eq!(case["query_decoded"][name].as_str(), Some(value.as_str()));
    }
    assert_eq!(request.query.len(), case["query_decoded"].as_object().unwrap().len());
    request
}

pub(crate) fn expected_address(case: &Value) -> ObjectAddress {
    match (case["bucket"].as_str(), case["key"].as_str()) {
        (None, _) => ObjectAddress::Service,
        (Some(bucket), None | Some("")) => ObjectAddress::Bucket(bucket.into()),
        (Some(bucket), Some(key)) => ObjectAddress::Object { bucket: bucket.into(), key: key.into() },
    }
}

pub(crate) fn judged(request: &Request, keys: &Keys) -> Result<Verified, String> {
    let presented = oss::present(&request.arrived(), &addressing()).map_err(|e| e.to_string())?.ok_or("unsigned")?;
    if presented.access_key_id() != &keys.id {
        return Err("another key".into());
    }
    // The token is bound to its key by whoever issued it; the core checks that, and so does this.
    if presented.security_token() != keys.token.as_deref() {
        return Err("another token".into());
    }
    presented.verify(&keys.secret).map_err(|e| e.to_string())
}
