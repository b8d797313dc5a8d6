//! What was asked for lately, in bounded memory.

use std::{borrow::Borrow, collections::HashMap, hash::Hash, mem};

use parking_lot::Mutex;

/// Values by their keys. After so many new ones, those that were not asked for since the last time are forgotten.
pub(crate) struct Recent<K, V> {
    generation: usize,
    held: Mutex<Generations<K, V>>,
}

struct Generations<K, V> {
    young: HashMap<K, V>,
    /// The ones before; who is asked for again goes over to the young.
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    /// Room for so many that are asked for again and again, and as many others.
    pub(crate) fn new(generation: usize) -> Self {
        Self { generation, held: Mutex::new(Generations { young: HashMap::new(), old: HashMap::new() }) }
    }

    /// The value of this key, if it is known.
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let mut held = self.held.lock();
        if let Some(value) = held.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = held.old.remove_entry(key)?;
        held.insert(key, value.clone(), self.generation);
        Some(value)
    }

    /// Keeps the value of a key, in the place of its former one.
    pub(crate) fn insert(&self, key: K, value: V) {
        self.held.lock().insert(key, value, self.generation);
    }
}

impl<K: Eq + Hash, V> Generations<K, V> {
    fn insert(&mut self, key: K, value: V, generation: usize) {
        if self.young.len() >= generation && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENERATION: usize = 100;

    fn recent() -> Recent<Box<str>, u8> {
        Recent::new(GENERATION)
    }

    #[test]
    fn a_key_has_its_newest_value_and_no_other_has_it() {
        let recent = recent();
        recent.insert("ada's".into(), 1);
        recent.insert("bob's".into(), 2);
        recent.insert("bob's".into(), 3);
        assert_eq!(recent.get("ada's"), Some(1));
        assert_eq!(recent.get("bob's"), Some(3));
        assert_eq!(recent.get("ada'"), None);
    }

    #[test]
    fn an_old_value_does_not_come_back() {
        let recent = recent();
        recent.insert("ada's".into(), 1);
        for number in 0..GENERATION {
            recent.insert(number.to_string().into(), 0);
        }
        recent.insert("ada's".into(), 2);
        assert_eq!(recent.get("ada's"), Some(2));
    }

    #[test]
    fn what_is_asked_for_again_and_again_stays_and_the_rest_is_forgotten_in_time() {
        let recent = recent();
        recent.insert("in use".into(), 1);
        recent.insert("once".into(), 2);
        for number in 0..GENERATION * 5 {
            recent.insert(number.to_string().into(), 3);
            assert_eq!(recent.get("in use"), Some(1));
        }
        assert_eq!(recent.get("once"), None);
        let held = recent.held.lock();
        assert!(held.young.len() + held.old.len() <= GENERATION * 2);
    }
}
