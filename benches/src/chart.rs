//! Charts as SVG.

use std::path::Path;

use plotters::prelude::*;

use crate::Failure;

const SIZE: (u32, u32) = (720, 420);
const COLOURS: [RGBColor; 4] = [BLUE, RED, BLACK, MAGENTA];

/// Points that belong together.
#[derive(Clone, Debug)]
pub struct Series {
    /// What the legend says.
    pub name: String,
    /// x and y of each.
    pub points: Vec<(f64, f64)>,
}

/// Points and the lines between them.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What stands above.
    pub title: String,
    /// What is drawn to the right, with its unit.
    pub x: &'static str,
    /// What is drawn upwards, with its unit.
    pub y: &'static str,
    /// At most four, so that the colours are enough.
    pub series: Vec<Series>,
}

impl Chart {
    /// Draws the chart into `benches/charts/<file>.svg` of this checkout. Both axes begin at 0.
    ///
    /// # Errors
    /// What the drawing or the file system complains of.
    pub fn draw(&self, file: &str) -> Result<(), Failure> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts");
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(file).with_extension("svg");
        let area = SVGBackend::new(&path, SIZE).into_drawing_area();
        area.fill(&WHITE)?;

        let points = || self.series.iter().flat_map(|series| &series.points);
        let right = points().map(|(x, _)| *x).fold(0.0, f64::max);
        let top = points().map(|(_, y)| *y).fold(0.0, f64::max);
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, ("sans-serif", 18))
            .margin(14)
            .x_label_area_size(40)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..right * 1.03, 0.0..top * 1.1)?;
        chart.configure_mesh().light_line_style(WHITE).x_desc(self.x).y_desc(self.y).draw()?;
        for (series, colour) in self.series.iter().zip(COLOURS) {
            chart
                .draw_series(LineSeries::new(series.points.iter().copied(), colour).point_size(3))?
                .label(&series.name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x.saturating_add(16), y)], colour)
                });
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE)
            .border_style(BLACK)
            .draw()?;
        area.present()?;
        Ok(())
    }
}
