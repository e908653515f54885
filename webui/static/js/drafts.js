// Drafts: what stands in a form is kept on the server a moment after each change, and once more when the page is left.
// The form names where (data-draft); its hidden draft_version says which text this window holds. Nothing here is needed to send
// the form: a submit carries every field as it stands, the last key typed included.
(() => {
  const form = document.querySelector('form[data-draft]');
  if (!form) return;
  const said = document.querySelector('[data-draft-saved]'), older = form.querySelector('[data-draft-older]');
  const version = form.elements.draft_version;
  let timer = 0, asked = null, dirty = false, stopped = false, force = false;

  const say = text => { if (said && text) said.textContent = text; };

  function body() {
    const data = new FormData(form);
    for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
    if (force) data.set('force', '1');
    return data;
  }

  // the address of a new registration gets its draft's id, so that a reload finds it
  function named() {
    const id = form.elements.draft?.value;
    if (id && !location.search.includes(id)) history.replaceState(null, '', `${location.pathname}?draft=${id}`);
  }

  async function save(leaving = false) {
    clearTimeout(timer);
    if (!dirty || stopped) return;
    if (asked && !leaving) { later(400); return; } // one at a time: each answer brings the next version
    dirty = false;
    asked = new AbortController();
    try {
      const answer = await fetch(form.dataset.draft, { method: 'POST', body: body(), signal: asked.signal, keepalive: leaving, headers: { 'X-CSRF-Token': form.elements.csrf_token.value } });
      const told = await answer.json();
      say(told.text);
      if (answer.ok) { version.value = told.version; force = false; named(); if (older) older.hidden = true; }
      else if (answer.status === 409) choose(told);
      else if (answer.status === 429) { dirty = true; later(2000); }
      else stopped = answer.status !== 413; // sent, dropped or signed out
      if (answer.status === 413) dirty = true;
    } catch {
      if (!stopped) { dirty = true; later(5000); } // no network: it is tried again, and the text stays where it is
    } finally { asked = null; }
  }

  function choose(told) {
    if (!older) return;
    older.querySelector('[data-draft-text]').textContent = told.text;
    older.hidden = false;
  }

  function later(wait = 900) { clearTimeout(timer); timer = setTimeout(save, wait); }
  function changed(event) { if (event?.target.type === 'file') return; dirty = true; if (!event?.isComposing) later(); }

  form.addEventListener('input', changed);
  form.addEventListener('change', changed);
  form.addEventListener('compositionend', () => { dirty = true; later(); });
  form.addEventListener('htmx:afterSwap', event => { if (event.target.id === 'who') { dirty = true; later(); } }); // another unit or caller
  older?.querySelector('[data-draft-take]').addEventListener('click', () => { stopped = true; location.reload(); });
  older?.querySelector('[data-draft-keep]').addEventListener('click', () => { force = dirty = true; older.hidden = true; save(); });
  form.addEventListener('submit', () => { stopped = true; clearTimeout(timer); asked?.abort(); });
  window.addEventListener('pageshow', event => { if (event.persisted) stopped = false; });
  document.addEventListener('visibilitychange', () => { if (document.hidden) save(true); });
  window.addEventListener('pagehide', () => save(true));
  if (form.hasAttribute('data-draft-unsaved')) { dirty = true; later(300); } // came back with a fault: keep what was typed
})();
