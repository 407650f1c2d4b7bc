// SPDX-License-Identifier: BSD-2-Clause
// Single TCP and UDP sessions, and how they end. One word a line.
//   node session.js serve PORT NAME      says NAME to whoever comes, and keeps the line
//   node session.js keep ADDRESS PORT    prints the NAME, then talks every 20 ms; prints how it ends
//   node session.js first ADDRESS PORT   prints the NAME of a new session, and how many SYNs it took
//   node session.js refused ADDRESS PORT prints the error that a datagram to a closed port meets
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

function serve(port: number, name: string): void {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', () => undefined);
    socket.write(name);
  });
  server.listen(port, '0.0.0.0', () => console.log('ready'));
}

function keep(address: string, port: number): void {
  const socket = connect({ host: address, port, noDelay: true });
  const timer = setInterval(() => socket.write('.'), 20);
  let error = 'closed';
  socket.once('data', (data: Buffer) => console.log(data.toString()));
  socket.on('error', ({ code }: NodeJS.ErrnoException) => (error = code ?? 'error'));
  socket.once('close', () => {
    clearInterval(timer);
    console.log(error);
  });
}

/** This namespace's count of SYNs that were sent, first ones and repeated ones. */
function synsSent(): number {
  const text = execFileSync('nstat', ['-asz', 'TcpActiveOpens', 'TcpExtTCPSynRetrans'], { encoding: 'utf8' });
  return [...text.matchAll(/^Tcp\w+\s+(\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

function first(address: string, port: number): void {
  const before = synsSent();
  const socket = connect({ host: address, port });
  socket.setTimeout(5000, () => socket.destroy());
  let name = '';
  socket.once('data', (data: Buffer) => {
    name = data.toString();
    socket.destroy();
  });
  socket.on('error', ({ code }: NodeJS.ErrnoException) => (name = code ?? 'error'));
  socket.once('close', () => console.log(JSON.stringify({ name, syns: synsSent() - before })));
}

function refused(address: string, port: number): void {
  const socket = createSocket('udp4');
  const end = (word: string): void => {
    clearTimeout(timer);
    console.log(word);
    socket.close();
  };
  const timer = setTimeout(() => end('nothing'), 3000);
  socket.on('error', ({ code }: NodeJS.ErrnoException) => end(code ?? 'error'));
  socket.connect(port, address, () => socket.send('?'));
}

const [, , mode, where = '', word = ''] = process.argv;
if (mode === 'serve') serve(Number(where), word);
else if (mode === 'keep') keep(where, Number(word));
else if (mode === 'first') first(where, Number(word));
else if (mode === 'refused') refused(where, Number(word));
