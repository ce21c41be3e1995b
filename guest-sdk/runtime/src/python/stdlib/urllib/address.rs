//! Addresses and their parts.

use std::any::Any;

use crate::python::error::{Py, raise, type_error, value_error};
use crate::python::names::Builtin;
use crate::python::object::{Advance, Args, Native, NativeType, Obj};
use crate::python::stdlib::bind::{self, bind};
use crate::python::table::Table;
use crate::python::{compare, hash, iter, subscript, text};

const USES_RELATIVE: [&str; 20] = [
    "", "ftp", "http", "gopher", "nntp", "imap", "wais", "file", "https", "shttp", "mms", "prospero", "rtsp", "rtsps", "rtspu",
    "sftp", "svn", "svn+ssh", "ws", "wss",
];
const USES_NETLOC: [&str; 26] = [
    "", "ftp", "http", "gopher", "nntp", "telnet", "imap", "wais", "file", "mms", "https", "shttp", "snews", "prospero", "rtsp",
    "rtsps", "rtspu", "rsync", "svn", "svn+ssh", "sftp", "nfs", "git", "git+ssh", "ws", "wss",
];
const USES_PARAMS: [&str; 16] = [
    "", "ftp", "hdl", "prospero", "http", "imap", "https", "shttp", "rtsp", "rtsps", "rtspu", "sip", "sips", "mms", "sftp", "tel",
];

/// The parts of an address. `params` is empty where nobody asked for them.
#[derive(Default)]
struct Parts {
    scheme: String,
    netloc: String,
    path: String,
    params: String,
    query: String,
    fragment: String,
}

fn split(url: &str, scheme: &str, fragments: bool) -> Py<Parts> {
    let is_control = |c: char| c <= ' ';
    let clean = |text: &str| text.replace(['\t', '\r', '\n'], "");
    let url = clean(url.trim_start_matches(is_control));
    let mut parts = Parts {
        scheme: clean(scheme.trim_matches(is_control)),
        ..Parts::default()
    };
    let mut rest: &str = &url;
    if let Some((before, behind)) = rest.split_once(':')
        && before.starts_with(|c: char| c.is_ascii_alphabetic())
        && before
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    {
        parts.scheme = before.to_ascii_lowercase();
        rest = behind;
    }
    if let Some(behind) = rest.strip_prefix("//") {
        let (netloc, path) = behind.split_at(behind.find(['/', '?', '#']).unwrap_or(behind.len()));
        if netloc.contains('[') != netloc.contains(']') {
            return Err(value_error("Invalid IPv6 URL"));
        }
        parts.netloc = netloc.to_owned();
        rest = path;
    }
    if fragments && let Some((before, fragment)) = rest.split_once('#') {
        parts.fragment = fragment.to_owned();
        rest = before;
    }
    if let Some((before, query)) = rest.split_once('?') {
        parts.query = query.to_owned();
        rest = before;
    }
    parts.path = rest.to_owned();
    Ok(parts)
}

fn parse(url: &str, scheme: &str, fragments: bool) -> Py<Parts> {
    let mut parts = split(url, scheme, fragments)?;
    if USES_PARAMS.contains(&parts.scheme.as_str()) {
        let last = parts.path.rfind('/').unwrap_or(0);
        if let Some(at) = parts.path.get(last..).and_then(|segment| segment.find(';')) {
            parts.params = parts.path.split_off(last + at).split_off(1);
        }
    }
    Ok(parts)
}

fn unsplit(parts: &Parts) -> String {
    let mut url = parts.path.clone();
    if !parts.params.is_empty() {
        url = format!("{url};{}", parts.params);
    }
    let scheme = parts.scheme.as_str();
    if !parts.netloc.is_empty() || (!scheme.is_empty() && USES_NETLOC.contains(&scheme) && !url.starts_with("//")) {
        if !url.is_empty() && !url.starts_with('/') {
            url.insert(0, '/');
        }
        url = format!("//{}{url}", parts.netloc);
    }
    if !scheme.is_empty() {
        url = format!("{scheme}:{url}");
    }
    if !parts.query.is_empty() {
        url = format!("{url}?{}", parts.query);
    }
    if !parts.fragment.is_empty() {
        url = format!("{url}#{}", parts.fragment);
    }
    url
}

