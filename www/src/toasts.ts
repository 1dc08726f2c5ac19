// Short messages at the edge of the page. They are announced, and go by themselves unless something went wrong.
import { signal } from '@preact/signals';
import type { Tone } from './words';

export interface Toast {
  id: number;
  text: string;
  tone: Tone;
  link?: { text: string; href: string };
}

export const toasts = signal<Toast[]>([]);
let last = 0;
const SHOWN_MS = 7000;

export function toast(text: string, tone: Tone = 'good', link?: Toast['link']): void {
  const t: Toast = { id: ++last, text, tone, ...(link ? { link } : {}) };
  toasts.value = [...toasts.value, t].slice(-3);
  if (tone !== 'bad') setTimeout(() => dismissToast(t.id), SHOWN_MS);
}

export function dismissToast(id: number): void {
  toasts.value = toasts.value.filter((t) => t.id !== id);
}
