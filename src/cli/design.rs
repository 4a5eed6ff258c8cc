//! What `check` shows of the design: the arms, and what a fraction keeps apart.

use std::sync::Arc;

use serde_json::{Value, json};

use super::print;
use super::render::plain;
use crate::augment::describe;
use crate::design::{Fraction, Pair};
use crate::spec::ops::NamedOp;
use crate::spec::settings::{Augment, Design, Variant};
use crate::spec::{Arm, Part};

/// Width up to which ops stand over their columns by name; beyond, by letter.
const WIDE: usize = 72;
/// Characters of a line of text.
const LINE: usize = 100;
/// Ops up to which a table has a column for each.
const COLUMNS: usize = 50;
/// Characters of an arm's name behind its signs, which say the same.
const NAME: usize = 60;
/// Words of the defining relation that are listed.
const WORDS: usize = 15;

/// Letters of factors, as in textbooks: `I` is the identity.
const LETTERS: &str = "ABCDEFGHJKLMNOPQRSTUVWXYZabcdefghjklmnopqrstuvwxyz";

/// Prints ops, arms, points of the matrix, and what is mixed with what.
pub fn print_design(augment: &Augment, variants: &[Arc<Variant>]) {
    let arms = augment.arms();
    print::out(&head(augment, &arms, variants));
    let is_list = matches!(augment.design, Design::None | Design::AddOne) || augment.ops.len() > COLUMNS;
    print::out(&if is_list { listed(augment, &arms) } else { signs(augment, &arms) });
    if let Some(fraction) = augment.fraction() {
        print::out(&format!("\n{}", fraction_lines(fraction).join("\n")));
    }
    // The points are those of any arm.
    let points: Vec<&str> = points(variants).collect();
    if points.iter().any(|point| !point.is_empty()) {
        print::out(&format!("\neach arm at {} of the matrix", print::count(points.len(), "point")));
        points.iter().for_each(|point| print::out(&format!("  {}", plain(point))));
    }
}

fn head(augment: &Augment, arms: &[Arm], variants: &[Arc<Variant>]) -> String {
    let name = augment.design.name();
    let ops = print::count(augment.ops.len(), "op");
    let n_arms = print::count(arms.len(), "arm");
    let points = points(variants).count();
    let times =
        if points > 1 { format!(" x {points} points = {} variants", variants.len()) } else { String::new() };
    format!("design `{name}` of {ops}: {n_arms}{times}\n")
}

/// The part of each variant's name after its arm, for the first arm.
fn points(variants: &[Arc<Variant>]) -> impl Iterator<Item = &str> {
    let first = variants.first().map_or("", |variant| variant.arm.as_str());
    let of_first = variants.iter().filter(move |variant| variant.arm == first);
    of_first.map(|variant| variant.name[variant.arm.len()..].trim_start_matches('/'))
}

/// Each arm with its ops in words.
fn listed(augment: &Augment, arms: &[Arm]) -> String {
    let mut rows = vec![vec!["ARM".to_owned(), "OPS".to_owned()]];
    rows.extend(arms.iter().map(|arm| vec![plain(&arm.name), describe(&augment.ops_of(arm))]));
    print::aligned(&rows)
}

/// The ops in words, and then each arm as signs under them.
fn signs(augment: &Augment, arms: &[Arm]) -> String {
    let names: Vec<String> = augment.ops.keys().map(|name| plain(name)).collect();
    let width: usize = names.iter().map(|name| name.chars().count() + 2).sum();
    // A fraction is spoken of in letters.
    let by_letter = augment.fraction().is_some() || width > WIDE;
    let letters = LETTERS.chars().map(String::from);
    let heads: Vec<String> = if by_letter { letters.take(names.len()).collect() } else { names.clone() };
    let mut rows = vec![vec![String::new(), "OP".to_owned(), "WHAT IT DOES".to_owned()]];
    for (((name, op), shown), head) in augment.ops.iter().zip(&names).zip(&heads) {
        let named = NamedOp { name: name.clone(), op: op.clone(), nth: 0 };
        rows.push(vec![head.clone(), shown.clone(), describe(&[named])]);
    }
    if !by_letter {
        rows.iter_mut().for_each(|row| drop(row.remove(0)));
    }
    let legend = print::aligned(&rows);
    let is_ordered = augment.design == Design::Policies;
    let key = if is_ordered {
        "numbers: applied, in this order; -: not applied"
    } else {
        "+: applied; -: not applied"
    };
    let mut rows = vec![heads.into_iter().chain(["ARM".to_owned()]).collect::<Vec<_>>()];
    for arm in arms {
        let cell = |op: usize| match arm.parts.iter().position(|part| part.op == op) {
            None => "-".to_owned(),
            Some(at) if is_ordered => (at + 1).to_string(),
            Some(_) => "+".to_owned(),
        };
        let name = if by_letter { cut(&plain(&arm.name)) } else { plain(&arm.name) };
        rows.push((0..augment.ops.len()).map(cell).chain([name]).collect());
    }
    format!("{legend}\n\n{key}\n{}", print::aligned(&rows))
}

