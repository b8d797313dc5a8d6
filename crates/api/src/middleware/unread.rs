//! Chunked bodies that nobody reads to their end.
//!
//! When a request's body is dropped, the connection reads and throws away the rest of it to serve the next request.
//! A body of a known length closes the connection instead; a chunked one is read for as long as the client cares to
//! send, without any limit. It is not while somebody still holds it: then the connection is closed after the answer.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    http::header,
    web::Bytes,
};
use futures_util::Stream;

/// A body that the handler and the answer hold together.
#[derive(Clone)]
pub(crate) struct HeldBody(Rc<RefCell<Payload>>);

/// Takes hold of a request's body, if it is chunked.
pub(crate) fn hold_body(request: &mut ServiceRequest) -> Option<HeldBody> {
    if !request.headers().contains_key(header::TRANSFER_ENCODING) {
        return None;
    }
    let held = HeldBody(Rc::new(RefCell::new(request.parts_mut().1.take())));
    request.set_payload(Payload::Stream { payload: Box::pin(held.clone()) });
    Some(held)
}

impl Stream for HeldBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

/// An answer that holds its request's body until it is written.
pub(crate) struct Answer {
    body: BoxBody,
    _held: HeldBody,
}

impl HeldBody {
    /// Holds the body until this answer is written.
    pub(crate) fn until_written(self, answer: BoxBody) -> Answer {
        Answer { body: answer, _held: self }
    }
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.body.as_pin_mut().poll_next(context)
    }
}
