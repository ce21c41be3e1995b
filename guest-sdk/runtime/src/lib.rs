pub mod builtins;
pub mod json;
pub mod py;
pub mod value;
pub mod engine;
pub mod time;
#[cfg(target_arch = "wasm32")]
mod guest;
