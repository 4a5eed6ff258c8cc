//! The page on clusters does what it says.

use super::lab::Cluster;
use super::page::Page;
use super::script::{Place, Script};

#[test]
fn the_page_on_clusters_is_followed_to_the_letter() {
    if super::harness::Lab::new().is_none() {
        return;
    }
    let Some(cluster) = Cluster::start(1, 0, &[]) else { return };
    let page = Page::read("docs/how-to/slurm.md");
    let script = Script::of(&page, &["slurm"]).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(script.n_run > 0 && script.lacking.is_empty(), "the page has no commands");
    let place = Place { variables: vec![("SLURM_CONF", cluster.conf())], ..Place::default() };
    script.run(&page.name, &place).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(!cluster.ends().is_empty(), "no job was in the queue");
}
