//! One test suite that every implementation of the store traits passes.
//!
//! Each behaviour is one function over a [`Fixture`], which holds a fresh store. [`store_contract!`](crate::store_contract)
//! makes a test of each of them for an implementation.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::wildcard_enum_match_arm, reason = "these are tests")]
#![expect(missing_docs, reason = "a behaviour's name says what it is about")]

pub mod administration;
pub mod blocks;
pub mod changes;
pub mod channels;
pub mod communities;
pub mod conversations;
pub mod groups;
pub mod memberships;
pub mod mentions;
pub mod messages;
pub mod relations;
pub mod search;
pub mod sessions;
pub mod streams;
pub mod transfer;
pub mod users;

use std::time::Duration;

use parlor_domain::{
    ClientMessageId, Clock as _, ConversationId, ConversationName, DeviceLabel, Email, GroupAction, GroupChange,
    MemberSettingsChange, Mentions, Message, MessageId, MessageText, Metadata, NewGroup, NewMessage, PasswordHash, Rev,
    SecretHash, Session, SessionId, Status, StatusKind, Timestamp, User, UserId, Username,
    store::{
        AppendOutcome, GroupChanged, GroupOutcome, Inbox, MembersPage, NewDirect, NewSession, NewUser, OpenedDirect,
        Stores,
    },
    testing::{SeededEntropy, SettableClock},
};

