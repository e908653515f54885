// Dates and times read the same in every browser: a text field says 2025-12-01 08:30, and the browser's own picker is an aid beside
// it. What is typed loosely (20251201, 2025/12/1, 0830, full-width digits) is written out when the field is left.
(() => {
  const DAY = '(\\d{4})(?:[-/.年](\\d{1,2})[-/.月](\\d{1,2})日?|(\\d\\d)(\\d\\d))';
  const HOUR = '(?:(\\d{1,2})[:.点](\\d\\d)分?|(\\d{1,2})(\\d\\d))(?::\\d\\d)?';
  const FORMS = { date: `^${DAY}$`, time: `^()()()()()${HOUR}$`, datetime: `^${DAY}[T\\s]*${HOUR}$` };
  const NATIVE = { date: 'date', time: 'time', datetime: 'datetime-local' };
  const two = text => text.padStart(2, '0');

  // the same text as webui/moments.py makes of it; null where it is none
  function written(kind, text) {
    const found = new RegExp(FORMS[kind]).exec(text.normalize('NFKC').trim());
    if (!found) return null;
    const [, year, month, day, mm, dd, hour, minute, hh, ii] = found;
    const parts = [];
    if (year) parts.push([year, two(month || mm), two(day || dd)].join('-'));
    if (hour || hh) parts.push([two(hour || hh), minute || ii].join(':'));
    return real(parts) ? parts.join(' ') : null;
  }
  function real(parts) { // 2025-02-30 and 25:10 are none
    const [day, hour] = parts.length === 2 ? parts : parts[0].includes('-') ? parts : ['2000-01-01', parts[0]];
    const at = new Date(`${day}T${hour || '00:00'}:00Z`);
    return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day);
  }

  const field = target => target.closest?.('input[data-moment]');
  function check(input) {
    const text = input.value.trim() && written(input.dataset.moment, input.value);
    if (text) input.value = text;
    const good = text || !input.value.trim() && !input.required;
    input.setCustomValidity(good ? '' : input.dataset.bad);
  }
  document.addEventListener('change', event => { if (field(event.target)) check(event.target); });
  document.addEventListener('input', event => { if (field(event.target)) event.target.setCustomValidity(''); });
  document.addEventListener('invalid', event => { if (field(event.target)) event.target.setCustomValidity(event.target.dataset.bad); }, true);
  document.addEventListener('submit', event => { for (const input of event.target.querySelectorAll('input[data-moment]')) check(input); }, true);

  // the picker is the browser's own control under the button; it is made when it is first asked for
  function picker(input) {
    const known = input.parentElement.querySelector('.z-native');
    if (known) return known;
    const made = Object.assign(document.createElement('input'), { type: NATIVE[input.dataset.moment], className: 'z-native', tabIndex: -1 });
    made.setAttribute('aria-hidden', 'true');
    made.addEventListener('change', event => {
      event.stopPropagation(); // the form hears of it once, from the field that is sent
      if (!made.value) return;
      input.value = written(input.dataset.moment, made.value);
      for (const kind of ['input', 'change']) input.dispatchEvent(new Event(kind, { bubbles: true }));
      input.focus();
    });
    made.addEventListener('input', event => event.stopPropagation());
    input.after(made);
    return made;
  }
  document.addEventListener('click', event => {
    const button = event.target.closest?.('[data-pick]');
    if (!button) return;
    const input = button.parentElement.querySelector('input[data-moment]'), native = picker(input);
    native.max = input.dataset.latest || '';
    native.value = (written(input.dataset.moment, input.value) || '').replace(' ', 'T');
    if (native.showPicker) native.showPicker(); else native.focus();
  });
})();
