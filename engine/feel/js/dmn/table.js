// One decision table: which rules hit, and what the hit policy makes of their outputs.
import { cmp, equals, getType, sum } from 'feelin';
import { toWire } from '../values.js';
import { Failure, holds, placed, value } from './texts.js';
import { typed } from './types.js';

/** Raised when the table itself is contradictory: the message names the rules. */
class PolicyError extends Error {}

export function table(model, node, scope, trail) {
  const inputs = node.inputs.map(input => inputValue(model, input, scope));
  const hits = hitRules(node, inputs, scope);
  trail.hit(node, inputs, hits);
  if (!hits.length) {
    return fallback(node, scope);
  }
  const rows = hits.map(index => outputs(model, node, node.rules[index], scope));
  return placed('', () => POLICIES[node.policy](node, rows, hits, scope));
}

function inputValue(model, input, scope) {
  const given = value(input.expression, scope);
  const checked = input.type ? placed(input.at, () => typed(model, input.type, given)) : given;
  if (input.allowed && checked !== null && !holds(input.allowed, { ...scope, '?': checked })) {
    throw notAllowed(input.at, checked, input.allowed);
  }
  return checked;
}

function notAllowed(at, given, allowed) {
  const message = `${JSON.stringify(toWire(given))} is not one of the allowed values ${allowed.text}`;
  return new Failure(at, new PolicyError(message), null);
}

function hitRules(node, inputs, scope) {
  const scopes = inputs.map(input => ({ ...scope, '?': input })); // one per column, not one per cell
  const hits = [];
  for (let index = 0; index < node.rules.length; index++) {
    if (node.rules[index].tests.every((test, column) => holds(test, scopes[column]))) {
      hits.push(index);
      if (node.policy === 'FIRST') break;
    }
  }
  return hits;
}

function outputs(model, node, rule, scope) {
  return rule.outputs.map((cell, column) => {
    const output = node.outputs[column];
    const given = cell.any ? null : value(cell, scope);
    const checked = output.type ? placed(cell.at, () => typed(model, output.type, given)) : given;
    if (output.allowed && checked !== null && !holds(output.allowed, { ...scope, '?': checked })) {
      throw notAllowed(cell.at, checked, output.allowed);
    }
    return checked;
  });
}

function build(node, row) {
  if (node.outputs.length === 1) {
    return row[0];
  }
  return Object.fromEntries(row.map((cell, column) => [node.outputs[column].name, cell]));
}

function fallback(node, scope) {
  if (node.outputs.some(output => output.fallback)) {
    return build(node, node.outputs.map(output => output.fallback ? value(output.fallback, scope) : null));
  }
  return node.policy === 'COLLECT' && node.aggregation === 'COUNT' ? 0 : null;
}

/** Rows in the order of the output values, the first output column weighing most. */
function byPriority(node, rows, scope) {
  const orders = node.outputs.map(output => output.order ? value(output.order, scope) : []);
  const rank = row => row.map((cell, column) => {
    const place = orders[column].findIndex(known => equals(known, cell) === true);
    return place < 0 ? orders[column].length : place;
  });
  return rows.map(row => ({ row, rank: rank(row) })).sort((a, b) => {
    const column = a.rank.findIndex((place, index) => place !== b.rank[index]);
    return column < 0 ? 0 : a.rank[column] - b.rank[column];
  }).map(({ row }) => row);
}

const sameRow = (a, b) => JSON.stringify(toWire(a)) === JSON.stringify(toWire(b));
const numbered = hits => hits.map(hit => hit + 1).join(', ');

const POLICIES = {
  UNIQUE(node, rows, hits) {
    if (rows.length > 1) {
      throw new PolicyError(`only one rule may hit (UNIQUE), but rules ${numbered(hits)} do`);
    }
    return build(node, rows[0]);
  },
  ANY(node, rows, hits) {
    if (!rows.every(row => sameRow(row, rows[0]))) {
      throw new PolicyError(`rules that hit together must agree (ANY), but rules ${numbered(hits)} differ`);
    }
    return build(node, rows[0]);
  },
  FIRST: (node, rows) => build(node, rows[0]),
  PRIORITY: (node, rows, hits, scope) => build(node, byPriority(node, rows, scope)[0]),
  'OUTPUT ORDER': (node, rows, hits, scope) => byPriority(node, rows, scope).map(row => build(node, row)),
  'RULE ORDER': (node, rows) => rows.map(row => build(node, row)),
  COLLECT(node, rows) {
    const list = rows.map(row => build(node, row));
    return node.aggregation ? AGGREGATIONS[node.aggregation](list) : list;
  },
};

function numbers(list) {
  const wrong = list.find(item => typeof item !== 'number');
  if (wrong !== undefined) {
    throw new PolicyError(`an aggregation needs numbers, got a ${getType(wrong)}`);
  }
  return list;
}

/** Numbers, texts, dates, times or durations: anything of one type that has an order. */
function extreme(list, sign) {
  const types = new Set(list.map(getType));
  if (types.size > 1 || ['nil', 'boolean', 'list', 'context'].includes(getType(list[0]))) {
    throw new PolicyError(`the least or greatest is asked of ${[...types].join(', ')}`);
  }
  return list.reduce((best, item) => sign * cmp(item, best) > 0 ? item : best);
}

const AGGREGATIONS = {
  SUM: list => sum(numbers(list)),
  MIN: list => extreme(list, -1),
  MAX: list => extreme(list, 1),
  COUNT: list => list.length,
};