/// Gives the names of all behaviours, by module, to a macro, behind an argument for it.
#[macro_export]
macro_rules! store_behaviours {
    ($then:path, $argument:tt) => {
        $then! { $argument
            users [
                a_user_reads_back_as_it_was_inserted
                names_and_addresses_are_unique_in_any_case
                a_login_is_a_name_or_an_address
                a_changed_password_revokes_the_other_sessions
                a_hash_is_renewed_only_where_it_has_not_changed
                a_profile_changes_field_by_field_and_is_recorded
                an_address_of_somebody_else_is_refused
                a_status_is_set_and_recorded
                ended_statuses_are_found
                last_seen_never_goes_back
                a_deleted_account_leaves_only_its_place
                a_deleted_account_is_leaving_until_it_has_left
                the_directory_finds_the_beginnings_of_words
                the_directory_is_paged_by_name
            ]
            sessions [
                a_session_is_live_until_its_first_end
                nobody_signs_in_to_a_deleted_account
                a_renewal_replaces_the_token
                a_replaced_token_revokes_its_session
                of_two_renewals_at_once_one_alone_succeeds
                sessions_are_listed_and_revoked_by_their_owner_alone
                revoked_sessions_are_told_since_a_time
                a_ticket_is_taken_once_and_in_time
                purging_forgets_only_the_dead
                purging_forgets_each_sort_of_dead_session
            ]
            administration [
                an_account_is_made_together_with_its_entry
                a_role_changes_and_is_recorded
                a_locked_account_loses_its_sessions_and_gets_none
                a_lock_ends_by_itself_and_is_replaced_by_the_next
                the_same_lock_again_is_no_act
                the_last_super_admin_stays
                of_two_who_take_the_last_two_away_at_once_one_is_refused
                an_administrator_ends_sessions
                an_administrator_deletes_an_account_as_its_owner_does
                accounts_are_found_by_words_role_and_lock
                accounts_are_paged_by_name
                who_administers_no_more_does_nothing
                what_an_account_has_is_counted
                the_audit_log_is_found_by_who_what_and_on_whom
                the_audit_log_is_paged_from_its_newest_entry
                what_there_is_is_counted
                a_user_counts_once_a_day_and_messages_add_up
                a_user_who_is_noted_at_once_by_many_counts_once
            ]
            conversations [
                a_direct_conversation_is_made_once
                many_who_open_at_once_get_one_conversation
                only_members_find_a_conversation
                the_inbox_has_the_newest_activity_first
                heads_tell_where_each_conversation_is
                a_receipt_moves_forward_and_never_back
                a_receipt_that_is_not_shown_moves_only_the_own_position
                a_receipt_beyond_the_end_is_refused
                being_busy_marks_where_each_conversation_stood
                a_conversation_made_with_a_busy_user_is_held_from_its_beginning
            ]
            groups [
                a_group_begins_with_the_message_that_tells_of_it
                unknown_and_deleted_users_are_named_and_nothing_is_made
                a_change_is_one_with_the_messages_that_tell_of_it
                a_change_that_is_refused_changes_nothing
                who_comes_in_has_read_what_was_there
                who_has_gone_can_neither_send_nor_see
                who_has_gone_may_come_again
                an_owner_who_leaves_hands_over
                what_the_last_one_leaves_nobody_sees
                system_messages_do_not_count_as_unread
                changes_and_messages_at_once_make_one_order_without_a_hole
                of_many_who_are_added_at_once_a_group_takes_no_more_than_it_may
                the_members_are_paged_by_their_ids
                small_groups_show_all_members_positions
                changes_of_several_groups_at_once_each_take_their_own_place_in_a_users_stream
                what_comes_to_a_busy_newcomer_is_held_back_from_then_on
                groups_of_the_same_users_are_made_at_once
            ]
            memberships [
                each_member_sees_a_conversation_in_his_own_way
                hidden_and_archived_conversations_do_not_end_the_inbox
                the_groups_of_a_user_are_known
                who_shares_a_group_is_known
                a_group_that_has_no_read_receipts_tells_nobody_how_far_others_have_read
            ]
            messages [
                messages_count_up_without_a_hole
                concurrent_appends_make_one_order_without_a_hole
                each_senders_own_order_is_kept
                a_repeat_gives_the_first_message
                a_hundred_repeats_at_once_make_one_message
                a_client_id_with_another_content_is_refused
                what_was_sent_before_is_known_without_sending
                a_client_id_is_its_senders_and_its_conversations
                an_id_that_another_message_has_by_chance_is_a_conflict
                strangers_and_unknown_conversations_are_refused
                a_deleted_recipient_is_refused
                an_append_moves_the_conversation_and_its_sender
                pages_go_both_ways
                a_page_of_long_messages_ends_early
                changes_come_in_order_of_their_revisions
                a_text_is_kept_byte_for_byte
                callers_that_go_away_leave_no_half_change
            ]
            blocks [
                a_block_ends_everything_between_two_in_silence
                who_was_rejected_gains_nothing_by_a_block
                who_is_blocked_asks_in_vain_and_who_blocks_does_not_ask
                a_block_and_a_request_at_once_leave_nothing_that_waits
                an_account_that_is_deleted_meanwhile_is_neither_blocked_nor_asked
                of_many_acceptances_and_blocks_at_once_no_more_count_than_one_may_have
                blocks_are_found_from_both_sides
            ]
            changes [
                an_edit_takes_the_next_revision_and_keeps_what_was_said
                what_changes_nothing_takes_no_revision
                a_deletion_leaves_only_the_place
                a_message_is_its_senders_to_edit_and_the_admins_to_delete
                who_is_not_there_changes_nothing_and_learns_nothing
                reactions_count_each_user_once_and_name_the_first
                a_message_has_no_more_sorts_of_reactions_than_it_may
                pinned_messages_are_listed_the_newest_first
                a_conversation_has_no_more_pins_than_it_may
                an_answer_and_a_forward_read_back_as_they_were_sent
                whoever_knows_a_revision_gets_everything_that_came_after
                changes_beside_messages_make_one_order_without_a_hole
                an_excerpt_is_the_beginning_of_a_message
                a_page_of_versions_is_bounded_in_bytes
                many_react_to_one_message_at_once
            ]
            mentions [
                a_mention_counts_for_whom_it_means_until_he_has_read_it
                a_role_is_mentioned_for_whoever_has_it_now
                an_edit_mentions_anew_and_a_deleted_message_nobody
                who_is_blocked_mentions_nobody_who_blocks_him
                members_are_found_by_their_names
                what_is_unread_is_summed_up_by_how_one_sees_it
                unread_counts_agree_with_a_model_after_any_history
            ]
            channels [
                a_new_channel_has_all_members_or_those_who_manage
                a_role_opens_and_closes_private_channels
                a_channel_closes_and_opens
                members_are_added_to_a_private_channel_by_name
                the_inbox_has_channels_among_the_others_and_no_communities
                what_is_deleted_is_left_and_then_erased_in_steps
            ]
            communities [
                a_community_begins_with_its_owner_and_what_tells_of_it
                a_name_is_one_however_it_is_written
                who_joins_is_in_every_public_channel_and_has_read_what_was_there
                who_goes_is_out_of_every_channel
                what_is_refused_changes_nothing
                the_directory_shows_public_communities_by_name
                of_many_who_join_at_once_each_is_counted_and_in_every_channel
                the_communities_of_a_user_are_paged_by_their_ids
            ]
            relations [
                a_request_waits_in_both_streams_until_it_is_accepted
                asking_again_changes_nothing_while_a_request_waits
                who_asks_back_becomes_a_friend
                many_who_ask_each_other_at_once_get_one_friendship
                of_many_answers_at_once_one_counts
                an_answer_is_for_one_of_the_two_and_is_given_once
                a_rejection_is_told_to_nobody_else_and_holds_for_its_time
                a_rejected_request_that_is_taken_back_and_asked_anew_bothers_nobody
                who_takes_a_request_back_and_asks_again_and_again_bothers_nobody
                an_acceptance_does_not_outlive_the_friendship
                who_was_rejected_becomes_a_friend_when_he_is_asked
                a_request_that_was_answered_is_used_anew
                requests_that_wait_are_listed_the_newest_first
                friends_are_listed_by_name_and_end_for_both
                friendships_are_ended_a_few_at_a_time
                whether_somebody_has_written_is_known
                a_deleted_account_is_nobodys_friend_and_its_friends_are_told
                who_can_write_is_a_setting_like_the_others
            ]
            search [
                all_languages_are_found_alike
                results_come_from_the_newest_on_whatever_order_they_were_entered_in
                messages_of_one_moment_come_in_the_order_of_their_ids
                a_look_goes_on_where_the_last_one_ended
                only_what_is_asked_for_is_found
                what_is_not_said_any_more_is_not_found
                entering_again_changes_nothing
                who_comes_late_with_an_older_state_changes_nothing
                how_far_the_index_has_come_is_known
                the_index_never_goes_back
            ]
            streams [
                only_the_newest_change_of_a_topic_is_kept
                a_stream_is_read_in_parts
                clearing_leaves_nothing
                a_store_answers_a_ping
            ]
            transfer [
                what_was_exported_makes_the_same_database
                records_come_in_the_order_of_their_keys_without_a_gap
                a_read_goes_on_behind_a_record_that_is_not_there
                importing_again_changes_nothing
                an_interrupted_import_is_completed_by_a_repeat
                another_record_under_the_same_key_is_refused
                what_must_be_unique_is_refused_twice
                of_a_message_id_and_revision_are_unique
                an_imported_log_goes_on_where_it_ends
                an_imported_conversation_knows_who_is_gone
            ]
        }
    };
}

