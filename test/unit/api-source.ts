// SPDX-License-Identifier: BSD-2-Clause
// A made-up source for tests of the API: what the worker reads from the maps, and what the control thread would answer.
import type { ApiSource, DaemonStatus, DossierQuery, HavipQuery, HavipStatus } from '../../src/api/types.js';
import { HavipError } from '../../src/errors.js';
import type { Dossier } from '../../src/holders/dossier.js';
import type { TraceAnswer, TraceQuestion } from '../../src/kernel/ask-trace.js';
import { DossierMemory } from '../../src/observe/dossiers.js';
import { HavipChanges, keyOf } from '../../src/observe/havip-changes.js';
import { History } from '../../src/observe/history.js';
import type { EventRecord, PortRecord } from '../../src/observe/messages.js';
import type { HavipName, OrderKind, Orders, Posted } from '../../src/observe/orders.js';

export const BIG = 2n ** 64n - 1n;

export const havip = (i: number): HavipStatus => ({
  ...{ network: 'blue', subnet: 'web', address: `10.0.${i >> 8}.${i & 255}`, state: 'held', moves: i },
  holder: {
    ...{ port: 'tap-a', mac: '02:00:00:00:00:0a', location: 'local', by: 'arp-reply' },
    ...{ sinceNs: 2n ** 53n + 1n, sinceWallNs: 2n ** 60n + 1n },
  },
  ...{ packets: BIG, bytes: 2n ** 32n, savedPackets: 0n, unheldPackets: 1n, origin: 'file' },
});

export const DAEMON: DaemonStatus = {
  ...{
    pid: 4711,
    version: '0.1.0',
    startedWallNs: 2n ** 60n + 1n,
    abi: 1,
    pinPath: '/pins',
    metricsAddress: null,
    webAddress: '127.0.0.1:9478',
  },
  ports: [
    {
      slot: 1,
      name: 'tap-a',
      bridge: 'br',
      kind: 'vnic',
      hook: 'tc',
      up: true,
      takesXdp: false,
      failure: null,
    },
    {
      slot: 0,
      name: '',
      bridge: '',
      kind: 'uplink',
      hook: 'xdp',
      up: false,
      takesXdp: true,
      failure: 'busy',
    },
  ],
  absent: [{ kind: 'uplink', name: 'eth9' }],
  config: { stale: true, path: null, loadedWallNs: BIG, problems: ['f:1:1: bad'] },
  capacity: { havips: 100_000, ports: 1_000 },
  history: { path: '/state', failure: 'ENOSPC', lost: 3 },
  conflicts: ['10.0.1.60 (blue/web): there is no subnet blue/web any more'],
};

export const event = (seq: number, change: Partial<EventRecord> = {}): EventRecord => ({
  ...{
    seq,
    kind: 'move',
    timeNs: BIG,
    wallNs: 2n ** 60n + 1n,
    network: 'blue',
    subnet: 'web',
    address: '10.0.1.50',
  },
  ...{ from: { port: 'tap-a', mac: '' }, to: null, reason: 'arp-reply', count: 1, repointNs: null },
  ...change,
});

/** What an order is answered with: a reply, or an error that is thrown. */
type Replies = { [K in OrderKind]?: Orders[K]['reply'] | HavipError };

export class FakeSource implements ApiSource {
  readonly history = new History(undefined, 77n);
  readonly moves = new DossierMemory();
  readonly changes = new HavipChanges();
  readonly replies: Replies = {};
  /** What was ordered, the newest last. */
  readonly orders: Posted[] = [];
  traced: TraceAnswer | HavipError = new HavipError('NOT_FOUND', 'no such port');
  asked: TraceQuestion | null = null;
  private ports = DAEMON.ports;
  private readonly portListeners = new Set<() => void>();

  constructor(public rows: readonly HavipStatus[] = []) {}

  listHavips({ address, network }: HavipQuery): Iterable<HavipStatus> {
    if (address === 'bad') throw new HavipError('USAGE', 'not an IP address: "bad"');
    return this.rows.filter(
      (row) => row.address === (address ?? row.address) && row.network === (network ?? row.network),
    );
  }

  havips(names: readonly HavipName[]): (HavipStatus | null)[] {
    return names.map((name) => this.rows.find((row) => keyOf(row) === keyOf(name)) ?? null);
  }

  watchHavips(listener: (names: readonly HavipName[] | null) => void): () => void {
    return this.changes.subscribe(listener);
  }

  watchPorts(listener: () => void): () => void {
    this.portListeners.add(listener);
    return () => void this.portListeners.delete(listener);
  }

  setPorts(ports: readonly PortRecord[]): void {
    this.ports = ports;
    for (const listener of this.portListeners) listener();
  }

  daemon(): DaemonStatus {
    return { ...DAEMON, ports: this.ports };
  }

  dossiers(query: DossierQuery): readonly Dossier[] {
    return this.moves.find(query);
  }

  order<K extends OrderKind>(kind: K, ask: Orders[K]['ask']): Promise<Orders[K]['reply']> {
    this.orders.push({ kind, ask });
    const reply = this.replies[kind] ?? new HavipError('FAILED', `nobody answers ${kind}`);
    if (reply instanceof HavipError) return Promise.reject(reply);
    return Promise.resolve(reply as Orders[K]['reply']);
  }

  trace(question: TraceQuestion): TraceAnswer {
    this.asked = question;
    if (this.traced instanceof HavipError) throw this.traced;
    return this.traced;
  }
}