fn join(base: &str, url: &str, fragments: bool) -> Py<String> {
    if base.is_empty() {
        return Ok(url.to_owned());
    }
    if url.is_empty() {
        return Ok(base.to_owned());
    }
    let base = parse(base, "", fragments)?;
    let mut parts = parse(url, &base.scheme, fragments)?;
    if parts.scheme != base.scheme || !USES_RELATIVE.contains(&parts.scheme.as_str()) {
        return Ok(url.to_owned());
    }
    if USES_NETLOC.contains(&parts.scheme.as_str()) {
        if !parts.netloc.is_empty() {
            return Ok(unsplit(&parts));
        }
        parts.netloc = base.netloc;
    }
    if parts.path.is_empty() && parts.params.is_empty() {
        parts.path = base.path;
        parts.params = base.params;
        if parts.query.is_empty() {
            parts.query = base.query;
        }
        return Ok(unsplit(&parts));
    }
    let segments: Vec<&str> = if parts.path.starts_with('/') {
        parts.path.split('/').collect()
    } else {
        let mut segments: Vec<&str> = base.path.split('/').collect();
        if segments.last().is_some_and(|last| !last.is_empty()) {
            segments.pop();
        }
        segments.extend(parts.path.split('/'));
        let last = segments.len() - 1;
        let kept = segments.into_iter().enumerate();
        kept.filter(|(at, segment)| *at == 0 || *at == last || !segment.is_empty())
            .map(|(_, segment)| segment)
            .collect()
    };
    let mut resolved: Vec<&str> = Vec::new();
    for segment in &segments {
        match *segment {
            ".." => {
                resolved.pop();
            }
            "." => {}
            other => resolved.push(other),
        }
    }
    if matches!(segments.last(), Some(&"." | &"..")) {
        resolved.push("");
    }
    let path = resolved.join("/");
    parts.path = if path.is_empty() { "/".into() } else { path };
    Ok(unsplit(&parts))
}

