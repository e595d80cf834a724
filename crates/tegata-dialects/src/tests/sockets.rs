//! Over a real connection: what only the bytes on the wire show.

use std::{fmt::Write as _, sync::Arc};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::world::{Ask, By, TestKey, World, ask};

struct Served {
    world: World,
    address: std::net::SocketAddr,
}

impl Served {
    async fn new() -> Self {
        let world = World::new().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let gateway = world.gateway.clone();
        tokio::spawn(async move { axum::serve(listener, gateway).await });
        Self { world, address }
    }

    /// The head of a signed request, as bytes.
    fn head(&self, key: &TestKey, mut asked: Ask<'_>) -> String {
        asked.headers.push(("host".to_owned(), self.address.to_string()));
        let address = asked.address();
        let unsigned = tegata_sign::oss::Unsigned { method: asked.method, address: &address, query: &asked.query, headers: &asked.headers };
        let added = tegata_sign::oss_v1::sign(&unsigned, &key.credential(), self.world.test.now()).unwrap();
        let mut lines = String::new();
        for (name, value) in asked.headers.iter().chain(&added) {
            let _ = write!(lines, "{name}: {value}\r\n");
        }
        format!("{} {} HTTP/1.1\r\nconnection: close\r\n{lines}\r\n", asked.method, asked.target())
    }

    /// Sends bytes and reads the answer to its end; `cut` goes away before it has come.
    async fn exchange(&self, bytes: &[u8], cut: bool) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        if cut {
            stream.shutdown().await.unwrap();
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[tokio::test]
async fn an_upload_that_is_cut_off_leaves_nothing() {
    let served = Served::new().await;
    let alice = served.world.key("alice");
    let head = served.head(&alice, ask("PUT", "/photos/cut").header("content-length", "1000"));
    let answer = served.exchange(format!("{head}half").as_bytes(), true).await;
    assert!(answer.is_empty() || answer.contains("<Code>IncompleteBody</Code>"), "{answer}");
    let get = served.world.oss(&alice, By::V4, ask("GET", "/photos/cut")).await;
    assert_eq!(get.brief(), "404 NoSuchKey 0026-00000001");
}

#[tokio::test]
async fn headers_go_out_in_lower_case_and_once() {
    let served = Served::new().await;
    let alice = served.world.key("alice");
    let put = served.head(&alice, ask("PUT", "/photos/k").header("content-length", "5"));
    let put = served.exchange(format!("{put}hello").as_bytes(), false).await;
    let get = served.exchange(served.head(&alice, ask("GET", "/photos/k")).as_bytes(), false).await;
    let head = served.exchange(served.head(&alice, ask("HEAD", "/photos/k")).as_bytes(), false).await;
    let absent = served.exchange(served.head(&alice, ask("HEAD", "/photos/none")).as_bytes(), false).await;
    let delete = served.exchange(served.head(&alice, ask("DELETE", "/photos/k")).as_bytes(), false).await;
    assert!(put.starts_with("HTTP/1.1 200 OK\r\n") && get.ends_with("\r\n\r\nhello"), "{put}{get}");
    assert!(head.contains("\r\ncontent-length: 5\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(absent.starts_with("HTTP/1.1 404") && absent.contains("\r\nx-oss-err: ") && absent.ends_with("\r\n\r\n"), "{absent}");
    assert!(delete.starts_with("HTTP/1.1 204"), "{delete}");
    for answer in [&put, &get, &head, &absent, &delete] {
        assert_eq!(answer.matches("\r\ndate: Fri, 02 Jan 2026 03:04:05 GMT\r\n").count(), 1, "{answer}");
        assert_eq!(answer.matches("x-oss-request-id: ").count(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let served = Served::new().await;
    let head = served.head(&served.world.key("dan"), ask("PUT", "/photos/k").header("content-length", "200000"));
    let mut bytes = head.into_bytes();
    bytes.resize(bytes.len() + 200_000, b'x');
    let answer = served.exchange(&bytes, false).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[tokio::test]
async fn a_large_object_goes_through_in_pieces() {
    let served = Served::new().await;
    let alice = served.world.key("alice");
    let body: Arc<[u8]> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
    let put = served.head(&alice, ask("PUT", "/photos/big").header("transfer-encoding", "chunked"));
    let mut bytes = put.into_bytes();
    for chunk in body.chunks(65_536) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    assert!(served.exchange(&bytes, false).await.starts_with("HTTP/1.1 200"));
    let get = served.world.oss(&alice, By::V4, ask("GET", "/photos/big")).await;
    assert_eq!((get.status.as_u16(), get.body.len(), get.body.as_slice() == &*body), (200, 3_000_000, true));
}
