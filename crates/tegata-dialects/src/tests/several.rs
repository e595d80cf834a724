//! Several people at one browser, a second factor that is set up on the way in, and rules in the reader's language.

use http::{StatusCode, header};
use tegata_core::{
    directory::{self, LoginProfileChange, SetPasswordPolicy},
    testing::one_time_code,
};

use super::{
    pages::{Browser, PASSWORD, people, ready, request},
    world::World,
};

async fn change(world: &World, user: &str, reset: bool, factor: bool) {
    let change = LoginProfileChange {
        user: user.parse().unwrap(),
        password: None,
        reset_required: Some(reset),
        mfa_required: Some(factor),
        status: None,
    };
    directory::update_login_profile(&world.test, &world.test.user("alice").await.unwrap(), change).await.unwrap();
}

fn select() -> String {
    request(&[("prompt", Some("select_account"))])
}

#[tokio::test]
async fn a_browser_is_of_several_people_and_one_of_them_is_chosen() {
    let world = World::new().await;
    ready(&world).await;
    let mut browser = Browser::new(&world);
    browser.open("/signin").await.sign_in("bob").await;
    assert!(browser.page.contains("signin?step=somebody-else"));
    // Somebody else beside; the first one stays.
    browser.open("/signin?step=somebody-else").await;
    assert_eq!(browser.heading(), "Sign in");
    browser.sign_in("alice").await;
    assert!(browser.page.contains("alice@acme") && browser.page.contains("choose-account"), "{}", browser.page);
    assert!(browser.cookies.contains_key("tegata-others"));
    // Where several are signed in, a program's request asks which; without one being asked, the last one counts.
    browser.open(&request(&[])).await;
    assert_eq!(browser.heading(), "Choose an account");
    assert!(browser.page.find("alice@acme").unwrap() < browser.page.find("bob@acme").unwrap());
    assert!(browser.page.contains("value=\"bob@acme\"") && browser.page.contains("value=\"somebody-else\""));
    let old = browser.cookies["tegata"].clone();
    browser.submit(&[("account", "bob@acme")]).await;
    assert_eq!(browser.heading(), "Allow official-cli?", "{}", browser.page);
    assert_ne!(browser.cookies["tegata"], old);
    assert!(browser.page.contains("Signed in as bob@acme"));
    browser.submit(&[("decision", "allow")]).await;
    assert!(browser.away.as_ref().unwrap().contains("code="));
    // It is asked anew for the next request, and again when the person wants to.
    browser.open(&request(&[("state", Some("other"))])).await;
    assert_eq!(browser.heading(), "Choose an account");
    browser.submit(&[("account", "alice@acme")]).await;
    assert_eq!(browser.brief(), "403 You are not assigned");
    // Nobody is chosen who is not signed in here, whatever the form says.
    browser.open(&select()).await.submit(&[("account", "dan@acme")]).await;
    assert_eq!(browser.heading(), "Choose an account");
    // Somebody else, once more: a password is asked, and then it goes on as that person.
    browser.submit(&[("account", "somebody-else")]).await;
    assert_eq!(browser.heading(), "Sign in");
    browser.sign_in("dan").await;
    assert_eq!(browser.brief(), "403 You are not assigned");
    assert!(browser.page.contains("user dan"));
    // Who signs in a second time is not there twice.
    browser.open(&request(&[("prompt", Some("login"))])).await.sign_in("bob").await;
    browser.open("/choose-account").await;
    assert_eq!(browser.page.matches("class=\"choice\"").count(), 3, "{}", browser.page);
    browser.submit(&[("account", "bob@acme")]).await;
    assert!(browser.page.contains("bob@acme"));
    // Signing out leaves nobody behind: not in the browser, and not at the server.
    let kept = browser.cookies.clone();
    browser.open("/signin").await;
    let form = browser.form(&[]);
    browser.raw("POST", "/signout", &[], &form).await;
    for cookie in kept["tegata-others"].split('.').chain([kept["tegata"].as_str()]) {
        let mut thief = Browser::new(&world);
        thief.cookies.insert("tegata".to_owned(), cookie.to_owned());
        assert_eq!(thief.open("/signin").await.heading(), "Sign in");
    }
}

