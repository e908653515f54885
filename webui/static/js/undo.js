// The offer to undo counts down and goes when its time is over; under the pointer or the focus it stays, but can no longer be used.
(() => {
  const toast = document.querySelector('[data-undo]');
  if (!toast) return;
  const until = performance.now() + Number(toast.dataset.undo) * 1000;
  const button = toast.querySelector('button'), left = toast.querySelector('.n');
  const words = left.textContent;
  function tick() {
    const seconds = Math.ceil((until - performance.now()) / 1000);
    if (seconds > 0) { left.textContent = words.replace(/\d+/, seconds); return; }
    if (!toast.matches(':hover, :focus-within')) { clearInterval(watch); toast.remove(); return; }
    if (!button.disabled) { button.disabled = true; button.removeAttribute('data-key'); left.textContent = toast.dataset.over; }
  }
  const watch = setInterval(tick, 500);
})();
