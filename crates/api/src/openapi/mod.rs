//! The OpenAPI document, made from the routes that are served.

mod problems;

use utoipa::ToSchema as _;
use utoipa::openapi::{
    Components, ComponentsBuilder, Content, InfoBuilder, License, OpenApi, OpenApiBuilder, PathItem, RefOr, Schema,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    tag::{Tag, TagBuilder},
};

use crate::{
    routes::{self, Served},
    wire,
};

const DESCRIPTION: &str = "Accounts, friends, direct messages and presence. Every error is a problem document whose `code` is \
one of those listed with the operation and explained at `/api/docs/errors`. Lists are `{ \"items\": […], \
\"nextCursor\": … }`. Ids are 24 hexadecimal digits, times are RFC 3339 in UTC with milliseconds. Unknown fields of \
bodies and unknown parameters are refused with `validation_failed`; fields may be added to what the server sends. What goes over sockets, and that `/socket.io/` speaks Socket.IO, is in the AsyncAPI document.";

/// The document of the whole API.
pub fn openapi() -> OpenApi {
    let mut document = routes::describe(frame(), Served { metrics: true, documents: true });
    sort_by_tag(&mut document);
    relax_optional_bodies(&mut document);
    problems::add(&mut document);
    document
}

/// Puts the paths in the order of the tags; the routes are in that of how often they are asked.
fn sort_by_tag(document: &mut OpenApi) {
    let order = tags();
    let place = |item: &PathItem| {
        let operations = [&item.get, &item.put, &item.post, &item.delete, &item.patch];
        let tags = operations.into_iter().flatten().find_map(|operation| operation.tags.as_ref()?.first());
        order.iter().position(|tag| tags == Some(&tag.name))
    };
    document.paths.paths.sort_by_cached_key(|_, item| place(item));
}

/// An optional body is one that may be absent; utoipa writes one that may be `null`.
fn relax_optional_bodies(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let Some(RefOr::T(body)) = item.post.as_mut().and_then(|operation| operation.request_body.as_mut()) else {
            continue;
        };
        for content in body.content.values_mut() {
            let RefOr::T(Content { schema: Some(schema), .. }) = content else { continue };
            if let RefOr::T(Schema::OneOf(choice)) = schema
                && let Some(reference @ RefOr::Ref(_)) = choice.items.first().cloned()
            {
                *schema = reference;
            }
        }
    }
}

/// What of the document does not come from the routes.
fn frame() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Parlor")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(License::new("MIT OR Apache-2.0")))
        .build();
    OpenApiBuilder::new().info(info).tags(Some(tags())).components(Some(components())).build()
}

fn tags() -> Vec<Tag> {
    let tag = |name: &str, description: &str| TagBuilder::new().name(name).description(Some(description)).build();
    vec![
        tag("Accounts", "Signing up, in and out, and renewing tokens."),
        tag("Me", "One's own account."),
        tag("Sessions", "The devices on which one is signed in."),
        tag("Users", "Other users."),
        tag("Friends and blocks", "Who is close to one, and who is kept away."),
        tag("Conversations", "Where messages live: the inbox, receipts, typing."),
        tag("Communities", "Like groups, with channels to write in."),
        tag("Messages", "Sending and reading messages."),
        tag("Live", "Sockets, and what one has missed."),
        tag("Administration", "What super admins see and do."),
        tag("Operation", "How the server is."),
        tag("Documents", "What you read."),
    ]
}

fn components() -> Components {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The `accessToken` of a sign-up, login or renewal."))
        .build();
    let cookie = ApiKeyValue::with_description(
        "parlor_access",
        "Set by a sign-up or login with `\"session\": \"cookie\"`. Over HTTPS its name is `__Host-parlor_access`; the \
         first part can be configured. Anything but GET must come from a page of an allowed origin.",
    );
    let ticket = ApiKeyValue::with_description("ticket", "The `ticket` of `POST /api/v1/ws/ticket`, once.");
    let mut schemas = Vec::new();
    wire::Problem::schemas(&mut schemas);
    let mut components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
        .security_scheme("ticket", SecurityScheme::ApiKey(ApiKey::Query(ticket)))
        .schema_from::<wire::Problem>()
        .schemas_from_iter(schemas)
        .build();
    components.examples.extend(problems::examples());
    components
}
