use alloc::vec;
use core::net::Ipv4Addr;
use std::format;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// `http`, and this machine: what a test can serve.
const LOCAL: Rules = Rules { scheme: "http", allows: |address| address.is_loopback() };

fn reference(url: &str) -> Reference {
    Reference { field: "image_url".into(), url: url.into() }
}

/// Serves one answer to one request, and returns the request.
async fn served(answer: &'static str) -> (Result<(), PreflightProblem>, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = connection.read(&mut request).await.unwrap();
        connection.write_all(answer.as_bytes()).await.unwrap();
        request.truncate(length);
        String::from_utf8(request).unwrap()
    });
    // No server of names knows this host: what is connected to is what was looked up once.
    let url = format!("http://media.invalid:{}/a.png?sig=canary", address.port());
    let resolve = |host: String, _| async move {
        assert_eq!(host, "media.invalid");
        Ok(vec![address])
    };
    let found = Preflight::default().check_one(&reference(&url), &LOCAL, resolve).await;
    // Should nobody have come, the server need not wait.
    drop(TcpStream::connect(address).await);
    (found, server.await.unwrap())
}

#[tokio::test]
async fn content_that_is_allowed_is_asked_for_once_without_a_key() {
    let (found, request) =
        served("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 7\r\n\r\n").await;
    assert_eq!(found, Ok(()));
    assert!(request.starts_with("HEAD /a.png?sig=canary HTTP/1.1\r\n"), "{request}");
    assert!(!request.to_ascii_lowercase().contains("authorization"), "{request}");
}

#[tokio::test]
async fn every_other_answer_is_found() {
    for (answer, problem) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 7\r\n\r\n",
            PreflightProblem::ContentType,
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n", PreflightProblem::ContentType),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: 104857601\r\n\r\n",
            PreflightProblem::TooLarge(104_857_601),
        ),
        ("HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\n\r\n", PreflightProblem::NoLength),
        ("HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n", PreflightProblem::HeadRefused(403)),
        ("HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n", PreflightProblem::HeadRefused(405)),
        ("HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n", PreflightProblem::Status(404)),
        (
            "HTTP/1.1 302 No\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n",
            PreflightProblem::Status(302),
        ),
        ("nonsense\r\n\r\n", PreflightProblem::Unreachable),
    ] {
        let is_warning =
            matches!(problem, PreflightProblem::HeadRefused(_) | PreflightProblem::NoLength);
        assert_eq!(problem.is_warning(), is_warning);
        let (found, _) = served(answer).await;
        assert_eq!(found, Err(problem), "{answer}");
    }
}

#[tokio::test]
async fn only_public_addresses_are_connected_to() {
    let public: SocketAddr = "1.1.1.1:443".parse().unwrap();
    let private: SocketAddr = "10.0.0.1:443".parse().unwrap();
    for (url, addresses, problem) in [
        ("http://example.com/", vec![public], PreflightProblem::NotHttps),
        ("nonsense", vec![public], PreflightProblem::NotHttps),
        ("https://example.com/", vec![], PreflightProblem::NoAddress),
        ("https://example.com/", vec![private], PreflightProblem::NotPublic),
        // One of several is enough: which one the provider takes, nobody knows.
        ("https://example.com/", vec![public, private], PreflightProblem::NotPublic),
    ] {
        let resolve = |_, _| core::future::ready(Ok(addresses.clone()));
        let found = Preflight::default().check_one(&reference(url), &RULES, resolve).await;
        assert_eq!(found, Err(problem), "{url}");
    }
    for url in [
        "https://localhost/a?sig=canary",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:7f00:1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://169.254.169.254/latest/",
    ] {
        let request =
            crate::GenerationRequest::new("m", "p").reference("image_url", url).validate().unwrap();
        let found = Preflight::default().check(&request).await;
        assert_eq!(found.len(), 1, "{url}");
        assert_eq!(found[0].problem, PreflightProblem::NotPublic, "{url}");
        assert!(!format!("{found:?} {}", found[0]).contains("canary"));
    }
}
