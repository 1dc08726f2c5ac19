// Somebody who receives webhooks, and writes down what came.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { eventually } from './stack.mjs';

/** The parts of "t=…,s=…". */
export function signatureOf(header) {
  return Object.fromEntries((header ?? '').split(',').map((part) => part.split('=')));
}

/** Whether the header signs exactly these bytes with the secret; checked with Node's own crypto. */
export function signedBy(secret, header, body) {
  const { t, s } = signatureOf(header);
  const wanted = createHmac('sha256', secret).update(`${t}.`).update(body).digest();
  const given = Buffer.from(s ?? '', 'hex');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

export class Receiver {
  static async start() {
    const receiver = new Receiver();
    receiver.received = [];
    receiver.answer = () => 200;
    await receiver.listen(0);
    return receiver;
  }

  async listen(port) {
    this.server = http.createServer((request, response) => this.take(request, response));
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}/hook`;
  }

  /**
   * What comes is answered with what this.answer(delivery) says: a status, or undefined for
   * no answer at all.
   */
  async take(request, response) {
    const parts = [];
    for await (const part of request) {
      parts.push(part);
    }
    const body = Buffer.concat(parts);
    const json = JSON.parse(body.toString('utf8'));
    const delivery = { method: request.method, path: request.url, headers: request.headers, rawHeaders: request.rawHeaders, body, json, content: JSON.parse(json.content), event: json.event };
    this.received.push(delivery);
    const status = this.answer(delivery);
    if (status !== undefined) {
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {});
      response.end('ignored');
    }
  }

  events() {
    return this.received.map(({ event }) => event.replace('post.publish.', ''));
  }

  /** Waits for the n-th delivery and answers it: for less time than a courier sleeps to whom nobody rings. */
  async nth(n) {
    await eventually(() => this.received.length >= n, { ms: 60_000, what: `${n} deliveries; there are ${this.received.length}` });
    return this.received[n - 1];
  }

  forget() {
    this.received = [];
    this.answer = () => 200;
  }

  /** From now on connections are refused, until listen(this.port). */
  async stop() {
    this.server.close();
    this.server.closeAllConnections?.();
    await once(this.server, 'close').catch(() => undefined);
  }
}
