//! The authorisation matrix: each cell of `docs/permissions.md` is tried, by REST and, where there is a command, by both
//! sockets. An operation or a command without a row fails, and so does a row without an operation.
//!
//! What an operation is called with stands in [`calls`], who calls and what there is in [`stage`].

mod calls;
mod cast;
mod doors;
mod heard;
mod stage;
mod table;
mod troupe;

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use self::{
    calls::call,
    doors::{Door, Outcome},
    stage::{Scene, Stages},
    table::{Cell, Row, page},
};

/// How many cells are tried at the same time.
const AT_ONCE: usize = 8;

/// Every operation of the OpenAPI document, as the page writes it.
fn operations() -> BTreeSet<String> {
    let document = serde_json::to_value(parlor_api::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let path = path.strip_prefix("/api/v1").unwrap_or(path).to_owned();
        let methods = item.as_object().unwrap().keys();
        methods.map(|method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// Every command of the AsyncAPI document.
fn commands() -> BTreeSet<String> {
    let document = parlor_api::asyncapi();
    let operations = document["operations"].as_object().unwrap();
    operations.iter().filter(|(_, operation)| operation["action"] == "receive").map(|(name, _)| name.clone()).collect()
}

#[test]
fn every_operation_and_every_command_has_its_row_and_every_row_its_operation() {
    let rows: Vec<Row> = Scene::ALL.into_iter().flat_map(|scene| page().rows(scene.title())).collect();
    let named = |of: fn(&Row) -> &String| -> BTreeSet<String> {
        rows.iter().map(of).filter(|name| !name.is_empty()).cloned().collect()
    };
    assert_eq!(named(|row| &row.operation), operations());
    assert_eq!(named(|row| &row.command), commands());
}

#[test]
fn every_operation_on_a_conversation_has_rows_for_each_kind_of_conversation() {
    let on_one = |name: &String| name.contains("/conversations/{id}");
    let all: BTreeSet<String> = operations().into_iter().filter(on_one).collect();
    for scene in [Scene::Groups, Scene::Direct, Scene::Channels] {
        let rows = page().rows(scene.title());
        let named: BTreeSet<String> = rows.into_iter().map(|row| row.operation).filter(on_one).collect();
        assert_eq!(named, all, "{scene:?}");
    }
}

#[test]
fn every_section_of_the_page_is_tried() {
    let tried: BTreeSet<&str> = Scene::ALL.into_iter().map(Scene::title).chain(heard::SECTIONS).collect();
    assert_eq!(page().titles(), tried);
}

#[test]
fn every_problem_in_the_page_is_one_of_the_list() {
    let known: BTreeSet<&str> = parlor_api::problem::ProblemCode::ALL.iter().map(|code| code.name()).collect();
    for row in Scene::ALL.into_iter().flat_map(|scene| page().rows(scene.title())) {
        for (relation, cell) in &row.cells {
            if let Cell::Problem(code) = cell {
                assert!(known.contains(&**code), "{row}, {relation}: {code}");
            }
        }
    }
}

/// Tries every cell of a section.
async fn try_section(scene: Scene) {
    let stages = Stages::set(scene).await;
    let rows = page().rows(scene.title());
    let cells = rows.iter().flat_map(|row| row.cells.iter().map(move |(relation, cell)| (row, relation, cell)));
    let cells: Vec<_> = cells.collect();
    assert!(!cells.is_empty());
    let tried = cells.into_iter().map(|(row, relation, cell)| try_cell(&stages, row, relation, cell));
    let failures: Vec<String> = stream::iter(tried).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.concat();
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
    stages.refusals_have_changed_nothing().await;
}

/// What is not as the cell says.
async fn try_cell(stages: &Stages, row: &Row, relation: &str, cell: &Cell) -> Vec<String> {
    let mut failures = Vec::new();
    let mut first: Option<Outcome> = None;
    for door in Door::ALL.into_iter().filter(|door| row.has(*door)) {
        let outcome = try_door(stages, row, relation, cell, door).await;
        let wrong = match outcome {
            Err(wrong) => Some(wrong),
            Ok(outcome) => {
                let other = first.as_ref().filter(|first| first.problem != outcome.problem);
                // Each door has its own words for what it wants to be shown.
                let other = other.filter(|_| *cell != Cell::Unauthenticated);
                let wrong = other.map(|first| format!("{outcome:?}, but by another door {first:?}"));
                first.get_or_insert(outcome);
                wrong
            }
        };
        failures.extend(wrong.map(|wrong| format!("{row}, {relation}, {door:?}: {cell:?} expected: {wrong}")));
    }
    failures
}

/// # Errors
/// What came instead of what the cell says.
async fn try_door(stages: &Stages, row: &Row, relation: &str, cell: &Cell, door: Door) -> Result<Outcome, String> {
    let stage = stages.stage(relation, row.effect(cell)).await;
    let call = call(stages.scene, row, relation);
    let outcome = door.carry_out(&stage.caller, &call, &stage).await;
    let right = match cell {
        Cell::Ok => outcome.is_ok() && (!row.is_of_a_list() || outcome.shows(call.object)),
        Cell::Nothing => outcome.is_ok() && !(row.is_of_a_list() && outcome.shows(call.object)),
        Cell::NotFound => outcome.code() == "not_found",
        Cell::Unauthenticated => stage.caller.refusals().contains(&outcome.code()),
        Cell::Problem(code) => outcome.code() == code,
    };
    if !right {
        return Err(format!("{outcome:?}"));
    }
    let alike = match cell {
        Cell::NotFound | Cell::Nothing => true,
        Cell::Ok if row.tells_apart() && !outcome.is_empty() => false,
        Cell::Ok | Cell::Unauthenticated | Cell::Problem(_) => return Ok(outcome),
    };
    if call.names_its_object() {
        let unknown = door.carry_out(&stage.caller, &call, &stage.without(call.object)).await;
        if (unknown == outcome) != alike {
            return Err(format!("{outcome:?}, and for what does not exist {unknown:?}"));
        }
    }
    Ok(outcome)
}

#[tokio::test]
async fn groups_are_for_their_members_by_their_roles() {
    try_section(Scene::Groups).await;
}

#[tokio::test]
async fn communities_are_for_their_members_and_the_public_ones_for_everyone_to_join() {
    try_section(Scene::Communities).await;
}

#[tokio::test]
async fn channels_are_for_those_members_of_the_community_who_are_in_them() {
    try_section(Scene::Channels).await;
}

#[tokio::test]
async fn direct_conversations_are_for_their_two_members() {
    try_section(Scene::Direct).await;
}

#[tokio::test]
async fn users_meet_by_what_they_are_to_each_other() {
    try_section(Scene::People).await;
}

#[tokio::test]
async fn friend_requests_are_answered_by_whom_they_concern() {
    try_section(Scene::Requests).await;
}

#[tokio::test]
async fn everyone_disposes_of_his_own_account_alone() {
    try_section(Scene::Oneself).await;
}

#[tokio::test]
async fn super_admins_alone_administer() {
    try_section(Scene::Administration).await;
}

#[tokio::test]
async fn what_everyone_may_everyone_does() {
    try_section(Scene::Everyone).await;
}
