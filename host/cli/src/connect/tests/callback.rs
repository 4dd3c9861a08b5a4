//! What comes to the page on the loopback, as a browser, a page elsewhere and another program on the machine send it.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// A reception for the state `S`, and its address.
async fn open() -> (Reception, String) {
    let door = Door::open().await.unwrap();
    let host = door.address.to_string();
    assert_eq!(door.redirect(), format!("http://{host}/callback"));
    (door.receive("S"), host)
}

/// Sends a request as it is written, and answers all that comes back.
async fn send(host: &str, request: String) -> String {
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn get(host: &str, target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

#[track_caller]
fn check(answer: &str, status: &str) {
    let begins = format!("HTTP/1.1 {status} ");
    assert!(answer.starts_with(&begins), "{status}: {answer}");
    for header in [
        "cache-control: no-store",
        "referrer-policy: no-referrer",
        "x-frame-options: DENY",
        "content-security-policy: default-src 'none'",
    ] {
        assert!(answer.contains(header), "{header}: {answer}");
    }
}

#[tokio::test]
async fn one_callback_is_received_and_its_browser_sees_what_came_of_it() {
    let (mut reception, host) = open().await;
    let browser = tokio::spawn({
        let host = host.clone();
        async move { send(&host, get(&host, "/callback?code=1&state=S")).await }
    });
    let arrival = reception.arrival().await.unwrap();
    assert_eq!(arrival.query, "code=1&state=S");
    // The first one is under way: there is nothing for a second one, whether it comes or is pasted.
    tokio::select! {
        second = send(&host, get(&host, "/callback?code=2&state=S")) => check(&second, "409"),
        _ = reception.arrival() => panic!("a second one was received"),
    }
    assert!(!reception.take());
    let outcome = Ok("Ann <b> is connected".to_owned());
    reception.end(Some(arrival), outcome).await;
    let page = browser.await.unwrap();
    check(&page, "200");
    assert!(page.contains("<p>Ann &lt;b&gt; is connected</p>"), "{page}");
    assert!(TcpStream::connect(&host).await.is_err(), "it still listens");
}

#[tokio::test]
async fn what_is_not_the_callback_gets_a_page_and_changes_nothing() {
    let (mut reception, host) = open().await;
    let callback = "/callback?code=1&state=S";
    let port = host.rsplit(':').next().unwrap();
    for (request, status) in [
        (get(&host, "/callback?code=1&state=T"), "400"),
        (get(&host, "/callback?code=1"), "400"),
        (get(&host, "/callback?code=1&state=S&state=S"), "400"),
        (get(&host, "/callback"), "400"),
        (get(&host, "/"), "404"),
        (get(&host, "/callback/?code=1&state=S"), "404"),
        (get(&host, "/favicon.ico"), "404"),
        // A page whose name was pointed to this machine, and other names of it.
        (get("evil.example", callback), "421"),
        (get(&format!("evil.example:{port}"), callback), "421"),
        (get(&format!("localhost:{port}"), callback), "421"),
        (get("127.0.0.1", callback), "421"),
        (get(&format!("{host}\r\nHost: {host}"), callback), "421"),
        (get(&host, callback).replacen("GET", "POST", 1), "405"),
        (get(&host, callback).replacen("GET", "HEAD", 1), "405"),
        (
            get(&host, &format!("{callback}&x={}", "x".repeat(LONGEST))),
            "414",
        ),
    ] {
        tokio::select! {
            answer = send(&host, request.clone()) => check(&answer, status),
            _ = reception.arrival() => panic!("it was received: {request}"),
        }
    }
    assert!(reception.take(), "one was taken for the callback");
    tokio::select! {
        late = send(&host, get(&host, callback)) => check(&late, "409"),
        _ = reception.arrival() => panic!("it was received after all"),
    }
    reception.end(None, Err(String::new())).await;
}

#[test]
fn a_state_counts_only_if_it_is_the_only_one() {
    for (query, expected) in [
        ("code=1&state=abc", true),
        ("state=%61bc", true),
        ("code=1", false),
        ("state=", false),
        ("state=abcd", false),
        ("state=abc&state=abc", false),
        ("state=x&state=abc", false),
        ("State=abc", false),
    ] {
        assert_eq!(has_state(query, "abc"), expected, "{query}");
    }
}

#[test]
fn what_a_crm_says_is_shown_as_text() {
    let hostile = "<script>alert('1')</script>\u{202e} & \"more\"";
    assert_eq!(
        escaped(&text::message(hostile)),
        "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\\u{202e} &amp; &quot;more&quot;"
    );
}
