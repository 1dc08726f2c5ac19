// The first question to the server: who is here? While it cannot be answered, the page says so and asks again.
import { signal } from '@preact/signals';
import { asError, loadSession } from './api';
import type { ApiError } from './api';

export const bootError = signal<ApiError | null>(null);

export async function boot(): Promise<void> {
  bootError.value = null;
  try {
    await loadSession();
  } catch (e) {
    bootError.value = asError(e);
  }
}
