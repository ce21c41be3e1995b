pub mod builtins;
pub mod engine;
#[cfg(target_arch = "wasm32")]
mod guest;
pub mod json;
pub mod py;
pub mod python;
pub mod time;
pub mod value;
