// Keeps the clock chips true between page loads: counts on from the server's instant and changes the colour when a limit is
// near (80 % used) or past. Words come from the page, so both languages work. Nothing moves, only the text and the class.
(() => {
  const body = document.body.dataset;
  const skew = Number(body.now) * 1000 - Date.now();
  const icons = { mine: 'clock', wait: 'hourglass', soon: 'clock-exclamation', over: 'alert-triangle' };

  const span = minutes => {
    if (minutes < 60) return body.minutes.replace('0', minutes);
    if (minutes < 2880) return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
    return body.days.replace('0', Math.floor(minutes / 1440));
  };

  function tick(chip, now) {
    const due = Number(chip.dataset.due) * 1000, opened = Number(chip.dataset.opened || 0) * 1000;
    const left = due - now;
    const kind = left < 0 ? 'over' : opened && now >= opened + 0.8 * (due - opened) ? 'soon' : null;
    const now_kind = [...chip.classList].find(c => c in icons);
    const next = kind || (now_kind === 'wait' ? 'wait' : 'mine');
    const words = chip.lastElementChild;
    if (next === 'wait' && !chip.dataset.counts) return;
    const text = (chip.dataset.label || '') + (left < 0 ? body.past.replace('{}', span(Math.max(1, Math.ceil(-left / 60000)))) : body.left.replace('{}', span(Math.ceil(left / 60000))));
    if (words.textContent !== text) words.textContent = text;
    if (next !== now_kind) {
      chip.classList.replace(now_kind, next);
      const use = chip.querySelector('use');
      if (use) use.setAttribute('href', use.getAttribute('href').replace(/#.*/, `#${icons[next]}`));
    }
  }

  const all = () => { const now = Date.now() + skew; document.querySelectorAll('.z-clock[data-due]').forEach(c => tick(c, now)); };
  setInterval(all, 10000);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) all(); });
})();