fn cut(name: &str) -> String {
    if name.chars().count() <= NAME {
        name.to_owned()
    } else {
        format!("{}…", name.chars().take(NAME - 1).collect::<String>())
    }
}

/// What a fraction is, and what it mixes, in letters.
fn fraction_lines(fraction: &Fraction) -> Vec<String> {
    let (k, p) = (fraction.n_factors(), fraction.n_generators());
    let resolution = fraction.resolution().unwrap_or_default();
    let mut lines = vec![format!(
        "fraction 2^({k}-{p}): {} of {} combinations, resolution {}",
        1_u64 << fraction.n_base(),
        1_u64 << k,
        roman(resolution)
    )];
    let rules = fraction.generators().into_iter().map(|rule| {
        let sign = if rule.is_negative { "-" } else { "" };
        format!("{} = {sign}{}", word(&[rule.factor]), word(&rule.of))
    });
    lines.extend(wrapped("generators (+1 applied, -1 not): ", rules, ", "));
    match fraction.words(WORDS) {
        Some(words) => {
            let words = words.into_iter().map(|(is_negative, factors)| {
                format!("{}{}", if is_negative { "-" } else { "" }, word(&factors))
            });
            lines.extend(wrapped("defining relation: I = ", words, " = "));
        }
        None => {
            let counts = fraction.word_lengths().into_iter().enumerate().filter(|(_, n)| *n > 0);
            let counts = counts.map(|(length, n)| format!("{n} of length {length}"));
            lines.extend(wrapped("words of the defining relation: ", counts, ", "));
        }
    }
    lines.push(String::new());
    lines.push("each op alone: clear of all other ops and of all pairs".to_owned());
    let groups = fraction.pair_groups();
    let (clear, mixed): (Vec<_>, Vec<_>) = groups.iter().partition(|group| group.len() == 1);
    let n_pairs = k * (k - 1) / 2;
    if mixed.is_empty() {
        lines.push(format!("pairs of ops: all {n_pairs} clear of all ops and of each other"));
        return lines;
    }
    if clear.is_empty() {
        lines.push(format!("pairs of ops: none of {n_pairs} is clear of all others"));
    } else {
        let clear_pairs = clear.iter().map(|group| pair(group[0]));
        lines.extend(wrapped(
            &format!("pairs of ops: {} of {n_pairs} clear: ", clear.len()),
            clear_pairs,
            ", ",
        ));
    }
    lines.push("mixed with each other, so that only the sum of a line is known:".to_owned());
    for group in mixed {
        lines.extend(wrapped("  ", group.iter().map(|&two| pair(two)), " + "));
    }
    lines
}

fn letter(factor: usize) -> char {
    LETTERS.chars().nth(factor).unwrap_or('?')
}

fn word(factors: &[usize]) -> String {
    factors.iter().map(|&factor| letter(factor)).collect()
}

fn pair((first, second): Pair) -> String {
    word(&[first, second])
}

fn roman(resolution: usize) -> String {
    ["0", "I", "II", "III", "IV", "V", "VI", "VII"]
        .get(resolution)
        .map_or_else(|| resolution.to_string(), |roman| (*roman).to_owned())
}

/// The items on as many lines as they need, the further ones set in.
fn wrapped(head: &str, items: impl Iterator<Item = String>, between: &str) -> Vec<String> {
    let (mut lines, mut line, mut is_first) = (Vec::new(), head.to_owned(), true);
    for item in items {
        if !is_first {
            line.push_str(between);
        }
        is_first = false;
        if line.chars().count() + item.chars().count() > LINE {
            lines.push(line.trim_end().to_owned());
            line = "    ".to_owned();
        }
        line.push_str(&item);
    }
    lines.push(line);
    lines
}

