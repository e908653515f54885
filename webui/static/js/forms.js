// Forms: one submit at a time, photos sent as soon as they are chosen, fields that appear by a condition, results that fill a field.
(() => {
  // the answer to a second click is the first answer (request_id), but a person should see that it was taken
  document.addEventListener('submit', event => {
    const form = event.target;
    if (form.method === 'dialog' || form.hasAttribute('hx-post')) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = '1';
    setTimeout(() => form.querySelectorAll('button').forEach(b => b.classList.add('z-busy')), 0);
  });
  window.addEventListener('pageshow', () => document.querySelectorAll('form[data-sent]').forEach(f => delete f.dataset.sent));

  // which fields are there depends on what stands in others: the server says, with the engine's own evaluation
  const asked = new WeakMap();
  async function shape(form) {
    asked.get(form)?.abort();
    const control = new AbortController();
    asked.set(form, control);
    const data = new FormData(form);
    for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
    const answer = await fetch(form.dataset.shape, { method: 'POST', body: data, signal: control.signal })
      .then(a => a.ok ? a.json() : null).catch(() => null); // overtaken by the next change, or no network
    if (!answer) return;
    const { hidden } = answer;
    for (const part of form.querySelectorAll('[data-field]')) part.hidden = hidden.includes(part.dataset.field);
  }
  document.addEventListener('change', event => {
    const form = event.target.closest?.('form[data-shape]');
    if (form && event.target.type !== 'file') shape(form);
  });
  // a main button that repeats what was picked: 接单, 要问一句
  document.addEventListener('change', event => {
    const says = event.target.form?.querySelector(`[data-says="${CSS.escape(event.target.name || '')}"]`);
    if (says && event.target.type === 'radio') says.textContent = event.target.closest('label').textContent.trim();
  });
  document.querySelectorAll('form[data-shape]').forEach(shape); // what the browser kept from before a reload

  // a file control says in the application's words what was chosen, and what is missing
  document.addEventListener('change', event => {
    const box = event.target.type === 'file' && event.target.closest('.z-file');
    if (!box) return;
    event.target.setCustomValidity('');
    const names = [...event.target.files].map(file => file.name);
    box.querySelector('[data-file-names]').textContent = (names.length > 1 ? box.dataset.many.replace('%d', names.length) : '') + names.join('  ');
  });
  document.addEventListener('invalid', event => {
    const box = event.target.type === 'file' && event.target.closest('.z-file');
    if (box && event.target.validity.valueMissing) event.target.setCustomValidity(box.dataset.missing);
  }, true);

  // arrow down from a search field goes into its results, Escape closes them
  document.addEventListener('keydown', event => {
    if (event.isComposing) return;
    const box = event.target.closest?.('.z-pick') || event.target.closest?.('.z-search');
    if (!box) return;
    const items = [...box.querySelectorAll('.z-found :is(a, button)')];
    if (event.key === 'Escape') { box.querySelector('.z-found')?.replaceChildren(); return; }
    if (event.key === 'Enter' && !event.ctrlKey && event.target.matches('input[type="search"]') && box.matches('.z-pick')) { event.preventDefault(); items[0]?.click(); return; }
    if (!items.length || !['ArrowDown', 'ArrowUp'].includes(event.key)) return;
    event.preventDefault();
    const at = items.indexOf(document.activeElement);
    const next = event.key === 'ArrowDown' ? Math.min(items.length - 1, at + 1) : at - 1;
    (next < 0 ? box.querySelector('input') : items[next]).focus();
  });

  // a note that something was done goes away by itself, but never under the pointer or the focus
  for (const toast of document.querySelectorAll('[data-toast]')) {
    const away = () => toast.matches(':hover, :focus-within') ? setTimeout(away, 2000) : toast.remove();
    setTimeout(away, 8000);
  }

  // lists that look again by themselves wait while somebody is at them: nothing moves under the cursor
  document.addEventListener('htmx:beforeRequest', event => {
    const list = event.detail.elt;
    if (['desk', 'queue'].includes(list.id) && (list.contains(document.activeElement) || list.matches(':hover'))) event.preventDefault();
  });

  // moving tokens: the parts of the ticket page that depend on the state are fetched again
  document.addEventListener('zhiban:moved', () => document.body.dispatchEvent(new CustomEvent('moved', { bubbles: true })));
})();