/// Makes one test of each behaviour. `$open` names an async function without arguments that gives the
/// [`Stores`](parlor_domain::store::Stores) of a fresh database, and something that keeps it alive.
#[macro_export]
macro_rules! store_contract {
    ($open:path) => {
        $crate::store_behaviours! { $crate::store_contract, (@tests $open) }
    };
    ((@tests $open:path) $($module:ident [$($behaviour:ident)*])*) => {
        $(
            $crate::store_contract! { @module $open, $module, $($behaviour)* }
        )*
    };
    (@module $open:path, $module:ident, $($behaviour:ident)*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    let (stores, _alive) = $open().await;
                    let fixture = $crate::contract::Fixture::new(stores);
                    $crate::contract::$module::$behaviour(&fixture).await;
                }
            )*
        }
    };
}

/// A fresh store, and what makes things to put into it.
pub struct Fixture {
    /// The store.
    pub stores: Stores,
    /// A clock that stands still.
    pub clock: SettableClock,
    /// The source of ids.
    pub entropy: SeededEntropy,
}

impl Fixture {
    /// A fixture over a fresh store.
    pub fn new(stores: Stores) -> Self {
        Self { stores, clock: SettableClock::default(), entropy: SeededEntropy::new(1) }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn make_user(&self, name: &str, email: Option<&str>) -> NewUser {
        let username = Username::parse(name).unwrap();
        let id = UserId::generate(&self.clock, &self.entropy);
        let email = email.map(|email| Email::parse(email).unwrap());
        let user = User::new(id, username, email, self.now());
        NewUser { user, password: PasswordHash::new(format!("hash of {name}")) }
    }

    /// A new account.
    pub async fn user(&self, name: &str) -> UserId {
        let new = self.make_user(name, None);
        self.stores.users.insert(&new).await.unwrap();
        new.user.id
    }

    fn make_session(&self, user: UserId, token: &str) -> NewSession {
        let session = Session {
            id: SessionId::generate(&self.clock, &self.entropy),
            user_id: user,
            device: DeviceLabel::new("test"),
            created_at: self.now(),
            renewed_at: self.now(),
            idle_expires_at: self.now() + Duration::from_secs(60),
            expires_at: self.now() + Duration::from_secs(600),
        };
        NewSession { session, token: SecretHash::of(token.as_bytes()) }
    }

    async fn session(&self, user: UserId, token: &str) -> SessionId {
        let new = self.make_session(user, token);
        assert!(self.stores.sessions.insert(&new).await.unwrap());
        new.session.id
    }

    async fn open(&self, opener: UserId, other: UserId) -> OpenedDirect {
        let id = ConversationId::generate(&self.clock, &self.entropy);
        let new = NewDirect { id, opener, other, now: self.now() };
        self.stores.conversations.open_direct(&new).await.unwrap()
    }

    pub(crate) async fn pair(&self) -> (UserId, UserId, ConversationId) {
        let (ada, bob) = (self.user("ada").await, self.user("bob").await);
        (ada, bob, self.open(ada, bob).await.id)
    }

    pub(crate) fn make_group(&self, creator: UserId, members: &[UserId]) -> NewGroup {
        let id = ConversationId::generate(&self.clock, &self.entropy);
        NewGroup {
            id,
            creator,
            name: ConversationName::parse("Round table").unwrap(),
            description: None,
            members: members.to_vec(),
            message: MessageId::unnamed(id, &self.entropy),
            now: self.now(),
        }
    }

    pub(crate) async fn group(&self, creator: UserId, members: &[UserId]) -> ConversationId {
        let new = self.make_group(creator, members);
        let outcome = self.stores.groups.create(&new).await.unwrap();
        assert!(matches!(outcome, GroupOutcome::Changed(_)), "{outcome:?}");
        new.id
    }

    pub(crate) fn make_change(&self, conversation: ConversationId, actor: UserId, action: GroupAction) -> GroupChange {
        let messages = [(); 3].map(|()| MessageId::unnamed(conversation, &self.entropy));
        GroupChange { conversation, actor, action, messages, now: self.now() }
    }

    pub(crate) async fn change_group(&self, id: ConversationId, actor: UserId, action: GroupAction) -> GroupChanged {
        let change = self.make_change(id, actor, action);
        match self.stores.groups.change(&change).await.unwrap() {
            GroupOutcome::Changed(changed) => *changed,
            refused @ GroupOutcome::Refused(_) => panic!("{refused:?}"),
        }
    }

    fn make_message(&self, from: UserId, to: ConversationId, text: &str, client_id: Option<&str>) -> NewMessage {
        let client_message_id = client_id.map(|id| ClientMessageId::parse(id).unwrap());
        NewMessage {
            id: MessageId::for_send(to, from, client_message_id.as_ref(), &self.entropy),
            conversation_id: to,
            sender_id: from,
            text: MessageText::parse(text).unwrap(),
            metadata: Metadata::default(),
            client_message_id,
            reply_to: None,
            forward: None,
            mentions: Mentions::default(),
            created_at: self.now(),
        }
    }

    pub(crate) async fn send(&self, from: UserId, to: ConversationId, text: &str) -> Message {
        let new = self.make_message(from, to, text, None);
        match self.stores.messages.append(&new).await.unwrap() {
            AppendOutcome::Appended { message, .. } => message,
            other => panic!("{other:?}"),
        }
    }

    async fn set_status(&self, user: UserId, kind: StatusKind) -> User {
        let status = Status { kind, text: None, until: None };
        self.stores.users.set_status(user, &status, None, self.now()).await.unwrap().unwrap()
    }
}

/// Puts some hundred of everything into a store, and reads some of it.
pub async fn fill(f: &Fixture) {
    let mut users = Vec::new();
    for n in 0..60 {
        let user = f.user(&format!("filler{n}")).await;
        f.session(user, &format!("token of {n}")).await;
        users.push(user);
    }
    let mut conversations = Vec::new();
    for pair in users.windows(2) {
        let conversation = f.open(pair[0], pair[1]).await.id;
        for n in 0..5 {
            let new = f.make_message(pair[0], conversation, "filling", Some(&n.to_string()));
            f.stores.messages.append(&new).await.unwrap();
        }
        conversations.push(conversation);
    }
    relations::fill(f, &users).await;
    let mut groups = Vec::new();
    for _ in 0..3 {
        let group = f.group(users[1], &users[2..]).await;
        f.change_group(group, users[1], GroupAction::Remove(users[5])).await;
        f.change_group(group, users[1], GroupAction::Add { users: vec![users[5]], at_most: 100 }).await;
        for _ in 0..5 {
            f.send(users[2], group, "filling").await;
        }
        let mentions = Mentions { users: vec![users[7]], everyone: true, ..Mentions::default() };
        let new = NewMessage { mentions, ..f.make_message(users[2], group, "filling", None) };
        f.stores.messages.append(&new).await.unwrap();
        groups.push(group);
    }
    communities::furnish(f, users[0], &users[1..]).await;
    let (user, store) = (users[1], &f.stores.conversations);
    let put_away = MemberSettingsChange { archived: Some(true), ..MemberSettingsChange::default() };
    store.set_settings(groups[0], user, &put_away).await.unwrap();
    for archived in [None, Some(true), Some(false)] {
        store.inbox(&Inbox { user, after: None, archived, limit: 10 }).await.unwrap();
    }
    store.told_members(groups[0]).await.unwrap();
    store.member(groups[0], user).await.unwrap();
    store.find_many(&conversations, user).await.unwrap();
    store.find(conversations[0], user).await.unwrap();
    store.heads(user).await.unwrap();
    store.unread_totals(users[7], f.now()).await.unwrap();
    store.named_members(groups[0], &["filler3".to_owned(), "nobody".to_owned()]).await.unwrap();
    f.stores.messages.changes(conversations[0], Rev::ZERO, 1).await.unwrap();
    store.find_many(&groups, users[7]).await.unwrap();
    f.stores.groups.of(users[7]).await.unwrap();
    f.stores.groups.share_group(users[7], users[9]).await.unwrap();
    search::fill(f, &conversations).await;
    let page = MembersPage { conversation: groups[0], after: Some(users[3]), limit: 10 };
    f.stores.groups.members(&page).await.unwrap();
}
