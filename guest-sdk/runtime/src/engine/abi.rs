//! What generated code imports. Each function is a few words around a rule of the engine; slots, constants and nodes are indices.
//!
//! Functions named `n_…` are the nodes' own: they end a node and return its code (the next node, or [`super::code`]). Functions
//! that evaluate return 1 (a value), 0 (unresolved) or -1 (an error, in [`super::Run::error`]).
#![allow(unsafe_code)] // Exporting under a fixed name, and taking over memory that generated code has filled.

use super::{Program, control, python, with};

/// Memory for the flow's tables: generated code copies them here and hands the pointer to [`register`].
#[unsafe(no_mangle)]
pub extern "C" fn alloc(len: usize) -> *mut u8 {
    let mut table = std::mem::ManuallyDrop::new(vec![0u8; len]);
    table.as_mut_ptr()
}

/// Called once by the flow's start function: its tables, and where in the function table its nodes begin.
///
/// # Safety
/// `table` came from [`alloc`] with the same `len` and is not used again by the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn register(table: *mut u8, len: usize, base: u32) {
    // SAFETY: by the contract above the pointer is a live allocation of exactly `len` bytes that nobody else owns.
    let table = unsafe { Vec::from_raw_parts(table, len, len) };
    with(|run| run.program = Program::new(table, base));
}

/// Calls the function of `node` through the function table that the flow has filled.
#[cfg(target_arch = "wasm32")]
pub fn call(node: super::Node) -> i32 {
    let (base, count) = with(|run| (run.program.base, run.program.node_count()));
    if node >= count {
        return super::code::FAIL;
    }
    // SAFETY: a function pointer is a table index on wasm32; the flow's start function put functions of this type at
    // base..base + count, and a wrong entry is a clean trap of the sandbox.
    let function: extern "C" fn() -> i32 = unsafe { std::mem::transmute((base + node) as usize) };
    function()
}

macro_rules! exports {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident),*) $(-> $ret:ty)? = |$run:ident| $body:expr;)*) => {
        $($(#[$doc])* #[unsafe(no_mangle)]
        pub extern "C" fn $name($($arg: u32),*) $(-> $ret)? { with(|$run| $body) })*
    };
}

