// Boxed expressions: literal, table, context, list, relation, function, invocation, and DMN 1.4's if / for / some /
// every / filter.
import { FeelFunction, isFunction, isRange } from 'feelin';
import { table } from './table.js';
import { placed, value } from './texts.js';
import { conforms, typed } from './types.js';

export function box(model, node, scope, trail) {
  if (!node) {
    return null;
  }
  const result = BOXES[node.kind](model, node, scope, trail);
  return node.type ? placed(node.at, () => typed(model, node.type, result)) : result;
}

const BOXES = {
  literal: (model, node, scope) => value(node, scope),
  table,
  context(model, node, scope, trail) {
    const entries = {};
    let inner = scope;
    for (const { name, type, expression } of node.entries) {
      const item = box(model, expression, inner, trail);
      if (name === null) {
        return item; // the result box of a context
      }
      entries[name] = type ? placed(node.at, () => typed(model, type, item)) : item;
      inner = { ...inner, [name]: entries[name] };
    }
    return entries;
  },
  list: (model, node, scope, trail) => node.items.map(item => box(model, item, scope, trail)),
  relation: (model, node, scope, trail) => node.rows.map(row =>
    Object.fromEntries(row.map((cell, column) => [node.columns[column], box(model, cell, scope, trail)]))),
  function: (model, node, scope, trail) => functionOf(model, node, scope, trail),
  invocation(model, node, scope, trail) {
    const target = box(model, node.target, scope, trail);
    if (!isFunction(target)) {
      placed(node.at, () => { throw new TypeError('the invoked thing is not a function'); });
    }
    const args = node.bindings.map(({ name, expression }) => [name, box(model, expression, scope, trail)]);
    return target.invoke(Object.fromEntries(args));
  },
  if: (model, node, scope, trail) =>
    box(model, box(model, node.condition, scope, trail) === true ? node.then : node.else, scope, trail),
  for: (model, node, scope, trail) => iterated(model, node, scope, trail).results,
  some(model, node, scope, trail) {
    const { results } = iterated(model, node, scope, trail);
    return results.includes(true) ? true : results.every(item => item === false) ? false : null;
  },
  every(model, node, scope, trail) {
    const { results } = iterated(model, node, scope, trail);
    return results.includes(false) ? false : results.every(item => item === true) ? true : null;
  },
  filter(model, node, scope, trail) {
    const { items, results } = iterated(model, node, scope, trail);
    if (typeof results[0] === 'number') {
      return items[results[0] - 1] ?? null;
    }
    return items.filter((_, index) => results[index] === true);
  },
};

function itemsOf(source) {
  if (source === null) return [];
  if (isRange(source)) return source.map(item => item);
  return Array.isArray(source) ? source : [source];
}

function iterated(model, node, scope, trail) {
  const source = box(model, node.in, scope, trail);
  const items = itemsOf(source);
  const results = [];
  for (const item of items) {
    const entries = node.variable ? { [node.variable]: item, partial: results.slice() }
      : { ...(item && typeof item === 'object' && !Array.isArray(item) ? item : {}), item };
    results.push(box(model, node.body, { ...scope, ...entries }, trail));
  }
  return { items, results };
}

/** A FEEL function of a boxed body. An argument or result of the wrong type is null, as the standard says. */
export function functionOf(model, node, scope, trail) {
  const fitting = (type, item) => type && !conforms(model, type, item) ? null : type ? typed(model, type, item) : item;
  return new FeelFunction((...args) => {
    const inner = { ...scope };
    node.params.forEach(({ name, type }, index) => { inner[name] = fitting(type, args[index] ?? null); });
    return fitting(node.returns, box(model, node.body, inner, trail));
  }, node.params.map(({ name }) => name));
}
