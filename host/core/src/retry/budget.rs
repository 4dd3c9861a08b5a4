//! How many repeats may be made for a tenant, so that an outage is not multiplied by everybody who meets it.

/// Answers that make up for one repeat.
const ANSWERS: u32 = 10;

/// What a tenant's repeats have cost so far. A new one is untouched.
///
/// In an outage nothing is answered, and the repeats soon come to an end; from then on every request is sent once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    // In answers.
    owed: u32,
}

impl Budget {
    /// Takes one repeat, if no more than `most` are owed with it.
    pub fn take(&mut self, most: u32) -> bool {
        let owed = self.owed.saturating_add(ANSWERS);
        let granted = owed <= most.saturating_mul(ANSWERS);
        if granted {
            self.owed = owed;
        }
        granted
    }

    /// Counts an answer.
    pub fn answered(&mut self) {
        self.owed = self.owed.saturating_sub(1);
    }

    /// Returns whether it is as good as new, so that nobody has to remember it.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.owed == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_give_repeats_back() {
        let mut budget = Budget::default();
        assert!(budget.take(2) && budget.take(2) && !budget.take(2));
        for _ in 1..ANSWERS {
            budget.answered();
            assert!(!budget.take(2));
        }
        budget.answered();
        assert!(budget.take(2) && !budget.take(2));
        for _ in 0..2 * ANSWERS {
            budget.answered();
        }
        assert!(budget.is_untouched());
    }

    #[test]
    fn a_budget_of_nothing_allows_nothing() {
        assert!(!Budget::default().take(0));
    }

    proptest! {
        /// However repeats and answers come, there are at most as many repeats as are free and as answers have paid for.
        #[test]
        fn repeats_are_bounded_by_answers(most in 0u32..5, steps in prop::collection::vec(any::<bool>(), 0..200)) {
            let mut budget = Budget::default();
            let (mut taken, mut answers) = (0, 0);
            for is_repeat in steps {
                if is_repeat {
                    taken += u32::from(budget.take(most));
                } else {
                    answers += 1;
                    budget.answered();
                }
                prop_assert!(taken <= most + answers / ANSWERS);
            }
        }
    }
}
