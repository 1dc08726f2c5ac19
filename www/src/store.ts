// A safe door to localStorage: it can be forbidden, full, or hold what an older version wrote.
export function load<T>(key: string, fallback: T, valid: (v: unknown) => v is T): T {
  try {
    const v: unknown = JSON.parse(localStorage.getItem(`tts.${key}`) ?? 'null');
    return valid(v) ? v : fallback;
  } catch {
    return fallback;
  }
}

export function save(key: string, value: unknown): void {
  try {
    if (value === null) localStorage.removeItem(`tts.${key}`);
    else localStorage.setItem(`tts.${key}`, typeof value === 'string' ? value : JSON.stringify(value));
  } catch {
    // Without storage the choice holds until the page is left.
  }
}

export function loadText(key: string): string | null {
  try {
    return localStorage.getItem(`tts.${key}`);
  } catch {
    return null;
  }
}
