//! What the attribute writes.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{FnArg, Ident, Item, ItemFn, LitStr, Type, Visibility};

use crate::attribute::{Arguments, Member};
use crate::pins;

pub fn expand(arguments: &Arguments, item: TokenStream) -> syn::Result<TokenStream> {
    match (arguments.snapshot, syn::parse2(item)?) {
        (false, Item::Fn(function)) => of_function(arguments, &function),
        (true, Item::Struct(item)) => Ok(of_type(arguments, &item.ident, &item.vis, &quote!(#item))),
        (true, Item::Enum(item)) => Ok(of_type(arguments, &item.ident, &item.vis, &quote!(#item))),
        (false, other) => Err(syn::Error::new_spanned(
            other,
            "a flow is an `async fn`; a type that keeps its own state is one with `snapshot`",
        )),
        (true, other) => Err(syn::Error::new_spanned(
            other,
            "`snapshot` is for a struct or an enum that implements `Machine`",
        )),
    }
}

fn of_function(arguments: &Arguments, function: &ItemFn) -> syn::Result<TokenStream> {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        return Err(syn::Error::new_spanned(signature.fn_token, "a flow is an `async fn`"));
    }
    if let Some(generic) = signature.generics.params.first() {
        return Err(syn::Error::new_spanned(generic, "a flow has no generic parameters"));
    }
    let parameters: Vec<&FnArg> = signature.inputs.iter().collect();
    let [FnArg::Typed(_), FnArg::Typed(input)] = parameters.as_slice() else {
        let problem = "a flow has two parameters: `ctx: Ctx` and its input";
        return Err(syn::Error::new_spanned(signature, problem));
    };
    let (visibility, name, input) = (&function.vis, &signature.ident, &input.ty);
    let description = description(arguments, &quote!(#input));
    let structs = structs(arguments, visibility);
    let info = info(arguments);
    let component = component(name);
    let doc = format!("The flow `{}`, for tests and for the component.", arguments.id.value());
    Ok(quote! {
        #function

        #structs

        #[doc = #doc]
        #[allow(non_camel_case_types)]
        #[derive(Debug, Clone, Copy)]
        #visibility struct #name {}

        impl ::flowgate_guest::world::Flow for #name {
            fn describe() -> ::flowgate_guest::world::Description {
                #description
            }

            fn instance() -> ::std::boxed::Box<dyn ::flowgate_guest::world::Instance> {
                ::std::boxed::Box::new(::flowgate_guest::private::Executor::new(#info, #name))
            }
        }

        #component
    })
}

fn of_type(arguments: &Arguments, name: &Ident, visibility: &Visibility, item: &TokenStream) -> TokenStream {
    let structs = structs(arguments, visibility);
    let info = info(arguments);
    let description = description(arguments, &quote!(<#name as ::flowgate_guest::Machine>::Input));
    let component = component(name);
    quote! {
        #item

        #structs

        impl ::flowgate_guest::world::Flow for #name {
            fn describe() -> ::flowgate_guest::world::Description {
                #description
            }

            fn instance() -> ::std::boxed::Box<dyn ::flowgate_guest::world::Instance> {
                ::std::boxed::Box::new(::flowgate_guest::private::Stepper::<#name>::new(#info))
            }
        }

        #component
    }
}

fn info(arguments: &Arguments) -> TokenStream {
    let named = |given: &Option<LitStr>, otherwise: &str| given.as_ref().map_or_else(|| otherwise.to_owned(), LitStr::value);
    let id = &arguments.id;
    let (start, end) = (named(&arguments.start, "start"), named(&arguments.end, "end"));
    quote!(::flowgate_guest::private::Info { id: #id, start: #start, end: #end })
}

/// What the flow says of itself. The pins of `inputs(…)` are written here; those of a type of the author's come from its JSON Schema.
fn description(arguments: &Arguments, input: &TokenStream) -> TokenStream {
    let info = info(arguments);
    match &arguments.inputs {
        Some(members) => {
            let pins = pins::of(members);
            quote!(#info.describe(#pins.to_owned()))
        }
        None => quote!(#info.describe(::flowgate_guest::private::start_pins::<#input>())),
    }
}

fn structs(arguments: &Arguments, visibility: &Visibility) -> TokenStream {
    let made =
        |name: &str, members: &Option<Vec<Member>>| members.as_ref().map(|m| made(&format_ident!("{name}"), m, visibility));
    let (input, output) = (made("Input", &arguments.inputs), made("Output", &arguments.outputs));
    quote!(#input #output)
}

fn made(name: &Ident, members: &[Member], visibility: &Visibility) -> TokenStream {
    let mut functions = TokenStream::new();
    let fields: Vec<TokenStream> = members
        .iter()
        .map(|member| {
            let Member {
                attributes,
                name: field,
                ty,
                default,
            } = member;
            let default = default.as_ref().map(|value| {
                let function = format_ident!("default_{}_of_{}", field, name.to_string().to_lowercase());
                functions.extend(default_function(&function, ty, value));
                let path = function.to_string();
                quote!(#[serde(default = #path)])
            });
            quote!(#(#attributes)* #default pub #field: #ty)
        })
        .collect();
    quote! {
        #[derive(
            Debug, Clone, PartialEq,
            ::flowgate_guest::serde::Serialize, ::flowgate_guest::serde::Deserialize,
        )]
        #[serde(crate = "::flowgate_guest::serde")]
        #visibility struct #name {
            #(#fields,)*
        }

        #functions
    }
}

fn default_function(name: &Ident, ty: &Type, value: &syn::Expr) -> TokenStream {
    quote! {
        fn #name() -> #ty {
            ::std::convert::Into::into(#value)
        }
    }
}

/// The exports of a component, where the crate is built as one; elsewhere a use of the flow, so that it counts as used without a test.
fn component(name: &Ident) -> TokenStream {
    quote! {
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() -> ::std::boxed::Box<dyn ::flowgate_guest::world::Instance> = <#name as ::flowgate_guest::world::Flow>::instance;

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = ::flowgate_guest::guest::Component<#name>;
            ::flowgate_guest::guest::export!(Exported with_types_in ::flowgate_guest::guest);
        };
    }
}