exports! {
    /// Takes `count` slots; gives the first.
    fn frame(count) -> u32 = |run| run.frame(count);
    fn unframe(base) = |run| run.unframe(base);
    /// Slot `dst` becomes a copy of a constant.
    fn constant(dst, index) = |run| { let value = run.program.constant(index).deep_copy(); run.set_slot(dst, value) };
    fn input_function(frame, node) = |run| run.input_function(frame, node);
    fn input_bus(frame) = |run| run.input_bus(frame);
    fn input_empty(frame) = |run| run.input_empty(frame);
    fn put(frame, key, source) = |run| run.put(frame, key, source);
    fn put_default(frame, key, index, over) = |run| run.put_default(frame, key, index, over != 0);
    fn settle(frame) = |run| run.settle(frame);
    fn pick(slot, pin) -> i32 = |run| i32::from(run.pick(slot, pin));
    fn out(slot, id) -> i32 = |run| i32::from(run.out(slot, id));
    fn out_effect(slot, id, kind, cfg) -> i32 = |run| i32::from(run.out_effect(slot, id, kind, cfg));
    fn apply_output_key(id, kind, key, cfg) = |run| run.apply_output_key(id, kind, key, cfg);

    /// An error of a function node: its run or branch ends with `success: false`.
    fn n_fail_function(node) -> i32 = |run| { let message = std::mem::take(&mut run.error); run.fail_function(node, message) };
    /// An error that leaves the tick.
    fn n_fail() -> i32 = |_run| super::code::FAIL;
    /// Notes an error of an evaluation that a control node reports before it leaves the tick.
    fn note_error(node, prefix) = |run| {
        let message = format!("{}{}", run.program.text(prefix), run.error);
        let id = run.program.id(node);
        run.vars.set("_flow_error", crate::value::Value::str(message));
        run.vars.set("_flow_error_node", crate::value::Value::Str(id));
    };
    fn n_function(node, slot) -> i32 = |run| { let result = run.slot(slot); run.finish_function(node, result) };
    fn n_host_function(node, frame, cfg) -> i32 = |run| run.host_function(node, frame, cfg);
    fn n_on_flow_start(node, frame, cfg) -> i32 = |run| run.on_flow_start(node, frame, cfg);
    fn n_on_flow_end(node, frame, cfg) -> i32 = |run| run.on_flow_end(node, frame, cfg);
    fn n_on_user_request(node, frame, cfg) -> i32 = |run| { let _ = cfg; run.on_user_request(node, frame) };
    fn n_on_agent_message(node, frame, cfg) -> i32 = |run| run.on_agent_message(node, frame, cfg);
    fn n_if(node, frame, cfg) -> i32 = |run| { let _ = cfg; run.if_(node, frame) };
    fn n_switch(node, frame, cfg) -> i32 = |run| run.switch(node, frame, cfg);
    fn n_set_var(node, frame, cfg) -> i32 = |run| run.set_var(node, frame, cfg);
    fn n_set_vars(node, frame, cfg) -> i32 = |run| { let _ = cfg; run.set_vars(node, frame) };
    fn n_set_var_property(node, frame, cfg) -> i32 = |run| { let _ = cfg; run.set_var_property(node, frame) };
    fn n_add_message(node, frame, cfg) -> i32 = |run| { let _ = cfg; run.add_message(node, frame) };
    fn n_sequence(node, cfg) -> i32 = |run| run.sequence(node, cfg);
    fn n_parallel(node, cfg) -> i32 = |run| run.parallel(node, cfg);
    fn n_join(node, cfg) -> i32 = |run| run.join(node, cfg);
    fn n_loop_enter(node) -> i32 = |run| run.loop_enter(node);
    fn n_loop_begin(node, frame) -> i32 = |run| run.loop_begin(node, frame);
    fn n_for_enter(node) -> i32 = |run| run.for_enter(node);
    fn n_for_begin(node, frame) -> i32 = |run| run.for_begin(node, frame);
    fn n_while_enter(node) -> i32 = |run| run.while_enter(node);
    fn n_while_begin(node, frame) -> i32 = |run| run.while_test(node, frame);
    fn n_ask_user(node, frame, cfg) -> i32 = |run| run.ask_user(node, frame, cfg);
    fn n_answer_user(node, frame, cfg) -> i32 = |run| { let _ = cfg; run.answer_user(node, frame) };
    fn n_wait_until(node, frame, cfg) -> i32 = |run| run.wait_until(node, frame, cfg);
    fn n_wait_event(node, frame, cfg) -> i32 = |run| { let _ = cfg; run.wait_event(node, frame) };
    fn n_subflow(node, frame, cfg) -> i32 = |run| run.subflow(node, frame, cfg);
    fn n_on_event(node, frame, cfg) -> i32 = |run| run.on_event(node, frame, cfg);
    fn n_on_schedule(node, frame, cfg) -> i32 = |run| run.on_schedule(node, frame, cfg);
    fn n_emit_event(node, frame, cfg) -> i32 = |run| run.emit_event(node, frame, cfg);
    fn n_agent(node, frame, cfg) -> i32 = |run| run.agent(node, frame, cfg);
    fn n_memact_compose(node, frame, cfg) -> i32 = |run| { let _ = cfg; run.memact_compose(node, frame) };
    fn n_llm_call(node, frame, cfg) -> i32 = |run| run.llm_call(node, frame, cfg);
    fn n_model_residency(node, frame, cfg) -> i32 = |run| run.model_residency(node, frame, cfg);
    fn n_tool_calls(node, frame, cfg) -> i32 = |run| run.tool_calls(node, frame, cfg);
    fn n_call_tool(node, frame, cfg) -> i32 = |run| run.call_tool(node, frame, cfg);
    fn n_memory_note(node, frame, cfg) -> i32 = |run| run.memory_note(node, frame, cfg);
    fn n_memory_query(node, frame, cfg) -> i32 = |run| run.memory_query(node, frame, cfg);
    fn n_memory_tag(node, frame, cfg) -> i32 = |run| run.memory_tag(node, frame, cfg);
    fn n_memory_compact(node, frame, cfg) -> i32 = |run| run.memory_compact(node, frame, cfg);
    fn n_memory_rehydrate(node, frame, cfg) -> i32 = |run| run.memory_rehydrate(node, frame, cfg);
    fn n_memory_kg_assert(node, frame, cfg) -> i32 = |run| run.memory_kg_assert(node, frame, cfg);
    fn n_memory_kg_query(node, frame, cfg) -> i32 = |run| run.memory_kg_query(node, frame, cfg);
    fn n_memory_kg_resolve(node, frame, cfg) -> i32 = |run| run.memory_kg_resolve(node, frame, cfg);
    fn n_generate_image(node, frame, cfg) -> i32 = |run| run.generate_image(node, frame, cfg);
    fn n_edit_image(node, frame, cfg) -> i32 = |run| run.edit_image(node, frame, cfg);
    fn n_image_to_image(node, frame, cfg) -> i32 = |run| run.edit_image(node, frame, cfg);
    fn n_upscale_image(node, frame, cfg) -> i32 = |run| run.upscale_image(node, frame, cfg);
    fn n_image_upscale(node, frame, cfg) -> i32 = |run| run.upscale_image(node, frame, cfg);
    fn n_generate_video(node, frame, cfg) -> i32 = |run| run.text_to_video(node, frame, cfg);
    fn n_text_to_video(node, frame, cfg) -> i32 = |run| run.text_to_video(node, frame, cfg);
    fn n_image_to_video(node, frame, cfg) -> i32 = |run| run.image_to_video(node, frame, cfg);
    fn n_generate_voice(node, frame, cfg) -> i32 = |run| run.generate_voice(node, frame, cfg);
    fn n_generate_music(node, frame, cfg) -> i32 = |run| run.generate_music(node, frame, cfg);
    fn n_transcribe_audio(node, frame, cfg) -> i32 = |run| run.transcribe_audio(node, frame, cfg);
    fn n_listen_voice(node, frame, cfg) -> i32 = |run| run.listen_voice(node, frame, cfg);
}

