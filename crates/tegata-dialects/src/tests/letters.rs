//! Pages that letters lead to, as a browser sees them.

use tegata_core::{directory::UpdateUser, mail::Message};

use super::{
    pages::{Browser, PASSWORD, people},
    world::World,
};

const BOB: &str = "bob@people.test";

async fn world() -> World {
    let world = World::new().await;
    people(&world, &["bob"]).await;
    let change = UpdateUser {
        name: "bob".parse().unwrap(),
        new_name: None,
        display_name: None,
        email: Some(BOB.parse().unwrap()),
        phone: None,
        comments: None,
    };
    world.test.perform(&world.test.user("alice").await.unwrap(), &change).await.unwrap();
    letters(&world).await;
    world
}

async fn letters(world: &World) -> Vec<Message> {
    world.test.send_letters().await.unwrap();
    world.test.mailer.take()
}

/// The path of the one link in a letter.
fn link(message: &Message) -> String {
    let (_, rest) = message.body.split_once("http://tegata.test/").unwrap();
    format!("/{}", rest.split_whitespace().next().unwrap())
}

#[tokio::test]
async fn a_forgotten_password_is_asked_for_and_set() {
    let world = world().await;
    let mut bob = Browser::new(&world);
    assert!(bob.open("/signin").await.page.contains("href=\"reset\""), "the page of the sign-in leads there");
    assert_eq!(bob.open("/reset").await.brief(), "200 Forgot the password?");
    let known = bob.submit(&[("username", BOB)]).await.page.clone();
    let unknown = bob.open("/reset").await.submit(&[("username", "ghost@people.test")]).await;
    assert_eq!((unknown.brief().as_str(), &unknown.page), ("200 Look into your mailbox", &known), "the same for everybody");
    let sent = letters(&world).await;
    assert_eq!(sent.len(), 1);
    let way = link(&sent[0]);
    assert_eq!(bob.open(&way).await.brief(), "200 Choose a password");
    assert!(bob.page.contains("bob@acme"));
    assert_eq!(bob.open(&way).await.brief(), "200 Choose a password", "looking does nothing");
    assert_eq!(bob.submit(&[("password", "battery staple 2"), ("again", "other")]).await.brief(), "400 Choose a password");
    assert_eq!(bob.submit(&[("password", "x"), ("again", "x")]).await.brief(), "400 Choose a password");
    let done = bob.submit(&[("password", "battery staple 2"), ("again", "battery staple 2")]).await.brief();
    assert_eq!(done, "200 Sign in", "nobody is signed in by a letter");
    assert!(bob.open(&way).await.brief().starts_with("404 "), "once");
    assert!(!bob.open("/signin").await.sign_in("bob").await.page.contains("Sign out"));
    let in_now = bob.submit(&[("username", "bob@acme"), ("password", "battery staple 2")]).await.brief();
    assert!(in_now.starts_with("200 ") && bob.page.contains("Sign out"), "{in_now}");
    // Whoever asks in Japanese gets a letter in Japanese.
    bob.open("/reset?lang=ja").await.submit(&[("username", BOB)]).await;
    let sent = letters(&world).await;
    assert!(sent.iter().any(|letter| letter.subject.contains("新しいパスワード")), "{sent:?}");
}

#[tokio::test]
async fn a_form_of_another_page_sets_nothing() {
    let world = world().await;
    let mut bob = Browser::new(&world);
    bob.open("/reset").await.submit(&[("username", BOB)]).await;
    let way = link(&letters(&world).await[0]);
    let mut stranger = Browser::new(&world);
    stranger.open("/reset").await;
    let body = stranger.form(&[("password", "battery staple 2"), ("again", "battery staple 2")]);
    assert!(stranger.go("POST", &way, &body).await.brief().starts_with("403 "));
    assert_eq!(bob.open(&way).await.brief(), "200 Choose a password", "the link is as good as before");
}

#[tokio::test]
async fn not_me_says_what_it_will_do_and_does_it_once() {
    let world = world().await;
    let mut thief = Browser::new(&world);
    thief.open("/signin").await.submit(&[("username", "bob@acme"), ("password", PASSWORD)]).await;
    assert!(thief.page.contains("Sign out"));
    let way = link(&letters(&world).await[0]);
    assert!(way.starts_with("/not-me/"));
    let mut bob = Browser::new(&world);
    assert_eq!(bob.open(&way).await.brief(), "200 Was that not you?");
    assert!(bob.page.contains("every sign-in") && bob.page.contains("bob@acme"), "{}", bob.page);
    assert!(thief.open("/signin").await.page.contains("Sign out"), "looking does nothing");
    bob.open(&way).await;
    assert_eq!(bob.submit(&[]).await.brief(), "200 Done");
    assert_eq!(thief.open("/signin").await.brief(), "200 Sign in");
    assert!(bob.open(&way).await.brief().starts_with("404 "));
    let sent = letters(&world).await;
    assert!(link(&sent[0]).starts_with("/reset/"));
    for strange in ["/not-me/x", "/reset/x", "/not-me/%00", "/reset/%F0%9F%98%80"] {
        assert!(bob.open(strange).await.brief().starts_with("404 "), "{strange}");
    }
}
