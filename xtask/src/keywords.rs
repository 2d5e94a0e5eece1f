//! Names that an operator cannot have.

/// Keywords of Rust, and words it reserves.
const RUST: &str = "abstract as async await become box break const continue crate do dyn else enum extern false final \
    fn for gen if impl in let loop macro match mod move mut override priv pub ref return self static struct super \
    trait true try type typeof unsafe unsized use virtual where while yield";

/// Keywords of WGSL, and words it reserves (<https://www.w3.org/TR/WGSL/#keyword-summary>).
const WGSL: &str = "alias break case const const_assert continue continuing default diagnostic discard else enable \
    false fn for if let loop override requires return struct switch true var while \
    abstract active alignas alignof as asm asm_fragment async attribute auto await become cast catch class co_await \
    co_return co_yield coherent column_major common compile compile_fragment concept const_cast consteval constexpr \
    constinit crate debugger decltype delete demote demote_to_helper do dynamic_cast enum explicit export extends \
    extern external fallthrough filter final finally friend from fxgroup get goto groupshared highp impl implements \
    import inline instanceof interface layout lowp macro macro_rules match mediump meta mod module move mut mutable \
    namespace new nil noexcept noinline nointerpolation non_coherent noncoherent noperspective null nullptr of \
    operator package packoffset partial pass patch pixelfragment precise precision premerge priv protected pub public \
    readonly ref regardless register reinterpret_cast require resource restrict self set shared sizeof smooth snorm \
    static static_assert static_cast std subroutine super target template this thread_local throw trait try type \
    typedef typeid typename typeof union unless unorm unsafe unsized use using varying virtual volatile wgsl where \
    with writeonly yield";

/// Names whose type would hide one that every operator's file needs.
const HIDING: &str =
    "clone copy debug default err error none ok op option paper param real result signature some spec";

/// Why `name` cannot name an operator, or nothing.
pub(crate) fn refuse(name: &str) -> Option<&'static str> {
    let listed = |list: &str| list.split_whitespace().any(|word| word == name);
    let piece =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.split('_').all(piece) {
        Some("is not snake_case")
    } else if listed(RUST) {
        Some("is a word of Rust's")
    } else if listed(WGSL) {
        Some("is a word of WGSL's")
    } else if listed(HIDING) {
        Some("would hide a type that every operator needs")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::refuse;

    #[test]
    fn names_are_snake_case_and_free() {
        for good in ["exo", "bco_pair", "k3", "discopop", "top_2"] {
            assert_eq!(refuse(good), None, "{good}");
        }
        for bad in ["", "Exo", "exo-pair", "_exo", "exo_", "exo__pair", "3k", "exo pair", "../exo", "é"] {
            assert_eq!(refuse(bad), Some("is not snake_case"), "{bad}");
        }
        for (bad, whose) in
            [("match", "Rust"), ("gen", "Rust"), ("var", "WGSL"), ("demote", "WGSL"), ("op", "hide")]
        {
            assert!(refuse(bad).is_some_and(|why| why.contains(whose)), "{bad}");
        }
    }
}
