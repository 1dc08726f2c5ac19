// The one way to the server. It knows the session and its CSRF token, turns every failure into an ApiError, and
// when the session has ended in the middle of work it waits for the sign-in dialog and then repeats the request,
// so that no text is lost.
import { signal } from '@preact/signals';
import type { Session } from './types';

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: Record<string, string> = {},
    readonly requestId = '',
    /** Seconds, 0 when the server did not say. */
    readonly retryAfter = 0,
  ) {
    super(message);
  }
}

/** undefined: not known yet; null: signed out. */
export const session = signal<Session | null | undefined>(undefined);
/** The session ended under somebody's hands: the dialog is open. */
export const expired = signal(false);

const TIMEOUT_MS = 20_000;
let signedInAgain: { promise: Promise<void>; done: () => void } | null = null;

/** Opens the sign-in dialog over the page and resolves when it succeeded. */
export function signInAgain(): Promise<void> {
  if (!signedInAgain) {
    let done = () => {};
    const promise = new Promise<void>((r) => (done = r));
    signedInAgain = { promise, done };
    expired.value = true;
  }
  return signedInAgain.promise;
}

export function signedIn(s: Session): void {
  session.value = s;
  expired.value = false;
  signedInAgain?.done();
  signedInAgain = null;
}

export interface Options {
  body?: unknown;
  ifMatch?: number;
  idempotencyKey?: string;
  headers?: Record<string, string>;
  /** Refuse with 401 rather than ask for the password again. */
  noDialog?: boolean;
}

export const csrfHeaders = (): Record<string, string> => {
  const token = session.value?.csrf_token;
  return token ? { 'X-CSRF-Token': token } : {};
};

async function send(method: string, path: string, o: Options): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', ...o.headers };
  if (method !== 'GET') Object.assign(headers, csrfHeaders());
  if (o.ifMatch !== undefined) headers['If-Match'] = `"${o.ifMatch}"`;
  if (o.idempotencyKey) headers['Idempotency-Key'] = o.idempotencyKey;
  const init: RequestInit = { method, headers, credentials: 'same-origin', signal: AbortSignal.timeout(TIMEOUT_MS) };
  if (o.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(o.body);
  }
  try {
    return await fetch(path, init);
  } catch {
    throw new ApiError(0, 'offline', 'The server cannot be reached. Check your connection; nothing you wrote is lost.');
  }
}

async function failure(r: Response): Promise<ApiError> {
  const retryAfter = Number(r.headers.get('Retry-After') ?? 0) || 0;
  try {
    const { error } = (await r.json()) as { error: { code: string; message: string; fields?: Record<string, string>; request_id: string } };
    return new ApiError(r.status, error.code, error.message, error.fields ?? {}, error.request_id, retryAfter);
  } catch {
    return new ApiError(r.status, 'unreadable', `The server answered ${r.status} without saying why.`, {}, '', retryAfter);
  }
}

/** The whole answer, for those who read its headers; throws for every status that is not 2xx or 304. */
export async function request(method: string, path: string, o: Options = {}): Promise<Response> {
  for (;;) {
    const r = await send(method, path, o);
    if (r.ok || r.status === 304) return r;
    if (r.status !== 401 || o.noDialog || !session.value) throw await failure(r);
    await signInAgain();
  }
}

export async function api<T>(method: string, path: string, o: Options = {}): Promise<T> {
  const r = await request(method, path, o);
  return (r.status === 204 ? undefined : await r.json()) as T;
}

export const get = <T>(path: string): Promise<T> => api<T>('GET', path);

export async function loadSession(): Promise<void> {
  try {
    session.value = await api<Session>('GET', '/api/v1/session', { noDialog: true });
  } catch (e) {
    if (e instanceof ApiError && e.status === 401) session.value = null;
    else throw e;
  }
}

export async function signIn(email: string, password: string): Promise<void> {
  signedIn(await api<Session>('POST', '/api/v1/session', { body: { email, password }, noDialog: true }));
}

export async function signOut(): Promise<void> {
  await api('DELETE', '/api/v1/session', { noDialog: true }).catch((e: unknown) => {
    if (!(e instanceof ApiError && e.status === 401)) throw e;
  });
  location.assign('/');
}

export const asError = (e: unknown): ApiError => (e instanceof ApiError ? e : new ApiError(0, 'internal', String(e)));

/** The same key for the same intent makes a repeated create harmless. randomUUID exists only on https and loopback. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
}