/// The code by which a loop asks for its inputs, for generated code to compare with.
pub const EVALUATE: i32 = control::EVALUATE;

/// A code node: its program runs while nothing of the run is borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn n_code(node: u32, frame: u32, cfg: u32) -> i32 {
    python::exec(node, frame, cfg, python::Kind::Code)
}

/// A legacy `function` node.
#[unsafe(no_mangle)]
pub extern "C" fn n_legacy_function(node: u32, frame: u32, cfg: u32) -> i32 {
    python::exec(node, frame, cfg, python::Kind::Function)
}

/// A code node without exec pins, as a data node.
#[unsafe(no_mangle)]
pub extern "C" fn b_code(dst: u32, frame: u32, cfg: u32) -> i32 {
    python::evaluate(dst, frame, cfg, python::Kind::Code)
}

#[unsafe(no_mangle)]
pub extern "C" fn b_legacy_function(dst: u32, frame: u32, cfg: u32) -> i32 {
    python::evaluate(dst, frame, cfg, python::Kind::Function)
}

macro_rules! builtins {
    ($($export:literal $name:ident;)*) => {
        $(#[unsafe(export_name = $export)]
        pub extern "C" fn $name(dst: u32, frame: u32, cfg: u32) -> i32 {
            with(|run| if run.builtin(crate::builtins::$name, dst, frame, cfg) { 1 } else { -1 })
        })*
        /// Names of the exported builtins, for the check against the builtins' own table.
        pub const EXPORTED: &[&str] = &[$($export),*];
    };
}

builtins! {
    "b_abs" abs; "b_add" add; "b_agent_trace_report" agent_trace_report; "b_and" and; "b_array_append" array_append;
    "b_array_concat" array_concat; "b_array_dedup" array_dedup; "b_array_filter" array_filter; "b_array_length" array_length;
    "b_array_map" array_map; "b_bool_var" bool_var; "b_break_object" break_object; "b_coalesce" coalesce; "b_compare" compare;
    "b_concat" concat; "b_contains" contains; "b_divide" divide; "b_edit_json_schema" edit_json_schema; "b_format" format;
    "b_format_tool_results" format_tool_results; "b_get" get; "b_get_context" get_context; "b_get_element" get_element;
    "b_get_random_element" get_random_element; "b_get_var" get_var; "b_has_tools" has_tools; "b_is_empty_string" is_empty_string;
    "b_join" join; "b_length" length; "b_lowercase" lowercase; "b_make_array" make_array; "b_make_context" make_context;
    "b_make_meta" make_meta; "b_make_object" make_object; "b_make_scratchpad" make_scratchpad; "b_merge" merge;
    "b_model_catalog" model_catalog; "b_modulo" modulo; "b_multiply" multiply; "b_not" not; "b_or" or; "b_parse_json" parse_json;
    "b_path_mux" path_mux; "b_power" power; "b_provider_catalog" provider_catalog; "b_provider_models" provider_models;
    "b_random_float" random_float; "b_random_int" random_int; "b_replace" replace; "b_round" round; "b_set" set; "b_split" split;
    "b_string_template" string_template; "b_stringify_json" stringify_json; "b_substring" substring; "b_subtract" subtract;
    "b_system_datetime" system_datetime; "b_tool_parameters" tool_parameters; "b_tools_allowlist" tools_allowlist; "b_trim" trim;
    "b_uppercase" uppercase; "b_var_decl" var_decl;
}
