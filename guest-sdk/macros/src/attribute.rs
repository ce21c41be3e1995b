//! The attribute's arguments.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, LitStr, Token, Type, parenthesized};

pub struct Arguments {
    pub id: LitStr,
    pub start: Option<LitStr>,
    pub end: Option<LitStr>,
    pub inputs: Option<Vec<Member>>,
    pub outputs: Option<Vec<Member>>,
    pub snapshot: bool,
}

/// `name: Type = default`.
pub struct Member {
    pub attributes: Vec<Attribute>,
    pub name: Ident,
    pub ty: Type,
    pub default: Option<Expr>,
}

impl Parse for Member {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let name = input.parse()?;
        input.parse::<Token![:]>()?;
        let ty = input.parse()?;
        let default = match input.parse::<Option<Token![=]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        Ok(Member {
            attributes,
            name,
            ty,
            default,
        })
    }
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (mut id, mut start, mut end, mut inputs, mut outputs, mut snapshot) = (None, None, None, None, None, false);
        let at = input.span();
        while !input.is_empty() {
            let name: Ident = input.parse()?;
            match name.to_string().as_str() {
                "id" => id = Some(text(input)?),
                "start" => start = Some(text(input)?),
                "end" => end = Some(text(input)?),
                "inputs" => inputs = Some(members(input)?),
                "outputs" => outputs = Some(members(input)?),
                "snapshot" => snapshot = true,
                other => {
                    let known = "id, inputs, outputs, start, end and snapshot";
                    return Err(syn::Error::new(
                        name.span(),
                        format!("there is no '{other}' here; there are {known}"),
                    ));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let id: LitStr = id.ok_or_else(|| syn::Error::new(at, "a flow needs `id = \"…\"`"))?;
        for named in [Some(&id), start.as_ref(), end.as_ref()].into_iter().flatten() {
            if named.value().trim().is_empty() {
                return Err(syn::Error::new(named.span(), "this must not be empty"));
            }
        }
        Ok(Arguments {
            id,
            start,
            end,
            inputs,
            outputs,
            snapshot,
        })
    }
}

fn text(input: ParseStream<'_>) -> syn::Result<LitStr> {
    input.parse::<Token![=]>()?;
    input.parse()
}

fn members(input: ParseStream<'_>) -> syn::Result<Vec<Member>> {
    let content;
    parenthesized!(content in input);
    let members = Punctuated::<Member, Token![,]>::parse_terminated(&content)?;
    Ok(members.into_iter().collect())
}
