// A host of media for tests of PULL_FROM_URL: it serves what a test gives it, in the way
// the test says, and remembers who asked for what.
import { once } from 'node:events';
import { createServer } from 'node:http';

/** What an answer does; each is called with (request, response, body). */
export const ways = {
  whole: (request, response, body) => {
    response.writeHead(200, { 'content-length': body.length });
    response.end(body);
  },
  /** No Content-Length: the end of the connection ends the body. */
  unmeasured: (request, response, body) => {
    response.writeHead(200, { connection: 'close' });
    response.end(body);
  },
  status: (status, headers = {}) => (request, response) => {
    response.writeHead(status, { 'content-length': 0, ...headers });
    response.end();
  },
  /** So many bytes of the body, then the connection ends. */
  cut: (bytes) => (request, response, body) => {
    response.writeHead(200, { 'content-length': body.length });
    response.write(body.subarray(0, bytes), () => response.socket.destroy());
  },
  /** The connection ends before anything is answered. */
  drop: (request, response) => response.socket.destroy(),
  /** So many bytes of the body, and the rest when open is settled. */
  gated: (bytes, open) => async (request, response, body) => {
    response.writeHead(200, { 'content-length': body.length });
    response.write(body.subarray(0, bytes));
    await open;
    response.end(body.subarray(bytes));
  },
  /** Takes a Range of the form bytes=N-. */
  ranged: (request, response, body) => {
    const first = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(first > 0 ? 206 : 200, { 'content-length': body.length - first, ...(first > 0 && { 'content-range': `bytes ${first}-${body.length - 1}/${body.length}` }) });
    response.end(body.subarray(first));
  },
};

/** A promise and the function that settles it. */
export function gate() {
  let open;
  const opened = new Promise((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

export class MediaHost {
  static async start() {
    const host = new MediaHost();
    host.forget();
    host.server = createServer((request, response) => host.answer(request, response));
    host.server.listen(0, '127.0.0.1');
    await once(host.server, 'listening');
    host.port = host.server.address().port;
    host.base = `http://127.0.0.1:${host.port}/m/`;
    return host;
  }

  /** Forgets files and requests. */
  forget() {
    this.files = new Map();
    this.requests = [];
    this.running = 0;
    this.most = 0;
  }

  /**
   * Serves body at base + name: the first GET by the first of hows, the second by the
   * second, all further ones by the last. head answers HEAD; without it HEAD is whole.
   */
  put(name, body, hows = [ways.whole], head = ways.whole) {
    this.files.set(`/m/${name}`, { body, hows: [...hows], head });
    return this.base + name;
  }

  async answer(request, response) {
    const file = this.files.get(request.url);
    const entry = { method: request.method, url: request.url, headers: request.headers, at: Date.now(), closed: false };
    this.requests.push(entry);
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    response.on('close', () => {
      this.running -= 1;
      entry.closed = true;
    });
    if (!file) {
      ways.status(404)(request, response);
    } else if (request.method === 'HEAD') {
      file.head(request, response, file.body);
    } else {
      await (file.hows.length > 1 ? file.hows.shift() : file.hows[0])(request, response, file.body);
    }
  }

  /** How often name was asked for by a method. */
  count(name, method = 'GET') {
    return this.requests.filter((request) => request.url === `/m/${name}` && request.method === method).length;
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
