//! Every text against naga's reflection and against the table: what a host is told is what the kernel is.

use bellwether_core::Op;
use bellwether_core::policy::Surrogate;
use bellwether_core::registry::SPECS;
use bellwether_core::sig::Signature;
use bellwether_core::sig::list_rows::{ListOp, ListPlanes};
use bellwether_core::sig::policy_rows::MOST_METRICS;
use bellwether_core::sig::reverse_scan::ScanOp;
use bellwether_core::sig::token_map::{MapOp, MapPlanes};
use bellwether_shaders::{Role, SOURCES, Source, find};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, Scalar, ScalarKind, StorageAccess, Type, TypeInner};

fn name(source: &Source) -> String {
    format!("{} {}", source.op, source.kernel)
}

fn parse(label: &str, text: &str) -> (Module, ModuleInfo) {
    let module =
        naga::front::wgsl::parse_str(text).unwrap_or_else(|e| panic!("{label}: {}", e.emit_to_string(text)));
    let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&module)
        .unwrap_or_else(|e| panic!("{label}: {}", e.emit_to_string(text)));
    (module, info)
}

/// The six dialects in three storages (where a text has wide arrays), by plain replacement: spelled out here once more,
/// so that the crate is not its own judge.
fn dialects(source: &Source) -> Vec<String> {
    let (read, read_write, uniform) = ("var<storage, read>", "var<storage, read_write>", "var<uniform>");
    let marker = "const STORAGE = 0u;";
    let stored = [0, 1, 2].map(|code| source.text.replace(marker, &format!("const STORAGE = {code}u;")));
    let stored = if source.text.contains(marker) { &stored[..] } else { &stored[..1] };
    let inputs = stored.iter().flat_map(|text| [text.clone(), text.replace(read, read_write)]);
    inputs.flat_map(|text| [uniform, read, read_write].map(|space| text.replace(uniform, space))).collect()
}

#[test]
fn every_text_is_valid_in_every_dialect() {
    for source in SOURCES {
        for (i, text) in dialects(source).iter().enumerate() {
            parse(&format!("{} dialect {i}", name(source)), text);
        }
    }
}

#[test]
fn every_operator_has_the_kernels_of_its_signature() {
    let mut wanted = 0;
    for spec in SPECS {
        let kernels: &[&str] = match spec.signature {
            Signature::TokenRows => {
                &["forward", "narrow", "partial", "finish", "backward", "backward_in_place", "step"]
            }
            Signature::TopRows => &["forward", "narrow", "partial", "finish", "backward"],
            Signature::LogitPairs => &["forward", "backward", "backward_in_place"],
            Signature::SegmentStats => &["forward", "backward"],
            Signature::FusedLinear => &["product", "product_wide"],
            Signature::PairRows
            | Signature::TokenMap
            | Signature::ListRows
            | Signature::ReverseScan
            | Signature::PolicyRows => &["forward"],
            other => panic!("{}: no kernels are known for {}", spec.slug, other.name()),
        };
        wanted += kernels.len();
        for kernel in kernels {
            assert!(find(spec.slug, kernel).is_some(), "{} has no {kernel}", spec.slug);
        }
    }
    assert_eq!(SOURCES.len(), wanted, "a kernel belongs to no operator");
}

#[test]
fn the_argument_block_is_cores_fields_and_four_parameters() {
    for source in SOURCES {
        let label = name(source);
        let (module, _) = parse(&label, source.text);
        let block = struct_named(&module, "Args");
        let TypeInner::Struct { members, span } = &block.inner else { panic!("{label}: Args is no struct") };
        let names: Vec<_> = members.iter().map(|m| m.name.as_deref().unwrap_or("")).collect();
        let (last, header) = names.split_last().expect("Args has members");
        assert_eq!(header, source.args, "{label}");
        assert_eq!(*last, "params", "{label}");
        for (i, member) in members.iter().enumerate() {
            assert_eq!(member.offset as usize, 4 * i, "{label}: {:?}", member.name);
        }
        for member in &members[..header.len()] {
            assert!(
                is_word(&module.types[member.ty].inner),
                "{label}: {:?} is no 4-byte scalar",
                member.name
            );
        }
        assert_eq!(*span as usize, 4 * source.args_words(), "{label}");
        assert_eq!(source.args_words() % 4, 0, "{label}");

        let params = &struct_named(&module, "Params").inner;
        let TypeInner::Struct { members, span } = params else { panic!("{label}: Params is no struct") };
        assert_eq!((members.len(), *span), (4, 16), "{label}: Params has four words");
        assert!(members.iter().all(|m| is_word(&module.types[m.ty].inner)), "{label}: Params");
    }
}

