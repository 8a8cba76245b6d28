use proptest::prelude::*;

use super::*;

fn nodes(edges: &[Vec<usize>]) -> Vec<Node> {
    edges.iter().map(|to| Node { includes: to.clone(), ..Node::default() }).collect()
}

#[test]
fn long_chains_need_no_stack() {
    const LEN: usize = 50_000;
    let mut edges: Vec<Vec<usize>> = (1..=LEN).map(|next| vec![next % LEN]).collect();
    assert_eq!(groups(&nodes(&edges)).len(), 1, "a ring");
    edges[LEN - 1].clear();
    let chain = groups(&nodes(&edges));
    assert!(chain.iter().rev().flatten().copied().eq(0..LEN), "dependencies first");
}

proptest! {
    #[test]
    fn groups_are_what_reaches_one_another(
        edges in proptest::collection::vec(proptest::collection::vec(0usize..8, 0..4), 8)
    ) {
        let mut reach = [[false; 8]; 8];
        for (from, to) in edges.iter().enumerate() {
            to.iter().for_each(|&to| reach[from][to] = true);
        }
        for via in 0..8 {
            for from in 0..8 {
                for to in 0..8 {
                    reach[from][to] |= reach[from][via] && reach[via][to];
                }
            }
        }
        let groups = groups(&nodes(&edges));
        let mut place = [0; 8];
        for (at, group) in groups.iter().enumerate() {
            group.iter().for_each(|&id| place[id] = at);
        }
        prop_assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), 8);
        for from in 0..8 {
            for to in 0..8 {
                let together = from == to || (reach[from][to] && reach[to][from]);
                prop_assert_eq!(place[from] == place[to], together);
                prop_assert!(!reach[from][to] || place[from] >= place[to]);
            }
        }
    }
}
