//! Walks over a component's sections once, counting against the caps before anything is validated.

use wasmparser::{Chunk, ComponentExternalKind, ComponentTypeRef, Encoding, Parser, Payload};

use super::{Caps, Error, SECTION};
use crate::rule::Rule;

/// What a walk over a component finds.
#[derive(Debug, Default)]
pub(super) struct Anatomy<'a> {
    pub(super) functions: usize,
    pub(super) largest_body: usize,
    pub(super) modules: usize,
    pub(super) components: usize,
    pub(super) nesting: usize,
    sections: usize,
    pub(super) imports: Vec<Extern>,
    pub(super) exports: Vec<Extern>,
    /// Every section with the manifest's name, with how deep it lies; 1 is the outermost component.
    pub(super) manifests: Vec<(usize, &'a [u8])>,
}

/// One import or export of the outermost component.
#[derive(Debug)]
pub(super) struct Extern {
    pub(super) name: String,
    /// Whether it is an interface, by the plain name alone.
    pub(super) is_interface: bool,
}

/// Walks over a component.
pub(super) fn dissect<'a>(component: &'a [u8], caps: &Caps) -> Result<Anatomy<'a>, Error> {
    if component.is_empty() {
        return Err(Error::Empty);
    }
    within("bytes", component.len(), caps.size)?;
    preamble(component)?;
    let mut anatomy = Anatomy::default();
    let mut outer: Vec<Parser> = Vec::new();
    let mut parser = Parser::new(0);
    let mut rest = component;
    loop {
        let (consumed, payload) = next(&mut parser, rest)?;
        rest = rest.get(consumed..).unwrap_or_default();
        let depth = outer.len() + 1;
        anatomy.count(&payload, depth, caps)?;
        match payload {
            Payload::ModuleSection { parser: inner, .. }
            | Payload::ComponentSection { parser: inner, .. } => {
                within("levels of nesting", depth + 1, caps.nesting)?;
                outer.push(std::mem::replace(&mut parser, inner));
            }
            Payload::End(_) => match outer.pop() {
                Some(parent) => parser = parent,
                None => return Ok(anatomy),
            },
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    let import = import.map_err(|error| invalid(&error))?;
                    let plain =
                        import.name.implements.is_none() && import.name.version_suffix.is_none();
                    anatomy.imports.push(Extern {
                        name: import.name.name.to_owned(),
                        is_interface: plain && matches!(import.ty, ComponentTypeRef::Instance(_)),
                    });
                    anatomy.names(caps)?;
                }
            }
            Payload::ComponentExportSection(exports) if depth == 1 => {
                for export in exports {
                    let export = export.map_err(|error| invalid(&error))?;
                    let plain =
                        export.name.implements.is_none() && export.name.version_suffix.is_none();
                    anatomy.exports.push(Extern {
                        name: export.name.name.to_owned(),
                        is_interface: plain && export.kind == ComponentExternalKind::Instance,
                    });
                    anatomy.names(caps)?;
                }
            }
            Payload::CustomSection(section) if section.name() == SECTION => {
                anatomy.manifests.push((depth, section.data()));
            }
            _ => {}
        }
    }
}

impl Anatomy<'_> {
    fn count(&mut self, payload: &Payload<'_>, depth: usize, caps: &Caps) -> Result<(), Error> {
        match payload {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } => self.modules += 1,
            Payload::Version {
                encoding: Encoding::Component,
                ..
            } => self.components += 1,
            Payload::FunctionSection(functions) => {
                let count = usize::try_from(functions.count()).unwrap_or(usize::MAX);
                self.functions = self.functions.saturating_add(count);
            }
            Payload::CodeSectionEntry(body) => {
                self.largest_body = self.largest_body.max(body.range().len());
            }
            _ => {}
        }
        if payload.as_section().is_some() {
            self.sections += 1;
        }
        self.nesting = self.nesting.max(depth);
        within("core modules", self.modules, caps.modules)?;
        within("components", self.components, caps.components)?;
        within("functions", self.functions, caps.functions)?;
        within("bytes in one function", self.largest_body, caps.body)?;
        within("sections", self.sections, caps.sections)
    }

    fn names(&self, caps: &Caps) -> Result<(), Error> {
        within(
            "imports and exports",
            self.imports.len() + self.exports.len(),
            caps.names,
        )
    }
}

/// Reads the next piece; where it could only go on with more bytes, there are none.
fn next<'a>(parser: &mut Parser, rest: &'a [u8]) -> Result<(usize, Payload<'a>), Error> {
    match parser.parse(rest, false) {
        Ok(Chunk::Parsed { consumed, payload }) => Ok((consumed, payload)),
        Ok(Chunk::NeedMoreData(_)) => match parser.parse(rest, true) {
            Ok(Chunk::Parsed { consumed, payload }) => Ok((consumed, payload)),
            Ok(Chunk::NeedMoreData(_)) | Err(_) => Err(Error::CutOff),
        },
        Err(error) => Err(invalid(&error)),
    }
}

/// Tells a component from everything that is mistaken for one, by the first eight bytes.
fn preamble(bytes: &[u8]) -> Result<(), Error> {
    const MAGIC: &[u8] = b"\0asm";
    match bytes.split_at_checked(MAGIC.len()) {
        None if MAGIC.starts_with(bytes) => Err(Error::CutOff),
        Some((MAGIC, rest)) => match rest.get(..4) {
            None => Err(Error::CutOff),
            // The second half of the version is 1 for components and 0 for core modules.
            Some([_, _, 0, 0]) => Err(Error::CoreModule),
            Some(_) => Ok(()),
        },
        None | Some(_) => Err(Error::NotWasm),
    }
}

fn within(what: &'static str, found: usize, most: usize) -> Result<(), Error> {
    if !Rule::ComponentSize.refuses(most < found) {
        Ok(())
    } else {
        Err(Error::TooLarge { what, found, most })
    }
}

fn invalid(error: &wasmparser::BinaryReaderError) -> Error {
    Error::Invalid {
        offset: error.offset(),
        reason: error.message().to_owned(),
    }
}
