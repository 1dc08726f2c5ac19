// The present moment as a signal, for "in 5 minutes" and for the rule that a time must lie ahead.
import { signal } from '@preact/signals';

export const now = signal(Date.now());

const EVERY_MS = 5000;
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, EVERY_MS);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) now.value = Date.now();
});
