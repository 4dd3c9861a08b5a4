//! Requests of connectors, handed to the broker.

use brightsync_core::rule::Rule;
use futures::StreamExt as _;

use crate::bindings::http::{Failure, Host, Request, Response};
use crate::broker::{self, Answer, Outgoing};
use crate::store::{Call, Running};

impl Host for Running {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, Failure>> {
        let _in_host = self.enter()?;
        Ok(pass(&self.call, request).await)
    }

    async fn send_all(
        &mut self,
        requests: Vec<Request>,
    ) -> wasmtime::Result<Vec<Result<Response, Failure>>> {
        let _in_host = self.enter()?;
        let call = &self.call;
        let side_by_side = if Rule::SideBySide.holds() {
            call.shared.limits.side_by_side
        } else {
            requests.len()
        };
        let answers = futures::stream::iter(requests)
            .map(|request| pass(call, request))
            .buffered(side_by_side.max(1));
        Ok(answers.collect().await)
    }
}

async fn pass(call: &Call, request: Request) -> Result<Response, Failure> {
    let outgoing = Outgoing {
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: request.body.map(Into::into),
        repeatable: request.repeatable,
        cost: request.cost,
        bucket: request.bucket,
    };
    match call.shared.broker.send(call, outgoing).await {
        Ok(Answer {
            status,
            url,
            headers,
            body,
        }) => Ok(Response {
            status,
            url,
            headers,
            body,
        }),
        Err(failure) => Err(match failure {
            broker::Failure::Denied(refusal) => Failure::Denied(refusal.code.to_owned()),
            broker::Failure::Busy | broker::Failure::NoToken => {
                Failure::NotSent(failure.code().to_owned())
            }
            broker::Failure::NotSent(code) => Failure::NotSent(code.to_owned()),
            broker::Failure::NoAnswer(code) => Failure::NoAnswer(code.to_owned()),
            broker::Failure::TooLarge => Failure::TooLarge,
            broker::Failure::Credential => Failure::Credential,
            broker::Failure::Limited(wait) => {
                Failure::Limited(wait.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)))
            }
            broker::Failure::Other(code) => Failure::Other(code.to_owned()),
        }),
    }
}
