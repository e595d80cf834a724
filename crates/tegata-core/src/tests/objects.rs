//! Buckets and objects: rights, streams, crashes and races.

use futures_util::StreamExt as _;
use tegata_store::{ChangeSet, access_key};

use super::{body, denied, new_object, put, temporary};
use crate::{
    Caller, DeniedBy, Input, OpError, Precondition,
    object::{self, ByteRange, Conditions, CreateBucket, DeleteBucket, DeleteObject, GetObject, ListObjects, NewObject},
    testing::TestCore,
};

const FOR_BOB: &str = r#"{"Version":"1","Statement":[
    {"Effect":"Allow","Action":["oss:PutObject","oss:GetObject"],"Resource":"acs:oss:*:*:photos/bob/*"},
    {"Effect":"Allow","Action":"oss:ListObjects","Resource":"acs:oss:*:*:photos","Condition":{"StringLike":{"oss:Prefix":"bob/*"}}}]}"#;

fn get_input(key: &str) -> GetObject {
    GetObject { bucket: "photos".parse().unwrap(), key: key.parse().unwrap(), conditions: Conditions::default() }
}

async fn read(core: &TestCore, caller: &Caller, key: &str, range: Option<ByteRange>) -> Result<String, OpError> {
    let found = object::get(core, caller, &get_input(key), range, false).await?;
    let chunks: Vec<_> = found.bytes.collect().await;
    Ok(chunks.into_iter().map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap()).collect())
}

fn list_input(prefix: &str, delimiter: &str, after: &str, limit: usize) -> ListObjects {
    ListObjects { bucket: "photos".parse().unwrap(), prefix: prefix.into(), delimiter: delimiter.into(), after: after.into(), limit }
}

async fn blobs(core: &TestCore) -> u64 {
    let mut count = 0;
    for folder in 0..=u8::MAX {
        count += core.blobs.list(folder).await.unwrap().len() as u64;
    }
    count
}

#[tokio::test]
async fn a_session_reaches_its_prefix_and_nothing_else() {
    for core in TestCore::each().await.unwrap() {
        let key = temporary(&core, "appserver", Some(FOR_BOB)).await;
        let caller = core.caller(&key).await.unwrap();
        // One caller makes one request with effect: its nonce is spent with the first.
        let stored = put(&core, &caller, "bob/cat.txt", "meow").await.unwrap();
        assert_eq!(stored.size, 4);
        assert_eq!(read(&core, &caller, "bob/cat.txt", None).await.unwrap(), "meow");
        assert_eq!(read(&core, &caller, "bob/cat.txt", Some(ByteRange::FromTo(1, 2))).await.unwrap(), "eo");
        for outside in ["alice/cat.txt", "bob", "BOB/cat.txt", "bob/../alice/x/../../bo"] {
            let within = outside.starts_with("bob/");
            let caller = core.caller(&key).await.unwrap();
            assert_eq!(put(&core, &caller, outside, "x").await.is_ok(), within, "{outside}: keys are text, not paths");
        }
        denied(read(&core, &caller, "alice/cat.txt", None).await.unwrap_err());
        let list = core.perform(&caller, &list_input("bob/", "", "", 100)).await.unwrap();
        assert_eq!(list.objects.len(), 2);
        denied(core.perform(&caller, &list_input("", "", "", 100)).await.unwrap_err());
        denied(core.perform(&caller, &DeleteBucket { name: "photos".parse().unwrap() }).await.unwrap_err());
        let delete = DeleteObject { bucket: "photos".parse().unwrap(), key: "bob/cat.txt".parse().unwrap() };
        denied(object::delete(&core, &caller, &delete).await.unwrap_err());
        // Absence is told only to those who may look.
        assert!(matches!(read(&core, &caller, "bob/absent", None).await, Err(OpError::NotFound(_))));
        denied(read(&core, &caller, "alice/absent", None).await.unwrap_err());
    }
}

#[tokio::test]
async fn a_refused_upload_reads_no_byte_and_a_broken_one_leaves_no_row() {
    for core in TestCore::each().await.unwrap() {
        let dan = core.user("dan").await.unwrap();
        let untouched = futures_util::stream::poll_fn(|_| -> std::task::Poll<Option<Result<bytes::Bytes, std::io::Error>>> {
            panic!("the body was read")
        });
        denied(object::put(&core, &dan, &new_object("x"), untouched).await.unwrap_err());

        let alice = core.user("alice").await.unwrap();
        let input = |error: OpError| match error {
            OpError::Invalid(problem) => problem.input,
            other => panic!("{other:?}"),
        };
        let bad = |new: NewObject, expected: Input| {
            let (core, alice) = (&core, &alice);
            async move { assert_eq!(input(object::put(core, alice, &new, body(&["me", "ow"])).await.unwrap_err()), expected) }
        };
        bad(NewObject { length: Some(5), ..new_object("x") }, Input::ContentLength).await;
        bad(NewObject { length: Some(3), ..new_object("x") }, Input::ContentLength).await;
        bad(NewObject { content_md5: Some([0; 16]), ..new_object("x") }, Input::ContentMd5).await;
        bad(NewObject { content_crc64: Some(1), ..new_object("x") }, Input::ContentCrc64).await;
        bad(NewObject { length: Some(u64::MAX), ..new_object("x") }, Input::ObjectSize).await;
        let breaks = futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"me")), Err(std::io::Error::other("cut"))]);
        assert_eq!(input(object::put(&core, &alice, &new_object("x"), breaks).await.unwrap_err()), Input::ContentLength);
        assert!(matches!(read(&core, &alice, "x", None).await, Err(OpError::NotFound(_))));
        let whole = NewObject {
            length: Some(4),
            content_crc64: Some(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, b"meow")),
            ..new_object("x")
        };
        object::put(&core, &alice, &whole, body(&["me", "ow"])).await.unwrap();
    }
}

