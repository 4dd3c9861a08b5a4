//! Requests of connectors, handed to the broker.

use futures::StreamExt as _;

use crate::bindings::http::{Failure, Host, Request, Response};
use crate::broker::{self, Answer, Outgoing};
use crate::store::Running;

impl Host for Running {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, Failure>> {
        self.enter()?;
        Ok(pass(self, request).await)
    }

    async fn send_all(&mut self, requests: Vec<Request>) -> wasmtime::Result<Vec<Result<Response, Failure>>> {
        self.enter()?;
        let running = &*self;
        let answers = futures::stream::iter(requests)
            .map(|request| pass(running, request))
            .buffered(running.shared.limits.side_by_side.max(1));
        Ok(answers.collect().await)
    }
}

async fn pass(running: &Running, request: Request) -> Result<Response, Failure> {
    let outgoing = Outgoing {
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: request.body,
        repeatable: request.repeatable,
    };
    match running.shared.broker.send(running, outgoing).await {
        Ok(Answer { status, url, headers, body }) => Ok(Response { status, url, headers, body }),
        Err(failure) => Err(match failure {
            broker::Failure::Denied(code) => Failure::Denied(code),
            broker::Failure::NotSent(code) => Failure::NotSent(code.to_owned()),
            broker::Failure::NoAnswer(code) => Failure::NoAnswer(code.to_owned()),
            broker::Failure::TooLarge => Failure::TooLarge,
            broker::Failure::Credential => Failure::Credential,
            broker::Failure::Other(code) => Failure::Other(code.to_owned()),
        }),
    }
}
