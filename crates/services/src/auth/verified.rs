//! Access tokens whose signature has been checked: to check it is most of the work of a request that does little else.

use std::{collections::HashMap, mem};

use parking_lot::Mutex;

use super::tokens::Grant;

/// After how many tokens those that were not shown since are forgotten.
const GENERATION: usize = 2048;

/// What tokens grant that were shown lately, in bounded memory. Only what was signed by us comes in here.
#[derive(Default)]
pub(super) struct VerifiedTokens(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<Box<str>, Grant>,
    /// The ones before; who is shown again goes over to the young.
    old: HashMap<Box<str>, Grant>,
}

impl VerifiedTokens {
    /// What this token grants, if it is known.
    pub(super) fn get(&self, token: &str) -> Option<Grant> {
        let mut tokens = self.0.lock();
        if let Some(grant) = tokens.young.get(token) {
            return Some(*grant);
        }
        let (token, grant) = tokens.old.remove_entry(token)?;
        tokens.insert(token, grant);
        Some(grant)
    }

    /// Keeps what a token grants.
    pub(super) fn insert(&self, token: &str, grant: Grant) {
        self.0.lock().insert(token.into(), grant);
    }
}

impl Generations {
    fn insert(&mut self, token: Box<str>, grant: Grant) {
        if self.young.len() == GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(token, grant);
    }
}

#[cfg(test)]
mod tests {
    use parlor_domain::{SessionId, UserId};

    use super::*;
    use crate::Caller;

    fn grant(number: u8) -> Grant {
        let id = [number; 12];
        Grant { caller: Caller { user: UserId::from_bytes(id), session: SessionId::from_bytes(id) }, from: 0, until: 9 }
    }

    #[test]
    fn a_token_grants_what_it_granted_and_no_other_does() {
        let tokens = VerifiedTokens::default();
        tokens.insert("ada's", grant(1));
        tokens.insert("bob's", grant(2));
        assert_eq!(tokens.get("ada's"), Some(grant(1)));
        assert_eq!(tokens.get("bob's"), Some(grant(2)));
        assert_eq!(tokens.get("ada'"), None);
    }

    #[test]
    fn what_is_shown_again_and_again_stays_and_the_rest_is_forgotten_in_time() {
        let tokens = VerifiedTokens::default();
        tokens.insert("in use", grant(1));
        tokens.insert("once", grant(2));
        for number in 0..GENERATION * 5 {
            tokens.insert(&number.to_string(), grant(3));
            assert_eq!(tokens.get("in use"), Some(grant(1)));
        }
        assert_eq!(tokens.get("once"), None);
        let held = tokens.0.lock();
        assert!(held.young.len() + held.old.len() <= GENERATION * 2);
    }
}
