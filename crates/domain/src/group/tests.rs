//! The table of who may do what, and what follows.

use super::*;
use crate::ConversationKind;

const OWNER: u8 = 1;
const ADMIN: u8 = 2;
const OTHER_ADMIN: u8 = 3;
const MEMBER: u8 = 4;
const OTHER_MEMBER: u8 = 5;
const STRANGER: u8 = 9;

fn user(number: u8) -> UserId {
    UserId::from_bytes([number; 12])
}

fn member(number: u8, role: MemberRole, joined: i64) -> Member {
    Member::of_group(user(number), role, Timestamp::from_millis(joined), (Seq::ZERO, Rev::ZERO))
}

fn members() -> Vec<Member> {
    vec![
        member(OWNER, MemberRole::Owner, 1),
        member(ADMIN, MemberRole::Admin, 5),
        member(OTHER_ADMIN, MemberRole::Admin, 4),
        member(MEMBER, MemberRole::Member, 3),
        member(OTHER_MEMBER, MemberRole::Member, 2),
    ]
}

fn group() -> Conversation {
    Conversation {
        id: ConversationId::from_bytes([7; 12]),
        kind: ConversationKind::Group,
        name: ConversationName::parse("Round table").ok(),
        traits: crate::Traits::None,
        description: None,
        read_receipts: true,
        member_count: 5,
        last_seq: Seq::new(1),
        rev: Rev::new(1),
        created_at: Timestamp::from_millis(0),
        updated_at: Timestamp::from_millis(0),
    }
}

fn plan_among(members: &[Member], actor: u8, action: GroupAction) -> Result<GroupPlan, GroupRefusal> {
    let messages = [1, 2, 3].map(|byte| MessageId::from_bytes([byte; 12]));
    let now = Timestamp::from_millis(9);
    let group = Conversation { member_count: count(members.len()), ..group() };
    let change = GroupChange { conversation: group.id, actor: user(actor), action, messages, now };
    change.plan(&group, members)
}

fn plan(actor: u8, action: GroupAction) -> Result<GroupPlan, GroupRefusal> {
    plan_among(&members(), actor, action)
}

fn rename() -> GroupAction {
    GroupAction::Describe(GroupDescription { name: ConversationName::parse("Square table").ok(), ..Default::default() })
}

fn add(number: u8) -> GroupAction {
    GroupAction::Add { users: vec![user(number)], at_most: 6 }
}

fn set_role(number: u8, role: MemberRole) -> GroupAction {
    GroupAction::SetRole { user: user(number), role }
}

fn remove(number: u8) -> GroupAction {
    GroupAction::Remove(user(number))
}

#[test]
fn each_role_may_do_what_the_table_says_and_nothing_else() {
    let rows = [
        (rename(), [true, true, false]),
        (add(STRANGER), [true, true, false]),
        (remove(OTHER_MEMBER), [true, true, false]),
        (remove(OTHER_ADMIN), [true, false, false]),
        (remove(OWNER), [true, false, false]),
        (set_role(OTHER_MEMBER, MemberRole::Admin), [true, false, false]),
        (set_role(OTHER_MEMBER, MemberRole::Owner), [true, false, false]),
        (set_role(OTHER_ADMIN, MemberRole::Member), [true, false, false]),
    ];
    for (action, allowed) in rows {
        for (actor, allowed) in [OWNER, ADMIN, MEMBER].into_iter().zip(allowed) {
            let planned = plan(actor, action.clone());
            let expected = if allowed { None } else { Some(GroupRefusal::NotPermitted) };
            assert_eq!(planned.err(), expected, "{action:?} by {actor}");
        }
        assert_eq!(plan(STRANGER, action), Err(GroupRefusal::NotAMember));
    }
}

#[test]
fn everyone_may_leave() {
    for actor in [OWNER, ADMIN, MEMBER] {
        let plan = plan(actor, remove(actor)).unwrap();
        assert_eq!(plan.leaves, Some(user(actor)));
        assert_eq!(plan.events[0].action, SystemAction::MemberLeft);
        assert_eq!(plan.events[0].member_count, 4);
    }
}

