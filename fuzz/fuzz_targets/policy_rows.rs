#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    bellwether_check::fuzz::run("policy_rows", data);
});
