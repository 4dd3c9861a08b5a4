//! Reads where the CRM's answers have secrets.

use std::fmt::Display;

use toml::Spanned;

use super::super::{Error, raw};
use super::Reader;
use crate::redact::place::{Path, Place, Pointer};

impl Reader<'_> {
    pub(super) fn redact(&self, raw: &[raw::Redact]) -> Result<Vec<Place>, Error> {
        let mut places: Vec<Place> = Vec::new();
        for (position, place) in raw.iter().enumerate() {
            let key = format!("redact[{position}]");
            let path = Path::parse(place.path.get_ref())
                .map_err(|problem| self.wrong(&place.path, format!("{key}.path"), problem))?;
            if places.iter().any(|it| *it.path() == path) {
                let problem = format!("\"{path}\" is marked twice; list all pointers in one place");
                return Err(self.wrong(&place.path, format!("{key}.path"), problem));
            }
            places.push(Place::new(path, self.pointers(&key, &place.pointers)?));
        }
        Ok(places)
    }

    fn pointers(&self, key: &str, raw: &Spanned<Vec<raw::Text>>) -> Result<Vec<Pointer>, Error> {
        let mut pointers = Vec::new();
        for (position, text) in raw.get_ref().iter().enumerate() {
            let wrong = |problem: &dyn Display| {
                self.wrong(text, format!("{key}.pointers[{position}]"), problem)
            };
            let pointer = Pointer::parse(text.get_ref()).map_err(|problem| wrong(&problem))?;
            if pointers.contains(&pointer) {
                return Err(wrong(&format_args!(
                    "\"{pointer}\" is listed twice; remove one"
                )));
            }
            pointers.push(pointer);
        }
        if pointers.is_empty() {
            let problem =
                "no pointer is listed, so nothing would be cut; write for example \"/token\"";
            return Err(self.wrong(raw, format!("{key}.pointers"), problem));
        }
        Ok(pointers)
    }
}