/// The same for programs.
pub fn design_json(augment: &Augment) -> Value {
    let names: Vec<&String> = augment.ops.keys().collect();
    let part = |part: &Part| {
        let level = augment.level(*part).map(|level| &level.values);
        json!({"op": names[part.op], "level": level})
    };
    let arms: Vec<Value> = augment
        .arms()
        .iter()
        .map(|arm| json!({"name": arm.name, "ops": arm.parts.iter().map(part).collect::<Vec<_>>()}))
        .collect();
    json!({
        "name": augment.design.name(),
        "n_ops": names.len(),
        "n_arms": arms.len(),
        "arms": arms,
        "fraction": augment.fraction().map(|fraction| fraction_json(fraction, &names)),
    })
}

fn fraction_json(fraction: &Fraction, names: &[&String]) -> Value {
    let named = |factors: &[usize]| factors.iter().map(|&factor| names[factor]).collect::<Vec<_>>();
    let two = |pair: &Pair| [names[pair.0], names[pair.1]];
    let generators: Vec<Value> = fraction
        .generators()
        .iter()
        .map(|rule| json!({"op": names[rule.factor], "of": named(&rule.of), "is_negative": rule.is_negative}))
        .collect();
    let words = fraction.words(WORDS).map(|words| {
        let word = |(is_negative, factors): &(bool, Vec<usize>)| {
            json!({"ops": named(factors), "is_negative": is_negative})
        };
        words.iter().map(word).collect::<Vec<_>>()
    });
    let (clear, mixed): (Vec<_>, Vec<_>) =
        fraction.pair_groups().into_iter().partition(|group| group.len() == 1);
    json!({
        "resolution": fraction.resolution(),
        "n_generators": fraction.n_generators(),
        "generators": generators,
        "word_lengths": fraction.word_lengths(),
        "words": words,
        "clear_pairs": clear.iter().flatten().map(two).collect::<Vec<_>>(),
        "mixed_pairs": mixed.iter().map(|group| group.iter().map(two).collect::<Vec<_>>()).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{Resolution, fraction};
    use crate::spec::ops::{Action, Colour, Op};

    fn augment(names: &[&str], design: Design) -> Augment {
        let op = || Op { p: 0.5, action: Action::Colour(Colour::ChannelShuffle {}) };
        let ops = names.iter().map(|name| ((*name).to_owned(), op())).collect();
        Augment { ops, design, policies: Default::default(), levels: Default::default() }
    }

    fn of(n_ops: usize) -> String {
        fraction_lines(fraction(n_ops, Resolution::Four).unwrap()).join("\n")
    }

    #[test]
    fn a_fraction_is_told_in_letters_and_long_lists_are_wrapped() {
        let expected = "fraction 2^(9-4): 32 of 512 combinations, resolution IV
generators (+1 applied, -1 not): F = ABE, G = ACE, H = ADE, J = -ABCD
defining relation: I = ABEF = ACEG = ADEH = BCFG = BDFH = CDGH = -ABCDJ = -ABGHJ = -ACFHJ = -ADFGJ =
    -BCEHJ = -BDEGJ = -CDEFJ = -EFGHJ = ABCDEFGH

each op alone: clear of all other ops and of all pairs
pairs of ops: 8 of 36 clear: AJ, BJ, CJ, DJ, EJ, FJ, GJ, HJ
mixed with each other, so that only the sum of a line is known:
  AB + EF
  AC + EG
  AD + EH
  AE + BF + CG + DH
";
        assert!(of(9).starts_with(expected), "{}", of(9));
        assert!(
            of(16).contains("words of the defining relation: 140 of length 4, 448 of length 6,"),
            "{}",
            of(16)
        );
        assert!(of(32).lines().all(|line| line.chars().count() <= LINE + 3), "{}", of(32));
    }

    #[test]
    fn many_or_long_names_stand_in_a_legend() {
        let short = augment(&["flip", "noise"], Design::Factorial);
        assert!(signs(&short, &short.arms()).contains("\nflip  noise  ARM\n"));
        let names =
            ["a very long name of an op", "another one, as long as that", "a third, longer yet than both"];
        let long = augment(&names, Design::Factorial);
        let shown = signs(&long, &long.arms());
        assert!(
            shown.starts_with("   OP                             WHAT IT DOES\nA  a very long"),
            "{shown}"
        );
        assert!(shown.contains("\nA  B  C  ARM\n-  -  -  none\n"), "{shown}");
        assert!(
            shown.ends_with("\n+  +  +  a very long name of an op+another one, as long as that+a th…"),
            "{shown}"
        );
    }

    #[test]
    fn letters_leave_out_the_identity_and_go_on_in_lower_case() {
        assert_eq!(word(&[7, 8, 24, 25, 31]), "HJZag");
    }
}
