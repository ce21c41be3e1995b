//! The discovery nodes: which providers and models the host says it has.
//!
//! `world.host.providers` is a list of names or of `{"name", "models": [names]}`. A host that says
//! nothing gives empty lists.

use std::rc::Rc;

use super::data::names;
use super::{Cx, Result, record};
use crate::py;
use crate::py::chars::strip;
use crate::value::Value;

/// A provider and its models.
struct Provider {
    name: Rc<str>,
    models: Vec<Rc<str>>,
}

fn providers(cx: &Cx<'_>) -> Vec<Provider> {
    let listed = cx.world.host.as_dict().and_then(|host| host.get("providers"));
    let Some(Value::List(listed)) = listed else {
        return Vec::new();
    };
    let listed = listed.borrow();
    let provider = |entry: &Value| match entry {
        Value::Str(name) => Some(Provider {
            name: name.clone(),
            models: Vec::new(),
        }),
        Value::Dict(entry) => Some(Provider {
            name: entry.get("name")?.as_str_rc()?,
            models: names(entry.get("models").as_ref()),
        }),
        _ => None,
    };
    listed.iter().filter_map(provider).collect()
}

/// The providers that `allowed` names in any case; all when it names none.
fn allowed_providers(cx: &Cx<'_>, allowed: &[Rc<str>]) -> Vec<Provider> {
    let allowed: Vec<String> = allowed.iter().map(|name| name.to_lowercase()).collect();
    let mut providers = providers(cx);
    providers.retain(|p| allowed.is_empty() || allowed.contains(&p.name.to_lowercase()));
    providers
}

fn texts<'a>(texts: impl Iterator<Item = &'a Rc<str>>) -> Value {
    Value::list(texts.cloned().map(Value::Str).collect())
}

/// The host's `providers`, only those of `allowed_providers` if that names any.
pub fn provider_catalog(cx: &mut Cx<'_>) -> Result {
    let providers = allowed_providers(cx, &names(cx.arg("allowed_providers")));
    Ok(record([("providers", texts(providers.iter().map(|p| &p.name)))]))
}

/// The `models` of `provider`, only those of `allowed_models` (as `model` or `provider/model`) if
/// that names any. `providerModelsConfig` fills in for pins. The host does not say what models can
/// do, so a filter by capability is answered with an `error`.
pub fn provider_models(cx: &mut Cx<'_>) -> Result {
    let config = cx.cfg("providerModelsConfig").unwrap_or_default();
    let member = |key| config.as_dict().and_then(|config| config.get(key));
    let pin = cx.arg("provider").and_then(Value::as_str_rc).filter(|name| !name.is_empty());
    let provider = pin.or_else(|| member("provider")?.as_str_rc()).unwrap_or_default();
    let provider = strip(&provider);
    let mut out = vec![("provider", Value::str(provider)), ("models", Value::list(Vec::new()))];
    if provider.is_empty() {
        return Ok(object(out));
    }
    let mut allowed = names(cx.arg("allowed_models"));
    for key in ["allowedModels", "allowed_models"] {
        if allowed.is_empty() {
            allowed = names(member(key).as_ref());
        }
    }
    let pins = ["capability_route", "capability_routes"].map(|pin| cx.arg(pin).cloned());
    let keys = ["capabilityRoute", "capability_route", "capabilityRoutes", "capability_routes"].map(member);
    let known = providers(cx).into_iter().find(|known| *known.name == *provider);
    let models = known.map_or_else(Vec::new, |known| known.models);
    if !models.is_empty() && pins.into_iter().chain(keys).flatten().any(|route| is_filter(&route)) {
        let text = "Invalid capability_route filter: this host does not state model capabilities";
        out.push(("error", Value::str(text)));
        return Ok(object(out));
    }
    let models = models.iter().filter(|model| is_allowed(&allowed, provider, model));
    out[1].1 = texts(models);
    Ok(object(out))
}

fn object(entries: Vec<(&str, Value)>) -> Value {
    Value::dict(entries.into_iter().map(|(key, value)| (Rc::from(key), value)).collect())
}

/// Whether a capability route asks for anything.
fn is_filter(route: &Value) -> bool {
    match route {
        Value::Str(route) => !strip(route).is_empty(),
        Value::List(routes) => !routes.borrow().is_empty(),
        _ => false,
    }
}

/// Whether the list allows a model, by its own name or behind its provider's; an empty list does.
fn is_allowed(allowed: &[Rc<str>], provider: &str, model: &str) -> bool {
    let id = |name: &str| name.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/')) == Some(model);
    allowed.is_empty() || allowed.iter().any(|name| **name == *model || id(name))
}

/// All models of the allowed providers (deprecated): `providers`, `models` as `provider/model`, and
/// the one at `index` (the first when out of range) as `pair`, `provider` and `model`.
/// `modelCatalogConfig` fills in for pins.
pub fn model_catalog(cx: &mut Cx<'_>) -> Result {
    let config = cx.cfg("modelCatalogConfig").unwrap_or_default();
    let member = |key| config.as_dict().and_then(|config| config.get(key));
    let choice = |pin, key| {
        let pinned = names(cx.arg(pin));
        if pinned.is_empty() {
            names(member(key).as_ref())
        } else {
            pinned
        }
    };
    let allowed = choice("allowed_models", "allowedModels");
    let providers = allowed_providers(cx, &choice("allowed_providers", "allowedProviders"));
    let index = cx.arg("index").filter(|index| !index.is_null()).cloned();
    let index = index.or_else(|| member("index")).and_then(|index| py::to_index(&index).ok());
    let index = usize::try_from(index.unwrap_or(0)).unwrap_or(0);

    let mut pairs = Vec::new();
    for provider in &providers {
        let models = provider.models.iter();
        let models = models.filter(|model| is_allowed(&allowed, &provider.name, model));
        pairs.extend(models.map(|model| (&provider.name, model)));
    }
    let id = |(provider, model): &(&Rc<str>, &Rc<str>)| Value::str(format!("{provider}/{model}"));
    let text = |text: Option<&Rc<str>>| Value::Str(text.cloned().unwrap_or_default());
    let chosen = pairs.get(index).or(pairs.first());
    let pair = chosen.map(|pair| {
        record([
            ("provider", text(Some(pair.0))),
            ("model", text(Some(pair.1))),
            ("id", id(pair)),
        ])
    });
    Ok(record([
        ("providers", texts(providers.iter().map(|p| &p.name))),
        ("models", Value::list(pairs.iter().map(id).collect())),
        ("pair", pair.unwrap_or_default()),
        ("provider", text(chosen.map(|pair| pair.0))),
        ("model", text(chosen.map(|pair| pair.1))),
    ]))
}
