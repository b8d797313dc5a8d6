//! What no route takes: a known path with another method, or nothing at all.

use std::cell::OnceCell;

use actix_web::{
    HttpRequest, HttpResponse,
    dev::ResourceDef,
    http::header::{self, HeaderValue},
    web,
};
use utoipa::openapi::{OpenApi, PathItem};

use super::{Served, describe};
use crate::problem::{Problem, ProblemCode};

/// Which methods each path takes, read from the document of the routes that are served when it is first asked for.
pub(crate) struct AllowedMethods {
    served: Served,
    paths: OnceCell<Vec<(ResourceDef, String)>>,
}

impl AllowedMethods {
    /// The methods of all paths that are served.
    pub(crate) const fn of(served: Served) -> Self {
        Self { served, paths: OnceCell::new() }
    }

    fn allowed(&self, path: &str) -> Option<&str> {
        let paths = self.paths.get_or_init(|| {
            let document = describe(OpenApi::default(), self.served);
            let paths = document.paths.paths.iter();
            paths.map(|(path, item)| (ResourceDef::new(path.as_str()), methods(item).join(", "))).collect()
        });
        // A fixed path goes before one with parameters, as it does among the routes.
        let mut matching = paths.iter().filter(|(pattern, _)| pattern.is_match(path));
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
