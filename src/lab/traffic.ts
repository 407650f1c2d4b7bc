// SPDX-License-Identifier: BSD-2-Clause
// Loads and measurements in a lab: bulk TCP, checked downloads, paced streams that find outages, frame counts.
// Every load is bounded in time.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { fileURLToPath } from 'node:url';
import { HavipError } from '../errors.js';
import { tool, type Lab } from './lab.js';
import { type Child } from './process.js';

export interface Pair {
  /** Guest that serves, and the address by which the other one reaches it. */
  server: string;
  address: string;
  client: string;
}

export interface Gap {
  /** Arrival of the last echo before and of the first one after, CLOCK_MONOTONIC. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly durationNs: number;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly lost: number;
}

export interface StreamTotals {
  readonly sent: number;
  readonly sendErrors: number;
  readonly echoed: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly firstSendNs: bigint;
  readonly lastSendNs: bigint;
  /** Longer than 3 intervals, in order, at most 1000. */
  readonly gaps: readonly Gap[];
  /** null with fewer than two echoes. */
  readonly longestGap: Gap | null;
}

export interface StreamRecord {
  readonly seq: number;
  readonly sendNs: bigint;
  readonly receiveNs: bigint;
}

export interface FrameTotals {
  readonly frames: number;
  readonly bytes: number;
  readonly byDestination: Readonly<Record<string, number>>;
}

/** Did it answer? `count` requests, 50 ms apart, each awaited for a second. */
export async function ping(
  lab: Lab,
  from: string,
  address: string,
  count = 1,
): Promise<{ received: number }> {
  const argv = ['ping', '-n', '-i', '0.05', '-W', '1', '-c', String(count), address];
  const { stdout } = await lab.exec(from, argv);
  return { received: Number(/(\d+) received/.exec(stdout)?.[1] ?? 0) };
}

/** One TCP stream by iperf3; `reverse` lets the server send. Fails when nothing can be measured. */
export async function tcpBulk(
  lab: Lab,
  pair: Pair,
  options: { seconds?: number; reverse?: boolean } = {},
): Promise<{ bitsPerSecond: number; retransmits: number }> {
  const seconds = options.seconds ?? 2;
  const server = lab.spawn(pair.server, ['iperf3', '-s', '-1', '--forceflush']);
  try {
    await server.waitFor(/listening/);
    const argv = ['iperf3', '-J', '-c', pair.address, '-t', String(seconds), '--connect-timeout', '3000'];
    const reverse = options.reverse === true ? ['-R'] : [];
    const { stdout } = await lab.exec(pair.client, [...argv, ...reverse], {
      timeoutMs: (seconds + 8) * 1000,
    });
    return iperfResult(stdout);
  } finally {
    await server.stop();
  }
}

/** A few TCP segments by iperf3 to a server that is there already. Unit: bits a second. */
export async function bulk(lab: Lab, from: string, address: string, bytes = 32 << 20): Promise<number> {
  const argv = ['iperf3', '-J', '-c', address, '-n', String(bytes), '--connect-timeout', '3000'];
  const { stdout } = await lab.exec(from, argv, { timeoutMs: 20_000 });
  return iperfResult(stdout).bitsPerSecond;
}

interface IperfReport {
  error?: string;
  end?: {
    sum_received?: { bits_per_second: number };
    sum_sent?: { retransmits?: number };
  };
}

function iperfResult(text: string): { bitsPerSecond: number; retransmits: number } {
  const report = JSON.parse(text === '' ? '{"error":"no answer in time"}' : text) as IperfReport;
  if (report.error !== undefined) throw new HavipError('FAILED', `iperf3: ${report.error}`);
  return {
    bitsPerSecond: report.end?.sum_received?.bits_per_second ?? 0,
    retransmits: report.end?.sum_sent?.retransmits ?? 0,
  };
}

/** The web server of http-server.ts, ready. */
export async function httpServer(lab: Lab, guest: string, port = 8080): Promise<Child> {
  const script = fileURLToPath(new URL('./http-server.js', import.meta.url));
  const server = lab.spawn(guest, [process.execPath, script, String(port)]);
  await server.waitFor(/^ready$/);
  return server;
}

/** Fetches BYTES with curl from such a server, and compares the SHA-256 of what came with what was sent. */
export async function download(
  lab: Lab,
  client: string,
  address: string,
  options: { bytes?: number; port?: number; timeoutS?: number } = {},
): Promise<{ bytes: number; intact: boolean }> {
  const host = isIPv6(address) ? `[${address}]` : address;
  const url = `http://${host}:${options.port ?? 8080}/${options.bytes ?? 4 << 20}`;
  const file = `${lab.tempDir}/download-${client}`;
  const argv = ['curl', '-sS', '-g', '-f', '-D', '-', '-o', file, '-m', String(options.timeoutS ?? 10), url];
  const { stdout, code } = await lab.exec(client, argv);
  if (code !== 0) return { bytes: 0, intact: false };
  const body = await readFile(file);
  const wanted = /x-sha256: (\w+)/i.exec(stdout)?.[1];
  return { bytes: body.length, intact: createHash('sha256').update(body).digest('hex') === wanted };
}

