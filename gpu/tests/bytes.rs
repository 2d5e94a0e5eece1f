//! What each kernel reads and writes, counted while it runs: docs/bytes.md says what is counted here.

mod common;
#[path = "bytes/count.rs"]
mod count;
#[path = "bytes/lists.rs"]
mod lists;
#[path = "bytes/more.rs"]
mod more;

use bellwether_gpu::{Context, Error, Storage};
use common::context;
use count::{Count, count};
use lists::{LISTS, List};

/// Per row of so many numbers.
type Sums = [Count; 2];

/// What a list touches of its wide arrays, and of the rest.
fn sums(context: &Context, list: &List, size: usize, storage: Storage) -> Result<Sums, Error> {
    let mut sums = Sums::default();
    for (name, seen) in count(context, &(list.record)(context, size, storage)?) {
        let sum = &mut sums[usize::from(!list.wide.contains(&name))];
        (sum.read, sum.written) = (sum.read + seen.read, sum.written + seen.written);
    }
    Ok(sums)
}

/// `a v + b`, as three sizes show it.
fn line(of: [u32; 3], sizes: [usize; 3], rows: u32) -> (u32, u32) {
    let size = |i: usize| sizes[i] as u32 * rows;
    let slope = (of[1] - of[0]) / (size(1) - size(0));
    let rest = of[0] - slope * size(0);
    for i in 0..3 {
        assert_eq!(of[i], slope * size(i) + rest, "{of:?} at {sizes:?} is no line");
    }
    assert_eq!(rest % rows, 0, "{rest} is not shared evenly by {rows} rows");
    (slope, rest / rows)
}

fn text((slope, rest): (u32, u32), unit: &str) -> String {
    match (slope, rest) {
        (0, rest) => rest.to_string(),
        (1, 0) => unit.to_owned(),
        (1, rest) => format!("{unit} + {rest}"),
        (slope, 0) => format!("{slope} {unit}"),
        (slope, rest) => format!("{slope} {unit} + {rest}"),
    }
}

/// A line of the page: what is counted, beside the least.
fn row(context: &Context, list: &List) -> Result<String, Error> {
    let sizes = list.sizes;
    let all = [0, 1, 2].map(|i| sums(context, list, sizes[i], Storage::F32));
    let [a, b, c] = all;
    let all = [a?, b?, c?];
    let of = |part: usize, pick: fn(&Count) -> u32| {
        line(all.map(|sums| pick(&sums[part])), sizes, list.rows as u32)
    };
    let (read, written) = (of(0, |c| c.read), of(0, |c| c.written));
    let others = (of(1, |c| c.read), of(1, |c| c.written));
    let [least_read, least_written] = list.least;
    assert!(read.0 >= least_read && written.0 == least_written, "{}: {all:?}", list.name);
    let often = match read.0.checked_div(least_read) {
        None => "not",
        Some(1) => "once",
        Some(2) => "twice",
        Some(_) => "often",
    };
    let unit = list.unit;
    let cells = [read, written, others.0, others.1, (least_read, 0), (least_written, 0)];
    let cells: Vec<_> = cells.into_iter().map(|cell| text(cell, unit)).collect();
    Ok(format!("| {} | {} | {often} |", list.name, cells.join(" | ")))
}

#[test]
fn the_page_says_what_is_counted() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let page = include_str!("../../docs/bytes.md");
    let rows: Vec<String> = LISTS.iter().map(|list| row(&context, list)).collect::<Result<_, _>>()?;
    println!("{}", rows.join("\n"));
    let missing: Vec<_> = rows.iter().filter(|row| !page.contains(row.as_str())).collect();
    assert!(missing.is_empty(), "docs/bytes.md does not say: {missing:#?}");
    Ok(())
}

/// Two numbers of 16 bits share a word: as many are read, each in half the bytes, and half as many words are written.
#[test]
fn numbers_in_16_bits_are_read_as_often() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    for list in LISTS.iter().filter(|list| list.stored) {
        for storage in [Storage::F16, Storage::Bf16] {
            let single = sums(&context, list, list.sizes[0], Storage::F32)?[0];
            let half = sums(&context, list, list.sizes[0], storage)?[0];
            assert_eq!(half, Count { written: single.written / 2, ..single }, "{}", list.name);
        }
    }
    Ok(())
}

/// The product reads each factor once per 64 rows or columns of what it makes.
#[test]
fn a_product_reads_each_factor_once_per_tile() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    for [rows, cols, terms] in [[64, 64, 256], [130, 70, 33], [5, 200, 64]] {
        let counts = count(&context, &lists::logits(&context, [rows, cols, terms])?);
        let of = |wanted: &str| counts.iter().find(|(name, _)| *name == wanted).expect("it is bound").1;
        let once = |elements: usize| Count { read: elements as u32, written: 0 };
        assert_eq!(of("a"), once(rows * terms * cols.div_ceil(64)));
        assert_eq!(of("b"), once(cols * terms * rows.div_ceil(64)));
        assert_eq!(of("result"), Count { read: 0, written: (rows * cols) as u32 });
    }
    Ok(())
}