/// The WGSL of a map or a scan says how many arrays it has, and core names them: the same number.
macro_rules! map_planes {
    ($($family:ident :: $name:ident :: $op:ident : $sig:ident [$($lib:ident)*],)*) => {
        /// Slug and arrays of every map and scan.
        fn map_planes() -> Vec<(&'static str, MapPlanes)> {
            let all = [$(map_planes!(@of $sig bellwether_core::$family::$name::$op)),*];
            all.into_iter().flatten().collect()
        }
    };
    (@of TokenMap $op:path) => {
        Some((<$op as Op>::SPEC.slug, <$op as MapOp>::PLANES))
    };
    (@of ReverseScan $op:path) => {
        Some((<$op as Op>::SPEC.slug, <$op as ScanOp>::PLANES))
    };
    (@of $sig:ident $op:path) => {
        None
    };
}
bellwether_core::for_each_op!(map_planes);

#[test]
fn a_map_has_the_arrays_that_core_names() {
    assert!(!map_planes().is_empty());
    for (slug, planes) in map_planes() {
        let text = find(slug, "forward").expect("a map has one kernel").text;
        let counts = [
            ("INPUTS", planes.inputs.len()),
            ("CONSTANTS", planes.constants.len()),
            ("OUTPUTS", planes.outputs.len()),
        ];
        for (name, count) in counts {
            let line = format!("\nconst {name} = {count}u;\n");
            assert_eq!(text.matches(&line).count(), 1, "{slug}: {line:?}");
        }
    }
}

/// The same of lists.
macro_rules! list_planes {
    ($($family:ident :: $name:ident :: $op:ident : $sig:ident [$($lib:ident)*],)*) => {
        /// Slug and arrays of every loss on lists.
        fn list_planes() -> Vec<(&'static str, ListPlanes)> {
            let all = [$(list_planes!(@of $sig bellwether_core::$family::$name::$op)),*];
            all.into_iter().flatten().collect()
        }
    };
    (@of ListRows $op:path) => {
        Some((<$op as Op>::SPEC.slug, <$op as ListOp>::PLANES))
    };
    (@of $sig:ident $op:path) => {
        None
    };
}
bellwether_core::for_each_op!(list_planes);

#[test]
fn a_loss_on_lists_has_the_arrays_that_core_names() {
    assert!(!list_planes().is_empty());
    for (slug, planes) in list_planes() {
        let text = find(slug, "forward").expect("a loss on lists has one kernel").text;
        let lines = [
            format!("INPUTS = {}u", planes.inputs.len()),
            format!("CONSTANTS = {}u", planes.constants.len()),
            format!("OUTPUTS = {}u", planes.outputs.len()),
            format!("LEAST = {}u", planes.least),
            format!("RANKED = {}", planes.ranked),
            format!("MOST_ITEMS = {}u", bellwether_core::sig::list_rows::MOST_ITEMS),
        ];
        for line in lines.map(|line| format!("\nconst {line};\n")) {
            assert_eq!(text.matches(&line).count(), 1, "{slug}: {line:?}");
        }
    }
}

