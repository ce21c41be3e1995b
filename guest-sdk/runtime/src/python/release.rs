//! Letting go of containers. The items of one that ends would end inside of it, and theirs inside of them; a list of ten thousand
//! linked nodes would overrun the native stack. They are put into a queue instead and end one after the other.

use std::cell::RefCell;
use std::rc::Rc;

use super::object::Obj;
use super::share::let_go;
use super::table::Table;

thread_local! {
    /// What is still to be let go, while something is.
    static PENDING: RefCell<Option<Vec<Obj>>> = const { RefCell::new(None) };
}

/// Whether an object may hold others in turn.
fn holds(value: &Obj) -> bool {
    matches!(
        value,
        Obj::List(_)
            | Obj::Tuple(_)
            | Obj::Dict(_)
            | Obj::Instance(_)
            | Obj::Exception(_)
            | Obj::Bound(_)
            | Obj::Cell(_)
            | Obj::Iter(_)
    )
}

/// The items of a container that ends.
pub fn items(items: &mut Vec<Obj>) {
    if items.iter().any(holds) {
        queue(std::mem::take(items));
    } else {
        items.drain(..).for_each(let_go);
    }
}

/// The values of a dict, or the attributes of an instance, that ends.
pub fn table(table: &mut Table<Obj>) {
    if table.values().any(holds) {
        queue(table.take_values());
    }
    table.drain(|key, value| {
        let_go(key);
        let_go(value);
    });
}

/// The items of an object of a module that ends.
pub fn shared(items: &mut Rc<[Obj]>) {
    if let Some(items) = Rc::get_mut(items)
        && items.iter().any(|item| matches!(item, Obj::Native(_)) || holds(item))
    {
        queue(items.iter_mut().map(std::mem::take).collect());
    }
}

/// As [`shared`], of an object with a list of items.
pub fn owned(items: impl IntoIterator<Item = Obj>) {
    let items: Vec<Obj> = items
        .into_iter()
        .filter(|item| matches!(item, Obj::Native(_)) || holds(item))
        .collect();
    if !items.is_empty() {
        queue(items);
    }
}

fn queue(objects: Vec<Obj>) {
    let mut objects = Some(objects);
    // When a thread ends the queue may be gone before the last object is; then they end inside each other.
    let first = PENDING.try_with(|pending| match &mut *pending.borrow_mut() {
        Some(waiting) => {
            waiting.extend(objects.take().unwrap_or_default());
            false
        }
        none => {
            *none = objects.take();
            true
        }
    });
    if first != Ok(true) {
        return;
    }
    loop {
        let next = PENDING.with_borrow_mut(|pending| pending.as_mut().and_then(Vec::pop));
        let Some(mut object) = next else { break };
        if let Obj::Tuple(items) = &mut object
            && let Some(items) = Rc::get_mut(items)
        {
            let items = items.iter_mut().map(std::mem::take);
            PENDING.with_borrow_mut(|pending| pending.get_or_insert_default().extend(items));
        }
        let_go(object);
    }
    PENDING.set(None);
}
