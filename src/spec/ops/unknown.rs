//! Words for names that are no ops.

use super::{Action, Group};
use crate::spec::fault::{Fault, nearest, nearest_few};
use crate::spec::reader::Table;

/// The most names that are offered in the place of a wrong one.
const OFFERED: usize = 3;

/// The fault of `op = "name"` where there is no such op.
pub(super) fn unknown_op(name: &str) -> Fault {
    let fault = Fault::new(format!("`op` is `{}`, and there is no such op", name.escape_debug()));
    if Group::KEYS.contains(&name) {
        return fault
            .help(format!("a group is written without `op`: `{name} = [ {{ op = \"rotate\" }}, … ]`"));
    }
    let names = Action::names();
    let near = nearest_few(name, names.iter().copied(), OFFERED);
    fault.help(match or(&near) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("docs/reference/spec.md lists all {} under `[augment.ops]`", names.len()),
    })
}

/// The fault of a table that names no op.
pub(super) fn no_op(table: &Table<'_>) -> Fault {
    let fault = Fault::new(format!("`[{}]` names no op", table.shown()));
    // Another key for it, as `kind = "rotate"`.
    let names = Action::names();
    let meant = table.words().find_map(|(key, word)| Some((key, nearest(word, names.iter().copied())?)));
    fault.help(match meant {
        Some((key, name)) => format!("did you mean `op = \"{name}\"` instead of `{key}`?"),
        None => "write `op = \"horizontal_flip\"`, or a group: `one_of = [ … ]`, `some_of = [ … ]`, `sequential = [ … ]`"
            .to_owned(),
    })
}

/// Names joined by commas and `or`; `None` for none.
fn or(names: &[&str]) -> Option<String> {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        [first @ .., last] => Some(format!("{} or {last}", first.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::tests::faults;

    fn fault(op: &str) -> String {
        let text = format!(
            "name=\"a\"\n[dataset]\nformat=\"folders\"\nimages=\"d\"\n[labels]\nfrom=\"folder\"\n\
             [augment.ops]\nx={{{op}}}\n"
        );
        let found = faults(&text, &[]);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.into_iter().next().unwrap_or_default()
    }

    #[test]
    fn unknown_ops_are_told_with_the_nearest_and_nothing_else() {
        let near = |name: &str| fault(&format!("op = \"{name}\", limit = [0, 3], p = 0.2"));
        let flip = near("horisontal_flip");
        assert_eq!(
            flip,
            "`op` is `horisontal_flip`, and there is no such op @ \"horisontal_flip\" ? did you mean `horizontal_flip`?"
        );
        for (name, meant) in [
            ("HorizontalFlip", "`horizontal_flip`"),
            ("GaussNoise", "`gauss_noise`"),
            ("gaussian_noise", "`gauss_noise`"),
            ("rotation", "`rotate`"),
            ("RandomBrightnessContrast", "`random_brightness_contrast`"),
            ("blur", "`"),
        ] {
            assert!(
                near(name).contains("docs/reference/spec.md") || near(name).contains(meant),
                "{}",
                near(name)
            );
        }
        for name in ["zzz", ""] {
            let told = near(name);
            assert!(told.contains("docs/reference/spec.md lists all") && told.len() < 160, "{told}");
        }
        let group = fault("op = \"one_of\", ops = [{ op = \"rotate\" }]");
        assert!(group.contains("a group is written without `op`: `one_of = [ "), "{group}");
        assert_eq!(fault("op = 3"), "`op` is `3`, expected a string @ 3");
        let p = faults_of_p();
        assert!(p.iter().any(|fault| fault.starts_with("`p` is `1.5`, expected 0 to 1")), "{p:?}");
    }

    fn faults_of_p() -> Vec<String> {
        let text = "name=\"a\"\n[dataset]\nformat=\"folders\"\nimages=\"d\"\n[labels]\nfrom=\"folder\"\n\
             [augment.ops]\nx={op=\"rotat\", p=1.5}\n";
        faults(text, &[])
    }

    #[test]
    fn an_op_under_another_key_is_found() {
        for (key, word) in
            [("kind", "horisontal_flip"), ("type", "HorizontalFlip"), ("name", "horizontal_flip")]
        {
            assert_eq!(
                fault(&format!("{key} = \"{word}\", p = 0.5")),
                format!(
                    "`[augment.ops.x]` names no op @ x ? did you mean `op = \"horizontal_flip\"` instead of `{key}`?"
                )
            );
        }
        assert!(fault("p = 0.5").contains("? write `op = \"horizontal_flip\"`, or a group"));
    }
}
