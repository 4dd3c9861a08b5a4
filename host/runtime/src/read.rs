//! Reads that go over many pages, as streams of pages.

use std::collections::HashSet;
use std::sync::Arc;

use brightsync_core::crm::account::Account;
use brightsync_core::crm::contact::Contact;
use brightsync_core::crm::page::{Change, Page, PageRequest, ReadRequest};
use brightsync_core::function::Function;
use brightsync_core::rule::Rule;
use futures::Stream;

use crate::connection::Connection;
use crate::end::{CallError, End, Trap, TrapKind};
use crate::limits::Limit;

impl Connection {
    /// Reads the contacts of a user, or all, or what has changed among them, page by page.
    ///
    /// Each page is one call. The stream ends after the last page or after the first error; what was read until then stands, but it is not the whole.
    pub fn my_contacts(
        &self,
        request: ReadRequest,
    ) -> impl Stream<Item = Result<Page<Change<Contact>>, CallError>> + Send + 'static {
        let first = request.page.clone();
        self.pages(Function::GetMyContacts, first, move |connection, page| {
            let request = ReadRequest {
                page,
                ..request.clone()
            };
            async move { connection.get_my_contacts(request).await }
        })
    }

    /// Reads accounts likewise.
    pub fn my_accounts(
        &self,
        request: ReadRequest,
    ) -> impl Stream<Item = Result<Page<Change<Account>>, CallError>> + Send + 'static {
        let first = request.page.clone();
        self.pages(Function::GetMyAccounts, first, move |connection, page| {
            let request = ReadRequest {
                page,
                ..request.clone()
            };
            async move { connection.get_my_accounts(request).await }
        })
    }

    /// Goes over all pages of any list: `fetch` makes the call for one page.
    ///
    /// `function` names the read in errors. A connector that answers the same token twice, or pages without end, is stopped.
    pub fn pages<T, F, A>(
        &self,
        function: Function,
        first: PageRequest,
        fetch: F,
    ) -> impl Stream<Item = Result<Page<T>, CallError>> + Send + use<T, F, A>
    where
        F: Fn(Self, PageRequest) -> A + Send,
        A: Future<Output = Result<Page<T>, CallError>> + Send,
        T: Send,
    {
        let most = self.shared.limits.pages;
        let state = Reading {
            connection: self.clone(),
            function,
            next: Some(first),
            seen: HashSet::new(),
            pages: 0,
        };
        futures::stream::try_unfold((state, fetch), move |(mut reading, fetch)| async move {
            let Some(request) = reading.next.take() else {
                return Ok(None);
            };
            if Rule::Pages.refuses(reading.pages == most) {
                return Err(reading.stop(End::Limit(Limit::Pages)));
            }
            reading.pages += 1;
            let page = fetch(reading.connection.clone(), request.clone()).await?;
            if let Some(token) = &page.end.next {
                if Rule::PageLoop.refuses(!reading.seen.insert(token.clone())) {
                    return Err(reading.stop(End::Trap(Trap {
                        kind: TrapKind::Breach(
                            "it answered the same page token twice, so the read would never end"
                                .to_owned(),
                        ),
                        stderr: String::new(),
                    })));
                }
                reading.next = Some(PageRequest {
                    token: Some(token.clone()),
                    ..request
                });
            }
            Ok(Some((page, (reading, fetch))))
        })
    }
}

/// Where a read stands.
struct Reading {
    connection: Connection,
    function: Function,
    next: Option<PageRequest>,
    seen: HashSet<brightsync_core::crm::Token>,
    pages: u32,
}

impl Reading {
    /// Ends the read for a reason that no single call has.
    fn stop(&self, end: End) -> CallError {
        let report = self.connection.report(self.function);
        CallError {
            report: Arc::new(report),
            end: Box::new(end),
        }
    }
}
