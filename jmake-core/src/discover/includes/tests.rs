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

#[test]
fn what_only_others_ask_for_is_not_asked_for() {
    let files: Vec<FilePath> = ["a.c", "a.h", "test.c"].iter().map(FilePath::new).collect();
    let node = |includes: &[usize], name: &str| {
        let unresolved = vec![Unresolved { name: name.as_bytes().into(), angled: true, line: 1 }];
        Node { includes: includes.to_vec(), unresolved, ..Node::default() }
    };
    let nodes = vec![node(&[1], "a"), node(&[0, 1], "h"), node(&[1], "t")];
    let graph = IncludeGraph::of(files.clone(), nodes);
    let asked = |sources: &[FilePath]| graph.unanswered(sources.iter()).collect::<Vec<_>>().join(" ");
    assert_eq!(asked(&files[..1]), "a h", "of what is built and what it leads to");
    assert_eq!(asked(&files[2..]), "a h t");
    assert_eq!(asked(&[]), "a h t", "where nothing is built");
}
