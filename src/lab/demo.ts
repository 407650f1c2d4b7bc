// SPDX-License-Identifier: BSD-2-Clause
// The demo's course of events: a real keepalived pair, a client that never learns, and a crash of the holder, with
// `havip run` in between. It only measures: what that amounts to is demo-figures.ts, how it reads demo-report.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { HavipError } from '../errors.js';
import type { EventRecord } from '../observe/messages.js';
import { askCli, preparePlaces, startDaemon, type Places } from './demo-daemon.js';
import { startSlowDownload, type BrokenDownload } from './demo-downloads.js';
import { EventWatch } from './demo-watch.js';
import { type Lab } from './lab.js';
import { standardLab, VIP } from './topology.js';
import * as traffic from './traffic.js';

export const OLD = 'vm-a';
export const NEW = 'vm-b';
export const PRIORITIES = { [OLD]: 150, [NEW]: 100 } as const;
const CLIENT = 'client';
const VRID = 51;

const DOWNLOAD_BYTES = 8 << 20;
/** How long the stream runs on either side of the failover. */
const CALM_MS = 1000;

export interface DemoOptions {
  readonly advertIntervalS: number;
  readonly kind: 'veth' | 'tap';
}

/** Told as it goes: what is the case now. */
export type Tell = (subject: string, text: string) => void;

export interface Measured {
  readonly ports: Readonly<Record<typeof OLD | typeof NEW, string>>;
  readonly killedNs: bigint;
  readonly events: readonly EventRecord[];
  /** What each of the two answered. */
  readonly answered: Readonly<Record<typeof OLD | typeof NEW, readonly traffic.StreamRecord[]>>;
  readonly stream: traffic.StreamTotals;
  readonly downloads: {
    readonly before: Download;
    readonly running: BrokenDownload;
    readonly after: Download;
  };
  /** From `havip status --json`; null: it did not answer. */
  readonly havip: { readonly holder: { readonly port: string } | null; readonly savedPackets: number } | null;
  /** `havip status`, as the CLI prints it in a pipe. */
  readonly statusText: string;
  /** `havip explain`, the same. */
  readonly explainText: string;
}

export interface Download {
  readonly bytes: number;
  readonly intact: boolean;
}

export async function runDemo(lab: Lab, options: DemoOptions, tell: Tell): Promise<Measured> {
  await standardLab(lab, { kind: options.kind });
  tell('lab', `client, ${OLD}, ${NEW} on br-web; router; client2 on br-app (${options.kind})`);
  const places = await preparePlaces(lab);
  const ports = [CLIENT, OLD, NEW].map((guest) => lab.port(guest));
  const daemon = await startDaemon(lab, places, { ports });
  tell('havip run', `serves br-web, process ${daemon.pid}`);
  const watch = await EventWatch.open(places.socket);
  try {
    await startPair(lab, options.advertIntervalS, watch, tell);
    return await failOver(lab, options, places, watch, tell);
  } finally {
    watch.close();
  }
}

/** A real keepalived in each of the two, and whatever serves the address behind it. */
export async function startGuests(lab: Lab, advertIntervalS: number): Promise<void> {
  const pair = { vrid: VRID, vip: VIP, advertIntervalS };
  await Promise.all([
    lab.keepalived(OLD, { ...pair, state: 'MASTER', priority: PRIORITIES[OLD] }),
    lab.keepalived(NEW, { ...pair, state: 'BACKUP', priority: PRIORITIES[NEW] }),
  ]);
}

async function startPair(lab: Lab, advertIntervalS: number, watch: EventWatch, tell: Tell): Promise<void> {
  await Promise.all([OLD, NEW].map((guest) => traffic.httpServer(lab, guest)));
  await startGuests(lab, advertIntervalS);
  const bound = await watch.find((event) => binds(event, lab.port(OLD)), takeoverLimitMs(advertIntervalS));
  if (bound === undefined) throw new HavipError('FAILED', `${OLD} was not seen to take ${VIP}`);
  tell('keepalived', `${OLD} is master (priority ${PRIORITIES[OLD]}), ${NEW} backup (${PRIORITIES[NEW]})`);
  tell('holder', `${OLD}: it announced ${VIP} (${bound.reason}), and havip bound it`);
}

/** Whether this event gives the address to the guest behind this port. */
export function binds(event: EventRecord, port: string): boolean {
  return ['bind', 'move'].includes(event.kind) && event.address === VIP && event.to?.port === port;
}

/** Three adverts and a skew of less than one are lawful; the rest is for a busy machine. */
function takeoverLimitMs(advertIntervalS: number): number {
  return 4 * advertIntervalS * 1000 + 5000;
}

async function failOver(
  lab: Lab,
  { advertIntervalS }: DemoOptions,
  places: Places,
  watch: EventWatch,
  tell: Tell,
): Promise<Measured> {
  // Permanent: no announcement changes it, so after the failover all that the client sends is addressed wrongly.
  await lab.staticNeighbour(CLIENT, VIP, lab.mac(OLD));
  tell('client', `takes ${VIP} to be at ${lab.mac(OLD)} (${OLD}), for good`);
  const before = await traffic.download(lab, CLIENT, VIP, { bytes: DOWNLOAD_BYTES });
  tell('download', `before: ${describe(before)}`);
  const endSlowDownload = startSlowDownload(lab, CLIENT);
  const [atOld, atNew] = [await traffic.echoStream(lab, OLD), await traffic.echoStream(lab, NEW)];
  const limitMs = takeoverLimitMs(advertIntervalS);
  const stream = await traffic.sendStream(lab, CLIENT, { to: VIP, seconds: (limitMs + 4 * CALM_MS) / 1000 });
  await sleep(CALM_MS);

  tell('stream', `1,000 packets a second to ${VIP}; killing ${OLD} ...`);
  const killedNs = process.hrtime.bigint();
  await lab.crash(OLD, { port: 'down' });
  await watch.find((event) => event.timeNs > killedNs && binds(event, lab.port(NEW)), limitMs);
  await sleep(CALM_MS);

  const totals = await stream.finish();
  const running = await endSlowDownload();
  const after = await traffic.download(lab, CLIENT, VIP, { bytes: DOWNLOAD_BYTES });
  tell('download', `after: ${describe(after)}`);
  return {
    ports: { [OLD]: lab.port(OLD), [NEW]: lab.port(NEW) },
    killedNs,
    events: [...watch.events],
    answered: { [OLD]: await atOld.records(), [NEW]: await atNew.records() },
    stream: totals,
    downloads: { before, running, after },
    ...(await statusOf(lab, places)),
  };
}

function describe({ bytes, intact }: Download): string {
  return intact ? `${bytes >> 20} MiB from ${VIP}, SHA-256 right` : `FAILED after ${bytes} bytes`;
}

/** What was measured is worth showing, even if the daemon does not answer any more. */
async function statusOf(
  lab: Lab,
  places: Places,
): Promise<Pick<Measured, 'havip' | 'statusText' | 'explainText'>> {
  try {
    const rows = JSON.parse(await askCli(lab, places, ['status', VIP, '--json'])) as Measured['havip'][];
    const statusText = await askCli(lab, places, ['status']);
    return { havip: rows[0] ?? null, statusText, explainText: await askCli(lab, places, ['explain', VIP]) };
  } catch (error) {
    return { havip: null, statusText: `${HavipError.from(error).message}\n`, explainText: '' };
  }
}
