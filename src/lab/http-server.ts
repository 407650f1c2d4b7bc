// SPDX-License-Identifier: BSD-2-Clause
// A web server for download tests: GET /BYTES returns that many pseudo-random bytes, the same ones in every
// run, with their SHA-256 in the header `x-sha256`; `?rate=N` sends N bytes a second. Usage: node http-server.js PORT
import { createCipheriv, createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';

const MAX_BYTES = 64 * 1024 * 1024;
const PACE_MS = 20;
const bodies = new Map<number, { body: Buffer; sha256: string }>();

function bodyOf(bytes: number): { body: Buffer; sha256: string } {
  const known = bodies.get(bytes);
  if (known !== undefined) return known;
  // A cipher's key stream: no pattern that a damaged or repeated segment could hide in.
  const body = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(bytes));
  const made = { body, sha256: createHash('sha256').update(body).digest('hex') };
  bodies.set(bytes, made);
  return made;
}

/** Slowed down here: a client that reads slowly leaves bursts in its buffer, and hides how fresh they are. */
function sendPaced(response: ServerResponse, body: Buffer, bytesPerSecond: number): void {
  const step = Math.ceil((bytesPerSecond * PACE_MS) / 1000);
  let sent = 0;
  const timer = setInterval(() => {
    response.write(body.subarray(sent, (sent += step)));
    if (sent >= body.length) response.end();
  }, PACE_MS);
  response.on('close', () => clearInterval(timer));
}

const server = createServer((request, response) => {
  const [, size, rate] = /^\/(\d+)(?:\?rate=([1-9]\d*))?$/.exec(request.url ?? '') ?? [];
  const bytes = Number(size ?? NaN);
  if (!(bytes <= MAX_BYTES)) {
    response.writeHead(404).end(`GET /BYTES, at most ${MAX_BYTES}\n`);
    return;
  }
  const { body, sha256 } = bodyOf(bytes);
  response.writeHead(200, { 'content-length': body.length, 'x-sha256': sha256 });
  if (rate === undefined) response.end(body);
  else sendPaced(response, body, Number(rate));
});

server.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
server.listen(Number(process.argv[2]), '::', () => console.log('ready'));
