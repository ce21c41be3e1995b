//! Gives the panics of a guest a way out, in plain WebAssembly.
//!
//! A Rust program for WebAssembly ends at a panic with a trap, and the host learns nothing of why. Here the core module is rewritten such that
//! a panic returns instead: the guest's hook calls `__flowgate_unwind`, which sets a flag; after every call that may come to it the flag
//! is looked at, and while it is set a function returns at once; `__flowgate_guard` takes the flag back, puts the stack pointer where it was
//! and says that it caught something. Nothing is dropped on the way, as if the run had trapped: the instance ends with the run.
//!
//! Costs a `global.get` and a branch a call, and some 10 % of size.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ExportSection, Function, GlobalSection, GlobalType, Instruction, Module, RawSection,
    ValType,
};
use wasmparser::{ExternalKind, FunctionBody, Operator, Parser, Payload, TypeRef};

const GUARD: &str = "__flowgate_guard";
const UNWIND: &str = "__flowgate_unwind";
const STACK: &str = "__stack_pointer";

/// The module with its panics unwinding; as it is when it does not have the exports for that.
///
/// # Errors
/// The bytes are no core module that can be rewritten.
pub fn unwinding(core: &[u8]) -> Result<Vec<u8>> {
    let module = Read::of(core)?;
    let (Some(guard), Some(unwind), Some(stack)) = (
        module.exported(GUARD, ExternalKind::Func),
        module.exported(UNWIND, ExternalKind::Func),
        module.exported(STACK, ExternalKind::Global),
    ) else {
        return Ok(core.to_vec());
    };
    let marks = Marks {
        flag: module.globals,
        stack,
        guard,
        unwind,
        may_unwind: module.reaches(unwind, guard)?,
    };
    module.rewrite(core, &marks)
}

/// What the rewriting needs to know.
struct Marks {
    /// The global that is added.
    flag: u32,
    stack: u32,
    guard: u32,
    unwind: u32,
    /// Functions that may call `unwind`, directly or through others.
    may_unwind: BTreeSet<u32>,
}

#[derive(Default)]
struct Read<'a> {
    /// Parameters and results by type.
    types: Vec<(usize, Vec<ValType>)>,
    /// Type by function, imported ones included.
    functions: Vec<u32>,
    imported: u32,
    /// How many globals there are.
    globals: u32,
    exports: BTreeMap<&'a str, (ExternalKind, u32)>,
    bodies: Vec<FunctionBody<'a>>,
}

