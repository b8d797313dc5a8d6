//! Whatever becomes of publications on their way, a listener gets the same list.

use proptest::{collection::vec, prelude::*};
use tokio::runtime::Builder;

use crate::support::{ADA, BOB, HERE, World, messages, revs};

/// How many changes the stream has.
const LENGTH: usize = 25;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn publications_in_any_order_repeated_or_lost_come_to_the_same_list(
        publications in vec(0..LENGTH, 0..60),
        position in 0..=LENGTH as u64,
        rewinds_after in 0..60_usize,
    ) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (live, resumed) = runtime.block_on(listen(&publications, position, rewinds_after));
        prop_assert_eq!(live, messages(HERE, 1, LENGTH as u64));
        prop_assert_eq!(resumed, messages(HERE, position + 1, LENGTH as u64));
    }
}

/// What two listeners get while these changes are published: one who is live all the time, and one who rewinds to a
/// position after so many publications.
async fn listen(publications: &[usize], position: u64, rewinds_after: usize) -> (Vec<String>, Vec<String>) {
    let world = World::new();
    let (mut live, mut resumed) = (world.connect(ADA, &[HERE]), world.connect(BOB, &[HERE]));
    let changes = world.write(HERE, LENGTH);
    let (before, after) = publications.split_at(rewinds_after.min(publications.len()));
    before.iter().for_each(|index| world.hub.publish(changes[*index].clone()));
    world.hub.rewind(&resumed.connection, &[]);
    resumed.waiting();
    world.resume(&resumed, &[(HERE, position)]);
    for index in after {
        world.hub.publish(changes[*index].clone());
        tokio::task::yield_now().await;
    }
    world.hub.reconcile(&revs(&[(HERE, LENGTH as u64)]));
    (live.all().await, resumed.all().await)
}
