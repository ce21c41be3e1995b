//! What kind of file a name promises.

use std::path::Path;

const ARCHIVE: &[&str] = &["7z", "bz2", "gz", "rar", "tar", "tgz", "xz", "zip"];
const JSON: &[&str] = &["json", "jsonl", "ndjson"];
const DOCUMENT: &[&str] = &[
    "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "rtf", "epub",
];
/// Code, markup and settings. Also what counts as JSON: a filter for code shows it.
const CODE: &[&str] = &[
    "bash",
    "c",
    "cc",
    "clj",
    "cljs",
    "cmake",
    "conf",
    "containerfile",
    "cpp",
    "cs",
    "css",
    "cxx",
    "dart",
    "dockerfile",
    "env",
    "erl",
    "ex",
    "exs",
    "fish",
    "go",
    "gradle",
    "h",
    "hpp",
    "hrl",
    "html",
    "htm",
    "hxx",
    "ini",
    "java",
    "jl",
    "js",
    "json",
    "jsonl",
    "jsx",
    "kt",
    "less",
    "lua",
    "m",
    "make",
    "md",
    "php",
    "pl",
    "pm",
    "properties",
    "py",
    "pyw",
    "pyx",
    "r",
    "rb",
    "rs",
    "sass",
    "scala",
    "scss",
    "sh",
    "sql",
    "swift",
    "toml",
    "ts",
    "tsx",
    "vue",
    "xml",
    "yaml",
    "yml",
    "zsh",
];
/// Text that no media type says.
const TEXT: &[&str] = &[
    "txt",
    "markdown",
    "csv",
    "tsv",
    "cfg",
    "log",
    "out",
    "err",
    "rst",
    "tex",
    "latex",
    "bib",
    "org",
    "adoc",
    "asciidoc",
    "ipynb",
    "qmd",
    "rmd",
    "vim",
    "matlab",
    "svelte",
    "gitignore",
    "gitattributes",
];

/// The extension in lower case, without its dot; empty where there is none.
fn extension(name: &str) -> String {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    extension.unwrap_or_default().to_lowercase()
}

/// `archive`, `json`, `code`, `image`, `audio`, `video`, `document`, `text` or `other`.
pub fn of(name: &str) -> &'static str {
    let extension = extension(name);
    for (family, extensions) in [
        ("archive", ARCHIVE),
        ("json", JSON),
        ("code", CODE),
        ("document", DOCUMENT),
        ("text", TEXT),
    ] {
        if extensions.contains(&extension.as_str()) {
            return family;
        }
    }
    let kind = mime_guess::from_ext(&extension).first();
    match kind.as_ref().map(|kind| kind.type_().as_str()) {
        Some("image") => "image",
        Some("audio") => "audio",
        Some("video") => "video",
        Some("text") => "text",
        _ => "other",
    }
}

/// The content type that a name promises.
pub fn content_type(name: &str) -> String {
    mime_guess::from_path(name).first_or_octet_stream().essence_str().to_owned()
}

/// Extensions as a client lists them: by commas or lines, with or without dots.
pub fn extensions(text: &str) -> Vec<String> {
    let items = text.split([',', '\n']).map(|item| item.trim().to_lowercase());
    let items = items.map(|item| item.strip_prefix('.').unwrap_or(&item).to_owned());
    items.filter(|item| !item.is_empty()).collect()
}

/// Whether a file passes a filter. A family that is none lets nothing pass, `any` and blank everything.
pub fn matches(name: &str, family: &str, extensions: &[String]) -> bool {
    let own = extension(name);
    if !extensions.is_empty() && !extensions.contains(&own) {
        return false;
    }
    match family {
        "" | "any" => true,
        "code" => CODE.contains(&own.as_str()),
        family => of(name) == family,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_family_and_may_pass_several_filters() {
        for (name, family) in [
            ("a.tar.gz", "archive"),
            ("A.JSON", "json"),
            ("x.rs", "code"),
            ("x.PNG", "image"),
            ("x.mp3", "audio"),
            ("x.mkv", "video"),
            ("x.pdf", "document"),
            ("x.txt", "text"),
            ("noext", "other"),
            (".env", "other"),
        ] {
            assert_eq!(of(name), family, "{name}");
            assert!(matches(name, family, &[]) && matches(name, "any", &[]), "{name}");
        }
        assert!(matches("a.json", "code", &[]) && !matches("a.json", "text", &[]));
        assert!(matches("a.MD", "", &extensions(" .md,\ntxt")) && !matches("a.mdx", "", &extensions("md")));
    }
}
