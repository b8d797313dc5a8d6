//! The documents, and a page to explore the API with. Everything comes from this server.

use std::{cell::OnceCell, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::{self, ContentType},
    web,
};
use bytes::Bytes;
use serde::Serialize;
use utoipa_swagger_ui::Config;

use crate::{
    asyncapi, openapi,
    problem::{self, Problem, ProblemCode},
};

/// The explorer's scripts set styles by themselves and draw with data URLs.
const EXPLORER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// The documents as JSON, each made when it is first asked for: hardly any server is asked, and they are large.
#[derive(Default)]
pub(crate) struct Documents {
    openapi: OnceCell<Bytes>,
    asyncapi: OnceCell<Bytes>,
}

/// Answers with a document, which is made if it has not been.
fn document<T: Serialize>(made: &OnceCell<Bytes>, make: fn() -> T) -> Result<HttpResponse, Problem> {
    let json = match made.get() {
        Some(json) => json.clone(),
        None => {
            let json = serde_json::to_vec(&make())
                .map_err(|error| Problem::new(ProblemCode::Internal, "the server failed").caused_by(error))?;
            made.get_or_init(|| json.into()).clone()
        }
    };
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(json))
}

/// Show the OpenAPI document
#[utoipa::path(
    tag = "Documents",
    operation_id = "getOpenApi",
    responses((status = 200, description = "The document", body = Object, content_type = "application/json",
        example = json!({ "openapi": "3.1.0" })))
)]
#[get("/api/docs/openapi.json")]
pub(super) async fn openapi_document(documents: web::Data<Documents>) -> Result<HttpResponse, Problem> {
    document(&documents.openapi, openapi::openapi)
}

/// Show the AsyncAPI document
///
/// What goes over a socket.
#[utoipa::path(
    tag = "Documents",
    operation_id = "getAsyncApi",
    responses((status = 200, description = "The document", body = Object, content_type = "application/json",
        example = json!({ "asyncapi": "3.0.0" })))
)]
#[get("/api/docs/asyncapi.json")]
pub(super) async fn asyncapi_document(documents: web::Data<Documents>) -> Result<HttpResponse, Problem> {
    document(&documents.asyncapi, asyncapi::asyncapi)
}

/// Show the list of errors
///
/// Where the `type` of every problem points to.
#[utoipa::path(
    tag = "Documents",
    operation_id = "getErrors",
    responses((status = 200, description = "The list", body = String, content_type = "text/html",
        example = "<!doctype html>"))
)]
#[get("/api/docs/errors")]
pub(super) async fn errors() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(problem::errors_page())
}

/// Go to the explorer
#[utoipa::path(
    tag = "Documents",
    operation_id = "getExplorer",
    responses((status = 308, description = "The explorer is at `/api/docs/`"))
)]
#[get("/api/docs")]
pub(super) async fn explorer() -> HttpResponse {
    // The page names its parts relative to itself.
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/api/docs/")).finish()
}

/// Show a part of the explorer
#[utoipa::path(
    tag = "Documents",
    operation_id = "getExplorerFile",
    params(("file" = String, Path, max_length = 100, description = "The part; the page itself if empty")),
    responses((status = 200, description = "The part", body = String, content_type = "text/html",
        example = "<!doctype html>")),
    extensions(("x-problems" = json!(["unknown_path"])))
)]
#[get("/api/docs/{file:.*}")]
pub(super) async fn explorer_file(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let config = Config::from("/api/docs/openapi.json").validator_url("none").persist_authorization(false);
    let file = utoipa_swagger_ui::serve(request.match_info().query("file"), Arc::new(config));
    let failed = |error: Box<dyn std::error::Error>| {
        Problem::new(ProblemCode::Internal, "the server failed").caused_by(error.to_string())
    };
    let unknown = || Problem::new(ProblemCode::UnknownPath, "there is nothing under this path");
    let file = file.map_err(failed)?.ok_or_else(unknown)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_SECURITY_POLICY, EXPLORER_POLICY));
    if file.gzpipped {
        response.insert_header(header::ContentEncoding::Gzip);
    }
    Ok(response.content_type(file.content_type).body(file.bytes.into_owned()))
}
