// QuickJS has no Intl; feelin's Temporal polyfill needs Intl.DateTimeFormat only to find the offsets of a zone.
// A zone's table, {id, t: [ms of each change], o: [offset seconds]}, is asked of the parent process once.
import { ask } from './host.js';

const tables = new Map();
const UTC = { id: 'UTC', t: [], o: [0] };

function table(name) {
  if (['UTC', 'GMT', 'ETC/UTC'].includes(name.toUpperCase())) {
    return UTC;
  }
  if (!tables.has(name)) {
    tables.set(name, ask({ zone: name }));
  }
  return tables.get(name);
}

function offsetAt({ t, o }, ms) {
  let low = 0;
  let high = t.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (t[middle] <= ms) low = middle + 1;
    else high = middle;
  }
  return o[low];
}

class DateTimeFormat {
  constructor(locale, options) {
    this.table = table(options?.timeZone || 'UTC');
    if (!this.table) {
      throw new RangeError(`no time zone ${options.timeZone}`);
    }
  }

  resolvedOptions() {
    return { timeZone: this.table.id, locale: 'en', calendar: 'iso8601', numberingSystem: 'latn' };
  }

  formatToParts(ms) {
    const at = new Date(Number(ms) + offsetAt(this.table, ms) * 1000);
    const year = at.getUTCFullYear();
    const parts = {
      era: year > 0 ? 'AD' : 'BC', year: year > 0 ? year : 1 - year, month: at.getUTCMonth() + 1, day: at.getUTCDate(),
      hour: at.getUTCHours(), minute: at.getUTCMinutes(), second: at.getUTCSeconds(),
    };
    return Object.entries(parts).map(([type, value]) => ({ type, value: String(value) }));
  }
}

if (typeof Intl === 'undefined') {
  globalThis.Intl = { DateTimeFormat };
}
