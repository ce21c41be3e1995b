//! The figures of a soak as one picture: a panel for each, over time.

use super::{Figure, Sample};

const WIDTH: f64 = 820.0;
const PANEL: f64 = 120.0;
const LEFT: f64 = 80.0;
const TOP: f64 = 40.0;
const GAP: f64 = 34.0;

/// An SVG document.
pub fn svg(samples: &[Sample], title: &str) -> String {
    let panels: [(&str, Figure); 7] = [
        ("runs a second", |s| s.runs_per_second),
        ("memory of the server, MiB", |s| s.memory),
        ("write-ahead log, MiB", |s| s.log),
        ("database, MiB", |s| s.database),
        ("runs kept", |s| s.kept),
        ("ledger rows of the run that lives for ever", |s| s.ledger),
        ("cores used by the server", |s| s.cores),
    ];
    let height = TOP + panels.len() as f64 * (PANEL + GAP) + 20.0;
    let end = samples.last().map_or(1.0, |sample| sample.seconds).max(1.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{title}</text>\n"
    );
    for (at, (name, of)) in panels.into_iter().enumerate() {
        let top = TOP + at as f64 * (PANEL + GAP);
        panel(
            &mut out,
            (name, top),
            samples.iter().map(|sample| (sample.seconds / end, of(sample))),
        );
    }
    let bottom = height - 12.0;
    out.push_str(&format!(
        "<text x=\"{LEFT}\" y=\"{bottom}\">0</text>\n<text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\">{:.0} minutes</text>\n</svg>\n",
        WIDTH - 20.0,
        end / 60.0
    ));
    out
}

/// A line through points whose first number is a share of the width.
fn panel(out: &mut String, (name, top): (&str, f64), points: impl Iterator<Item = (f64, f64)> + Clone) {
    let most = points.clone().map(|(_, value)| value).fold(1.0, f64::max);
    let (width, bottom) = (WIDTH - LEFT - 20.0, top + PANEL);
    let line: Vec<String> = points
        .map(|(share, value)| format!("{:.1},{:.1}", LEFT + share * width, bottom - value / most * PANEL))
        .collect();
    let label = LEFT - 6.0;
    out.push_str(&format!(
        "<text x=\"{LEFT}\" y=\"{}\">{name}</text>\n<rect x=\"{LEFT}\" y=\"{top}\" width=\"{width}\" height=\"{PANEL}\" fill=\"none\" stroke=\"#ccc\"/>\n\
         <text x=\"{label}\" y=\"{}\" text-anchor=\"end\">{most:.0}</text>\n<text x=\"{label}\" y=\"{bottom}\" text-anchor=\"end\">0</text>\n\
         <polyline fill=\"none\" stroke=\"#1f5fa8\" points=\"{}\"/>\n",
        top - 5.0,
        top + 10.0,
        line.join(" ")
    ));
}
