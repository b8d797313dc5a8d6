//! What becomes of communities and channels that are deleted: everybody is taken out, then what was written is erased, in
//! steps that keep nobody waiting. What the end of a server interrupts, goes on when it is here again.

use parlor_domain::{ConversationId, Timestamp, UserId};

use super::{refused, tell::tell_moves};
use crate::{Deps, ServiceResult};

/// How many members are taken out at a time.
const MEMBERS: usize = 1000;
/// How many messages are erased at a time.
const MESSAGES: usize = 500;
/// How many steps are made before others have their turn.
const STEPS: usize = 20;
/// How many conversations are looked at.
const CONVERSATIONS: usize = 100;
/// For how many milliseconds a message may still come that was on its way: longer than any database lets one take.
const MAY_COME: i64 = 60_000;

/// Deletes a community for its owner, and takes everybody out of it and its channels.
pub(super) async fn delete(deps: &Deps, owner: UserId, id: ConversationId) -> ServiceResult<()> {
    let deleted = {
        let _turn = deps.group_turns.of(id.as_bytes()).lock().await;
        deps.stores.communities.delete(id, owner, deps.clock.now()).await?
    };
    for id in deleted.map_err(|refusal| refused(refusal, "id"))? {
        expel(deps, id).await?;
    }
    Ok(())
}

/// Takes everybody out of a deleted community or channel, and tells them.
pub(super) async fn expel(deps: &Deps, id: ConversationId) -> ServiceResult<()> {
    loop {
        let _turn = deps.turn_of(id).await?;
        let moves = deps.stores.communities.expel(id, MEMBERS).await?;
        if moves.is_empty() {
            return Ok(());
        }
        tell_moves(deps, &moves, None).await;
    }
}

impl Deps {
    /// Goes on with what is deleted and not erased.
    pub(crate) async fn sweep(&self) -> ServiceResult<()> {
        let mut steps = 0;
        for id in self.stores.communities.deleted(CONVERSATIONS).await? {
            expel(self, id).await?;
            let old = Timestamp::from_millis(self.clock.now().as_millis() - MAY_COME);
            while steps < STEPS && self.stores.communities.erase(id, old, MESSAGES).await? > 0 {
                steps += 1;
            }
            if steps == STEPS {
                break;
            }
        }
        Ok(())
    }
}
