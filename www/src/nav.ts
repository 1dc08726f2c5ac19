// Moving between screens from code. The router of preact-iso listens for clicks on links and for popstate, and
// this speaks to it in the second way, so that screens need no hook and no context.
import { signal } from '@preact/signals';

export const path = signal(location.pathname);

export function navigate(url: string, replace = false): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', url);
  dispatchEvent(new PopStateEvent('popstate'));
  if (!replace) scrollTo(0, 0);
}

/** Changes members of the query of the present screen without a new entry in the history. */
export function setQuery(change: Record<string, string | null>): void {
  const url = new URL(location.href);
  for (const [k, v] of Object.entries(change)) {
    if (v === null) url.searchParams.delete(k);
    else url.searchParams.set(k, v);
  }
  navigate(url.pathname + url.search, true);
}

/** After a screen has come: its title in the tab, the focus on its heading, as a page load would do it. */
export function arrived(): void {
  const heading = document.querySelector<HTMLElement>('main h1');
  heading?.focus({ preventScroll: true });
}

const NAME = 'Scheduler';
const prefix = signal('');
let screen = '';

export function setTitle(title: string): void {
  screen = title;
  show();
}

/** Upload progress in front of the title, so that it can be followed from another tab. */
export function setTitlePrefix(text: string): void {
  prefix.value = text;
  show();
}

function show(): void {
  document.title = `${prefix.value ? `${prefix.value} · ` : ''}${screen ? `${screen} · ` : ''}${NAME}`;
}
