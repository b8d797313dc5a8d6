//! Whom a message mentions.

use parlor_domain::{ConversationId, MemberRole, MentionText, Mentions, MessageText, UserId, store::StoreResult};
use tokio::try_join;

use crate::Deps;

impl Deps {
    /// Whom a text mentions that a user writes in a conversation: members by their names, but not himself, nor who blocks
    /// him; and all or those with a role, if he may. Everything else stays text, and nobody is told which of it might have
    /// been a name. A text without an `@` costs nothing.
    pub(crate) async fn mentions(&self, by: UserId, id: ConversationId, text: &MessageText) -> StoreResult<Mentions> {
        let text = MentionText::parse(text.as_str());
        if text.is_empty() {
            return Ok(Mentions::default());
        }
        let keys = text.keys();
        let named = async {
            if keys.is_empty() {
                Ok(Default::default())
            } else {
                self.stores.conversations.named_members(id, &keys).await
            }
        };
        let role = async {
            let me = if text.calls_all() { self.stores.conversations.member(id, by).await? } else { None };
            Ok(me.and_then(|me| me.role))
        };
        let (mut named, role) = try_join!(named, role)?;
        if !named.is_empty() {
            let blocks = self.blocks_of(by).await?;
            named.retain(|_, user| *user != by && !blocks.hides(*user));
        }
        Ok(text.resolve(&named, role.is_some_and(MemberRole::mentions_all)))
    }
}
