//! Pages are told apart line by line.

use super::page::{Line, Page};

#[test]
fn a_page_is_told_apart_line_by_line() {
    let page = Page::of_text(
        "# The `[a.b]` page\ntext [`x`](y.md#z), `[no](link)`\n```sh\nls\n```\n# The ab page\n",
    );
    let lines = page.lines();
    assert_eq!(lines[2], Line::Opens { info: "sh", indented: false });
    assert_eq!(lines[3..5], [Line::Fenced("ls"), Line::Closes]);
    assert_eq!(page.links(), [(2, "y.md#z".to_owned())]);
    assert_eq!(page.anchors(), ["the-ab-page", "the-ab-page-1"]);
    assert_eq!(Page::of_text("<img src=\"a.png\" width=\"9\">\n").links(), [(1, "a.png".to_owned())]);
    let nested = Page::of_text("````text\n```sh\nls\n```\n````\n");
    assert_eq!(nested.lines()[1..4], [Line::Fenced("```sh"), Line::Fenced("ls"), Line::Fenced("```")]);
}
