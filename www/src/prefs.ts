// What this browser remembers about its person: theme and home zone.
import { signal } from '@preact/signals';
import { loadText, save } from './store';
import { browserZone, isZone } from './tz';

export type Theme = 'system' | 'light' | 'dark';

const storedTheme = loadText('theme');
export const theme = signal<Theme>(storedTheme === 'light' || storedTheme === 'dark' ? storedTheme : 'system');

export function setTheme(t: Theme): void {
  theme.value = t;
  save('theme', t === 'system' ? null : t);
  if (t === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = t;
}

const storedZone = loadText('zone');
/** null follows the browser. */
export const chosenZone = signal<string | null>(storedZone && isZone(storedZone) ? storedZone : null);
export const homeZone = (): string => chosenZone.value ?? browserZone();

export function setZone(zone: string | null): void {
  chosenZone.value = zone;
  save('zone', zone);
}
