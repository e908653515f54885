// The board: left and right go to the next lane, and nothing is fetched anew while rows are selected.
(() => {
  const board = () => document.getElementById('board');
  const boxes = () => [...document.querySelectorAll('#board input[name="task"]')];
  const typing = el => el.matches?.('textarea, select, input:not([type="checkbox"])');
  const current = () => document.querySelector('#board [data-rows] > li[aria-current]');

  function say() {
    const words = document.querySelector('[data-picked]');
    if (words) words.textContent = words.dataset.words.replace('0', boxes().filter(b => b.checked).length);
  }

  function stand(row) {
    document.querySelectorAll('#board [data-rows] > li[aria-current]').forEach(r => r.removeAttribute('aria-current'));
    row.setAttribute('aria-current', 'true');
  }

  function aside(step) {
    const lanes = [...document.querySelectorAll('#board [data-rows]')], row = current();
    const at = lanes.findIndex(lane => lane.contains(row)), lane = lanes[at + step];
    if (!row || !lane) return false;
    const next = lane.children[Math.min([...row.parentElement.children].indexOf(row), lane.children.length - 1)];
    stand(next);
    next.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    next.querySelector('[data-row-action]')?.focus({ preventScroll: true });
    return true;
  }

  document.addEventListener('keydown', event => {
    if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey || document.body.dataset.keys === 'off') return;
    if (typing(event.target) || document.querySelector('dialog[open]')) return;
    if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') { if (aside(event.key === 'ArrowRight' ? 1 : -1)) event.preventDefault(); }
  });
  document.addEventListener('focusin', event => {
    const row = event.target.closest?.('#board [data-rows] > li');
    if (row) stand(row);
  });
  document.addEventListener('change', event => { if (event.target.name === 'task') say(); });
  document.addEventListener('htmx:beforeRequest', event => {
    const here = board();
    if (event.detail.elt === here && (boxes().some(b => b.checked) || here.contains(document.activeElement) || here.matches(':hover'))) event.preventDefault();
  });
  say();
})();
