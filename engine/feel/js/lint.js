// What can be said about a text without running it: syntax faults with positions, and the names it takes from outside.
// Inside a filter (`list[price > 3]`) a name may be an entry of the item, so an unknown name there is not judged.
import { isBuiltin, normalizeContextKey, parsed } from 'feelin';

/** {faults: [{message, from, to}], names: [{name, from, to}]}; the keys of `scope` steer the parser. */
export function lint(kind, text, scope) {
  const { tree, faults } = parsed(kind, text, scope);
  const found = [];
  if (!faults.length) {
    walk(tree.topNode, { text, found, local: new Set(kind === 'u' ? ['?'] : []), open: false });
  }
  return {
    faults: faults.map(({ message, position }) => ({ message, from: position.from, to: position.to })),
    names: found,
  };
}

/** The names that are neither in scope nor FEEL's own. */
export function unknown(names, scope) {
  const known = new Set(Object.keys(scope).map(normalizeContextKey));
  return names.filter(({ name }) => !known.has(name) && !isBuiltin(name));
}

function children(node) {
  const list = [];
  for (let child = node.firstChild; child; child = child.nextSibling) {
    list.push(child);
  }
  return list;
}

const nameOf = (node, { text }) => normalizeContextKey(text.slice(node.from, node.to).replace(/[`"]/g, ''));
const inside = (state, names, open = state.open) => ({ ...state, local: new Set([...state.local, ...names]), open });

const WALKS = {
  VariableName(node, state) {
    const name = nameOf(node, state);
    if (!state.local.has(name) && !state.open) {
      state.found.push({ name, from: node.from, to: node.to });
    }
  },
  '?'(node, state) {
    WALKS.VariableName(node, state);
  },
  ForExpression: iteration,
  QuantifiedExpression: iteration,
  FunctionDefinition(node, state) {
    const names = [];
    node.cursor().iterate(inner => {
      if (inner.name === 'ParameterName') names.push(nameOf(inner, state));
      return inner.name !== 'FunctionBody'; // a function inside has parameters of its own
    });
    children(node).forEach(child => walk(child, inside(state, names)));
  },
  Context(node, state) {
    let scope = state;
    for (const entry of children(node).filter(child => child.name === 'ContextEntry')) {
      const [key, ...rest] = children(entry);
      rest.forEach(child => walk(child, scope));
      scope = inside(scope, [nameOf(key, state)]);
    }
  },
  FilterExpression(node, state) {
    const [list, ...rest] = children(node);
    walk(list, state);
    rest.forEach(child => walk(child, inside(state, ['item'], true)));
  },
  InstanceOfExpression(node, state) {
    walk(node.firstChild, state);
  },
};

function iteration(node, state) {
  let scope = state;
  for (const child of children(node)) {
    if (child.name !== 'InExpressions') {
      walk(child, inside(scope, ['partial']));
      continue;
    }
    for (const each of children(child)) {
      const [name, ...rest] = children(each);
      rest.forEach(source => walk(source, scope));
      scope = inside(scope, [nameOf(name, state)]);
    }
  }
}

function walk(node, state) {
  const special = WALKS[node.name];
  if (special) {
    special(node, state);
  } else {
    children(node).forEach(child => walk(child, state));
  }
}
