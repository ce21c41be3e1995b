//! Gives the panics of a guest a way out, in plain WebAssembly.
//!
//! A Rust program for WebAssembly ends at a panic with a trap, and the host learns nothing of why. Here the core module is rewritten such that
//! a panic returns instead: the guest's hook calls `__flowgate_unwind`, which sets a flag; after every call that may come to it the flag
//! is looked at, and while it is set a function returns at once; `__flowgate_guard` takes the flag back, puts the stack pointer where it was
//! and says that it caught something. Nothing is dropped on the way, as if the run had trapped: the instance ends with the run.
//!
//! Costs a `global.get` and a branch a call: four bytes.

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
        let operators = body.get_operators_reader()?.into_iter().collect::<Result<Vec<_>, _>>()?;
        let checked = |operator: &Operator<'_>| match operator {
            Operator::Call { function_index } => marks.may_unwind.contains(function_index),
            Operator::CallIndirect { .. } => true,
            _ => false,
        };
        let wrapped = operators.iter().any(checked);
        if wrapped {
            // Leaving this block is returning early.
            out.instruction(&Instruction::Block(BlockType::Empty));
        }
        let last = operators.len().saturating_sub(1);
        let mut depth = 0;
        for (at, operator) in operators.into_iter().enumerate() {
            if at == last {
                break;
            }
            match &operator {
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => depth += 1,
                Operator::End => depth -= 1,
                _ => {}
            }
            let check = checked(&operator);
            match wrapped {
                true => out.instruction(&around(operator, depth)?),
                false => out.instruction(&RoundtripReencoder.instruction(operator).context("code")?),
            };
            if check {
                out.instruction(&Instruction::GlobalGet(marks.flag));
                out.instruction(&Instruction::BrIf(depth));
            }
        }
        if wrapped {
            out.instruction(&Instruction::Return);
            out.instruction(&Instruction::End);
            for result in self.results(function)? {
                out.instruction(&zero(*result)?);
            }
        }
        out.instruction(&Instruction::End);
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

/// An instruction in a body that has one more block around it: a branch out of the function, `depth` blocks up, is one block further.
fn around(operator: Operator<'_>, depth: u32) -> Result<Instruction<'_>> {
    let further = |target: u32| if target == depth { target + 1 } else { target };
    Ok(match operator {
        Operator::Br { relative_depth } => Instruction::Br(further(relative_depth)),
        Operator::BrIf { relative_depth } => Instruction::BrIf(further(relative_depth)),
        Operator::BrTable { targets } => {
            let all = targets
                .targets()
                .map(|target| target.map(further))
                .collect::<Result<Vec<_>, _>>()?;
            Instruction::BrTable(all.into(), further(targets.default()))
        }
        other => RoundtripReencoder.instruction(other).context("code")?,
    })
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

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CodeSection, ElementSection, Elements, ExportKind, FunctionSection, TableSection, TableType, TypeSection,
    };

    use super::*;

    /// The guard calls through the table a function that calls one that branches out of itself around a call of `unwind`.
    fn guest(exported: bool) -> Vec<u8> {
        let (mut types, mut functions) = (TypeSection::new(), FunctionSection::new());
        types.ty().function([], []);
        types.ty().function([ValType::I32], [ValType::I32]);
        for ty in [0, 1, 0, 1] {
            functions.function(ty);
        }
        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: wasm_encoder::RefType::FUNCREF,
            table64: false,
            minimum: 1,
            maximum: None,
            shared: false,
        });
        let mut globals = GlobalSection::new();
        let stack = GlobalType {
            val_type: ValType::I32,
            mutable: true,
            shared: false,
        };
        globals.global(stack, &ConstExpr::i32_const(1024));
        let mut exports = ExportSection::new();
        if exported {
            exports.export(UNWIND, ExportKind::Func, 0);
        }
        exports.export(GUARD, ExportKind::Func, 1);
        exports.export(STACK, ExportKind::Global, 0);
        exports.export("other", ExportKind::Func, 3);
        let mut elements = ElementSection::new();
        elements.active(None, &ConstExpr::i32_const(0), Elements::Functions([2].as_slice().into()));
        let bodies: [&[Instruction<'_>]; 4] = [
            &[Instruction::Unreachable],
            &[Instruction::I32Const(0)],
            &[Instruction::I32Const(7), Instruction::Call(3), Instruction::Drop],
            &[
                Instruction::Block(BlockType::Empty),
                Instruction::LocalGet(0),
                Instruction::LocalGet(0),
                // To the function's end, with its result.
                Instruction::BrIf(1),
                Instruction::Drop,
                Instruction::Call(0),
                Instruction::LocalGet(0),
                Instruction::BrTable([0].as_slice().into(), 0),
                Instruction::End,
                Instruction::I32Const(5),
            ],
        ];
        let mut code = CodeSection::new();
        for body in bodies {
            let mut function = Function::new([]);
            for instruction in body {
                function.instruction(instruction);
            }
            function.instruction(&Instruction::End);
            code.function(&function);
        }
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&tables).section(&globals);
        module.section(&exports).section(&elements).section(&code);
        module.finish()
    }

    #[test]
    fn a_rewritten_module_is_valid_and_keeps_only_the_exports_of_the_guest() -> Result<()> {
        let core = guest(true);
        wasmparser::validate(&core)?;
        let out = unwinding(&core)?;
        wasmparser::validate(&out)?;
        let read = Read::of(&out)?;
        assert_eq!(read.exports.keys().copied().collect::<Vec<_>>(), ["other"]);
        assert_eq!(read.globals, 2);
        let operators = |at: usize| -> Result<String> {
            Ok(format!(
                "{:?}",
                read.bodies[at]
                    .get_operators_reader()?
                    .into_iter()
                    .collect::<Result<Vec<_>, _>>()?
            ))
        };
        assert!(operators(0)?.contains("GlobalSet { global_index: 1 }"));
        // The branch out of the function passes the block that was put around its body; the one within it does not.
        let body = operators(3)?;
        assert!(body.contains("BrIf { relative_depth: 2 }"), "{body}");
        assert!(
            body.contains("Call { function_index: 0 }, GlobalGet { global_index: 1 }, BrIf { relative_depth: 1 }"),
            "{body}"
        );
        Ok(())
    }

    #[test]
    fn a_module_without_the_guests_exports_stays_as_it_is() -> Result<()> {
        let core = guest(false);
        assert_eq!(unwinding(&core)?, core);
        Ok(())
    }
}
