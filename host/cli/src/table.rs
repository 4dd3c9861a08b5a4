//! Tables as the commands show them: a head, no lines, columns that fit the terminal.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::terminal::Terminal;

/// A table that is being filled.
pub(crate) struct Columns {
    table: Table,
}

/// On which side a column has its texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl Columns {
    /// A table with these columns.
    pub(crate) fn new(columns: &[(&str, Side)]) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(
            columns
                .iter()
                .map(|(name, _)| Cell::new(name).add_attribute(Attribute::Bold)),
        );
        for (column, (_, side)) in table.column_iter_mut().zip(columns) {
            column.set_padding((0, 2));
            column.set_cell_alignment(match side {
                Side::Left => CellAlignment::Left,
                Side::Right => CellAlignment::Right,
            });
        }
        Self { table }
    }

    /// A table of names and values, without a head.
    pub(crate) fn plain() -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        Self { table }
    }

    /// Adds a row. Texts from outside have to be escaped by then.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.table
            .add_row(cells.into_iter().map(|it| Cell::new(it.into())));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.row_iter().next().is_none()
    }

    /// Writes it, each line moved to the right by so many columns.
    pub(crate) fn show(mut self, indent: usize, terminal: &Terminal) {
        for column in self.table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        match terminal.width() {
            Some(width) => {
                self.table
                    .set_content_arrangement(ContentArrangement::Dynamic);
                let indent = u16::try_from(indent).unwrap_or(0);
                self.table.set_width(width.saturating_sub(indent).max(40));
            }
            None => {
                self.table
                    .set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        if terminal.is_coloured() {
            self.table.enforce_styling();
        } else {
            self.table.force_no_tty();
        }
        for line in self.table.lines() {
            terminal.line(format!("{:indent$}{}", "", line).trim_end());
        }
    }
}
