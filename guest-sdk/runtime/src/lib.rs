pub mod builtins;
pub mod compare;
pub mod engine;
#[cfg(target_arch = "wasm32")]
mod guest;
pub mod heap;
pub mod json;
pub mod py;
pub mod python;
pub mod time;
pub mod value;

/// Native builds keep their program's own allocator.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static HEAP: heap::Heap = heap::Heap::new();