/// A text argument, or bytes read as one.
fn text_of(value: Option<&Obj>, function: &str) -> Py<String> {
    match bind::need(value, function)? {
        Obj::Str(text) => Ok(text.to_string()),
        Obj::Bytes(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        Obj::None => Ok(String::new()),
        other => Err(crate::python::error::attribute_error(&text::type_name(other), "decode")),
    }
}

fn parsing(args: &Args, function: &str, work: fn(&str, &str, bool) -> Py<Parts>, kind: &'static Kind) -> Py {
    let [url, scheme, fragments] = bind(function, args, ["url", "scheme", "allow_fragments"], 1, 3)?;
    let scheme = match scheme {
        None => String::new(),
        scheme => text_of(scheme, function)?,
    };
    let parts = work(&text_of(url, function)?, &scheme, bind::flag(fragments, true)?)?;
    Ok(Obj::native(Address { kind, parts }))
}

pub(super) fn urlparse(args: &Args) -> Py {
    parsing(args, "urlparse", parse, &PARSED)
}

pub(super) fn urlsplit(args: &Args) -> Py {
    parsing(args, "urlsplit", split, &SPLIT)
}

pub(super) fn urldefrag(args: &Args) -> Py {
    let [url] = bind("urldefrag", args, ["url"], 1, 1)?;
    let mut parts = parse(&text_of(url, "urldefrag")?, "", true)?;
    let fragment = std::mem::take(&mut parts.fragment);
    Ok(Obj::tuple([Obj::str(unsplit(&parts)), Obj::str(fragment)]))
}

pub(super) fn urljoin(args: &Args) -> Py {
    let [base, url, fragments] = bind("urljoin", args, ["base", "url", "allow_fragments"], 2, 3)?;
    let (base, url) = (text_of(base, "urljoin")?, text_of(url, "urljoin")?);
    join(&base, &url, bind::flag(fragments, true)?).map(Obj::str)
}

pub(super) fn urlunparse(args: &Args) -> Py {
    let [components] = bind("urlunparse", args, ["components"], 1, 1)?;
    of_items(bind::need(components, "urlunparse")?, &PARSED).map(|parts| Obj::str(unsplit(&parts)))
}

pub(super) fn urlunsplit(args: &Args) -> Py {
    let [components] = bind("urlunsplit", args, ["components"], 1, 1)?;
    of_items(bind::need(components, "urlunsplit")?, &SPLIT).map(|parts| Obj::str(unsplit(&parts)))
}

fn of_items(items: &Obj, kind: &Kind) -> Py<Parts> {
    let items = iter::collect(items)?;
    if items.len() != kind.fields.len() {
        let (wanted, given) = (kind.fields.len(), items.len());
        return Err(value_error(if given < wanted {
            format!("not enough values to unpack (expected {wanted}, got {given})")
        } else {
            format!("too many values to unpack (expected {wanted})")
        }));
    }
    let mut parts = Parts::default();
    for (field, item) in kind.fields.iter().zip(&items) {
        if let Some(place) = parts.field_mut(field) {
            *place = text_of(Some(item), "urlunparse")?;
        }
    }
    Ok(parts)
}

impl Parts {
    fn field_mut(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "scheme" => &mut self.scheme,
            "netloc" => &mut self.netloc,
            "path" => &mut self.path,
            "params" => &mut self.params,
            "query" => &mut self.query,
            "fragment" => &mut self.fragment,
            _ => return None,
        })
    }

    fn field(&self, name: &str) -> Option<&str> {
        Some(match name {
            "scheme" => &self.scheme,
            "netloc" => &self.netloc,
            "path" => &self.path,
            "params" => &self.params,
            "query" => &self.query,
            "fragment" => &self.fragment,
            _ => return None,
        })
    }

    fn user(&self) -> Option<(&str, Option<&str>)> {
        let (user, _) = self.netloc.rsplit_once('@')?;
        Some(match user.split_once(':') {
            Some((name, password)) => (name, Some(password)),
            None => (user, None),
        })
    }

    /// Host and port, either of which may be empty.
    fn host(&self) -> (&str, &str) {
        let host = self.netloc.rsplit_once('@').map_or(self.netloc.as_str(), |(_, host)| host);
        match host.split_once('[') {
            Some((_, bracketed)) => {
                let (host, rest) = bracketed.split_once(']').unwrap_or((bracketed, ""));
                (host, rest.split_once(':').map_or("", |(_, port)| port))
            }
            None => host.split_once(':').unwrap_or((host, "")),
        }
    }

    fn port(&self) -> Py {
        let (_, port) = self.host();
        if port.is_empty() {
            return Ok(Obj::None);
        }
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            let mut quoted = String::new();
            crate::py::push_quoted(&mut quoted, port);
            return Err(value_error(format!("Port could not be cast to integer value as {quoted}")));
        }
        match port.parse::<u16>() {
            Ok(port) => Ok(Obj::Int(i64::from(port))),
            Err(_) => Err(value_error("Port out of range 0-65535")),
        }
    }
}

/// One of the two shapes of a parsed address.
struct Kind {
    class: &'static NativeType,
    fields: &'static [&'static str],
}

static PARSED: Kind = Kind {
    class: &PARSE_RESULT,
    fields: &["scheme", "netloc", "path", "params", "query", "fragment"],
};
static SPLIT: Kind = Kind {
    class: &SPLIT_RESULT,
    fields: &["scheme", "netloc", "path", "query", "fragment"],
};

pub(super) static PARSE_RESULT: NativeType = NativeType {
    module: "urllib.parse",
    name: "ParseResult",
    new: |args| made(args, &PARSED),
    is_instance: |object| {
        object
            .as_native::<Address>()
            .is_some_and(|address| std::ptr::eq(address.kind, &PARSED))
    },
    attribute: |_| None,
};
pub(super) static SPLIT_RESULT: NativeType = NativeType {
    module: "urllib.parse",
    name: "SplitResult",
    new: |args| made(args, &SPLIT),
    is_instance: |object| {
        object
            .as_native::<Address>()
            .is_some_and(|address| std::ptr::eq(address.kind, &SPLIT))
    },
    attribute: |_| None,
};

fn made(args: &Args, kind: &'static Kind) -> Py {
    let mut values = Vec::with_capacity(kind.fields.len());
    for (at, field) in kind.fields.iter().enumerate() {
        values.push(args.get(at, field).cloned().ok_or_else(|| {
            type_error(format!(
                "{}.__new__() missing 1 required positional argument: '{field}'",
                kind.class.name
            ))
        })?);
    }
    let parts = of_items(&Obj::list(values), kind)?;
    Ok(Obj::native(Address { kind, parts }))
}

/// A parsed address: a tuple whose items have names.
struct Address {
    kind: &'static Kind,
    parts: Parts,
}

