// Evaluating one expression or unary test, and our functions: their bodies run in the parent process.
import { FeelFunction, compile } from 'feelin';
import { ask, reading } from './host.js';
import { fromWire, toWire } from './values.js';

const functionSets = new Map([['', {}]]); // key -> {name: FeelFunction}

export function defineFunctions(key, list) {
  functionSets.set(key, Object.fromEntries(list.map(([name, params]) => [name, remote(name, params)])));
}

export function functionsOf(key) {
  return functionSets.get(key);
}

function remote(name, params) {
  return new FeelFunction((...args) => {
    while (args.length && args[args.length - 1] === undefined) {
      args.pop(); // left out by the author: the Python default applies
    }
    return fromWire(ask({ call: name, args: args.map(toWire) }));
  }, params);
}

export function evaluate(key, text, context) {
  const scope = { ...functionsOf(key), ...fromWire(context) };
  return toWire(compile('e', text, scope, reading)(scope));
}

export function unary(key, text, value, context) {
  const scope = { ...functionsOf(key), ...fromWire(context), '?': fromWire(value) };
  return compile('u', text, scope, reading)(scope)(scope['?'] ?? null) === true;
}
