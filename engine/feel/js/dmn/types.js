// DMN types: whether a value conforms to a typeRef, and the few conversions the standard asks for
// (a list of one item and its item, a date where a date and time is meant).
import { FeelDate, FeelDateTime, FeelDuration, FeelTime, dateAndTime, isFunction } from 'feelin';
import { holds } from './texts.js';

const BASE = {
  string: v => typeof v === 'string',
  number: v => typeof v === 'number',
  boolean: v => typeof v === 'boolean',
  date: v => v instanceof FeelDate,
  time: v => v instanceof FeelTime,
  'date and time': v => v instanceof FeelDateTime,
  'days and time duration': v => v instanceof FeelDuration && !v.yearsMonths,
  'years and months duration': v => v instanceof FeelDuration && v.yearsMonths,
  context: v => typeof v === 'object' && !Array.isArray(v),
  list: v => Array.isArray(v),
  function: v => isFunction(v),
  Any: () => true,
};
// what older files and other tools write
const ALIASES = {
  dateTime: 'date and time', dayTimeDuration: 'days and time duration', yearMonthDuration: 'years and months duration',
  integer: 'number', long: 'number', double: 'number',
};

const BAD = Symbol('does not conform');

/** The value as the type wants it; throws a TypeError that names value and type. Null conforms to every type. */
export function typed(model, typeRef, value) {
  const result = coerce(model, typeRef, value);
  if (result === BAD) {
    throw new TypeError(`${shown(value)} is not of type ${typeRef}`);
  }
  return result;
}

export function conforms(model, typeRef, value) {
  return coerce(model, typeRef, value) !== BAD;
}

function shown(value) {
  const text = typeof value === 'string' ? `"${value}"` : Array.isArray(value) ? 'a list' : String(value);
  return text === '[object Object]' ? 'a context' : text;
}

function coerce(model, typeRef, value) {
  if (value === null || value === undefined) {
    return null;
  }
  const definition = Object.hasOwn(model.types, typeRef) ? model.types[typeRef] : null;
  if (!definition) {
    return coerceBase(ALIASES[typeRef] ?? typeRef, value);
  }
  return coerceDefined(model, definition, value, definition.collection);
}

function coerceBase(name, value) {
  const test = BASE[name];
  if (!test || test(value)) {
    return value;
  }
  if (Array.isArray(value) && value.length === 1 && test(value[0])) {
    return value[0];
  }
  if (name === 'date and time' && value instanceof FeelDate) {
    return dateAndTime(`${value}T00:00:00Z`);
  }
  return BAD;
}

function coerceDefined(model, definition, value, collection) {
  if (value === null || value === undefined) {
    return null;
  }
  if (collection) {
    const items = (Array.isArray(value) ? value : [value]).map(item => coerceDefined(model, definition, item, false));
    return items.includes(BAD) ? BAD : items;
  }
  const { components, ref } = definition;
  const result = components ? coerceComponents(model, components, value) : coerce(model, ref, value);
  if (result === BAD || result === null || !definition.allowed) {
    return result;
  }
  const values = Array.isArray(result) ? result : [result];
  return values.every(item => holds(definition.allowed, { '?': item })) ? result : BAD;
}

function coerceComponents(model, components, value) {
  const given = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (!BASE.context(given) || given instanceof FeelDate) {
    return BAD;
  }
  const result = { ...given };
  for (const component of components) {
    if (!(component.name in given)) {
      return BAD;
    }
    result[component.name] = coerceDefined(model, component, given[component.name], component.collection);
    if (result[component.name] === BAD) {
      return BAD;
    }
  }
  return result;
}