#[tokio::test]
async fn one_person_is_asked_to_choose_only_where_the_client_wants_it() {
    let world = World::new().await;
    ready(&world).await;
    let mut bob = Browser::new(&world);
    bob.open(&select()).await;
    assert_eq!(bob.heading(), "Sign in", "nobody is there to be chosen");
    bob.sign_in("bob").await;
    assert_eq!(bob.heading(), "Allow official-cli?", "who has just signed in has chosen");
    bob.open(&select()).await;
    assert_eq!(bob.heading(), "Choose an account");
    bob.submit(&[("account", "bob@acme")]).await;
    assert_eq!(bob.heading(), "Allow official-cli?");
    // The choice of one request is none for another.
    let chosen = bob.at.split("chosen=").nth(1).unwrap().to_owned();
    bob.open(&format!("{}&chosen={chosen}", request(&[("prompt", Some("select_account")), ("state", Some("other"))]))).await;
    assert_eq!(bob.heading(), "Choose an account");
    bob.open(&request(&[("prompt", Some("select_account login"))])).await.submit(&[("account", "bob@acme")]).await;
    assert_eq!(bob.heading(), "Sign in", "chosen, and asked for the password as the client wants");
    // Another site cannot choose, and neither can a form of another page.
    bob.open(&select()).await;
    let (at, form) = (bob.at.clone(), bob.form(&[("account", "bob@acme")]));
    let answer = bob.raw("POST", &at, &[("origin", "https://evil.example")], &form).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    bob.open("/choose-account").await;
    let form = bob.form(&[("account", "bob@acme")]);
    let answer = bob.raw("POST", &at, &[], &form).await;
    assert_eq!((answer.status(), answer.headers().get(header::SET_COOKIE).is_none()), (StatusCode::FORBIDDEN, true));
}

#[tokio::test]
async fn a_second_factor_is_set_up_at_a_page_and_a_password_replaced() {
    let world = World::new().await;
    ready(&world).await;
    people(&world, &["appserver"]).await;
    change(&world, "appserver", false, true).await;
    change(&world, "bob", true, true).await;
    let mut bob = Browser::new(&world);
    bob.open(&request(&[])).await.sign_in("bob").await;
    assert_eq!(bob.brief(), "200 Set up a second factor");
    assert!(bob.page.contains("<svg role=\"img\"") && !bob.page.contains("data:") && !bob.page.contains("style="));
    let inside = bob.page.split("class=\"seed\"><code>").nth(1).unwrap().split("</code>").next().unwrap();
    let seed: String = inside.replace("<span>", "").replace("</span>", "");
    assert_eq!(seed.len(), 40);
    bob.submit(&[("otp", "000000")]).await;
    assert_eq!(bob.brief(), "401 Set up a second factor");
    assert!(bob.page.contains(&inside_of(&seed)), "the same key again");
    bob.submit(&[("otp", &one_time_code(&seed, world.test.now(), 0).unwrap())]).await;
    assert_eq!(bob.brief(), "200 Choose a password");
    // What is wrong with it is said in the reader's language.
    world
        .test
        .perform(
            &world.test.user("alice").await.unwrap(),
            &SetPasswordPolicy { require_numbers: Some(true), min_length: Some(10), ..Default::default() },
        )
        .await
        .unwrap();
    bob.submit(&[("password", "short"), ("again", "short")]).await;
    assert_eq!(bob.brief(), "400 Choose a password");
    assert!(bob.page.contains("It needs: at least 10 characters, a digit."), "{}", bob.page);
    let ja = format!("{}&lang=ja", bob.at);
    bob.open(&ja).await;
    assert!(bob.page.contains("10 文字以上") && bob.page.contains("数字を含む"));
    bob.submit(&[("password", PASSWORD), ("again", PASSWORD)]).await;
    assert!(bob.page.contains("数字を含む。") && bob.page.contains("このパスワードは使えません"), "{}", bob.page);
    bob.submit(&[("password", "one"), ("again", "other")]).await;
    assert!(bob.page.contains("role=\"alert\"") && !bob.page.contains("このパスワードは使えません"));
    bob.submit(&[("password", "battery staple 1"), ("again", "battery staple 1")]).await;
    assert_eq!(bob.status, StatusCode::OK);
    assert!(bob.page.contains("official-cli") && bob.page.contains("name=\"decision\""), "{}", bob.page);
    // At the page of a browser's own the same.
    let mut app = Browser::new(&world);
    app.open("/signin").await.sign_in("appserver").await;
    assert_eq!(app.brief(), "200 Set up a second factor");
    app.open("/device").await;
    assert_eq!(app.brief(), "200 Set up a second factor");
    app.open(&request(&[("prompt", Some("none"))])).await;
    assert!(app.away.as_ref().unwrap().contains("error=login_required"));
}

fn inside_of(seed: &str) -> String {
    let letters: Vec<char> = seed.chars().collect();
    letters.chunks(4).map(|four| format!("<span>{}</span>", four.iter().collect::<String>())).collect()
}
