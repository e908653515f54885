// Loading a model: every text is parsed once, with the names it may use, and what is wrong is collected with its place.
import { built } from 'feelin';
import { functionsOf } from '../expressions.js';
import { lint, unknown } from '../lint.js';

const LONGEST_TEXT = 3000; // as language.py has it for expressions

/** Prepares the model in place; returns {faults: [{element, at, message, text}], takes: {id: [names]}}. */
export function load(model) {
  const state = { model, faults: [] };
  const nodes = [...Object.entries(model.knowledge), ...Object.entries(model.decisions)];
  for (const [id, node] of nodes) {
    const names = required(model, node);
    const takes = model.open ? openInputs(node, names) : [];
    node.takes = takes;
    visit({ ...state, element: id }, node.expression, { ...names, ...namesToScope(takes) });
  }
  for (const [id, type] of Object.entries(model.types)) {
    allowedOf(type).forEach(allowed => text({ ...state, element: id }, 'u', allowed, { '?': null }));
  }
  return { faults: state.faults, takes: Object.fromEntries(nodes.map(([id, node]) => [id, node.takes])) };
}

const namesToScope = names => Object.fromEntries(names.map(name => [name, null]));

function required(model, node) {
  const kinds = [model.inputs, model.decisions, model.knowledge, model.services];
  const of = id => kinds.find(kind => Object.hasOwn(kind, id))[id];
  return { ...functionsOf(model.functions), ...namesToScope(node.requires.map(id => of(id).name)) };
}

/** In an open file a table takes the names of its input expressions, a literal those of its text. */
function openInputs(node, names) {
  const { expression } = node;
  const texts = expression?.kind === 'table' ? expression.inputs.map(input => input.expression)
    : expression?.kind === 'literal' ? [expression] : [];
  const found = texts.flatMap(({ text }) => unknown(lint('e', text, names).names, names).map(({ name }) => name));
  return [...new Set(found)];
}

function allowedOf(type) {
  return [...(type.allowed ? [type.allowed] : []), ...(type.components ?? []).flatMap(allowedOf)];
}

function text(state, kind, expression, names, open = false) {
  if (!expression || expression.any) {
    return;
  }
  const shown = expression.text.slice(0, 200);
  const report = message => state.faults.push({ element: state.element, at: expression.at, message, text: shown });
  if (expression.text.length > LONGEST_TEXT) {
    report(`longer than ${LONGEST_TEXT} characters`);
    return;
  }
  const { faults, names: used } = lint(kind, expression.text, names);
  faults.slice(0, 1).forEach(({ message, from }) => report(`${message} at character ${from + 1}`));
  if (faults.length || open) { // names of a filter's item are known only when it runs
    return;
  }
  unknown(used, names).forEach(({ name }) => report(`unknown name '${name}'`));
  try {
    expression.root = built(kind, expression.text, names);
  } catch (error) {
    report(error.message);
  }
}

/** Walks a boxed expression with the names in scope. */
function visit(state, node, names, open = false) {
  if (!node) {
    return;
  }
  const into = (child, more = {}) => visit(state, child, { ...names, ...more }, open);
  switch (node.kind) {
  case 'literal':
    text(state, 'e', node, names, open);
    break;
  case 'table':
    visitTable(state, node, names, open);
    break;
  case 'context': {
    const seen = {};
    for (const { name, expression } of node.entries) {
      into(expression, seen);
      if (name !== null) seen[name] = null;
    }
    break;
  }
  case 'list':
    node.items.forEach(item => into(item));
    break;
  case 'relation':
    node.rows.flat().forEach(cell => into(cell));
    break;
  case 'function':
    into(node.body, namesToScope(node.params.map(({ name }) => name)));
    break;
  case 'invocation':
    into(node.target);
    node.bindings.forEach(({ expression }) => into(expression));
    break;
  case 'if':
    [node.condition, node.then, node.else].forEach(child => into(child));
    break;
  default:
    into(node.in);
    visit(state, node.body, { ...names, ...namesToScope(node.variable ? [node.variable, 'partial'] : ['item']) },
      open || node.kind === 'filter');
  }
}

function visitTable(state, node, names, open) {
  const tests = { ...names, '?': null };
  for (const input of node.inputs) {
    text(state, 'e', input.expression, names, open);
    text(state, 'u', input.allowed, tests, open);
  }
  for (const output of node.outputs) {
    text(state, 'u', output.allowed, tests, open);
    text(state, 'e', output.order, names, open);
    text(state, 'e', output.fallback, names, open);
  }
  for (const rule of node.rules) {
    rule.tests.forEach(cell => text(state, 'u', cell, tests, open));
    rule.outputs.forEach(cell => text(state, 'e', cell, names, open));
  }
}