impl<'a> Read<'a> {
    fn of(core: &'a [u8]) -> Result<Self> {
        let mut read = Read::default();
        for payload in Parser::new(0).parse_all(core) {
            match payload? {
                Payload::TypeSection(types) => {
                    for ty in types.into_iter_err_on_gc_types() {
                        let ty = ty?;
                        let results = ty.results().iter().map(|ty| RoundtripReencoder.val_type(*ty));
                        let results = results.collect::<Result<_, _>>().context("types")?;
                        read.types.push((ty.params().len(), results));
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        match import?.ty {
                            TypeRef::Func(ty) => {
                                read.functions.push(ty);
                                read.imported += 1;
                            }
                            TypeRef::Global(_) => read.globals += 1,
                            _ => {}
                        }
                    }
                }
                Payload::FunctionSection(functions) => {
                    for ty in functions {
                        read.functions.push(ty?);
                    }
                }
                Payload::GlobalSection(globals) => read.globals += globals.count(),
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        read.exports.insert(export.name, (export.kind, export.index));
                    }
                }
                Payload::CodeSectionEntry(body) => read.bodies.push(body),
                _ => {}
            }
        }
        Ok(read)
    }

    fn exported(&self, name: &str, kind: ExternalKind) -> Option<u32> {
        self.exports
            .get(name)
            .filter(|(found, _)| *found == kind)
            .map(|(_, index)| *index)
    }

    fn results(&self, function: u32) -> Result<&[ValType]> {
        let ty = self.functions.get(function as usize).context("a function without a type")?;
        let (_, results) = self
            .types
            .get(*ty as usize)
            .context("a function of a type that is not there")?;
        Ok(results)
    }

    /// The functions from which a call may come to `unwind`. A call through the table may come anywhere; the guard lets nothing past it.
    fn reaches(&self, unwind: u32, guard: u32) -> Result<BTreeSet<u32>> {
        let mut callers: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut open = vec![unwind];
        for (at, body) in self.bodies.iter().enumerate() {
            let function = self.imported + at as u32;
            for operator in body.get_operators_reader()? {
                match operator? {
                    Operator::Call { function_index } => callers.entry(function_index).or_default().push(function),
                    Operator::CallIndirect { .. } => open.push(function),
                    Operator::ReturnCall { .. } | Operator::ReturnCallIndirect { .. } => bail!("tail calls are not known here"),
                    _ => {}
                }
            }
        }
        let mut found = BTreeSet::new();
        while let Some(function) = open.pop() {
            if function != guard && found.insert(function) {
                open.extend(callers.get(&function).into_iter().flatten());
            }
        }
        Ok(found)
    }

    fn rewrite(&self, core: &[u8], marks: &Marks) -> Result<Vec<u8>> {
        let mut module = Module::new();
        let mut code = CodeSection::new();
        for (at, body) in self.bodies.iter().enumerate() {
            code.function(&self.body(self.imported + at as u32, body, marks)?);
        }
        let mut has_code = false;
        for payload in Parser::new(0).parse_all(core) {
            let payload = payload?;
            match &payload {
                Payload::GlobalSection(section) => {
                    let mut globals = GlobalSection::new();
                    RoundtripReencoder
                        .parse_global_section(&mut globals, section.clone())
                        .context("globals")?;
                    let flag = GlobalType {
                        val_type: ValType::I32,
                        mutable: true,
                        shared: false,
                    };
                    globals.global(flag, &ConstExpr::i32_const(0));
                    module.section(&globals);
                }
                Payload::ExportSection(section) => {
                    let mut exports = ExportSection::new();
                    for export in section.clone() {
                        let export = export?;
                        if ![GUARD, UNWIND, STACK].contains(&export.name) {
                            RoundtripReencoder.parse_export(&mut exports, export).context("exports")?;
                        }
                    }
                    module.section(&exports);
                }
                Payload::CodeSectionStart { .. } => {
                    module.section(&code);
                    has_code = true;
                }
                Payload::CodeSectionEntry(_) => {}
                other => {
                    if let Some((id, range)) = other.as_section() {
                        let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
                        let data = core.get(range).context("a section outside of the module")?;
                        module.section(&RawSection { id, data });
                    }
                }
            }
        }
        if !has_code {
            bail!("the module has no code");
        }
        Ok(module.finish())
    }

    fn body(&self, function: u32, body: &FunctionBody<'a>, marks: &Marks) -> Result<Function> {
        if function == marks.guard {
            return self.guard(marks);
        }
        if function == marks.unwind {
            let mut set = Function::new([]);
            for instruction in [Instruction::I32Const(1), Instruction::GlobalSet(marks.flag), Instruction::End] {
                set.instruction(&instruction);
            }
            return Ok(set);
        }
        let mut locals = Vec::new();
        for local in body.get_locals_reader()? {
            let (count, ty) = local?;
            locals.push((count, RoundtripReencoder.val_type(ty).context("locals")?));
        }
        let mut out = Function::new(locals);
        let results = self.results(function)?;
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            let may_unwind = match &operator {
                Operator::Call { function_index } => marks.may_unwind.contains(function_index),
                Operator::CallIndirect { .. } => true,
                _ => false,
            };
            out.instruction(&RoundtripReencoder.instruction(operator).context("code")?);
            if may_unwind {
                out.instruction(&Instruction::GlobalGet(marks.flag));
                out.instruction(&Instruction::If(BlockType::Empty));
                for result in results {
                    out.instruction(&zero(*result)?);
                }
                out.instruction(&Instruction::Return);
                out.instruction(&Instruction::End);
            }
        }
        Ok(out)
    }

    /// `guard(work) -> caught`.
    fn guard(&self, marks: &Marks) -> Result<Function> {
        let is_work = |(parameters, results): &(usize, Vec<ValType>)| *parameters == 0 && results.is_empty();
        let work = self.types.iter().position(is_work).context("the guard has nothing to call")?;
        let mut out = Function::new([(1, ValType::I32)]);
        for instruction in [
            Instruction::GlobalGet(marks.stack),
            Instruction::LocalSet(1),
            Instruction::LocalGet(0),
            Instruction::CallIndirect {
                type_index: u32::try_from(work)?,
                table_index: 0,
            },
            Instruction::LocalGet(1),
            Instruction::GlobalSet(marks.stack),
            Instruction::GlobalGet(marks.flag),
            Instruction::I32Const(0),
            Instruction::GlobalSet(marks.flag),
            Instruction::End,
        ] {
            out.instruction(&instruction);
        }
        Ok(out)
    }
}

fn zero(ty: ValType) -> Result<Instruction<'static>> {
    Ok(match ty {
        ValType::I32 => Instruction::I32Const(0),
        ValType::I64 => Instruction::I64Const(0),
        ValType::F32 => Instruction::F32Const(0.0.into()),
        ValType::F64 => Instruction::F64Const(0.0.into()),
        other => bail!("a function gives a value of type {other:?}"),
    })
}
