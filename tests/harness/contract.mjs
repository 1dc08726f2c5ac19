// docs/openapi.yaml against real answers: every answer a test client sees is checked, and
// a status, header or member that is not written there fails the test.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../www/package.json', import.meta.url));
const { parse } = require('yaml');
const Ajv = require('ajv/dist/2020.js').default;

const document = parse(readFileSync(new URL('../../docs/openapi.yaml', import.meta.url), 'utf8'));
// Formats are of interest to people; what must hold is written as a pattern beside them.
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema({ $id: 'openapi', components: document.components });
const compiled = new Map();

/** Where `$ref: '#/…'` points, or the thing itself. */
function resolve(thing) {
  if (!thing?.$ref) {
    return thing;
  }
  return resolve(thing.$ref.slice(2).split('/').reduce((node, key) => node[key], document));
}

const routes = Object.entries(document.paths).map(([template, operations]) => ({
  template,
  operations,
  pattern: new RegExp(`^${template.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`),
}));

function validator(schema) {
  if (!compiled.has(schema)) {
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"openapi#/components'));
    compiled.set(schema, ajv.compile(absolute));
  }
  return compiled.get(schema);
}

function checkSchema(where, schema, value) {
  const validate = validator(schema);
  assert.ok(validate(value), `${where}: ${ajv.errorsText(validate.errors, { separator: '\n  ' })}\n${JSON.stringify(value)}`);
}

/** What the contract says of an answer: the response object, or undefined for a foreign path. */
function responseOf(method, pathname, status) {
  const route = routes.find(({ pattern }) => pattern.test(pathname));
  const operation = route?.operations[method.toLowerCase()] ?? (method === 'HEAD' ? route?.operations.get : undefined);
  if (!operation) {
    return undefined;
  }
  return resolve(operation.responses[status] ?? operation.responses.default);
}

function checkBody(where, response, answer, method) {
  const type = (answer.headers['content-type'] ?? '').split(';')[0];
  if (method === 'HEAD' || answer.status === 204 || answer.status === 304) {
    assert.equal(answer.body.length, 0, `${where}: has a body`);
    return;
  }
  const contents = Object.entries(response.content ?? {});
  if (contents.length === 0) {
    return;
  }
  const found = contents.find(([pattern]) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(type));
  assert.ok(found, `${where}: content type ${type}, the contract has ${contents.map(([name]) => name)}`);
  if (type === 'application/json') {
    checkSchema(where, found[1].schema, answer.json);
  }
}

export const seen = new Set();

/** Throws when an answer is not what docs/openapi.yaml promises. */
export function checkAnswer(method, path, answer) {
  const { pathname } = new URL(path, 'http://localhost');
  if (!pathname.startsWith('/api/')) {
    return;
  }
  const where = `${method} ${pathname} → ${answer.status}`;
  const response = responseOf(method, pathname, answer.status);
  if (!response) {
    // Not a route: the answer must still be an error in our form.
    assert.ok([404, 405].includes(answer.status), `${where}: not in docs/openapi.yaml`);
    return;
  }
  seen.add(`${method} ${answer.status}`);
  checkBody(where, response, answer, method);
  for (const [name, header] of Object.entries(response.headers ?? {})) {
    const value = answer.headers[name.toLowerCase()];
    if (value !== undefined && name !== 'Set-Cookie') {
      checkSchema(`${where}: header ${name}`, resolve(header).schema, value);
    }
  }
  if (answer.status === 429 || answer.status === 503) {
    assert.match(answer.headers['retry-after'] ?? '', /^[0-9]+$/, `${where}: no Retry-After`);
  }
}