#[test]
fn an_owner_who_leaves_hands_over_to_the_administrator_else_the_member_who_came_first() {
    let left = plan(OWNER, remove(OWNER)).unwrap();
    assert_eq!(left.roles, [(user(OTHER_ADMIN), MemberRole::Owner)]);
    assert_eq!(left.events[1].action, SystemAction::OwnerChanged);
    assert_eq!(left.events[1].users, [user(OTHER_ADMIN)]);
    let members: Vec<Member> = members().into_iter().filter(|member| member.role != Some(MemberRole::Admin)).collect();
    assert_eq!(plan_among(&members, OWNER, remove(OWNER)).unwrap().roles, [(user(OTHER_MEMBER), MemberRole::Owner)]);
    let alone = plan_among(&members[..1], OWNER, remove(OWNER)).unwrap();
    assert_eq!((alone.roles, alone.events.len()), (Vec::new(), 1));
}

#[test]
fn who_hands_over_stays_as_an_administrator_and_nobody_else_can_end_an_ownership() {
    let handed = plan(OWNER, set_role(MEMBER, MemberRole::Owner)).unwrap();
    assert_eq!(handed.roles, [(user(MEMBER), MemberRole::Owner), (user(OWNER), MemberRole::Admin)]);
    assert_eq!(plan(OWNER, set_role(OWNER, MemberRole::Member)), Err(GroupRefusal::NotPermitted));
}

#[test]
fn what_changes_nothing_is_not_noted() {
    let same = GroupAction::Describe(GroupDescription {
        name: group().name,
        description: Some(None),
        read_receipts: Some(true),
    });
    for action in [same, add(MEMBER), set_role(ADMIN, MemberRole::Admin), set_role(OWNER, MemberRole::Owner)] {
        assert_eq!(plan(OWNER, action), Ok(GroupPlan::default()));
    }
}

#[test]
fn a_name_a_description_and_receipts_are_three_events_of_one_change() {
    let all = GroupAction::Describe(GroupDescription {
        name: ConversationName::parse("Square table").ok(),
        description: Description::parse("for four").ok(),
        read_receipts: Some(false),
    });
    let events = plan(ADMIN, all).unwrap().events;
    let told: Vec<_> = events.iter().map(|event| (event.action, event.value.as_deref())).collect();
    let expected = [
        (SystemAction::Renamed, Some("Square table")),
        (SystemAction::DescriptionChanged, Some("for four")),
        (SystemAction::ReadReceiptsChanged, Some("off")),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_group_takes_as_many_as_it_may_have() {
    let two = GroupAction::Add { users: vec![user(STRANGER), user(10)], at_most: 6 };
    assert_eq!(plan(OWNER, two), Err(GroupRefusal::TooManyMembers));
    let joins = plan(OWNER, GroupAction::Add { users: vec![user(MEMBER), user(STRANGER)], at_most: 6 }).unwrap().joins;
    assert_eq!(joins, [user(STRANGER)], "who is in it already takes no place");
}

#[test]
fn who_is_not_in_it_has_no_role_and_is_not_removed() {
    assert_eq!(plan(OWNER, remove(STRANGER)), Err(GroupRefusal::NoSuchMember));
    assert_eq!(plan(OWNER, set_role(STRANGER, MemberRole::Admin)), Err(GroupRefusal::NoSuchMember));
    assert_eq!(plan(MEMBER, remove(STRANGER)), Err(GroupRefusal::NotPermitted), "a member learns nothing");
}

#[test]
fn the_messages_of_a_change_follow_the_log_in_order() {
    let messages = [1, 2, 3].map(|byte| MessageId::from_bytes([byte; 12]));
    let now = Timestamp::from_millis(9);
    let change = GroupChange { conversation: group().id, actor: user(OWNER), action: remove(OWNER), messages, now };
    let events = change.plan(&group(), &members()).unwrap().events;
    let notes = change.notes(events, (Seq::new(7), Rev::new(9)));
    let places: Vec<_> = notes.iter().map(|note| (note.id, note.seq.get(), note.rev.get())).collect();
    assert_eq!(places, [(messages[0], 8, 10), (messages[1], 9, 11)]);
}
