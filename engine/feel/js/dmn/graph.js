// The requirement graph: a decision's scope is what it requires (inputs, decisions, knowledge models, services), each
// evaluated once. A file that draws no input data is open: its tables name their inputs themselves, by their input
// expressions.
import { FeelFunction } from 'feelin';
import { functionsOf } from '../expressions.js';
import { toWire } from '../values.js';
import { box, functionOf } from './boxed.js';
import { Failure, placed } from './texts.js';
import { typed } from './types.js';

/** The value of a decision and its trail: per evaluated table the inputs and the rules that hit (1-based). */
export function decide(model, decisionId, given) {
  const run = { model, given, done: new Map(), trail: new Trail() };
  const value = decision(run, decisionId);
  return { v: toWire(value), trail: run.trail.tables };
}

class Trail {
  constructor() {
    this.tables = [];
  }

  hit(node, inputs, hits) {
    this.tables.push({
      decision: node.decision,
      rules: hits.map(hit => hit + 1),
      inputs: Object.fromEntries(node.inputs.map((input, column) => [input.name, toWire(inputs[column])])),
    });
  }
}

function decision(run, id) {
  if (!run.done.has(id)) {
    const node = run.model.decisions[id];
    run.done.set(id, named(node.name, () => {
      const result = box(run.model, node.expression, scope(run, node), run.trail);
      return node.type ? placed('', () => typed(run.model, node.type, result)) : result;
    }));
  }
  return run.done.get(id);
}

/** A failure inside names its decision first: "Service level, rule 3, input 类别". */
function named(name, body) {
  try {
    return body();
  } catch (error) {
    if (error instanceof Failure && !error.decision) {
      error.decision = name;
    }
    throw error;
  }
}

function scope(run, node) {
  const { model } = run;
  const names = { ...functionsOf(model.functions) };
  if (model.open) {
    for (const name of node.takes) {
      names[name] = run.given[name];
    }
  }
  for (const id of node.requires) {
    if (Object.hasOwn(model.inputs, id)) {
      const { name, type } = model.inputs[id];
      const value = run.given[name] ?? null;
      names[name] = type ? placed(`input ${name}`, () => typed(model, type, value)) : value;
    } else if (Object.hasOwn(model.decisions, id)) {
      names[model.decisions[id].name] = decision(run, id);
    } else if (Object.hasOwn(model.knowledge, id)) {
      names[model.knowledge[id].name] = knowledge(run, id);
    } else if (Object.hasOwn(model.services, id)) {
      names[model.services[id].name] = service(run, id);
    }
  }
  return names;
}

function knowledge(run, id) {
  const node = run.model.knowledge[id];
  return named(node.name, () => functionOf(run.model, node.expression, scope(run, node), run.trail));
}

function service(run, id) {
  const { model } = run;
  const node = model.services[id];
  const nameOf = decisionId => model.decisions[decisionId].name;
  const names = [...node.inputs.map(input => model.inputs[input].name), ...node.decisions.map(nameOf)];
  return new FeelFunction((...args) => {
    const given = {};
    names.forEach((name, index) => { given[name] = args[index] ?? null; });
    const inner = { ...run, given, done: new Map(node.decisions.map(each => [each, given[nameOf(each)]])) };
    const results = node.outputs.map(output => decision(inner, output));
    if (results.length === 1) {
      return results[0];
    }
    return Object.fromEntries(node.outputs.map((output, index) => [nameOf(output), results[index]]));
  }, names);
}
