// A small client of the scheduler's HTTP API over node:http, for the demo of the local
// stack and for the tests. It keeps one session (cookies and CSRF token) or one bearer
// token, sends exactly the headers it is told to, and never follows a redirect by itself.
import http from 'node:http';
import https from 'node:https';
import { open } from 'node:fs/promises';

export const CHUNK_BYTES = 16 * 1024 * 1024;

/** One HTTP exchange. Answers {status, headers, body (Buffer), text, json}. */
export function exchange(url, { method = 'GET', headers = {}, body, timeout = 30_000, agent } = {}) {
  const target = new URL(url);
  const driver = target.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const request = driver.request(
      target,
      { method, headers: { ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }), ...headers }, agent },
      (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => resolve(answerOf(response, Buffer.concat(parts))));
      },
    );
    request.setTimeout(timeout, () => request.destroy(new Error(`${method} ${target.pathname}: no answer within ${timeout} ms`)));
    request.on('error', reject);
    request.end(body);
  });
}

function answerOf(response, body) {
  let json;
  if ((response.headers['content-type'] ?? '').startsWith('application/json') && body.length > 0) {
    json = JSON.parse(body.toString('utf8'));
  }
  return {
    status: response.statusCode,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    body,
    // Made when it is asked for: a film does not fit into a string.
    get text() {
      return body.toString('utf8');
    },
    json,
  };
}

/** What the API said, as an error somebody can act on. */
export class ApiError extends Error {
  constructor(what, answer) {
    const error = answer.json?.error;
    const fields = error?.fields ? ` ${JSON.stringify(error.fields)}` : '';
    super(`${what}: ${answer.status} ${error ? `${error.code}: ${error.message}${fields}` : answer.text.slice(0, 200)}`);
    this.answer = answer;
  }
}

export class Client {
  /** base is the dashboard's address without a trailing slash; token makes an API client. */
  constructor(base, { token } = {}) {
    this.base = base;
    this.token = token;
    this.cookies = new Map();
    this.csrf = undefined;
    this.agent = undefined;
    this.onAnswer = undefined; // called with (method, path, answer) after every exchange
  }

  defaultHeaders(method) {
    const headers = {};
    if (this.token) {
      headers.authorization = `Bearer ${this.token}`;
      return headers;
    }
    if (this.cookies.size > 0) {
      headers.cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    }
    if (!['GET', 'HEAD', 'OPTIONS'].includes(method)) {
      headers.origin = new URL(this.base).origin;
      if (this.csrf) {
        headers['x-csrf-token'] = this.csrf;
      }
    }
    return headers;
  }

  /** Like exchange(), with this client's credentials. A header of value null is left out. */
  async request(method, path, { json, body, headers = {}, timeout } = {}) {
    const all = { ...this.defaultHeaders(method), ...headers };
    if (json !== undefined) {
      body = JSON.stringify(json);
      all['content-type'] ??= 'application/json';
    }
    for (const [name, value] of Object.entries(all)) {
      if (value === null) {
        delete all[name];
      }
    }
    const answer = await exchange(new URL(path, this.base), { method, headers: all, body, timeout, agent: this.agent });
    this.keepCookies(answer);
    this.onAnswer?.(method, path, answer);
    return answer;
  }

