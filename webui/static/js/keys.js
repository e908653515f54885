// Single keys. Each belongs to a visible element: data-key="n" presses it. Off while typing, while an input method composes,
// with Ctrl/Alt/Meta held, and by the switch in the person's menu. `?` lists what works on this page. data-row-key="x" belongs to
// each row and presses the one in focus.
(() => {
  const dialog = () => document.getElementById('keys');
  const on = () => document.body.dataset.keys !== 'off';
  const typing = el => el instanceof HTMLElement && (el.isContentEditable || el.matches('textarea, select, input:not([type="radio"], [type="checkbox"], [type="button"], [type="submit"], [type="file"])'));
  const shown = el => el.checkVisibility ? el.checkVisibility() : el.offsetParent !== null;

  // what the keys that no element carries need to be of use here
  const NEEDS = { '/': '#find, [data-find]', '↑ ↓': '[data-rows] > li', '← →': '#board section:has([data-rows]) ~ section [data-rows]',
    '↵': '[data-rows] [data-row-action], [data-enter]', '1–9': '[data-digits], .z-cats input', 'Ctrl ↵': 'form[data-main], [data-default]' };
  const works = key => !NEEDS[key] || [...document.querySelectorAll(NEEDS[key])].some(shown);
  const rowKeys = () => [...document.querySelectorAll('[data-rows] > li[aria-current] [data-row-key]')];

  // rows: the one in focus carries aria-current, its button is the filled one
  const rows = () => [...document.querySelectorAll('[data-rows] > li')].filter(shown);
  function move(step) {
    const list = rows();
    if (!list.length) return false;
    const at = list.findIndex(r => r.hasAttribute('aria-current'));
    const next = list[Math.max(0, Math.min(list.length - 1, at + step))];
    list.forEach(r => r.removeAttribute('aria-current'));
    next.setAttribute('aria-current', 'true');
    next.scrollIntoView({ block: 'nearest' });
    next.querySelector('[data-row-action]')?.focus({ preventScroll: true });
    return true;
  }

  function list() {
    const dl = document.querySelector('[data-key-list]');
    const pairs = Object.fromEntries(Object.entries(JSON.parse(dl.dataset.shared)).filter(([key]) => works(key)));
    for (const el of rowKeys()) pairs[el.dataset.rowKey.toUpperCase()] = el.dataset.keyName;
    for (const el of document.querySelectorAll('[data-key]')) {
      if (shown(el)) pairs[el.dataset.key.toUpperCase()] = el.dataset.keyName || el.textContent.replace(/\s+\S{1,2}\s*$/, '').trim();
    }
    dl.replaceChildren(...Object.entries(pairs).flatMap(([key, words]) => {
      const dt = document.createElement('dt'), dd = document.createElement('dd'), kbd = document.createElement('kbd');
      kbd.className = 'z-key'; kbd.textContent = key; dt.append(kbd); dd.textContent = words;
      return [dt, dd];
    }));
    if (!dialog().open) dialog().showModal();
  }

  document.addEventListener('keydown', event => {
    if (event.isComposing || event.keyCode === 229) return;
    if ((event.ctrlKey || event.metaKey) && event.key === 'Enter') {
      const form = event.target.closest?.('form') || document.querySelector('form[data-main]');
      if (form) { event.preventDefault(); form.requestSubmit(form.querySelector('[data-default]') || undefined); }
      return;
    }
    if (event.key === 'Escape' && typing(event.target)) { event.target.blur(); return; }
    if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target) || !on()) return;
    if (document.querySelector('dialog[open]')) return;
    if (event.key === '?') { event.preventDefault(); list(); return; }
    if (event.key === '/') { const find = document.querySelector('[data-find]') || document.getElementById('find'); if (find) { event.preventDefault(); find.focus(); find.select(); } return; }
    const radio = event.target instanceof HTMLInputElement && event.target.type === 'radio';
    if (/^[1-9]$/.test(event.key)) {
      const group = radio ? event.target.closest('[role="radiogroup"], .z-cats') : document.querySelector('[data-digits]');
      const choice = group?.querySelectorAll('input[type="radio"]')[Number(event.key) - 1];
      if (choice) {
        event.preventDefault();
        choice.checked = true;
        choice.dispatchEvent(new Event('change', { bubbles: true }));
        // a digit out of the blue goes on to the words; inside the group the focus stays in it
        const words = radio ? null : [...choice.form.querySelectorAll('textarea')].find(t => !t.value && shown(t));
        (words || choice).focus();
      }
      return;
    }
    if (radio) return; // arrows and letters belong to the group
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') { if (move(event.key === 'ArrowDown' ? 1 : -1)) event.preventDefault(); return; }
    if (event.key === 'Enter' && (event.target === document.body || event.target.id === 'main')) {
      const main = document.querySelector('[data-rows] > li[aria-current] [data-row-action]') || document.querySelector('[data-enter]');
      if (main) { event.preventDefault(); main.click(); }
      return;
    }
    const key = event.key.toLowerCase();
    const owner = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find(shown) || rowKeys().find(el => el.dataset.rowKey === key);
    if (!owner) return;
    event.preventDefault();
    if (owner.matches('select')) owner.focus(); else owner.click();
  });

  document.addEventListener('click', event => {
    const open = event.target.closest('[data-open]');
    if (open) { document.getElementById(open.dataset.open)?.showModal(); return; }
    if (event.target.closest('[data-close]')) event.target.closest('dialog')?.close();
    if (event.target.closest('[data-open-keys]')) list();
    for (const menu of document.querySelectorAll('details.z-menu[open]')) if (!menu.contains(event.target)) menu.open = false;
  });
})();
