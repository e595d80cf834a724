//! What recognising and deciding cost without any network: one signed request at a time, warm.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use tegata_core::{
    authn::Proof,
    object::DescribeBucket,
    sts::{AssumeRole, GetCallerIdentity},
    testing::{ASSUME_UPLOADER, TestCore, TestKey, UPLOADER},
};
use tegata_model::{AccountNumber, BucketName, RoleName, RoleSessionName};
use tegata_policy::{Context, DocumentKind, Layer, LayerKind, Policy, Request, Resource, evaluate, ram};
use tegata_sign::{Addressing, Arrived, ObjectAddress, Presented, acs_rpc, acs3, oss, oss_v4};

use crate::load::quantile;

type Broken = Box<dyn std::error::Error + Send + Sync>;
type Pairs = Vec<(String, String)>;

const SESSION_POLICY: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject","oss:GetObject"],"Resource":"acs:oss:*:*:photos/bench/*"}]}"#;

/// One thing that was timed.
#[derive(Debug, Clone)]
pub(crate) struct Timed {
    /// What it was.
    pub(crate) what: &'static str,
    /// Half of the runs took less, in microseconds.
    pub(crate) p50: f64,
    /// All but a hundredth of the runs took less.
    pub(crate) p99: f64,
}

/// A request as a list of its parts.
struct Parts {
    method: &'static str,
    path: &'static str,
    query: Pairs,
    headers: Pairs,
    body_sha256: [u8; 32],
}

impl Parts {
    fn arrived(&self) -> Arrived<'_> {
        Arrived {
            method: self.method,
            path: self.path,
            query: &self.query,
            headers: &self.headers,
            form: &[],
            body_sha256: Some(self.body_sha256),
        }
    }
}

struct Bench {
    core: TestCore,
    user: TestKey,
    session: TestKey,
    identity: Policy,
    role: Policy,
    session_policy: Policy,
    addressing: Addressing,
    body_sha256: [u8; 32],
}

/// Runs everything so many times.
///
/// # Errors
/// Anything that kept a request from being accepted: then there is nothing to time.
pub(crate) async fn run(times: usize) -> Result<Vec<Timed>, Broken> {
    let bench = Bench::new().await?;
    let mut out = Vec::new();
    out.push(
        bench
            .whole("ACS3, access key: present, authenticate, decide (one policy)", times, |n| bench.acs3(&bench.user, n), Who::User)
            .await?,
    );
    out.push(
        bench
            .whole(
                "ACS3, temporary key: present, authenticate, decide (session and role policy)",
                times,
                |n| bench.acs3(&bench.session, n),
                Who::Session,
            )
            .await?,
    );
    out.push(bench.whole("RPC V1, temporary key: the same", times, |n| Ok(bench.rpc(&bench.session, n)), Who::Session).await?);
    out.push(bench.whole("OSS V4 header, temporary key: the same", times, |_| bench.oss(&bench.session), Who::Session).await?);
    out.extend(bench.pieces(times)?);
    out.extend(bench.performed(times).await?);
    Ok(out)
}

/// Whose policies decide.
#[derive(Clone, Copy)]
enum Who {
    User,
    Session,
}

impl Bench {
    async fn new() -> Result<Self, Broken> {
        let core = TestCore::new().await?;
        let caller = core.user("appserver").await?;
        let input = AssumeRole {
            account: AccountNumber::new(1_000_000_000_000_001)?,
            role: RoleName::new("app-uploader")?,
            session_name: RoleSessionName::new("bench")?,
            lifetime: None,
            policy: Some(SESSION_POLICY.to_owned()),
            external_id: None,
            source_identity: None,
        };
        let session = TestKey::from(core.perform(&caller, &input).await?);
        let parse = |text: &str, label: &'static str| ram::parse(text, DocumentKind::Identity).map(|policy| policy.labelled(label));
        Ok(Self {
            user: core.key("appserver")?,
            session,
            core,
            identity: parse(ASSUME_UPLOADER, "assume-uploader")?,
            role: parse(UPLOADER, "uploader")?,
            session_policy: parse(SESSION_POLICY, "session policy")?,
            addressing: Addressing { suffixes: vec!["oss.tegata.test".to_owned()], cnames: Vec::new(), region: "cn-hangzhou".to_owned() },
            body_sha256: aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"").as_ref().try_into()?,
        })
    }

    #[expect(clippy::unnecessary_wraps, reason = "the same shape as its siblings")]
    fn acs3(&self, key: &TestKey, n: usize) -> Result<Parts, Broken> {
        let query = pairs([
            ("RoleArn", "acs:ram::1000000000000001:role/app-uploader"),
            ("RoleSessionName", "bench"),
            ("DurationSeconds", "900"),
            ("Policy", SESSION_POLICY),
        ]);
        let headers = pairs([
            ("host", "sts.tegata.test"),
            ("accept", "application/json"),
            ("user-agent", "AlibabaCloud (Linux; x86_64) Python/3.11.7"),
        ]);
        let unsigned = acs3::Unsigned {
            method: "POST",
            path: "/",
            query: &query,
            headers: &headers,
            action: "AssumeRole",
            version: "2015-04-01",
            body_sha256: self.body_sha256,
        };
        let added = acs3::sign(&unsigned, &key.credential(), self.core.now(), &format!("a-{n}-5f7c9d3e8b1a4c6d9e2f"));
        Ok(Parts { method: "POST", path: "/", headers: [headers, added].concat(), query, body_sha256: self.body_sha256 })
    }

    fn rpc(&self, key: &TestKey, n: usize) -> Parts {
        let mut query = pairs([("Action", "GetCallerIdentity"), ("Version", "2015-04-01"), ("Format", "JSON")]);
        let added = acs_rpc::sign("GET", &query, &key.credential(), self.core.now(), &format!("r-{n}-5f7c9d3e8b1a4c6d9e2f"));
        query.extend(added);
        let headers = pairs([("host", "sts.tegata.test"), ("user-agent", "AlibabaCloud (Linux; x86_64) Python/3.11.7")]);
        Parts { method: "GET", path: "/", query, headers, body_sha256: self.body_sha256 }
    }

    fn oss(&self, key: &TestKey) -> Result<Parts, Broken> {
        let address = ObjectAddress::Object { bucket: "photos".to_owned(), key: "bench/a.jpg".to_owned() };
        let headers = pairs([("host", "oss.tegata.test"), ("user-agent", "aliyun-sdk-python/2.19.1(Linux/x86_64;3.11.7)")]);
        let unsigned = oss::Unsigned { method: "GET", address: &address, query: &[], headers: &headers };
        let added = oss_v4::sign(&unsigned, &[], &key.credential(), "cn-hangzhou", self.core.now())?;
        Ok(Parts {
            method: "GET",
            path: "/photos/bench/a.jpg",
            query: Vec::new(),
            headers: [headers, added].concat(),
            body_sha256: self.body_sha256,
        })
    }

    fn present(&self, parts: &Parts) -> Result<Presented, Broken> {
        let arrived = parts.arrived();
        if parts.path == "/" {
            return Ok(tegata_sign::acs::present(&arrived)?.ok_or("unsigned")?);
        }
        Ok(oss::present(&arrived, &self.addressing)?.ok_or("unsigned")?)
    }

    /// The facts that the core puts beside a request, and the question, asked of the same layers.
    fn decide(&self, who: Who) -> bool {
        let mut context = Context::new();
        context.set("acs:CurrentTime", self.core.now().to_iso());
        context.set("acs:SourceIp", "192.0.2.7");
        context.set("acs:SecureTransport", "false");
        context.set("acs:MFAPresent", "false");
        context.set("acs:PrincipalARN", "acs:ram::1000000000000001:user/appserver");
        context.set("acs:UserAgent", "bench");
        context.set("acs:AccessId", "LTAITESTappserver");
        let account = "1000000000000001";
        let (action, resource, layers) = match who {
            Who::User => (
                "sts:AssumeRole",
                Resource { service: "ram", region: "*", account, relative: "role/app-uploader" },
                vec![Layer { kind: LayerKind::Identity, policies: vec![&self.identity] }],
            ),
            Who::Session => (
                "oss:GetObject",
                Resource { service: "oss", region: "*", account, relative: "photos/bench/a.jpg" },
                vec![
                    Layer { kind: LayerKind::Session, policies: vec![&self.session_policy] },
                    Layer { kind: LayerKind::Identity, policies: vec![&self.role] },
                ],
            ),
        };
        evaluate(&Request { action, alias: None, resource, principal: None, context: &context }, &layers).allowed
    }

    /// From what arrived to the decision. Each request is signed afresh, outside the time taken.
    async fn whole(
        &self,
        what: &'static str,
        times: usize,
        make: impl Fn(usize) -> Result<Parts, Broken>,
        who: Who,
    ) -> Result<Timed, Broken> {
        let mut taken = Vec::with_capacity(times);
        for n in 0..times + WARM {
            let parts = make(n)?;
            let meta = self.core.meta();
            let began = Instant::now();
            let presented = self.present(&parts)?;
            let caller = self.core.authenticate(Proof::Signed(presented), meta).await?;
            let allowed = self.decide(who);
            let took = began.elapsed();
            black_box(caller);
            note(&mut taken, n, took, allowed)?;
        }
        Ok(timed(what, taken))
    }

    /// The pieces of it, each alone.
    fn pieces(&self, times: usize) -> Result<Vec<Timed>, Broken> {
        let (acs3, object) = (self.acs3(&self.session, usize::MAX)?, self.oss(&self.session)?);
        let presented = self.present(&acs3)?;
        let (mut both, mut present, mut present_oss, mut verify, mut decide) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for n in 0..times + WARM {
            let began = Instant::now();
            let verified = presented.verify(&self.session.secret).is_ok();
            let middle = Instant::now();
            let allowed = self.decide(Who::Session);
            let end = Instant::now();
            note(&mut both, n, end - began, verified && allowed)?;
            note(&mut verify, n, middle - began, verified)?;
            note(&mut decide, n, end - middle, allowed)?;
            let began = Instant::now();
            let good = self.present(&acs3).is_ok();
            note(&mut present, n, began.elapsed(), good)?;
            let began = Instant::now();
            let good = self.present(&object).is_ok();
            note(&mut present_oss, n, began.elapsed(), good)?;
        }
        Ok(vec![
            timed("pure verify and decide (ACS3, session and role policy)", both),
            timed("– verify alone", verify),
            timed("– decide alone, with the facts put together", decide),
            timed("present alone, ACS3", present),
            timed("present alone, OSS V4", present_oss),
        ])
    }

    /// Whole operations without an effect, authentication included.
    async fn performed(&self, times: usize) -> Result<Vec<Timed>, Broken> {
        let bucket = DescribeBucket { name: BucketName::new("photos")? };
        let admin = self.core.key("alice")?;
        let (mut identity, mut described) = (Vec::new(), Vec::new());
        for n in 0..times + WARM {
            let (one, other) = (self.rpc(&self.session, usize::MAX - n), self.rpc(&admin, usize::MAX - n));
            let began = Instant::now();
            let caller = self.core.authenticate(Proof::Signed(self.present(&one)?), self.core.meta()).await?;
            let good = self.core.perform(&caller, &GetCallerIdentity).await.is_ok();
            note(&mut identity, n, began.elapsed(), good)?;
            let began = Instant::now();
            let caller = self.core.authenticate(Proof::Signed(self.present(&other)?), self.core.meta()).await?;
            let good = self.core.perform(&caller, &bucket).await.is_ok();
            note(&mut described, n, began.elapsed(), good)?;
        }
        Ok(vec![
            timed("GetCallerIdentity by the core (RPC V1, temporary key)", identity),
            timed("GetBucketInfo by the core (RPC V1, access key; reads a row)", described),
        ])
    }
}

/// Runs that are not counted: they fill caches.
const WARM: usize = 500;

fn note(taken: &mut Vec<f32>, n: usize, took: Duration, good: bool) -> Result<(), Broken> {
    if !good {
        return Err("a request that should pass was refused".into());
    }
    if n >= WARM {
        taken.push(took.as_secs_f32() * 1e6);
    }
    Ok(())
}

fn timed(what: &'static str, mut taken: Vec<f32>) -> Timed {
    taken.sort_unstable_by(f32::total_cmp);
    Timed { what, p50: quantile(&taken, 0.5), p99: quantile(&taken, 0.99) }
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Pairs {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn everything_that_is_timed_is_accepted() {
        let timed = super::run(20).await.unwrap();
        assert!(timed.len() >= 9 && timed.iter().all(|one| one.p50 > 0.0 && one.p50 <= one.p99), "{timed:?}");
    }
}
