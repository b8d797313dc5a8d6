//! The last hand on every answer: whatever failed becomes a problem document, and every answer gets the headers that
//! all have. Here, and nowhere else, a request's failure is written to the log.

use std::{panic::AssertUnwindSafe, rc::Rc};

use actix_web::{
    Error, HttpMessage as _,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderValue},
    },
    middleware::Next,
};
use futures_util::FutureExt as _;
use tracing_actix_web::RequestId;

use super::{
    measure::{Measurement, Measures},
    unread::hold_body,
};
use crate::{
    headers,
    problem::{PROBLEM_JSON, Problem, ProblemCode, from_framework, from_status},
};

/// Passes a request on and finishes its answer.
pub(crate) async fn finish(
    measures: Rc<Measures>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    if request.method() == Method::HEAD {
        // Answered like a GET; the connection leaves the body out.
        request.head_mut().method = Method::GET;
        request.extensions_mut().insert(WasHead);
    }
    let measurement = Measurement::begin(&request);
    let held = hold_body(&mut request);
    let answer = AssertUnwindSafe(async move { next.call(request).await }).catch_unwind().await;
    let failure = match answer {
        Ok(Ok(response)) => {
            let response = finished(response.map_into_boxed_body(), &id);
            measures.add(measurement, response.status());
            return Ok(match held {
                Some(held) => response.map_body(|_, body| BoxBody::new(held.until_written(body))),
                None => response,
            });
        }
        Ok(Err(error)) => from_framework(&error),
        Err(_) => Problem::new(ProblemCode::Internal, "the server failed").caused_by("a handler panicked"),
    };
    // What comes without its request can't become an answer here; the server makes one of it.
    failure.log();
    measures.add(measurement, failure.code().status());
    Err(failure.in_request(id).into())
}

fn finished(mut response: ServiceResponse, id: &str) -> ServiceResponse {
    if let Some(problem) = problem_in(&response) {
        problem.log();
        response = rewrite(response, &problem.in_request(id));
    }
    headers::secure(response.headers_mut());
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(headers::REQUEST_ID, id);
    }
    response
}

/// Marks a request (in its extensions) that came as HEAD and is answered as GET.
pub(crate) struct WasHead;

/// Marks an answer (in its extensions) whose error is told in the shape of another protocol, which its clients read.
pub(crate) struct OwnShape;

/// The problem that an answer tells of, if it does.
fn problem_in(response: &ServiceResponse) -> Option<Problem> {
    let status = response.status();
    if response.response().extensions().contains::<OwnShape>() {
        return None;
    }
    match response.response().error() {
        Some(error) => Some(from_framework(error)),
        None if status.is_client_error() || status.is_server_error() => Some(from_status(status)),
        None => None,
    }
}

/// Makes the answer the problem's. Its headers stay, because the problem has put its own there already.
fn rewrite(mut response: ServiceResponse, problem: &Problem) -> ServiceResponse {
    *response.response_mut().status_mut() = problem.code().status();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    response.map_body(|_, _| BoxBody::new(problem.body()))
}

#[cfg(test)]
mod tests {
    use actix_web::{
        App, HttpResponse,
        error::{ErrorInternalServerError, ErrorPayloadTooLarge},
        http::header::HeaderMap,
        middleware::from_fn,
        test, web,
    };
    use serde_json::Value;
    use tracing_actix_web::TracingLogger;

    use super::*;
    use crate::middleware::RequestSpan;

    async fn panics() -> HttpResponse {
        panic!("of a secret")
    }

    async fn fails() -> Result<HttpResponse, Error> {
        Err(ErrorInternalServerError("because of a secret"))
    }

    async fn refuses() -> Result<HttpResponse, Error> {
        Err(ErrorPayloadTooLarge("because of a secret"))
    }

    async fn answers_bare() -> HttpResponse {
        HttpResponse::ImATeapot().insert_header(("x-kept", "yes")).body("because of a secret")
    }

    /// The status, the headers and the body of what a client gets.
    async fn ask(path: &str) -> (u16, HeaderMap, Value) {
        let app = App::new()
            .route("/panics", web::get().to(panics))
            .route("/fails", web::get().to(fails))
            .route("/refuses", web::get().to(refuses))
            .route("/bare", web::get().to(answers_bare))
            .wrap(from_fn(|request: ServiceRequest, next: Next<_>| finish(Rc::default(), request, next)))
            .wrap(TracingLogger::<RequestSpan>::new());
        let app = test::init_service(app).await;
        let answer = test::try_call_service(&app, test::TestRequest::with_uri(path).to_request()).await;
        let response = match answer {
            Ok(response) => response.into_parts().1.map_into_boxed_body(),
            Err(error) => error.error_response(),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        assert!(!body.windows(6).any(|part| part == b"secret"));
        (status, headers, serde_json::from_slice(&body).unwrap())
    }

    #[actix_web::test]
    async fn whatever_fails_becomes_a_problem_that_tells_nothing_of_the_cause() {
        for (path, status, code) in [
            ("/panics", 500, "internal"),
            ("/fails", 500, "internal"),
            ("/refuses", 413, "body_too_large"),
            ("/bare", 400, "bad_request"),
        ] {
            let (answered, headers, body) = ask(path).await;
            assert_eq!((answered, body["code"].as_str()), (status, Some(code)), "{path}");
            assert_eq!(headers.get("content-type").unwrap(), "application/problem+json", "{path}");
            assert_eq!(headers.get("x-content-type-options").unwrap(), "nosniff", "{path}");
            assert_eq!(body["requestId"], headers.get("x-request-id").unwrap().to_str().unwrap(), "{path}");
        }
    }
}
