//! Names that would be markup, a script or a command are text on the page, whatever place they stand in.

use super::sample::{SMALL, study};
use super::tests::{content, written};
use super::*;

/// Texts that run in careless pages: tags, handlers, ends of scripts, styles and comments, entities, templates, URLs, foreign
/// content, and what parsers and browsers mend. Six at a time are put into a study.
const MARKUP: [&str; 42] = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "<svg onload=alert(3)>",
    "<svg><script>alert(4)</script></svg>",
    "\"><script>alert(5)</script>",
    "'><img src=x onerror=alert(6)>",
    "\" onmouseover=\"alert(7)",
    "' onfocus='alert(8)' autofocus='",
    "x onclick=alert(9) x",
    "<!--<script>",
    "--><script>alert(11)</script>",
    "<![CDATA[<script>alert(12)</script>]]>",
    "</title><script>alert(13)</script>",
    "</style><script>alert(14)</script>",
    "</textarea><script>alert(15)</script>",
    "</template><script>alert(16)</script>",
    "<iframe srcdoc='<script>alert(17)</script>'>",
    "<a href=javascript:alert(18)>x</a>",
    "javascript:alert(19)",
    "data:text/html,<script>alert(20)</script>",
    "<object data=javascript:alert(21)>",
    "<embed src=//host/x>",
    "<link rel=stylesheet href=//host/x>",
    "<style>@import '//host/x'</style>",
    "<base href=//host/>",
    "<meta http-equiv=refresh content=0;url=//host/>",
    "<form action=//host/><button>x",
    "<details open ontoggle=alert(28)>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(29)>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(30)>\">",
    "&lt;script&gt;alert(31)&lt;/script&gt;",
    "&#60;script&#62;alert(32)&#60;/script&#62;",
    "\\u003cscript\\u003ealert(33)\\u003c/script\\u003e",
    "{{ 7 * 7 }}{% raw %}${alert(34)}#{alert(34)}",
    "<scr<script>ipt>alert(35)</scr</script>ipt>",
    "<SCRIPT SRC=//host/x></SCRIPT>",
    "<script/x>alert(37)</script\u{a0}>",
    "\u{ff1c}script\u{ff1e}alert(38)\u{ff1c}/script\u{ff1e}",
    "\u{2028}alert(39)\u{2029}//",
    "`-alert(40)-`",
    "</bdi></td></tr></table><script>alert(41)</script>",
    "<plaintext>",
];

/// The study with these names wherever a name, a message or a text of the user or of a dataset stands.
fn spoilt(hostile: [&str; 6]) -> Study {
    let mut study = study(SMALL);
    let old = std::mem::replace(&mut study.labels, hostile.map(String::from).to_vec());
    let renamed = |label: &mut Option<String>| {
        if let Some(i) = label.as_ref().and_then(|l| old.iter().position(|o| o == l)) {
            *label = Some(hostile[i].into());
        }
    };
    study.references[0].of.iter_mut().flat_map(|of| &mut of.scores).for_each(|s| renamed(&mut s.label));
    study.effects.iter_mut().for_each(|e| renamed(&mut e.row.label));
    study.question = hostile[1].into();
    study.name = hostile[0].into();
    study.provenance.spec = hostile.join("\n");
    let noticed = |message: &str| Noticed {
        fate: Fate::ImagesLeftOut,
        stage: "scan".into(),
        count: 1,
        message: message.into(),
    };
    study.data.noticed = hostile.map(noticed).to_vec();
    for picture in study.data.samples.iter_mut().flat_map(|samples| &mut samples.pictures) {
        picture.file_name = hostile[0].into();
    }
    let augmented = study.augmented.as_mut().unwrap();
    augmented.pictures.iter_mut().for_each(|picture| picture.file_name = hostile[0].into());
    for (strip, name) in augmented.ops.iter_mut().zip(hostile) {
        (strip.name, strip.words, strip.tiles[0].drawn) = (name.into(), name.into(), name.into());
    }
    let attention = study.attention.as_mut().unwrap();
    (attention.layers[0], attention.missing[0]) = (hostile[0].into(), (hostile[0].into(), hostile[1].into()));
    attention.means.iter_mut().for_each(|means| means.variant = hostile[0].into());
    let overlays = attention.overlays.as_mut().unwrap();
    overlays.pictures.iter_mut().for_each(|picture| picture.file_name = hostile[0].into());
    overlays.variants[0] = hostile[1].into();
    for of in &mut study.mistakes.of {
        of.variant = hostile[0].into();
        of.said.iter_mut().for_each(|mistake| mistake.picture.file_name = hostile[1].into());
    }
    for axis in &mut study.axes {
        axis.name = hostile[1].into();
        axis.values[0].text = hostile[0].into();
    }
    for run in &mut study.runs {
        if let RunState::Done(result) = &mut run.state {
            result.scores.iter_mut().for_each(|s| renamed(&mut s.label));
        }
        if run.variant == "noise" {
            run.variant = hostile[0].into();
            run.state = RunState::Failed { message: hostile[1].into() };
        }
    }
    for variant in study.variants.iter_mut().filter(|v| v.name == "noise") {
        variant.name = hostile[0].into();
        variant.ops = hostile[1].into();
    }
    study.variants[1].name = "a+<b>+&c".into();
    for run in study.runs.iter_mut().filter(|run| run.variant == "flip") {
        run.variant = "a+<b>+&c".into();
    }
    for effect in study.effects.iter_mut().filter(|e| e.row.variant == "noise") {
        effect.row.variant = hostile[0].into();
    }
    study
}