/// The metrics of every surrogate.
macro_rules! metrics {
    ($($family:ident :: $name:ident :: $op:ident : $sig:ident [$($lib:ident)*],)*) => {
        /// Slug and metrics of every surrogate.
        fn metrics() -> Vec<(&'static str, &'static [&'static str])> {
            let all = [$(metrics!(@of $sig bellwether_core::$family::$name::$op)),*];
            all.into_iter().flatten().collect()
        }
    };
    (@of PolicyRows $op:path) => {
        Some((<$op as Op>::SPEC.slug, <$op as Surrogate>::METRICS))
    };
    (@of $sig:ident $op:path) => {
        None
    };
}
bellwether_core::for_each_op!(metrics);

#[test]
fn a_surrogate_has_the_metrics_that_core_names() {
    assert!(!metrics().is_empty());
    for (slug, metrics) in metrics() {
        assert!(metrics.len() <= MOST_METRICS, "{slug}");
        let text = find(slug, "forward").expect("a surrogate has one kernel").text;
        let line = format!("\nconst METRICS = {}u;\n", metrics.len());
        assert_eq!(text.matches(&line).count(), 1, "{slug}: {line:?}");
    }
}

#[test]
fn bindings_are_those_of_the_table_and_all_are_used() {
    for source in SOURCES {
        let label = name(source);
        let (module, info) = parse(&label, source.text);
        let uses = info.get_entry_point(0);
        let mut bound: Vec<_> = module
            .global_variables
            .iter()
            .filter_map(|(handle, variable)| Some((variable.binding?, handle, variable)))
            .collect();
        bound.sort_by_key(|(binding, ..)| binding.binding);
        assert_eq!(bound.len(), source.bindings.len(), "{label}");
        for (i, ((binding, handle, variable), told)) in bound.iter().zip(source.bindings).enumerate() {
            let at = format!("{label}, binding {i}, {}", told.name);
            assert_eq!((binding.group, binding.binding as usize), (0, i), "{at}");
            assert_eq!(variable.name.as_deref(), Some(told.name), "{at}");
            assert!(!uses[*handle].is_empty(), "{at} is not used");
            let storage = |access| AddressSpace::Storage { access };
            let (space, scalar) = match told.role {
                Role::Input => (storage(StorageAccess::LOAD), Some(Scalar::F32)),
                Role::Wide | Role::Words => (storage(StorageAccess::LOAD), Some(Scalar::U32)),
                Role::Result if wide_result(source, i) => {
                    (storage(StorageAccess::LOAD | StorageAccess::STORE), Some(Scalar::U32))
                }
                Role::Result => (storage(StorageAccess::LOAD | StorageAccess::STORE), Some(Scalar::F32)),
                Role::Args => (AddressSpace::Uniform, None),
            };
            assert_eq!(variable.space, space, "{at}");
            assert_eq!(element(&module, &module.types[variable.ty].inner), scalar, "{at}");
        }
        assert_eq!(source.bindings.last().map(|b| b.role), Some(Role::Args), "{label}: args are last");
        // Beside four storage buffers: a backward kernel that reads two rows of logits has a fifth.
        let five = source.bindings.iter().filter(|b| ["ref_logits", "rows"].contains(&b.name)).count() == 2;
        let most = if five { 6 } else { 5 };
        assert!(source.bindings.len() <= most, "{label}: more than {} storage buffers", most - 1);
    }
}

/// Gradients by wide arrays are stored as these are, so their array is one of words: the last result of a text with a
/// gradient in it.
fn wide_result(source: &Source, binding: usize) -> bool {
    source.text.contains("fn write_columns(") && binding + 2 == source.bindings.len()
}

#[test]
fn one_entry_point_with_the_workgroup_of_the_table() {
    for source in SOURCES {
        let (module, _) = parse(&name(source), source.text);
        assert_eq!(module.entry_points.len(), 1, "{}", name(source));
        let entry = &module.entry_points[0];
        assert_eq!(entry.name, "main", "{}", name(source));
        assert_eq!(entry.workgroup_size, [source.workgroup, 1, 1], "{}", name(source));
        assert!(source.workgroup <= 256, "{}: beyond WebGPU's base limit", name(source));
    }
}

#[test]
fn nothing_forbidden_stands_in_a_text() {
    let calls = ["exp(", "exp2(", "log(", "log2(", "tanh(", "pow(", "sinh(", "cosh("];
    let words = ["{{", "override", "enable ", "subgroup", "arrayLength", "atomic", "f16"];
    for source in SOURCES {
        let code: String = source.text.lines().map(|l| l.split("//").next().unwrap_or("")).collect();
        for call in calls {
            assert!(!calls_builtin(&code, call), "{}: built-in {call}", name(source));
        }
        for word in words {
            assert!(!source.text.contains(word), "{}: {word}", name(source));
        }
    }
}

#[test]
fn a_dispatch_covers_its_units_and_fits_the_limits() {
    for source in SOURCES {
        let few = [0, 1, 63, 64, 65, 255].map(|units| (units, 16));
        let many = [0, 1, 63, 64, 65, 65_535, 65_536, 151_936, 4_300_000, 1 << 28, u32::MAX / 2];
        for (units, most) in many.map(|units| (units, u32::MAX)).into_iter().chain(few) {
            let [x, y, z] = source.dispatch_within(units, most);
            let groups = u64::from(units.div_ceil(source.rows_per_group));
            let given = u64::from(x) * u64::from(y);
            let most = most.min(65_535);
            assert!(x <= most && y <= most && z == 1, "{units}: {x}, {y}");
            assert!(given >= groups && given < groups.max(1) + u64::from(y), "{units}: {given} groups");
        }
    }
}

/// Whether `call` stands in the code with no name before it (`bw_exp(` is ours).
fn calls_builtin(code: &str, call: &str) -> bool {
    code.match_indices(call).any(|(at, _)| {
        let before = code[..at].chars().next_back().unwrap_or(' ');
        !before.is_alphanumeric() && before != '_'
    })
}

fn struct_named<'m>(module: &'m Module, wanted: &str) -> &'m Type {
    let found = module.types.iter().find(|(_, t)| t.name.as_deref() == Some(wanted));
    found.unwrap_or_else(|| panic!("no struct {wanted}")).1
}

fn is_word(inner: &TypeInner) -> bool {
    matches!(inner, TypeInner::Scalar(s) if s.width == 4 && s.kind != ScalarKind::Bool)
}

fn element(module: &Module, inner: &TypeInner) -> Option<Scalar> {
    let TypeInner::Array { base, .. } = inner else { return None };
    let TypeInner::Scalar(scalar) = module.types[*base].inner else { return None };
    Some(scalar)
}
