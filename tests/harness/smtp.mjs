// A small mail server for tests: takes mails as a real one would (EHLO, STARTTLS, AUTH,
// MAIL, RCPT, DATA) and keeps them.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { TLSSocket, createServer as createTlsServer } from 'node:tls';

/** A certificate for localhost, signed by itself: { key, cert, certFile }. */
export function certificate(dir, name) {
  const [keyFile, certFile] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
  return { key: readFileSync(keyFile), cert: readFileSync(certFile), certFile };
}

/** The lines of a header that may be folded, decoded from RFC 2047. */
export function headerOf(message, name) {
  const head = message.slice(0, message.indexOf('\r\n\r\n')).replaceAll(/\r\n[ \t]/g, ' ');
  const line = head.split('\r\n').find((one) => one.toLowerCase().startsWith(`${name.toLowerCase()}: `));
  return line?.slice(name.length + 2).replaceAll(/\?= =\?/g, '?==?').replaceAll(/=\?UTF-8\?B\?([^?]*)\?=/g, (_, word) => Buffer.from(word, 'base64').toString());
}

/** The text of a message whose body is base64. */
export const textOf = (message) => Buffer.from(message.slice(message.indexOf('\r\n\r\n') + 4), 'base64').toString();

export class MailServer {
  /** tls: a certificate, offered by STARTTLS (or from the start with implicit). login: user:password that is asked for. */
  static async start({ tls, implicit = false, login } = {}) {
    const server = new MailServer();
    Object.assign(server, { tls, login, mails: [], commands: [], refuse: {}, hangAfterData: false, sockets: new Set() });
    const accept = (socket) => server.serve(socket, implicit);
    server.listener = implicit ? createTlsServer({ key: tls.key, cert: tls.cert }, accept) : createServer(accept);
    server.listener.on('tlsClientError', () => {});
    await new Promise((resolve) => server.listener.listen(0, resolve));
    server.port = server.listener.address().port;
    return server;
  }

  async stop() {
    for (const socket of this.sockets) {
      socket.destroy();
    }
    await new Promise((resolve) => this.listener.close(resolve));
  }

  serve(socket, secure) {
    const state = { socket, secure, buffer: '', data: null, from: '', to: [], user: null };
    this.watch(state);
    this.say(state, '220 test mail server');
  }

  watch(state) {
    const { socket } = state;
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      state.buffer += bytes.toString('latin1');
      this.work(state);
    });
  }

  say(state, text) {
    state.socket.write(`${text}\r\n`);
  }

  work(state) {
    for (;;) {
      const end = state.buffer.indexOf(state.data === null ? '\r\n' : '\r\n.\r\n');
      if (end < 0) {
        return;
      }
      const line = state.buffer.slice(0, end);
      state.buffer = state.buffer.slice(end + (state.data === null ? 2 : 5));
      if (state.data === null) {
        this.command(state, line);
      } else {
        this.takeMail(state, line);
      }
    }
  }

  takeMail(state, text) {
    state.data = null;
    const [code] = this.refuse.data ?? [];
    if (code) {
      this.say(state, `${code} not this one`);
      return;
    }
    this.mails.push({ from: state.from, to: state.to, secure: state.secure, user: state.user, message: Buffer.from(text.replaceAll(/^\.\./gm, '.'), 'latin1').toString() });
    if (this.hangAfterData) {
      state.socket.destroy(); // taken, and the answer is lost
      return;
    }
    this.say(state, '250 taken');
  }

  command(state, line) {
    if (state.asked) {
      state.asked = false;
      this.authenticate(state, ['PLAIN', line]);
      return;
    }
    const [verb, ...rest] = line.split(' ');
    const word = verb.toUpperCase();
    this.commands.push(word);
    const [code] = this.refuse[word.toLowerCase()] ?? [];
    if (code) {
      this.say(state, `${code} refused`);
      return;
    }
    switch (word) {
      case 'EHLO':
        this.say(state, ['250-test', ...(this.tls && !state.secure ? ['250-STARTTLS'] : []), ...(this.login ? ['250-AUTH PLAIN'] : []), '250 8BITMIME'].join('\r\n'));
        return;
      case 'STARTTLS':
        this.say(state, '220 go on');
        this.upgrade(state);
        return;
      case 'AUTH':
        this.authenticate(state, rest);
        return;
      case 'MAIL':
        if (this.login && !state.user) {
          this.say(state, '530 sign in first');
          return;
        }
        state.from = /<(.*)>/.exec(line)[1];
        state.to = [];
        this.say(state, '250 ok');
        return;
      case 'RCPT':
        state.to.push(/<(.*)>/.exec(line)[1]);
        this.say(state, '250 ok');
        return;
      case 'DATA':
        state.data = '';
        this.say(state, '354 go on');
        return;
      case 'QUIT':
        this.say(state, '221 bye');
        state.socket.end();
        return;
      default:
        this.say(state, '502 what?');
    }
  }

  upgrade(state) {
    state.socket.removeAllListeners('data');
    const socket = new TLSSocket(state.socket, { isServer: true, key: this.tls.key, cert: this.tls.cert });
    Object.assign(state, { socket, secure: true, buffer: '' });
    this.watch(state);
  }

  authenticate(state, [method, initial]) {
    if (!initial) {
      state.asked = true;
      this.say(state, '334 ');
      return;
    }
    const [, user, password] = Buffer.from(initial ?? '', 'base64').toString().split('\0');
    if (method?.toUpperCase() === 'PLAIN' && `${user}:${password}` === this.login) {
      state.user = user;
      this.say(state, '235 welcome');
    } else {
      this.say(state, '535 no');
    }
  }
}
