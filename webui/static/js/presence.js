// Presence: says every 20 s that this ticket is looked at, or written on, and shows who else is here. It locks nothing.
// Between the beats the answers of the ticket's own look every 5 s (zhiban:state) keep the faces true.
(() => {
  const box = document.querySelector('[data-presence]');
  if (!box) return;
  const token = JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRF-Token'];
  let typed = -Infinity, said = false;

  function show(people) {
    if (!people) return;
    const shown = people.map(({ face, text, writes }) => {
      const who = document.createElement('span'), circle = document.createElement('span');
      circle.className = 'z-face s'; circle.setAttribute('aria-hidden', 'true'); circle.textContent = face;
      who.append(circle, document.createTextNode(text));
      if (writes) who.className = 'writes';
      return who;
    });
    if (box.textContent !== shown.map(s => s.textContent).join('')) box.replaceChildren(...shown);
  }

  function send(values, leaving = false) {
    const body = new URLSearchParams({ csrf_token: token, ...values });
    return fetch(box.dataset.presence, { method: 'POST', body, keepalive: leaving, headers: { 'X-CSRF-Token': token } });
  }

  async function beat() {
    if (document.hidden) return;
    said = performance.now() - typed < 20000;
    const answer = await send(said ? { writes: 1 } : {}).then(a => a.ok ? a.json() : null).catch(() => null);
    show(answer?.people);
  }

  // the first letter is told at once, so that the other one sees it before both have written
  document.addEventListener('input', event => {
    if (!event.target.closest?.('form:not([role="search"])')) return;
    typed = performance.now();
    if (!said) beat();
  });
  document.addEventListener('zhiban:state', event => show(event.detail?.people));
  document.addEventListener('visibilitychange', () => document.hidden ? send({ gone: 1 }, true).catch(() => null) : beat());
  window.addEventListener('pagehide', () => { send({ gone: 1 }, true).catch(() => null); });
  setInterval(beat, 20000);
  beat();
})();
