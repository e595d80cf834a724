use std::time::Instant;
use tegata_model::*;
use tegata_sign::*;
fn main() {
    let id = AccessKeyId::new("STS.NVTestVector00000001").unwrap();
    let secret = SecretKey::new("TestStsSecret0000000000000000000000000001".into());
    let tok = "CAIS".repeat(60);
    let cred = Credential { access_key_id: &id, secret: &secret, security_token: Some(&tok) };
    let p = |a: &str, b: &str| (a.to_string(), b.to_string());
    let at = Timestamp::from_unix(1_733_227_932);
    let mut q = vec![
        p("Action", "AssumeRole"),
        p("Version", "2015-04-01"),
        p("Format", "JSON"),
        p("RoleArn", "acs:ram::100000000000001:role/r"),
        p("RoleSessionName", "alice"),
        p("DurationSeconds", "900"),
    ];
    q.extend(acs_rpc::sign("POST", &q.clone(), &cred, at, "550e8400-e29b-41d4-a716-446655440000"));
    let h = vec![p("host", "sts.example.test"), p("user-agent", "x"), p("accept", "application/json")];
    let a = Arrived { method: "POST", path: "/", query: &q, headers: &h, form: &[], body_sha256: Some([0; 32]) };
    let n = 200_000u32;
    for _ in 0..2 {
        let t = Instant::now();
        for _ in 0..n {
            acs::present(&a).unwrap().unwrap().verify(&secret).unwrap();
        }
        println!("rpc {:?}", t.elapsed() / n);
    }
    let q = vec![p("RoleArn", "acs:ram::100000000000001:role/r"), p("RoleSessionName", "alice"), p("DurationSeconds", "900")];
    let mut h =
        vec![p("host", "sts.example.test"), p("user-agent", "AlibabaCloud (Linux; x86_64) Python/3.11.7"), p("accept", "application/json")];
    let body = [0x11u8; 32];
    h.extend(acs3::sign(
        &acs3::Unsigned {
            method: "POST",
            path: "/",
            query: &q,
            headers: &h.clone(),
            action: "AssumeRole",
            version: "2015-04-01",
            body_sha256: body,
        },
        &cred,
        at,
        "550e8400-e29b-41d4-a716-446655440000",
    ));
    let a = Arrived { method: "POST", path: "/", query: &q, headers: &h, form: &[], body_sha256: Some(body) };
    for _ in 0..2 {
        let t = Instant::now();
        for _ in 0..n {
            acs::present(&a).unwrap().unwrap().verify(&secret).unwrap();
        }
        println!("acs3 {:?}", t.elapsed() / n);
    }
    let ad = Addressing { suffixes: vec!["oss.test".into()], cnames: vec![], region: "cn-hangzhou".into() };
    let addr = ObjectAddress::Object { bucket: "photos".into(), key: "a/b c.txt".into() };
    let mut h = vec![p("host", "photos.oss.test"), p("content-type", "text/plain")];
    h.extend(
        oss_v4::sign(&oss::Unsigned { method: "PUT", address: &addr, query: &[], headers: &h.clone() }, &[], &cred, "cn-hangzhou", at)
            .unwrap(),
    );
    let a = Arrived { method: "PUT", path: "/a/b%20c.txt", query: &[], headers: &h, form: &[], body_sha256: None };
    for _ in 0..2 {
        let t = Instant::now();
        for _ in 0..n {
            oss::present(&a, &ad).unwrap().unwrap().verify(&secret).unwrap();
        }
        println!("v4 {:?}", t.elapsed() / n);
    }
}