  keepCookies(answer) {
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [pair, ...attributes] = line.split(';');
      const cut = pair.indexOf('=');
      const name = pair.slice(0, cut).trim();
      const gone = attributes.some((attribute) => /^\s*max-age=0\s*$/i.test(attribute));
      if (gone) {
        this.cookies.delete(name);
      } else {
        this.cookies.set(name, pair.slice(cut + 1).trim());
      }
    }
  }

  /** request() that throws an ApiError unless the status is one of those wanted. */
  async expect(wanted, method, path, options) {
    const answer = await this.request(method, path, options);
    if (![wanted].flat().includes(answer.status)) {
      throw new ApiError(`${method} ${path.split('?')[0]}`, answer);
    }
    return answer;
  }

  async get(path) {
    return (await this.expect(200, 'GET', path)).json;
  }

  async signIn(email, password) {
    const { json } = await this.expect(201, 'POST', '/api/v1/session', { json: { email, password } });
    this.csrf = json.csrf_token;
    return json;
  }

  /**
   * Connects an account as a person would: asks for the address at TikTok, reads the
   * consent page there, presses its button, and follows the way back. Answers the path
   * the callback sent the browser to. choose(form) may change what is submitted.
   */
  async connect({ accountId, choose } = {}) {
    const start = await this.expect(200, 'POST', '/api/auth/tiktok/start', { json: accountId ? { account_id: accountId } : {} });
    return this.finishConnect(await consent(start.json.authorize_url, choose));
  }

  /** Goes where TikTok sent the browser and answers the Location that followed. */
  async finishConnect(callbackUrl) {
    const callback = new URL(callbackUrl);
    const answer = await this.expect(303, 'GET', callback.pathname + callback.search);
    return answer.headers.location;
  }

  /** Creates a tus upload and answers its path. */
  async createUpload(size, { filename, filetype }) {
    const encode = (text) => Buffer.from(text).toString('base64');
    const { headers } = await this.expect(201, 'POST', '/api/v1/uploads', {
      headers: {
        'tus-resumable': '1.0.0',
        'upload-length': String(size),
        'upload-metadata': `filename ${encode(filename)},filetype ${encode(filetype)}`,
      },
      body: '',
    });
    return new URL(headers.location, this.base).pathname;
  }

  patchUpload(path, offset, body, headers = {}) {
    return this.request('PATCH', path, {
      body,
      headers: { 'tus-resumable': '1.0.0', 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream', ...headers },
    });
  }

  /** Uploads a whole file in chunks and answers the id of the media it became. */
  async upload(file, { filename, filetype = 'video/mp4' } = {}) {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const path = await this.createUpload(size, { filename: filename ?? file.split('/').at(-1), filetype });
      let offset = 0;
      let answer;
      while (offset < size) {
        const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, size - offset));
        await handle.read(chunk, 0, chunk.length, offset);
        answer = await this.patchUpload(path, offset, chunk);
        if (answer.status !== 204) {
          throw new ApiError(`PATCH ${path}`, answer);
        }
        offset = Number(answer.headers['upload-offset']);
      }
      return answer.headers['media-id'];
    } finally {
      await handle.close();
    }
  }

  /** Reads path until good(json) and answers it; throws what it last saw after ms. */
  async until(path, good, ms = 60_000) {
    const end = Date.now() + ms;
    for (;;) {
      const json = await this.get(path);
      if (good(json)) {
        return json;
      }
      if (Date.now() > end) {
        throw new Error(`${path} did not get there within ${ms} ms: ${JSON.stringify(json)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const decodeHtml = (text) =>
  text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(amp|lt|gt|quot|apos|#39));/gi, (_, dec, hex, name) =>
    dec ? String.fromCodePoint(Number(dec)) : hex ? String.fromCodePoint(parseInt(hex, 16)) : { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[name.toLowerCase()]);

const attributesOf = (tag) =>
  Object.fromEntries([...tag.matchAll(/([a-z-]+)(?:\s*=\s*"([^"]*)")?/gi)].slice(1).map(([, name, value]) => [name.toLowerCase(), decodeHtml(value ?? '')]));

/**
 * The first form of a page as a browser would send it: {action, method, fields, buttons,
 * inputs}. fields is a list of [name, value] of hidden, text, checked and selected ones.
 */
export function formOf(html, base) {
  const form = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(html);
  if (!form) {
    throw new Error(`no form on the page: ${html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').slice(0, 300)}`);
  }
  const { action = '', method = 'get' } = attributesOf(`form ${form[1]}`);
  const inputs = [...form[2].matchAll(/<input\b[^>]*>/gi)].map(([tag]) => attributesOf(tag.slice(1, -1)));
  const buttons = [...form[2].matchAll(/<button\b[^>]*>/gi)].map(([tag]) => attributesOf(tag.slice(1, -1)));
  const fields = inputs
    .filter(({ name, type, checked }) => name && (!['checkbox', 'radio', 'submit'].includes(type) || (checked !== undefined && type !== 'submit')))
    .map(({ name, value = 'on' }) => [name, value]);
  return { action: new URL(action, base).href, method: method.toUpperCase(), fields, inputs, buttons };
}

/**
 * Opens the consent page at url, submits its form with the first button, and answers the
 * address it redirects to. choose(form) may return other fields.
 */
export async function consent(url, choose = (form) => [...form.fields, ...buttonField(form.buttons[0])]) {
  const page = await exchange(url);
  if (page.status !== 200) {
    throw new Error(`the consent page answered ${page.status}: ${page.text.slice(0, 200)}`);
  }
  const form = formOf(page.text, url);
  const body = new URLSearchParams(choose(form)).toString();
  const cookies = (page.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).join('; ');
  const answer = await exchange(form.action, {
    method: form.method,
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(url).origin, ...(cookies ? { cookie: cookies } : {}) },
  });
  if (![302, 303].includes(answer.status) || !answer.headers.location) {
    throw new Error(`the consent form answered ${answer.status}: ${answer.text.slice(0, 200)}`);
  }
  return new URL(answer.headers.location, url).href;
}

export const buttonField = (button) => (button?.name ? [[button.name, button.value ?? '']] : []);
