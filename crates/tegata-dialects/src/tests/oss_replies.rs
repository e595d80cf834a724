//! Whole replies of the object gateway.

use super::world::{ALICE_ONLY, By, World, ask};

#[tokio::test]
async fn buckets() {
    let world = World::new().await;
    let alice = world.key("alice");
    let mut seen = String::new();
    let body = b"<CreateBucketConfiguration><StorageClass>Standard</StorageClass></CreateBucketConfiguration>";
    for (by, ask) in [
        (By::V4, ask("PUT", "/mine").body(body)),
        (By::V1, ask("PUT", "/mine/")),
        (By::V4, ask("GET", "/")),
        (By::V4, ask("GET", "/").query("max-keys", "1")),
        (By::V1, ask("GET", "/mine/").query("bucketInfo", "")),
        (By::V4, ask("DELETE", "/mine/")),
        (By::V4, ask("DELETE", "/mine/")),
    ] {
        let title = format!("--- {} {}\n", ask.method, ask.target());
        seen = format!("{seen}{title}{}\n", world.oss(&alice, by, ask).await.whole());
    }
    insta::assert_snapshot!("buckets", seen);
}

#[tokio::test]
async fn an_object_and_its_answers() {
    let world = World::new().await;
    let alice = world.key("alice");
    let put = ask("PUT", "/photos/a%20b/").body(b"");
    assert_eq!(world.oss(&alice, By::V1, put).await.status, 200);
    let put = ask("PUT", "/photos/a/%C3%BC.txt")
        .header("content-type", "text/plain")
        .header("content-md5", "XrY7u+Ae7tCTyyK7j1rNww==")
        .header("cache-control", "no-cache")
        .header("x-oss-meta-author", "Alice")
        .header("x-oss-object-acl", "default")
        .body(b"hello world");
    let mut seen = format!("--- PUT\n{}\n", world.oss(&alice, By::V4, put).await.whole());
    for ask in [
        ask("GET", "/photos/a/%C3%BC.txt"),
        ask("GET", "/photos/a%2F%C3%BC.txt").header("range", "bytes=0-4").query("response-content-type", "text/html"),
        ask("HEAD", "/photos/a/%C3%BC.txt"),
        ask("HEAD", "/photos/a/%C3%BC.txt").query("objectMeta", ""),
        ask("GET", "/photos/a/%C3%BC.txt").header("if-none-match", "5EB63BBBE01EEED093CB22BB8F5ACDC3"),
        ask("GET", "/photos/a/%C3%BC.txt").header("if-match", "\"0\""),
        ask("GET", "/photos/a/%C3%BC.txt").header("range", "bytes=99-").header("x-oss-range-behavior", "standard"),
        ask("DELETE", "/photos/a/%C3%BC.txt"),
        ask("GET", "/photos/a/%C3%BC.txt"),
        ask("HEAD", "/photos/a/%C3%BC.txt"),
    ] {
        let title = format!("--- {} {}\n", ask.method, ask.target());
        let answer = world.oss(&alice, By::V4, ask).await;
        let mut whole = answer.whole();
        if !answer.header("x-oss-err").is_empty() {
            use base64::Engine as _;
            let decoded = base64::engine::general_purpose::STANDARD.decode(answer.header("x-oss-err")).unwrap();
            let decoded = String::from_utf8(decoded).unwrap().replace(answer.header("x-oss-request-id"), "REQUEST-ID");
            whole = whole.replace(answer.header("x-oss-err"), &format!("BASE64 OF {decoded}"));
        }
        seen = format!("{seen}{title}{whole}\n");
    }
    insta::assert_snapshot!("object", seen);
}

#[tokio::test]
async fn listings() {
    let world = World::new().await;
    let alice = world.key("alice");
    for key in ["a/1", "a/2", "a/sub/3", "b&%3C%0D%3E", "%E6%97%A5"] {
        let path = format!("/photos/{key}");
        assert_eq!(world.oss(&alice, By::V4, ask("PUT", &path).body(b"x")).await.status, 200, "{key}");
    }
    let mut seen = String::new();
    for ask in [
        ask("GET", "/photos"),
        ask("GET", "/photos/").query("delimiter", "/").query("max-keys", "2").query("encoding-type", "url"),
        ask("GET", "/photos/").query("list-type", "2").query("prefix", "a/").query("delimiter", "/"),
        ask("GET", "/photos/").query("list-type", "2").query("max-keys", "2").query("fetch-owner", "true").query("start-after", "a/1"),
        ask("GET", "/photos/")
            .query("list-type", "2")
            .query("max-keys", "2")
            .query("continuation-token", "YS9zdWIvMw")
            .query("start-after", ""),
    ] {
        let title = format!("--- {} {}\n", ask.method, ask.target());
        seen = format!("{seen}{title}{}\n", world.oss(&alice, By::V4, ask).await.text().replace("><", ">\n<"));
    }
    insta::assert_snapshot!("listings", seen);
}

#[tokio::test]
async fn every_page_together_is_the_whole_list() {
    let world = World::new().await;
    let alice = world.key("alice");
    for number in 0..7 {
        let path = format!("/photos/k{number}/x");
        assert_eq!(world.oss(&alice, By::V1, ask("PUT", &path)).await.status, 200);
    }
    let element = |text: &str, name: &str| {
        text.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once('<')).map(|(value, _)| value.to_owned())
    };
    for (version, place, next) in [("1", "marker", "NextMarker"), ("2", "continuation-token", "NextContinuationToken")] {
        for delimiter in ["", "/"] {
            let (mut seen, mut at) = (0, String::new());
            for _ in 0..10 {
                let list = ask("GET", "/photos/")
                    .query("list-type", version)
                    .query("max-keys", "2")
                    .query("delimiter", delimiter)
                    .query(place, &at);
                let text = world.oss(&alice, By::V1, list).await.text();
                seen += text.matches("<Contents>").count() + text.matches("<CommonPrefixes>").count();
                match element(&text, next) {
                    Some(token) => at = token,
                    None => break,
                }
            }
            assert_eq!(seen, 7, "version {version}, delimiter `{delimiter}`");
        }
    }
}

#[tokio::test]
async fn refusals_in_full() {
    let world = World::new().await;
    let narrow = world.uploader(Some(ALICE_ONLY)).await;
    let mut seen = String::new();
    let denied = world.oss(&narrow, By::V4, ask("PUT", "/photos/bob/x").body(b"x")).await;
    seen = format!("{seen}--- outside the prefix\n{}\n", denied.whole());
    let anonymous = world.oss(&narrow, By::Nothing, ask("GET", "/photos/alice/x")).await;
    seen = format!("{seen}--- anonymous\n{}\n", anonymous.whole());
    let head = world.oss(&world.key("dan"), By::V1, ask("HEAD", "/photos/alice/x")).await;
    seen = format!("{seen}--- head\n{}\n", head.whole().split("x-oss-err").next().unwrap());
    let foreign = world.oss(&world.key("mallory"), By::V1, ask("GET", "/photos/").query("bucketInfo", "")).await;
    seen = format!("{seen}--- another account's bucket\n{}\n", foreign.whole());
    let taken = world.oss(&world.key("mallory"), By::V1, ask("PUT", "/photos/")).await;
    seen = format!("{seen}--- another account's name\n{}\n", taken.whole());
    let mut wrong = world.key("dan");
    wrong.secret = tegata_model::SecretKey::new("wrong".to_owned());
    seen = format!("{seen}--- wrong secret\n{}\n", world.oss(&wrong, By::V4, ask("GET", "/photos/x")).await.whole());
    insta::assert_snapshot!("refusals", seen);
}
