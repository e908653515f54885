// Values on the wire (JSON) <-> FEEL values. Typed ones are objects with one key: @d date, @t time, @dt date and time,
// @p duration.
import {
  date, time, dateAndTime, duration, isFunction, isRange, FeelDate, FeelTime, FeelDateTime, FeelDuration, StrictError,
} from 'feelin';

const wrong = message => new StrictError('INVALID_TYPE', message);
const READ = { '@d': date, '@t': time, '@dt': dateAndTime, '@p': duration };

export function fromWire(value) {
  if (value === null || typeof value !== 'object') {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map(fromWire);
  }
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0][0] === '@' && READ[keys[0]]) {
    const typed = READ[keys[0]](value[keys[0]]);
    if (typed === null) {
      throw wrong(`${JSON.stringify(value)} is not a value`);
    }
    return typed;
  }
  const context = {};
  for (const key of keys) {
    if (key === '__proto__') {
      throw new StrictError('UNSUPPORTED', "'__proto__' cannot be a key");
    }
    context[key] = fromWire(value[key]);
  }
  return context;
}

export function toWire(value) {
  if (value === undefined || value === null) {
    return null;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw wrong('the number is too large');
    return value;
  }
  if (typeof value !== 'object' && typeof value !== 'function') return value;
  if (Array.isArray(value)) return value.map(toWire);
  if (value instanceof FeelDate) return { '@d': value.toString() };
  if (value instanceof FeelTime) return { '@t': value.toString() };
  if (value instanceof FeelDateTime) return { '@dt': value.toString() };
  if (value instanceof FeelDuration) return { '@p': value.toString() };
  if (isFunction(value) || typeof value === 'function') throw wrong('the result is a function, not a value');
  if (isRange(value)) throw wrong('the result is a range, not a value');
  const context = {};
  for (const key of Object.keys(value)) {
    context[key] = toWire(value[key]);
  }
  return context;
}