#[tokio::test]
async fn rights_taken_back_during_an_upload_refuse_it() {
    for core in TestCore::each().await.unwrap() {
        let key = temporary(&core, "appserver", None).await;
        let caller = core.caller(&key).await.unwrap();
        let long_term = access_key::find(&core.store, "LTAITESTappserver").await.unwrap().unwrap().id;
        let store = (*core.store).clone();
        let (now, acme) = (core.now(), core.acme.account);
        let during = futures_util::stream::once(async move {
            let mut changes = ChangeSet::new(now);
            changes.push(access_key::set_status(long_term, tegata_model::Status::Inactive));
            changes.touch(acme);
            store.commit(changes).await.unwrap();
            Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"late"))
        });
        assert_eq!(super::unauthenticated(object::put(&core, &caller, &new_object("late"), during).await), "session-ended");
        let alice = core.user("alice").await.unwrap();
        assert!(matches!(read(&core, &alice, "late", None).await, Err(OpError::NotFound(_))));
        assert_eq!(blobs(&core).await, 0, "the refused blob is gone");
    }
}

#[tokio::test]
async fn overwriting_and_deleting_leave_no_bytes_behind() {
    for core in TestCore::each().await.unwrap() {
        let alice = core.user("alice").await.unwrap();
        for text in ["one", "two", "three"] {
            put(&core, &core.user("alice").await.unwrap(), "same", text).await.unwrap();
        }
        assert_eq!(read(&core, &alice, "same", None).await.unwrap(), "three");
        assert_eq!(blobs(&core).await, 1);
        let refused = NewObject { forbid_overwrite: true, ..new_object("same") };
        let error = object::put(&core, &alice, &refused, body(&["x"])).await.unwrap_err();
        assert!(matches!(error, OpError::Precondition(Precondition::Exists)));
        let photos = DeleteBucket { name: "photos".parse().unwrap() };
        assert!(matches!(core.perform(&core.user("alice").await.unwrap(), &photos).await, Err(OpError::NotEmpty(_))));
        let delete = DeleteObject { bucket: "photos".parse().unwrap(), key: "same".parse().unwrap() };
        object::delete(&core, &core.user("alice").await.unwrap(), &delete).await.unwrap();
        object::delete(&core, &core.user("alice").await.unwrap(), &delete).await.unwrap();
        assert_eq!(blobs(&core).await, 0);
        core.perform(&core.user("alice").await.unwrap(), &photos).await.unwrap();
        assert!(matches!(put(&core, &core.user("alice").await.unwrap(), "x", "y").await, Err(OpError::NotFound(_))));
    }
}

#[tokio::test]
async fn buckets_belong_to_one_account() {
    for core in TestCore::each().await.unwrap() {
        let mallory = core.user("mallory").await.unwrap();
        let create = |name: &str| CreateBucket { name: name.parse().unwrap(), storage_class: "Standard".into() };
        assert!(matches!(core.perform(&mallory, &create("photos")).await, Err(OpError::Exists(_))));
        assert_eq!(denied(put(&core, &mallory, "x", "y").await.unwrap_err()).by, DeniedBy::ForeignAccount);
        assert_eq!(denied(read(&core, &mallory, "x", None).await.unwrap_err()).by, DeniedBy::ForeignAccount);
        let alice = core.user("alice").await.unwrap();
        core.perform(&alice, &create("photos")).await.unwrap();
        core.perform(&core.user("alice").await.unwrap(), &create("more")).await.unwrap();
    }
}

#[tokio::test]
async fn lists_page_and_roll_up() {
    for core in TestCore::each().await.unwrap() {
        for key in ["a", "a/1", "a/2", "b/1", "b/c/1", "b/c/2", "c", "日本/一", "日本/二"] {
            put(&core, &core.user("alice").await.unwrap(), key, "x").await.unwrap();
        }
        let alice = core.user("alice").await.unwrap();
        let page = async |prefix: &str, delimiter: &str, after: &str, limit: usize| {
            let page = core.perform(&alice, &list_input(prefix, delimiter, after, limit)).await.unwrap();
            let keys: Vec<String> = page.objects.iter().map(|object| object.key.to_string()).collect();
            (keys.join(" "), page.common_prefixes.join(" "), page.next)
        };
        let all = "a a/1 a/2 b/1 b/c/1 b/c/2 c 日本/一 日本/二";
        assert_eq!(page("", "", "", 100).await, (all.into(), String::new(), None));
        assert_eq!(page("", "", "", 9).await.2, None, "a page that is exactly full is the last");
        assert_eq!(page("", "/", "", 100).await, ("a c".into(), "a/ b/ 日本/".into(), None));
        assert_eq!(page("b/", "/", "", 100).await, ("b/1".into(), "b/c/".into(), None));
        assert_eq!(page("", "", "", 0).await, (String::new(), String::new(), None));
        // Walking page by page gives the same as all at once, with and without rolling up.
        for (delimiter, expected) in [("", all), ("/", "a a/ b/ c 日本/")] {
            for limit in 1..=4 {
                let (mut walked, mut after) = (Vec::new(), String::new());
                loop {
                    let found = core.perform(&alice, &list_input("", delimiter, &after, limit)).await.unwrap();
                    let mut names: Vec<String> = found.objects.iter().map(|object| object.key.to_string()).collect();
                    names.extend(found.common_prefixes.clone());
                    names.sort();
                    assert!(names.len() <= limit);
                    walked.extend(names);
                    match found.next {
                        Some(next) => after = next,
                        None => break,
                    }
                }
                assert_eq!(walked.join(" "), expected, "limit {limit}");
            }
        }
    }
}
