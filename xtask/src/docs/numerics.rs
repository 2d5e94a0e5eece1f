//! docs/numerics.md: what is known of each elementary function's error.

use std::fmt::Write as _;

use bellwether_core::math::{FunctionBound, TABLE};

use super::cell;

const NOTE: &str =
    "<!-- Written by `cargo xtask docs` from core/src/math/table.rs and docs/bytes.md. Do not edit. -->";

const HEAD: &str = "# Numerics

## Elementary functions

WGSL grants its own `log` an absolute error of 2^-21 between 1/2 and 2, and its `tanh` 1e-5: near 0 neither has a right
digit. So the kernels have their own, in `shaders/wgsl/lib`. Their twins in `bellwether_core::math` run the same steps
in Rust; they are what is measured here. The reference shares nothing with either: it calls `libm`.

Errors are in units in the last place of f32 at the true value, which `libm` gives in f64; a correctly rounded result
is within half a unit. Where the result is subnormal the unit is 2^-149, and a device may flush it to 0.

- **Strided**: the twin at every 1009th f32, or at a million points where there are several arguments. In every test run.
- **Exhaustive**: the twin at every finite f32. `cargo xtask prove` repeats it.
- **Derived**: the bound under WGSL's rules, where each `+ - *` may be off by a whole unit and each division by 2.5. The
  function's steps are run on a number that carries its rounding errors along, over a grid of inputs. It is a bound at
  each point of the grid, not between them. A compiler that reassociates is not covered. Tolerances are built on it.

Where reassociation would hurt, a sum passes through a maximum or an absolute value that never changes it: that kept
every compiler tried from reordering it, and a compiler with range analysis could see through it. `logaddexp` crosses 0, where its terms cancel: its unit is that of the largest of result and terms. The
numbers may only shrink: a test fails where one is exceeded, and where one grants more than is needed.

| function | method | strided | exhaustive | derived | worst input seen |
|---|---|---|---|---|---|
";

/// Before the table of docs/bytes.md.
const BYTES: &str = "
## What the kernels read and write

Numbers of wide arrays that each kernel reads and writes for a row whose elements all count, beside the least that any
implementation must. [bytes.md](bytes.md) says how they are counted, what the other words are, and why a kernel reads twice;
`cargo test -p bellwether-gpu --test bytes` counts them anew. A number has 4 bytes, or 2 where logits stand in 16 bits.

";

/// The page whose table is taken over: a test counts what it says.
const COUNTED: &str = include_str!("../../../docs/bytes.md");

/// The lines of the page's table.
fn table(page: &str) -> impl Iterator<Item = &str> {
    page.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'))
}

pub(super) fn page() -> String {
    let mut page = format!("{NOTE}\n\n{HEAD}");
    for row in TABLE {
        let all = row.exhaustive.map_or("not run".into(), |units| format!("{units:.3}"));
        let _ = writeln!(
            page,
            "| `{}` | {} | {:.3} | {all} | {:.3} | {} |",
            row.name,
            cell(row.method),
            row.strided,
            row.derived,
            worst(row)
        );
    }
    page.push_str(BYTES);
    table(COUNTED).for_each(|line| page.extend([line, "\n"]));
    page
}

/// The arguments, without the zeros that stand for none.
fn worst(row: &FunctionBound) -> String {
    let used = row.worst.iter().rposition(|x| *x != 0.0).map_or(1, |last| last + 1);
    row.worst[..used].iter().map(|x| format!("`{x:?}`")).collect::<Vec<_>>().join(", ")
}
