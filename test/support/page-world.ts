// SPDX-License-Identifier: BSD-2-Clause
// A made-up worker for the status page: HAVIPs, ports, events and dossiers as a bad day leaves them.
import type { DaemonStatus, HavipStatus } from '../../src/api/types.js';
import type { Dossier, Share, Stage } from '../../src/holders/dossier.js';
import { DossierMemory } from '../../src/observe/dossiers.js';
import { History } from '../../src/observe/history.js';
import type { EventKind, EventRecord, PortRecord } from '../../src/observe/messages.js';
import type { PageView } from '../../src/observe/page/view.js';
import { CLAIM_KIND_NAMES, CLAIM_RESULT_NAMES, REASONS } from '../../src/kernel/names.js';
import { dossier } from '../unit/dossiers.js';

export const MS = 1_000_000n;
const MINUTE = 60_000n * MS;
export const wallNow = (): bigint => BigInt(Date.now()) * MS;

export function havipRow(change: Partial<HavipStatus> = {}): HavipStatus {
  return {
    ...{ network: 'blue', subnet: 'web', address: '10.0.1.50', state: 'held', moves: 1 },
    holder: {
      ...{ port: 'tap-a', mac: '02:00:00:00:00:0a', location: 'local', by: 'arp-request' },
      ...{ sinceNs: 1n, sinceWallNs: wallNow() - 12n * MINUTE },
    },
    ...{ packets: 0n, bytes: 0n, savedPackets: 0n, unheldPackets: 0n, origin: 'file' },
    ...change,
  };
}

export function port(name: string, change: Partial<PortRecord> = {}): PortRecord {
  const usual = { kind: 'vnic', hook: 'tc', up: true, takesXdp: true, failure: null } as const;
  return { slot: 1, name, bridge: 'br-web', ...usual, ...change };
}

let seq = 0;
export function event(kind: EventKind, change: Partial<EventRecord> = {}): EventRecord {
  seq += 1;
  return {
    ...{ seq, kind, timeNs: 1n, wallNs: wallNow(), network: 'blue', subnet: 'web', address: '10.0.1.50' },
    ...{ from: null, to: null, reason: 'arp-request', count: 1, repointNs: null },
    ...change,
  };
}

/** A view whose parts a test replaces; counters go up as the rows say. */
export class FakeView implements PageView {
  rows: HavipStatus[] = [];
  ports: PortRecord[] = [];
  readonly history = new History();
  readonly moves = new DossierMemory();
  frames = new Map<number, bigint>();
  refusals = new Map<number, bigint>();
  change: Partial<DaemonStatus> = {};

  listHavips(): Iterable<HavipStatus> {
    return this.rows;
  }

  daemon(): DaemonStatus {
    return {
      ...{ pid: 4711, version: '0.1.0', startedWallNs: 1_764_000_000_000n * MS, abi: 1 },
      ...{ pinPath: '/sys/fs/bpf/havip', metricsAddress: '127.0.0.1:9477', webAddress: '127.0.0.1:9478' },
      ...{ ports: this.ports, absent: [], conflicts: [], capacity: { havips: 100_000, ports: 1_000 } },
      config: { stale: false, path: '/etc/havip.yaml', loadedWallNs: 1n, problems: [] },
      ...this.change,
    };
  }

  portCounters(slot: number): bigint[] {
    return REASONS.map(({ verdict }, at) =>
      at === REASONS.findIndex((one) => one.verdict === 'drop') && verdict === 'drop'
        ? (this.frames.get(slot) ?? 0n)
        : 7n,
    ).map((value, at) => (REASONS[at]?.verdict === 'drop' && value === 7n ? 0n : value));
  }

  claimCounters(slot: number): bigint[] {
    const refused = CLAIM_RESULT_NAMES.indexOf('refused-not-member');
    return CLAIM_KIND_NAMES.flatMap((_, kind) =>
      CLAIM_RESULT_NAMES.map((_, result) =>
        kind === 1 && result === refused ? (this.refusals.get(slot) ?? 0n) : 0n,
      ),
    );
  }

  losses(): { ringFull: bigint; claimsFull: bigint } {
    return { ringFull: 0n, claimsFull: 0n };
  }
}

/** Stages that follow each other. Unit: microseconds. */
type Part = readonly [name: string, share: Share, us: number];

/** A dossier whose outage is these stages; the announcement is where `re-point` begins. */
export function story(
  id: number,
  agoMs: number,
  parts: readonly Part[],
  change: Partial<Dossier> = {},
): Dossier {
  const announcedNs = 10n ** 15n + BigInt(id) * MINUTE;
  const before = parts.slice(
    0,
    parts.findIndex(([name]) => name === 're-point'),
  );
  const sum = (of: readonly Part[]): bigint => of.reduce((total, [, , us]) => total + BigInt(us) * 1000n, 0n);
  const share = (name: Share): bigint => sum(parts.filter(([, one]) => one === name));
  let at = announcedNs - sum(before);
  const startNs = at;
  const stages: Stage[] = parts.map(([name, one, us]) => {
    const stage = { name, share: one, startNs: at, endNs: at + BigInt(us) * 1000n };
    at = stage.endNs;
    return stage;
  });
  const { stamps } = dossier();
  return dossier({
    ...{ id, complete: true, stages, basis: 'answers', outageNs: sum(parts) },
    ...{ guestsNs: share('guests'), networkNs: share('network') },
    announcedWallNs: wallNow() - BigInt(Math.round(agoMs)) * MS,
    stamps: {
      ...stamps,
      ...{ lastFromOldNs: startNs, lastToOldNs: startNs + 900_000n, lastAdvertNs: startNs - 412n * MS },
      ...{ releasedNs: startNs + 7n * MS, firstSignNs: announcedNs - 220_000n, announcedNs },
      ...{ writtenNs: announcedNs + share('network'), firstToNewNs: at - 400_000n, firstFromNewNs: at },
    },
    ...change,
  });
}

export const CRASH: readonly Part[] = [
  ['notice', 'guests', 3_203_900],
  ['take-over', 'guests', 300_220],
  ['re-point', 'network', 480],
  ['wait', 'traffic', 610],
  ['answer', 'guests', 290],
];
export const GOODBYE: readonly Part[] = [
  ['take-over', 'guests', 4_120],
  ['re-point', 'network', 95],
  ['wait', 'traffic', 530],
  ['answer', 'guests', 240],
];
export const PREEMPTION: readonly Part[] = [
  ['take-over', 'guests', 310],
  ['re-point', 'network', 102],
  ['wait', 'traffic', 71_400],
  ['answer', 'guests', 180],
];
