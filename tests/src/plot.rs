//! Figures as one picture: a panel for each, all over the same axis.

const WIDTH: f64 = 820.0;
const PANEL: f64 = 120.0;
const LEFT: f64 = 80.0;
const TOP: f64 = 40.0;
const GAP: f64 = 34.0;

/// One figure: points of a share of the width, 0 to 1, and a value.
#[derive(Debug, Clone)]
pub struct Panel {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// An SVG document. `ends`: what the axis says at its left and at its right.
pub fn svg(title: &str, (from, to): (&str, &str), panels: &[Panel]) -> String {
    let height = TOP + panels.len() as f64 * (PANEL + GAP) + 20.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{title}</text>\n"
    );
    for (at, drawn) in panels.iter().enumerate() {
        panel(&mut out, drawn, TOP + at as f64 * (PANEL + GAP));
    }
    let bottom = height - 12.0;
    out.push_str(&format!(
        "<text x=\"{LEFT}\" y=\"{bottom}\">{from}</text>\n<text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\">{to}</text>\n</svg>\n",
        WIDTH - 20.0,
    ));
    out
}

/// A line from 0 at the bottom to its highest value at the top.
fn panel(out: &mut String, Panel { name, points }: &Panel, top: f64) {
    let most = points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let most = if most > 0.0 { most } else { 1.0 };
    let (width, bottom) = (WIDTH - LEFT - 20.0, top + PANEL);
    let line: Vec<String> = points
        .iter()
        .map(|(share, value)| format!("{:.1},{:.1}", LEFT + share * width, bottom - value / most * PANEL))
        .collect();
    let (label, digits) = (LEFT - 6.0, if most < 10.0 { 2 } else { 0 });
    out.push_str(&format!(
        "<text x=\"{LEFT}\" y=\"{}\">{name}</text>\n<rect x=\"{LEFT}\" y=\"{top}\" width=\"{width}\" height=\"{PANEL}\" fill=\"none\" stroke=\"#ccc\"/>\n\
         <text x=\"{label}\" y=\"{}\" text-anchor=\"end\">{most:.digits$}</text>\n<text x=\"{label}\" y=\"{bottom}\" text-anchor=\"end\">0</text>\n\
         <polyline fill=\"none\" stroke=\"#1f5fa8\" points=\"{}\"/>\n",
        top - 5.0,
        top + 10.0,
        line.join(" ")
    ));
}