impl Address {
    fn items(&self) -> Vec<Obj> {
        let fields = self.kind.fields.iter();
        fields
            .map(|field| Obj::str(self.parts.field(field).unwrap_or_default()))
            .collect()
    }

    fn tuple(&self) -> Obj {
        Obj::tuple(self.items())
    }
}

struct Items(std::vec::IntoIter<Obj>);

impl Advance for Items {
    fn advance(&mut self) -> Py<Option<Obj>> {
        Ok(self.0.next())
    }
    fn type_name(&self) -> &'static str {
        "tuple_iterator"
    }
}

impl Native for Address {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        self.kind.class
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        if self.kind.fields.contains(&name) {
            return Ok(self.parts.field(name).map(Obj::str));
        }
        let optional = |text: Option<&str>| text.map_or(Obj::None, Obj::str);
        Ok(Some(match name {
            "username" => optional(self.parts.user().map(|(name, _)| name)),
            "password" => optional(self.parts.user().and_then(|(_, password)| password)),
            "hostname" => match self.parts.host().0 {
                "" => Obj::None,
                host => Obj::str(match host.split_once('%') {
                    Some((host, zone)) => format!("{}%{zone}", host.to_lowercase()),
                    None => host.to_lowercase(),
                }),
            },
            "port" => self.parts.port()?,
            "_fields" => Obj::tuple(self.kind.fields.iter().map(|field| Obj::str(*field)).collect::<Vec<_>>()),
            _ => return Ok(None),
        }))
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(name, "geturl" | "_replace" | "_asdict" | "index" | "count")
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        Ok(Some(match name {
            "geturl" => Obj::str(unsplit(&self.parts)),
            "_asdict" => {
                let mut table = Table::default();
                for (field, item) in self.kind.fields.iter().zip(self.items()) {
                    table.insert(Obj::str(*field), item)?;
                }
                Obj::dict(table)
            }
            "_replace" => {
                let mut items = self.items();
                for name in args.names {
                    let at = self.kind.fields.iter().position(|field| *field == name.text.as_str());
                    match (at.and_then(|at| items.get_mut(at)), args.named(&name.text)) {
                        (Some(place), Some(value)) => *place = value.clone(),
                        _ => {
                            let unknown = text::repr(&Obj::list(vec![Obj::Str(name.clone())]))?;
                            return Err(value_error(format!("Got unexpected field names: {unknown}")));
                        }
                    }
                }
                let parts = of_items(&Obj::list(items), self.kind)?;
                Obj::native(Address { kind: self.kind, parts })
            }
            "index" | "count" => {
                let wanted = bind::need(args.plain().first(), name)?;
                let mut places = Vec::new();
                for (at, item) in self.items().iter().enumerate() {
                    if compare::equals(item, wanted)? {
                        places.push(at as i64);
                    }
                }
                match (name, places.first()) {
                    ("count", _) => Obj::Int(places.len() as i64),
                    (_, Some(at)) => Obj::Int(*at),
                    _ => return Err(raise(Builtin::ValueError, "tuple.index(x): x not in tuple")),
                }
            }
            _ => return Ok(None),
        }))
    }
    fn repr(&self) -> Py<String> {
        let mut out = format!("{}(", self.kind.class.name);
        for (at, field) in self.kind.fields.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            out.push_str(field);
            out.push('=');
            crate::py::push_quoted(&mut out, self.parts.field(field).unwrap_or_default());
        }
        out.push(')');
        Ok(out)
    }
    fn len(&self) -> Option<Py<usize>> {
        Some(Ok(self.kind.fields.len()))
    }
    fn iter(&self, _this: &Obj) -> Option<Py<Box<dyn Advance>>> {
        Some(Ok(Box::new(Items(self.items().into_iter()))))
    }
    fn getitem(&self, key: &Obj) -> Option<Py> {
        Some(subscript::getitem(&self.tuple(), key))
    }
    fn contains(&self, item: &Obj) -> Option<Py<bool>> {
        Some(compare::contains(&self.tuple(), item))
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        let other = match other.as_native::<Address>() {
            Some(other) => other.tuple(),
            None => other.clone(),
        };
        match &other {
            Obj::Tuple(_) => compare::equals(&self.tuple(), &other).map(Some),
            _ => Ok(None),
        }
    }
    fn hash(&self) -> Option<i64> {
        hash::hash(&self.tuple()).ok()
    }
}
