//! The admin listener: `/livez`, `/readyz`, `/metrics` over plain HTTP, for the operator's side of the network alone.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::Metrics;
use crate::bus::Health;
use crate::http::{Body, Mount};
use crate::parts::ReadyCheck;

/// How long one attempt at a check may take, and how long to wait before the next.
const ATTEMPT: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(500);

/// Whether this process should get requests: from the first time each check answered well until stopping is asked for.
#[derive(Clone)]
pub(crate) struct Readiness(Arc<State>);

struct State {
    checks: Vec<(ReadyCheck, AtomicBool)>,
    stopping: AtomicBool,
    /// True once each check has answered well.
    settled: watch::Sender<bool>,
    /// Says the same on the bus.
    health: Health,
}

impl Readiness {
    pub(crate) fn new(checks: Vec<ReadyCheck>, health: Health) -> Self {
        let checks = checks.into_iter().map(|check| (check, AtomicBool::new(false))).collect();
        Self(Arc::new(State {
            checks,
            stopping: AtomicBool::new(false),
            settled: watch::Sender::new(false),
            health,
        }))
    }

    /// Not ready any more.
    pub(crate) async fn stop(&self) {
        self.0.stopping.store(true, Ordering::Release);
        self.0.health.ready(false).await;
    }

    /// Asks every check until it has answered well.
    pub(crate) async fn settle(self) {
        futures::future::join_all(self.0.checks.iter().map(|(check, done)| async move {
            loop {
                let problem = match timeout(ATTEMPT, (check.check)()).await {
                    Ok(Ok(())) => break,
                    Ok(Err(error)) => format!("{error:#}"),
                    Err(_) => "no answer in time".to_owned(),
                };
                tracing::info!(check = check.name, problem, "not ready yet");
                sleep(AGAIN).await;
            }
            done.store(true, Ordering::Release);
        }))
        .await;
        self.0.health.ready(true).await;
        self.0.settled.send_replace(true);
        tracing::info!("ready");
    }

    /// Resolves once each check has answered well.
    pub(crate) async fn settled(&self) {
        let mut settled = self.0.settled.subscribe();
        // The sender lives as long as this does.
        let _ = settled.wait_for(|settled| *settled).await;
    }

    fn answer(&self) -> (StatusCode, String) {
        if self.0.stopping.load(Ordering::Acquire) {
            return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned());
        }
        let waiting = self.0.checks.iter().filter(|(_, done)| !done.load(Ordering::Acquire));
        let waiting: Vec<&str> = waiting.map(|(check, _)| check.name).collect();
        if waiting.is_empty() {
            (StatusCode::OK, "ready\n".to_owned())
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for {}\n", waiting.join(", ")))
        }
    }
}

/// The three resources.
pub(crate) fn mount(readiness: Readiness, metrics: Metrics) -> Mount {
    let answer = move |request: Request<Body>| {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, String::new());
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match request.uri().path() {
            "/livez" => text(StatusCode::OK, "alive\n".to_owned()),
            "/readyz" => {
                let (status, content) = readiness.answer();
                text(status, content)
            }
            "/metrics" => text(StatusCode::OK, metrics.render()),
            _ => text(StatusCode::NOT_FOUND, String::new()),
        }
    };
    let service = tower::service_fn(move |request| {
        let response = answer(request);
        async move { Ok::<_, Infallible>(response) }
    });
    Mount::new(["livez", "readyz", "metrics"], service)
}

fn text(status: StatusCode, content: String) -> Response<Body> {
    let mut response = Response::new(Body::from(content));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