/**
 * An echo server for streams. Its records tell when each packet came, and outlive a crash of the guest: the
 * outage of a failover is the first one at the new holder less the last one at the old.
 */
export async function echoStream(
  lab: Lab,
  guest: string,
  port = 7000,
): Promise<{ child: Child; records: () => Promise<StreamRecord[]> }> {
  const file = `${lab.tempDir}/echo-${guest}-${port}-${process.hrtime.bigint()}`;
  const child = lab.spawn(guest, [tool('stream'), 'echo', '--port', String(port), '--out', file]);
  await child.waitFor(/^ready$/);
  return { child, records: async () => parseRecords(await readFile(file, 'utf8')) };
}

function parseRecords(text: string): StreamRecord[] {
  // A killed server may have left half a line.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return [...whole.matchAll(/^(\d+) (\d+) (\d+)$/gm)].map(([, seq, send, receive]) => ({
    seq: Number(seq),
    sendNs: BigInt(send ?? 0),
    receiveNs: BigInt(receive ?? 0),
  }));
}

export interface StreamOptions {
  to: string;
  /** @default 7000 */
  port?: number;
  /** @default 1000 */
  rateHz?: number;
  seconds: number;
  /** Of the UDP payload. @default 16 */
  sizeBytes?: number;
  /** How long answers are awaited after the last packet. @default 300 */
  lingerMs?: number;
}

/** Starts a stream; `finish` ends it early, or awaits its end when `early` is false, and returns its totals. */
export async function sendStream(
  lab: Lab,
  guest: string,
  options: StreamOptions,
): Promise<{ child: Child; finish: (early?: boolean) => Promise<StreamTotals> }> {
  const pace = ['--rate', String(options.rateHz ?? 1000), '--seconds', String(options.seconds)];
  const target = ['--to', options.to, '--port', String(options.port ?? 7000)];
  const size = options.sizeBytes === undefined ? [] : ['--size', String(options.sizeBytes)];
  const linger = options.lingerMs === undefined ? [] : ['--linger', String(options.lingerMs)];
  const child = lab.spawn(guest, [tool('stream'), 'send', ...target, ...pace, ...size, ...linger]);
  await child.waitFor(/^ready$/);
  const finish = async (early = true): Promise<StreamTotals> => {
    if (early) child.kill('SIGTERM');
    return parseTotals((await child.finished()).stdout) as StreamTotals;
  };
  return { child, finish };
}

/**
 * A hundred UDP datagrams of 4,000 bytes to an echo server that is there already: three fragments each on a MTU of
 * 1500, and as many back.
 */
export async function fragments(
  lab: Lab,
  from: string,
  address: string,
): Promise<{ sent: number; echoed: number }> {
  const stream = await sendStream(lab, from, { to: address, seconds: 0.1, sizeBytes: 4000 });
  const { sent, echoed } = await stream.finish(false);
  return { sent, echoed };
}

/** Counts the frames that a device receives, from when this resolves until `stop`. */
export async function countFrames(
  lab: Lab,
  ns: string,
  device: string,
  options: { dst?: string } = {},
): Promise<{ child: Child; stop: () => Promise<FrameTotals> }> {
  const filter = options.dst === undefined ? [] : ['--dst', options.dst];
  const child = lab.spawn(ns, [tool('frame-tool'), 'sink', device, ...filter]);
  await child.waitFor(/^ready$/);
  const stop = async (): Promise<FrameTotals> => {
    child.kill('SIGTERM');
    return parseTotals((await child.finished()).stdout) as FrameTotals;
  };
  return { child, stop };
}

export interface SentFrames {
  readonly sent: number;
  readonly errors: number;
  /** Just before the first and the last of them was sent, CLOCK_MONOTONIC. */
  readonly firstNs: bigint;
  readonly lastNs: bigint;
}

/** A sender of raw frames that stays open, for sending at once and for knowing when it was. */
export function openSender(
  lab: Lab,
  ns: string,
  device: string,
): { child: Child; send: (hex: string, repeat?: number, gapUs?: number) => Promise<SentFrames> } {
  const child = lab.spawn(ns, [tool('frame-tool'), 'send', device], { stdin: true });
  const send = async (hex: string, repeat = 1, gapUs = 0): Promise<SentFrames> => {
    const from = child.lines.length;
    child.write(`${hex} ${repeat} ${gapUs}\n`);
    const [line] = await child.waitFor(/^\{"sent".*/, { from, timeoutMs: 10_000 + (repeat * gapUs) / 1000 });
    return parseTotals(line) as SentFrames;
  };
  return { child, send };
}

/** JSON of the C tools, in which a time is a string of digits: more than a double holds. */
function parseTotals(text: string): unknown {
  return JSON.parse(text, (key, value: unknown) =>
    key.endsWith('Ns') && typeof value === 'string' ? BigInt(value) : value,
  );
}
