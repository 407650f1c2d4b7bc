// SPDX-License-Identifier: BSD-2-Clause
// A server of the API on a socket of its own, and a client of it, for one test.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { ApiClient } from '../../src/api/client.js';
import { LIMITS } from '../../src/api/limits.js';
import { ApiServer } from '../../src/api/server.js';
import type { ApiSource } from '../../src/api/types.js';

/** Where a socket may be made; gone when the test is over. */
export function place(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'havip-api-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, 'run', 'havip.sock');
}

export async function serve(
  t: ExecutionContext,
  source: ApiSource,
  limits = LIMITS,
): Promise<{ socket: string; client: ApiClient; server: ApiServer }> {
  const socket = place(t);
  const server = await ApiServer.start(socket, source, limits);
  const client = await ApiClient.connect(socket);
  t.teardown(() => (client.close(), server.stop()));
  return { socket, client, server };
}
