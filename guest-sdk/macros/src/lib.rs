//! The attribute of `flowgate-guest`; everything is documented there.

mod attribute;
mod expand;
mod pins;

use proc_macro::TokenStream;

/// Makes an async function, or with `snapshot` a type, a Flowgate workflow.
///
/// On `async fn name(ctx: Ctx, input: I) -> Result<O, E>` it adds a type `name`, by which tests and the component know the flow. Built for
/// WebAssembly, the crate is then a component of the flow world; so a crate has one such attribute that is compiled for it.
///
/// | argument | meaning |
/// | --- | --- |
/// | `id = "…"` | the flow's id; needed |
/// | `inputs(name: Type, …)` | makes the struct `Input` with these members; a doc comment describes one, `= value` lets it be left out |
/// | `outputs(name: Type, …)` | makes the struct `Output` |
/// | `start = "…"`, `end = "…"` | the nodes at which a run begins and ends; by default `start` and `end` |
/// | `snapshot` | the item is a type with the trait `Machine` |
#[proc_macro_attribute]
pub fn flow(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let expanded = syn::parse(arguments).and_then(|attribute| expand::expand(&attribute, item.into()));
    expanded.unwrap_or_else(syn::Error::into_compile_error).into()
}
