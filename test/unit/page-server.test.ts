// SPDX-License-Identifier: BSD-2-Clause
// The status page's server over HTTP: what it serves, to whom, with which headers, and what it refuses.
import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { HavipError } from '../../src/errors.js';
import { MAX_VIEWERS } from '../../src/observe/page/broadcast.js';
import { servePage } from '../../src/observe/page/server.js';
import { FakeView, havipRow } from '../support/page-world.js';

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const LOOPBACK = { host: '127.0.0.1', port: 0 };

async function site(t: ExecutionContext, view = new FakeView()): Promise<string> {
  const { address, stop } = await servePage(LOOPBACK, view, (error) => t.log(error.message));
  t.teardown(stop);
  return address;
}

/** By hand: `fetch` cleans paths and forbids Host. */
async function ask(
  address: string,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  const [hostname, port] = address.split(':');
  const call = request({ hostname, port, path, method, headers, agent: false }).end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  let body = '';
  for await (const piece of response.setEncoding('utf8')) body += String(piece);
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

/** A stream that stays open; its first states. */
async function open(t: ExecutionContext, address: string, query = ''): Promise<() => Promise<string>> {
  const call = request(`http://${address}/stream${query}`, { agent: false }).end();
  t.teardown(() => call.destroy());
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  t.is(response.statusCode, 200);
  const pieces = response.setEncoding('utf8')[Symbol.asyncIterator]();
  return async () => String((await pieces.next()).value);
}

test('every file of the page is there, with its type, and nothing is inline', async (t) => {
  const address = await site(t);
  const index = await ask(address, '/');
  t.is(index.status, 200);
  t.notRegex(index.body, /<script>|<style|\son[a-z]+=|\sstyle=|https?:\/\//);
  const linked = [...index.body.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, path]) => path as string);
  t.true(linked.includes('/main.js') && linked.includes('/uplot.css'));
  for (const path of [...linked, '/uplot.js']) {
    const { status, headers, body } = await ask(address, path);
    t.is(status, 200, path);
    t.regex(headers['content-type'] ?? '', /^(text\/(css|javascript); charset=utf-8|image\/svg\+xml)$/, path);
    const imports = [...body.matchAll(/^import .* from '\.(\/[a-z-]+\.js)';$/gm)].map(
      ([, one]) => one as string,
    );
    for (const one of imports) t.is((await ask(address, one)).status, 200, `${one}, imported by ${path}`);
  }
});

test('each answer has the strict headers, refusals too', async (t) => {
  const address = await site(t);
  for (const path of ['/', '/main.js', '/nothing', '/stream?page=x']) {
    const { headers } = await ask(address, path);
    const policy = headers['content-security-policy'] as string;
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
      t.true(policy.includes(rule), `${path}: ${rule}`);
    t.notRegex(policy, /unsafe|\*|http|data:/);
    t.like(headers, {
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
    });
    t.is(headers['access-control-allow-origin'], undefined);
  }
});

test('a rebound name is refused with a sentence, whatever it asks for', async (t) => {
  const address = await site(t);
  for (const path of ['/', '/stream', '/main.js']) {
    const { status, body } = await ask(address, path, { host: 'rebind.example:9478' });
    t.is(status, 421, path);
    t.regex(body, /ask for it as localhost/);
  }
  t.is((await ask(address, '/', { host: 'localhost:8080' })).status, 200);
});

test("another site's script is refused, a followed link is not", async (t) => {
  const address = await site(t);
  const foreign = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'empty' };
  t.like(await ask(address, '/stream', foreign), { status: 403 });
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  t.is((await ask(address, '/', link)).status, 200);
});

test('it only reads', async (t) => {
  const address = await site(t);
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
    t.is((await ask(address, '/', {}, method)).status, 405, method);
  const head = await ask(address, '/main.js', {}, 'HEAD');
  t.like(head, { status: 200, body: '' });
  t.true(Number(head.headers['content-length']) > 500);
});

test('no path leads out of the page', async (t) => {
  const address = await site(t);
  const outside = [
    '/../package.json',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/etc/passwd',
    '//etc/passwd',
  ];
  for (const path of [
    ...outside,
    '/__proto__',
    '/constructor',
    '/main.ts',
    '/tsconfig.json',
    '/index.html/',
  ]) {
    const answer = await ask(address, path).catch(() => ({ status: 0, body: '' }));
    t.true(answer.status === 404 || answer.status === 0, `${path}: ${answer.status}`);
    t.notRegex(answer.body, /root:|"name"/);
  }
});

test('a query that makes no sense is told so', async (t) => {
  const address = await site(t);
  t.like(await ask(address, '/stream?sort=password'), {
    status: 400,
    body: 'sort: found "password"; allowed: address, state, holder, age, moves, rate, packets\n',
  });
});

test('a stream tells all parts at once, and numbers beyond 2^53 whole', async (t) => {
  const view = new FakeView();
  view.rows = [havipRow({ packets: 2n ** 64n - 1n })];
  const address = await site(t, view);
  const read = await open(t, address, '?chosen=blue/web/10.0.1.50');
  let text = '';
  while (!text.includes('event: moves')) text += await read();
  const names = [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
  t.deepEqual(names, ['tick', 'daemon', 'totals', 'ports', 'events', 'rows', 'charts', 'moves']);
  t.regex(text, /"packets":"18446744073709551615"/);
});

test('one page too many is told to close one, and gets its place when it has', async (t) => {
  const address = await site(t);
  const calls = Array.from({ length: MAX_VIEWERS }, () =>
    request(`http://${address}/stream`, { agent: false }).end(),
  );
  t.teardown(() => calls.forEach((call) => call.destroy()));
  await Promise.all(calls.map((call) => once(call, 'response')));
  const refused = await ask(address, '/stream');
  t.like(refused, { status: 503, body: `${MAX_VIEWERS} status pages are open already: close one\n` });
  t.is(refused.headers['retry-after'], '10');
  calls[0]?.destroy();
  let status = 503;
  for (let tries = 0; status !== 200 && tries < 100; tries += 1) {
    const call = request(`http://${address}/stream`, { agent: false }).end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    status = response.statusCode ?? 0;
    call.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.is(status, 200);
});

test('while nobody looks, nothing is read', async (t) => {
  const view = new FakeView();
  let reads = 0;
  view.listHavips = () => {
    reads += 1;
    return [];
  };
  const address = await site(t, view);
  await ask(address, '/');
  t.is(reads, 0);
  const call = request(`http://${address}/stream`, { agent: false }).end();
  await once(call, 'response');
  while (reads === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  call.destroy();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const after = reads;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  t.is(reads, after);
});

test('maps that cannot be read are reported, and read again', async (t) => {
  const view = new FakeView();
  const faults: string[] = [];
  view.listHavips = () => {
    if (faults.length === 0) throw new Error('no map');
    return [havipRow()];
  };
  const { address, stop } = await servePage(LOOPBACK, view, ({ message }) => void faults.push(message));
  t.teardown(stop);
  const read = await open(t, address);
  t.regex(await read(), /event: tick/);
  t.deepEqual(faults, ['no map']);
});

test('a taken port refuses with the cure', async (t) => {
  const address = await site(t);
  const port = Number(address.split(':')[1]);
  const error = await t.throwsAsync(
    servePage({ ...LOOPBACK, port }, new FakeView(), () => undefined),
    {
      instanceOf: HavipError,
      message: `cannot serve the status page on ${address}: another process listens there`,
    },
  );
  t.regex(error.cure ?? '', /under web\.listen/);
});
