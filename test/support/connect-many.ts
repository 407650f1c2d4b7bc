// SPDX-License-Identifier: BSD-2-Clause
// Many short TCP connections, and the server that they ask who it is. Prints one line of JSON.
//   node connect-many.js serve PORT NAME
//   node connect-many.js connect ADDRESS PORT COUNT AT-ONCE
import { createServer, connect, type Socket } from 'node:net';

/** Far above what a connection takes, also when its first segment has to be sent again. */
const DEADLINE_MS = 5000;

export interface ConnectTotals {
  readonly answered: number;
  /** By the name that the server gave. */
  readonly byServer: Readonly<Record<string, number>>;
  /** By error code; `timeout` for those without an answer. */
  readonly failures: Readonly<Record<string, number>>;
}

function serve(port: number, name: string): void {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.end(name));
  });
  server.listen(port, '0.0.0.0', 1024, () => console.log('ready'));
}

/** @returns The server's name. */
function ask(address: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket: Socket = connect({ host: address, port });
    socket.setTimeout(DEADLINE_MS, () => socket.destroy(Object.assign(new Error(), { code: 'timeout' })));
    socket.once('connect', () => socket.write('who'));
    socket.on('data', (data: Buffer) => (text += data.toString()));
    socket.once('error', reject);
    socket.once('close', () => resolve(text));
  });
}

async function connectMany(
  address: string,
  port: number,
  count: number,
  atOnce: number,
): Promise<ConnectTotals> {
  const byServer: Record<string, number> = {};
  const failures: Record<string, number> = {};
  const note = (where: Record<string, number>, key: string): void => {
    where[key] = (where[key] ?? 0) + 1;
  };
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      await ask(address, port).then(
        (name) => note(name === '' ? failures : byServer, name === '' ? 'empty' : name),
        (error: unknown) => note(failures, (error as NodeJS.ErrnoException).code ?? String(error)),
      );
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { answered: Object.values(byServer).reduce((sum, one) => sum + one, 0), byServer, failures };
}

const [, , mode, ...words] = process.argv;
if (mode === 'serve') {
  serve(Number(words[0]), words[1] ?? '');
} else if (mode === 'connect') {
  const [address = '', port, count, atOnce] = words;
  console.log(JSON.stringify(await connectMany(address, Number(port), Number(count), Number(atOnce))));
}
