//! A map that forgets its oldest entry when it is full, so that no stranger can fill the memory.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// A map of at most so many entries.
pub(crate) struct Bounded<K, V> {
    most: usize,
    /// The keys from the oldest to the newest, each of them once.
    order: VecDeque<K>,
    kept: HashMap<K, V>,
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            order: VecDeque::new(),
            kept: HashMap::new(),
        }
    }

    /// Puts an entry in, unless its key is there; tells whether it did.
    pub(crate) fn insert(&mut self, key: K, value: V) -> bool {
        if self.kept.contains_key(&key) {
            return false;
        }
        if self.order.len() == self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
        }
        self.order.push_back(key.clone());
        self.kept.insert(key, value);
        true
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.kept.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.kept.get_mut(key)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let value = self.kept.remove(key)?;
        self.order.retain(|it| it != key);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::Bounded;

    #[test]
    fn the_oldest_goes_first_and_nothing_is_replaced() {
        let mut map = Bounded::new(2);
        assert!(map.insert("a", 1));
        assert!(!map.insert("a", 2));
        assert!(map.insert("b", 3));
        assert!(map.insert("c", 4));
        assert_eq!((map.get(&"a"), map.get(&"b")), (None, Some(&3)));
        assert_eq!(map.remove(&"b"), Some(3));
        assert!(map.insert("d", 5));
        assert_eq!((map.get(&"c"), map.get(&"d")), (Some(&4), Some(&5)));
    }
}