#[test]
fn hostile_names_show_as_text() {
    let hostile = [
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(2)>",
        "\"quoted\" 'and' `ticked` {{ 7 * 7 }} ${alert(3)}",
        "right\u{202e}to\u{2066}left \u{05d0}\u{05d1}",
        &"long".repeat(75),
        "<!--<script>",
    ];
    let study = spoilt(hostile);
    let page = content(&written("hostile", &study));
    for markup in ["<img src=x", "<script>alert", "alert(1)</script>", "<!--"] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert!(page.contains("&lt;img src=x onerror=alert(2)&gt;"), "as text in the page");
    assert!(page.contains(r"\u003cimg src=x onerror=alert(2)\u003e"), "as text in the data");
    assert!(page.contains(hostile[4]), "long names whole");
    assert!(page.contains("<bdi>a+<wbr>&lt;b&gt;+<wbr>&amp;c</bdi>"), "joined names break between ops");
    assert_eq!(page.matches("<script").count(), 1, "only the data: the scripts were cut out");

    let summary = summary_md(&study);
    assert!(!summary.contains(" <img") && summary.contains("\\<img src=x onerror=alert(2)\\>"));
}

/// The tags of a page with the names of their attributes, in their order: what a browser makes elements and handlers of. What
/// scripts, data and styles hold is passed over up to the tag that ends them, as browsers do.
fn skeleton(page: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            continue;
        }
        let (tag, behind) = tag(rest);
        rest = behind;
        for raw in ["script", "style"] {
            if tag == raw || tag.starts_with(&format!("{raw} ")) {
                let end = rest.to_ascii_lowercase().find(&format!("</{raw}")).expect("it is ended");
                rest = &rest[end..];
            }
        }
        // A place where a line may break; where these stand depends on the letters.
        if tag != "wbr" {
            tags.push(tag);
        }
    }
    tags
}

/// A tag's name with those of its attributes, and what follows it.
fn tag(text: &str) -> (String, &str) {
    let mut names = String::new();
    let mut quote = None;
    let mut in_value = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => (quote, in_value) = (None, false),
            (Some(_), _) => {}
            (None, '>') => return (names.trim_end().to_owned(), &text[at + 1..]),
            (None, '"' | '\'') if in_value => quote = Some(c),
            (None, '=') => in_value = true,
            (None, _) if c.is_whitespace() => {
                in_value = false;
                names.push(' ');
            }
            (None, _) if !in_value => names.push(c),
            (None, _) => {}
        }
    }
    panic!("a tag without an end: {names}")
}

/// A harmless text of the same length.
fn harmless(idx: usize, text: &str) -> String {
    format!("n{idx:x<width$}", width = text.chars().count().saturating_sub(1))
}

#[test]
fn no_text_adds_an_element_or_a_handler() {
    for (first, group) in MARKUP.chunks(6).enumerate() {
        let hostile: [&str; 6] = group.try_into().unwrap();
        let plain: Vec<String> = (0..6).map(|i| harmless(6 * first + i, hostile[i])).collect();
        let plain: [&str; 6] = std::array::from_fn(|i| plain[i].as_str());
        let (spoilt, sound) = (spoilt(hostile), spoilt(plain));
        let page = content(&page(&spoilt).unwrap());
        let (found, expected) = (skeleton(&page), skeleton(&content(&super::page(&sound).unwrap())));
        let differs = found.iter().zip(&expected).position(|(a, b)| a != b);
        assert!(
            found == expected,
            "{hostile:?}: {} and {} tags, the first that differs: {:?}",
            found.len(),
            expected.len(),
            differs.map(|at| (&found[at], &expected[at]))
        );
        assert!(found.len() > 1000, "{}", found.len());
        // Data is read by scripts: no text in it may end it.
        let data = page.split("id=\"report-data\">").nth(1).unwrap().split("</script>").next().unwrap();
        assert!(!data.contains('<') && !data.contains("-->"), "{hostile:?}");
        serde_json::from_str::<serde_json::Value>(data).unwrap();
    }
}

#[test]
fn the_skeleton_sees_what_a_browser_would_run() {
    assert_eq!(skeleton("<p title=\"<b>\">a &lt; b</p>"), ["p title", "/p"]);
    assert_eq!(skeleton("<img src=x onerror=alert(1)>"), ["img src onerror"]);
    assert_eq!(skeleton("<script>if (a < b) '<i>'</script><i>"), ["script", "/script", "i"]);
    assert_eq!(skeleton("a < b <!-- c -->"), ["!-- c --"]);
}
