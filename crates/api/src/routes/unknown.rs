//! What no route takes: a known path with another method, or nothing at all.

use actix_web::{
    HttpRequest, HttpResponse,
    dev::ResourceDef,
    http::header::{self, HeaderValue},
    web,
};
use utoipa::openapi::{OpenApi, PathItem};

use crate::problem::{Problem, ProblemCode};

/// Which methods each path takes, read from the document of the routes that are served.
pub(crate) struct AllowedMethods(Vec<(ResourceDef, String)>);

impl AllowedMethods {
    /// The methods of all paths in the document.
    pub(crate) fn of(document: &OpenApi) -> Self {
        let paths = document.paths.paths.iter();
        Self(paths.map(|(path, item)| (ResourceDef::new(path.as_str()), methods(item).join(", "))).collect())
    }

    fn allowed(&self, path: &str) -> Option<&str> {
        // A fixed path goes before one with parameters, as it does among the routes.
        let mut matching = self.0.iter().filter(|(pattern, _)| pattern.is_match(path));
        matching.next().map(|(_, methods)| methods.as_str())
    }
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    let all = [
        ("GET", &item.get),
        ("HEAD", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    all.into_iter().filter(|(_, operation)| operation.is_some()).map(|(method, _)| method).collect()
}

/// Answers what no route takes.
pub(crate) async fn unknown(request: HttpRequest, allowed: web::Data<AllowedMethods>) -> Result<HttpResponse, Problem> {
    let Some(methods) = allowed.allowed(request.path()) else {
        return Err(Problem::new(ProblemCode::UnknownPath, "there is nothing under this path"));
    };
    let problem = Problem::new(ProblemCode::MethodNotAllowed, format!("this path takes {methods}"));
    Err(match HeaderValue::from_str(methods) {
        Ok(methods) => problem.header(header::ALLOW, methods),
        Err(_) => problem,
    })
}
