//! Figures over something that grows: printed as they come, kept as text and as a picture.

use std::io;
use std::path::Path;

use flowgate_tests::plot::{self, Panel};

/// Rows of numbers; the first column is what grows.
pub struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<f64>>,
}

impl Table {
    pub fn new(columns: &[&'static str]) -> Self {
        println!("{}", columns.join(" | "));
        Table {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Takes a row and prints it.
    pub fn row(&mut self, values: &[f64]) {
        assert_eq!(values.len(), self.columns.len(), "a value for each column");
        let texts = self.columns.iter().zip(values);
        let texts: Vec<String> = texts
            .map(|(name, value)| format!("{:>1$}", text(*value), name.chars().count()))
            .collect();
        println!("{}", texts.join(" | "));
        self.rows.push(values.to_vec());
    }

    /// Writes `NAME.csv` and `NAME.svg`, which has a panel for each column over the first one; that grows by factors.
    pub fn save(&self, dir: &Path, name: &str, title: &str) -> io::Result<()> {
        let mut csv = self
            .columns
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect::<Vec<_>>()
            .join(",");
        for row in &self.rows {
            csv.push('\n');
            csv.push_str(&row.iter().map(|value| text(*value)).collect::<Vec<_>>().join(","));
        }
        csv.push('\n');
        std::fs::write(dir.join(format!("{name}.csv")), csv)?;
        let least = self.rows.first().map_or(1.0, |row| row[0]).max(1.0);
        let most = self.rows.last().map_or(1.0, |row| row[0]).max(least * 1.001);
        let share = |at: f64| (at.max(least) / least).ln() / (most / least).ln();
        let panels: Vec<Panel> = (1..self.columns.len())
            .map(|column| Panel {
                name: self.columns[column].to_owned(),
                points: self.rows.iter().map(|row| (share(row[0]), row[column])).collect(),
            })
            .collect();
        let end = |at: f64| format!("{at:.0} {}", self.columns[0]);
        let picture = plot::svg(title, (&end(least), &end(most)), &panels);
        std::fs::write(dir.join(format!("{name}.svg")), picture)
    }
}

/// Three digits at least, none that mean nothing.
fn text(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        small if small < 10.0 => 2,
        middle if middle < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}
