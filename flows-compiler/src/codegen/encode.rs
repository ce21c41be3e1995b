//! From the IR to WebAssembly bytes.

use indexmap::{IndexMap, IndexSet};
use wasm_encoder::{
    BlockType, CodeSection, DataCountSection, DataSection, DataSegment, DataSegmentMode, ElementMode, ElementSection,
    ElementSegment, Elements, EntityType, Function as Body, FunctionSection, ImportSection, Instruction, MemoryType, Module,
    NameMap, NameSection, RefType, StartSection, TableType, TypeSection, ValType,
};

use super::RUNTIME;
use super::ir::{Import, Op, Program};
use super::lower::rt;

/// The names of the runtime's memory and table.
pub const MEMORY: &str = "memory";
pub const TABLE: &str = "__indirect_function_table";

pub fn encode(program: &Program, blob: &[u8]) -> Vec<u8> {
    let mut imports: IndexMap<&'static str, &'static Import> = IndexMap::new();
    for import in [&rt::alloc, &rt::register] {
        imports.insert(import.name, import);
    }
    for op in program.functions.iter().flat_map(|f| &f.ops) {
        if let Op::Runtime(import) = op {
            imports.insert(import.name, import);
        }
    }
    let mut types: IndexSet<(u32, bool)> = IndexSet::new();
    types.extend(imports.values().map(|i| (i.params, i.result)));
    types.extend(program.functions.iter().map(|f| (f.params, true)));
    types.insert((0, false));
    let type_of = |params: u32, result: bool| types.get_index_of(&(params, result)).unwrap_or(0) as u32;

    let mut type_section = TypeSection::new();
    for (params, result) in &types {
        let results = if *result { &[ValType::I32][..] } else { &[] };
        type_section
            .ty()
            .function(vec![ValType::I32; *params as usize], results.iter().copied());
    }

    let mut import_section = ImportSection::new();
    for import in imports.values() {
        import_section.import(
            RUNTIME,
            import.name,
            EntityType::Function(type_of(import.params, import.result)),
        );
    }
    let memory = MemoryType {
        minimum: 0,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    };
    import_section.import(RUNTIME, MEMORY, EntityType::Memory(memory));
    let table = TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: 0,
        maximum: None,
        shared: false,
    };
    import_section.import(RUNTIME, TABLE, EntityType::Table(table));

    let first_own = imports.len() as u32;
    let start = first_own + program.functions.len() as u32;
    let mut functions = FunctionSection::new();
    for function in &program.functions {
        functions.function(type_of(function.params, true));
    }
    functions.function(type_of(0, false));

    let mut elements = ElementSection::new();
    let exported: Vec<u32> = (first_own..first_own + program.exported).collect();
    elements.segment(ElementSegment {
        mode: ElementMode::Passive,
        elements: Elements::Functions(exported.into()),
    });

    let call_of = |name: &str| imports.get_index_of(name).unwrap_or(0) as u32;
    let mut code = CodeSection::new();
    for function in &program.functions {
        let mut body = Body::new([(function.locals, ValType::I32), (function.wide_locals, ValType::I64)]);
        for op in &function.ops {
            let instruction = match op {
                Op::I32(n) => Instruction::I32Const(*n),
                Op::Get(local) => Instruction::LocalGet(*local),
                Op::Set(local) => Instruction::LocalSet(*local),
                Op::Tee(local) => Instruction::LocalTee(*local),
                Op::Add => Instruction::I32Add,
                Op::Negative => {
                    body.instruction(&Instruction::I32Const(0));
                    Instruction::I32LtS
                }
                Op::Eq => Instruction::I32Eq,
                Op::Eqz => Instruction::I32Eqz,
                Op::Runtime(import) => Instruction::Call(call_of(import.name)),
                Op::Own(index) => Instruction::Call(first_own + index),
                Op::Block => Instruction::Block(BlockType::Empty),
                Op::If => Instruction::If(BlockType::Empty),
                Op::End => Instruction::End,
                Op::BrIf(depth) => Instruction::BrIf(*depth),
                Op::Return => Instruction::Return,
                Op::Wasm(instruction) => instruction.clone(),
            };
            body.instruction(&instruction);
        }
        body.instruction(&Instruction::End);
        code.function(&body);
    }
    code.function(&start_function(
        blob.len() as u32,
        program.exported,
        call_of("alloc"),
        call_of("register"),
    ));

    let mut data = DataSection::new();
    data.segment(DataSegment {
        mode: DataSegmentMode::Passive,
        data: blob.iter().copied(),
    });

    let mut names = NameSection::new();
    let mut function_names = NameMap::new();
    imports
        .keys()
        .enumerate()
        .for_each(|(i, name)| function_names.append(i as u32, name));
    program
        .functions
        .iter()
        .enumerate()
        .for_each(|(i, f)| function_names.append(first_own + i as u32, &f.name));
    function_names.append(start, "start");
    names.functions(&function_names);

    let mut module = Module::new();
    module
        .section(&type_section)
        .section(&import_section)
        .section(&functions)
        .section(&StartSection { function_index: start })
        .section(&elements)
        .section(&DataCountSection { count: 1 })
        .section(&code)
        .section(&data)
        .section(&names);
    module.finish()
}

/// Copies the tables into the runtime's memory, puts the exported functions into its function table, and registers both.
fn start_function(len: u32, exported: u32, alloc: u32, register: u32) -> Body {
    let mut body = Body::new([(2, ValType::I32)]);
    for instruction in [
        Instruction::I32Const(len as i32),
        Instruction::Call(alloc),
        Instruction::LocalTee(0),
        Instruction::I32Const(0),
        Instruction::I32Const(len as i32),
        Instruction::MemoryInit { mem: 0, data_index: 0 },
        Instruction::RefNull(wasm_encoder::HeapType::FUNC),
        Instruction::I32Const(exported as i32),
        Instruction::TableGrow(0),
        Instruction::LocalTee(1),
        Instruction::I32Const(0),
        Instruction::I32Const(exported as i32),
        Instruction::TableInit { elem_index: 0, table: 0 },
        Instruction::LocalGet(0),
        Instruction::I32Const(len as i32),
        Instruction::LocalGet(1),
        Instruction::Call(register),
        Instruction::End,
    ] {
        body.instruction(&instruction);
    }
    body
}
