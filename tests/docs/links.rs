//! Links lead to files and headings that are there, and the table of contents has every page.

use std::collections::BTreeMap;

use super::page::{Page, root};

/// Pages outside of the book whose links are looked at too.
const BESIDE: [&str; 3] = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"];

const CONTENTS: &str = "docs/SUMMARY.md";

/// The path below the repository that a relative link on the page `from` leads to.
fn target(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn is_elsewhere(link: &str) -> bool {
    link.contains("://") || link.starts_with("mailto:")
}

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    let pages: Vec<Page> = BESIDE.into_iter().map(Page::read).chain(Page::all_below("docs")).collect();
    let anchors: BTreeMap<&str, Vec<String>> =
        pages.iter().map(|page| (page.name.as_str(), page.anchors())).collect();
    let (mut wrong, mut n_seen) = (Vec::new(), 0);
    for page in &pages {
        for (line, link) in page.links() {
            if is_elsewhere(&link) {
                continue;
            }
            n_seen += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link.as_str(), ""));
            let file = if file.is_empty() { Some(page.name.clone()) } else { target(&page.name, file) };
            let at = format!("{}:{line}: `{link}`", page.name);
            match file {
                _ if link.is_empty() => wrong.push(format!("{at} leads nowhere")),
                None => wrong.push(format!("{at} leads out of the repository")),
                // The site that mdBook makes has nothing else.
                Some(file) if page.name.starts_with("docs/") && !file.starts_with("docs/") => {
                    wrong.push(format!("{at} leads out of the book: name the file without a link"));
                }
                Some(file) if !root().join(&file).exists() => {
                    wrong.push(format!("{at}: `{file}` is not there"))
                }
                Some(file) => {
                    let known = anchors.get(file.as_str());
                    if !heading.is_empty()
                        && !known.is_some_and(|known| known.iter().any(|one| one == heading))
                    {
                        wrong.push(format!("{at}: `{file}` has no heading `{heading}`"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n_seen > 100, "only {n_seen} links were seen");
}

#[test]
fn the_contents_name_every_page_once() {
    let mut named: Vec<String> =
        Page::read(CONTENTS).links().into_iter().filter_map(|(_, link)| target(CONTENTS, &link)).collect();
    named.sort();
    let there: Vec<String> =
        Page::all_below("docs").into_iter().map(|page| page.name).filter(|name| name != CONTENTS).collect();
    assert_eq!(named, there);
}

#[test]
fn a_link_is_followed_from_its_page() {
    assert_eq!(
        target("docs/how-to/slurm.md", "../reference/spec.md").as_deref(),
        Some("docs/reference/spec.md")
    );
    assert_eq!(target("README.md", "./docs").as_deref(), Some("docs"));
    assert_eq!(target("docs/README.md", "../../x"), None);
}
