//! Accounts as people connect them: the real program as a process, a CRM with a real authorization server, a person at a browser, and everything that is written looked through for secrets.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the lints exempt only functions that are tests themselves"
)]

#[path = "connect/office.rs"]
mod office;

use self::office::{Office, send};

/// The recipe with a secret of the application.
const CODE: [&str; 2] = ["--auth", "sign-in-with-secret"];

#[tokio::test(flavor = "multi_thread")]
async fn an_account_lives_from_a_pasted_address_to_its_removal() {
    let office = Office::open().await;
    let client = office.client();
    let mut run = office.connect(&CODE, &client);
    let address = run.address().await;
    let login = &office.crm.credentials().users[0];
    office.nothing_of(&[client.secret.clone().unwrap()], &[]);

    // What is no callback is told apart, and the program goes on waiting.
    run.paste(&address).await;
    run.says("after you agreed").await;
    run.paste("http://127.0.0.1:7/callback?code=1&state=T")
        .await;
    run.says("another attempt").await;
    let sent_to = office.crm.allow(&address, login).await.unwrap();
    run.paste(&sent_to).await;
    let ended = run.end().await;
    assert_eq!(ended.code, 0, "{ended}");
    assert!(ended.out.contains("acme/crm is connected as"), "{ended}");
    office.nothing_of(&[code(&sent_to)], &[&ended]);
    assert!(ended.out.contains(&login.email), "{ended}");
    assert!(ended.out.contains("Example Trading"), "{ended}");
    assert!(ended.err.contains("with the credential"), "{ended}");

    let listed = office.run(&["connections", "list"], &[]).await;
    assert!(listed.out.contains("acme/crm"), "{listed}");
    let shown = office.run(&["connections", "show", "crm"], &[]).await;
    assert_eq!(shown.code, 0, "{shown}");
    for part in [
        "credential goes to",
        "client-secret",
        "refresh-token",
        "session ends",
        "status",
    ] {
        assert!(shown.out.contains(part), "{part}: {shown}");
    }
    let line = ["connections", "show", "acme/crm", "--json"];
    let shown = office.run(&line, &[]).await.json();
    assert_eq!(shown["account"]["status"], "connected");
    assert_eq!(shown["settings"]["site"], office.crm.url());
    let tested = office.run(&["connections", "test", "acme/crm"], &[]).await;
    assert_eq!(tested.code, 0, "{tested}");
    assert!(tested.out.contains(&login.email), "{tested}");
    let line = [
        "call",
        "--connection",
        "acme/crm",
        "get-my-contacts",
        "request={\"page\": {\"size\": 3}}",
    ];
    let called = office.run(&line, &[]).await;
    assert_eq!(called.code, 0, "{called}");

    // A second one of the same name is no accident that replaces the first.
    let credential = [("BRIGHTSYNC_CREDENTIAL_KEY", login.key.as_str())];
    let again = office.connect_with(&["--auth", "api-key"], &credential);
    let again = again.end().await;
    assert_eq!(again.code, 2, "{again}");
    assert!(
        again.err.contains("connections reconnect acme/crm"),
        "{again}"
    );

    let before = office.tell_all(&[&ended, &listed, &tested, &called]).await;
    let rotated = office.run(&["vault", "rotate", "--json"], &[]).await.json();
    assert_eq!(
        (&rotated["resealed"], &rotated["failed"]),
        (&1.into(), &0.into())
    );
    let old = rotated["keys-that-may-go"].as_array().unwrap();
    assert_eq!(old.len(), 1, "{rotated}");
    // They may go indeed.
    office.drop_key(old[0].as_str().unwrap());
    let tested = office.run(&["connections", "test", "crm"], &[]).await;
    assert_eq!(tested.code, 0, "{tested}");

    let mut run = office.start(
        &["connections", "reconnect", "acme/crm", "--no-browser"],
        &client,
    );
    let address = run.address().await;
    let other = &office.crm.credentials().users[1];
    let sent_to = office.crm.allow(&address, other).await.unwrap();
    let page = office.browse(&sent_to).await;
    assert!(
        page.contains("<h1>Connected</h1>") && page.contains(&other.email),
        "{page}"
    );
    let ended = run.end().await;
    assert_eq!(ended.code, 0, "{ended}");
    let tested = office.run(&["connections", "test", "crm"], &[]).await;
    assert!(tested.out.contains(&other.email), "{tested}");

    let asked = office.run(&["connections", "remove", "crm"], &[]).await;
    assert_eq!(asked.code, 2, "{asked}");
    assert!(asked.err.contains("add --yes"), "{asked}");
    let now = office.tell_all(&[&ended, &tested, &asked]).await;
    assert_ne!(before, now, "the session is another one");
    let revoked = office.crm.counts().revoked;
    let removed = office
        .run(&["connections", "remove", "crm", "--yes"], &[])
        .await;
    assert_eq!(removed.code, 0, "{removed}");
    assert!(
        removed.out.contains("the CRM has taken the access back"),
        "{removed}"
    );
    assert!(removed.out.contains("client-secret"), "{removed}");
    assert!(revoked < office.crm.counts().revoked);
    assert_eq!(office.kept().await, Vec::<String>::new());
    let called = office
        .run(&["call", "--connection", "acme/crm", "get-me"], &[])
        .await;
    assert_eq!(called.code, 2, "{called}");
    office.nothing_of(&before, &[&removed, &called]);
    office.nothing_of(&now, &[&removed, &called]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_counts_if_it_is_the_one_that_is_waited_for() {
    let office = Office::open().await;
    let client = office.client();
    let mut run = office.connect(&CODE, &client);
    let address = run.address().await;
    let login = &office.crm.credentials().users[0];
    let sent_to = office.crm.allow(&address, login).await.unwrap();
    let (host, target) = sent_to
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let get = |target: &str, name: &str| {
        format!("GET /{target} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n")
    };
    let state = target.split("state=").nth(1).unwrap();
    let state = state.split('&').next().unwrap();
    let wrong = target.replace(state, "another");
    for (request, status) in [
        (get(&wrong, host), "400"),
        (get("callback?error=access_denied", host), "400"),
        (get(target, "evil.example"), "421"),
        (get(target, host).replacen("GET", "POST", 1), "405"),
    ] {
        let page = send(host, &request).await;
        assert!(page.starts_with(&format!("HTTP/1.1 {status} ")), "{page}");
    }
    assert_eq!(
        office.crm.counts().issued,
        0,
        "something was done with one of them"
    );
    let page = send(host, &get(target, host)).await;
    assert!(page.contains("<h1>Connected</h1>"), "{page}");
    assert!(page.contains("cache-control: no-store"), "{page}");
    let ended = run.end().await;
    assert_eq!(ended.code, 0, "{ended}");
    office.tell_all(&[&ended]).await;
    office.nothing_of(&[code(&sent_to)], &[&ended]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_agree_is_told_so_and_nothing_is_kept() {
    let office = Office::open().await;
    let client = office.client();
    let mut run = office.connect(&CODE, &client);
    let address = run.address().await;
    let sent_to = office.crm.deny(&address).await.unwrap();
    let page = office.browse(&sent_to).await;
    assert!(page.contains("<h1>Not connected</h1>"), "{page}");
    let ended = run.end().await;
    assert_eq!(ended.code, 3, "{ended}");
    assert!(ended.err.contains("the consent was not given"), "{ended}");
    assert_eq!(office.kept().await, Vec::<String>::new());
    let listed = office
        .run(&["connections", "list", "--json"], &[])
        .await
        .json();
    assert_eq!(listed["connections"], serde_json::json!([]));
    office.tell_all(&[&ended]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_kept_only_if_the_crm_accepts_it() {
    let office = Office::open().await;
    let line = ["--auth", "api-key"];
    let wrong = "key-that-nobody-was-given-0123456789";
    let variable = "BRIGHTSYNC_CREDENTIAL_KEY";
    let ended = office.connect_with(&line, &[(variable, wrong)]).end().await;
    assert_eq!(ended.code, 3, "{ended}");
    assert!(ended.err.contains("nothing of it was kept"), "{ended}");
    assert_eq!(office.kept().await, Vec::<String>::new());
    let nobody = office.connect_with(&line, &[]).end().await;
    assert_eq!(nobody.code, 2, "{nobody}");
    assert!(nobody.err.contains(variable), "{nobody}");

    let key = office.crm.credentials().users[0].key.clone();
    let ended = office.connect_with(&line, &[(variable, &key)]).end().await;
    assert_eq!(ended.code, 0, "{ended}");
    let shown = office.run(&["connections", "show", "crm"], &[]).await;
    assert!(shown.out.contains("kept in the vault"), "{shown}");
    let tested = office
        .run(&["connections", "test", "crm", "--json"], &[])
        .await;
    assert_eq!(tested.json()["works"], true);
    office.tell_all(&[&ended, &shown, &tested]).await;
    office.nothing_of(&[wrong.to_owned()], &[&ended]);

    // A key that the connector's file is not there for can be wiped all the same.
    std::fs::remove_file(office.component()).unwrap();
    let removed = office
        .run(&["connections", "remove", "crm", "--yes"], &[])
        .await;
    assert_eq!(removed.code, 0, "{removed}");
    assert!(removed.err.contains("the CRM cannot be told"), "{removed}");
    assert_eq!(office.kept().await, Vec::<String>::new());
    office.nothing_of(&[key], &[&removed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_vault_come_from_where_the_operator_says() {
    let office = Office::open().await;
    let list = office.key_list();
    let key = office.crm.credentials().users[0].key.clone();
    let keys = ("BRIGHTSYNC_VAULT_KEYS", list.as_str());
    let credential = ("BRIGHTSYNC_CREDENTIAL_KEY", key.as_str());
    let ended = office
        .connect_with(&["--auth", "api-key"], &[keys, credential])
        .end()
        .await;
    assert_eq!(ended.code, 0, "{ended}");
    let status = office.run(&["vault", "status", "--json"], &[keys]).await;
    assert_eq!(status.json()["keys"], serde_json::json!(["of-a-test"]));

    let lost = office.run(&["connections", "test", "crm"], &[]).await;
    assert_eq!(lost.code, 1, "{lost}");
    assert!(lost.err.contains("are gone"), "{lost}");

    let file = office.away("keys.txt", &list);
    let command = format!("cat {file}");
    let line = [
        "connections",
        "test",
        "crm",
        "--vault-key-command",
        &command,
    ];
    let tested = office.run(&line, &[]).await;
    assert_eq!(tested.code, 0, "{tested}");
    let command = ("BRIGHTSYNC_VAULT_KEY_COMMAND", command.as_str());
    let rotated = office.run(&["vault", "rotate"], &[command]).await;
    assert_eq!(rotated.code, 0, "{rotated}");
    assert!(rotated.err.contains("openssl rand -base64 32"), "{rotated}");
    let both = office.run(&["vault", "status"], &[keys, command]).await;
    assert_eq!(both.code, 2, "{both}");
    let secrets = [key, list.split(':').nth(1).unwrap().trim().to_owned()];
    office.nothing_of(
        &secrets,
        &[&ended, &status, &lost, &tested, &rotated, &both],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_asks_for_more_than_was_agreed_to_is_refused_until_it_is_agreed_to() {
    let office = Office::open().await;
    let key = office.crm.credentials().users[0].key.clone();
    let credential = [("BRIGHTSYNC_CREDENTIAL_KEY", key.as_str())];
    let ended = office
        .connect_with(&["--auth", "api-key"], &credential)
        .end()
        .await;
    assert_eq!(ended.code, 0, "{ended}");
    office.ask_for("https://collect.example.net");
    let tested = office.run(&["connections", "test", "crm"], &[]).await;
    assert_eq!(tested.code, 6, "{tested}");
    assert!(
        tested.err.contains("connections reconnect acme/crm"),
        "{tested}"
    );
    let line = ["connections", "reconnect", "crm"];
    let again = office.run(&line, &credential).await;
    assert_eq!(again.code, 0, "{again}");
    assert!(again.err.contains("https://collect.example.net"), "{again}");
    let tested = office.run(&["connections", "test", "crm"], &[]).await;
    assert_eq!(tested.code, 0, "{tested}");
    office.tell_all(&[&ended, &again, &tested]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_is_connected_to_a_crm_of_its_own_that_is_gone_at_the_end() {
    let office = Office::open().await;
    let (spy, seen) = office.spy();
    let secret = "a-key-that-is-nobodys-business";
    let variables = [
        ("CARGO", spy.to_str().unwrap()),
        ("BRIGHTSYNC_VAULT_KEYS", secret),
        ("BRIGHTSYNC_CREDENTIAL_KEY", secret),
    ];
    let mut run = office.own_crm(&variables);
    let told = run.says("Sign in there as").await;
    let address = run.address().await;
    let site = told
        .split_whitespace()
        .find(|it| it.starts_with("http://"))
        .unwrap();
    assert!(address.starts_with(site), "{address}");
    let (email, password) = run.login();
    let sent_to = office.agree(&address, &email, &password).await;
    run.paste(&sent_to).await;
    let ended = run.end().await;
    assert_eq!(ended.code, 0, "{ended}");
    assert!(ended.out.contains(&email), "{ended}");
    assert!(ended.err.contains("the connection is not kept"), "{ended}");
    let listed = office
        .run(&["connections", "list", "--json"], &[])
        .await
        .json();
    assert_eq!(listed["connections"], serde_json::json!([]));
    // Whose build script may be anybody's.
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(seen.contains("PATH=") && !seen.contains(secret), "{seen}");
    // Not even a vault.
    assert!(!office.data().join("vault.sqlite").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_the_crm_has_taken_back_is_shown_as_such_until_it_is_connected_again() {
    let office = Office::open().await;
    let client = office.client();
    let login = &office.crm.credentials().users[0];
    let mut run = office.connect(&CODE, &client);
    let address = run.address().await;
    let sent_to = office.crm.allow(&address, login).await.unwrap();
    run.paste(&sent_to).await;
    let ended = run.end().await;
    assert_eq!(ended.code, 0, "{ended}");
    let kept = office.tell_all(&[&ended]).await;

    office.take_back(&client).await;
    office.age().await;
    let tested = office.run(&["connections", "test", "crm"], &[]).await;
    assert_ne!(tested.code, 0, "{tested}");
    let shown = office.run(&["connections", "show", "crm"], &[]).await;
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.out.contains("needs reconnecting"), "{shown}");
    assert!(shown.out.contains("connect the account again"), "{shown}");
    office.nothing_of(&kept, &[&tested, &shown]);

    let mut run = office.start(&["connections", "reconnect", "crm"], &client);
    let address = run.address().await;
    // The code alone will do.
    let sent_to = office.crm.allow(&address, login).await.unwrap();
    run.paste(&code(&sent_to)).await;
    let ended = run.end().await;
    assert_eq!(ended.code, 0, "{ended}");
    let line = ["connections", "show", "crm", "--json"];
    let shown = office.run(&line, &[]).await;
    assert_eq!(shown.json()["account"]["status"], "connected");
    office.tell_all(&[&ended, &shown]).await;
    office.nothing_of(&[code(&sent_to)], &[&ended]);
}

/// The code in an address that a browser was sent to.
fn code(sent_to: &str) -> String {
    let code = sent_to.split("code=").nth(1).unwrap();
    code.split('&').next().unwrap().to_owned()
}
