// SPDX-License-Identifier: BSD-2-Clause
// One frame through one entry: what became of it, byte for byte, and everything that moved in the maps, by name.
// Also the macro that says what must have happened, and that runs a row through every entry.
import test from 'ava';
import {
  Record as ClaimRow,
  CLAIM_KIND,
  CLAIM_RESULT,
  REASON,
  type Holder,
} from '../../src/kernel/layout.gen.js';
import { readLosses } from '../../src/kernel/reader.js';
import { formatMac } from '../../src/net/addresses.js';
import { RingBuffer, testRun } from '../../src/native/index.js';
import { macBytes } from './frames.js';
import { HAVIP, PORTS, World, type HavipName, type PortName, type Situation } from './world.js';

export type Entry = 'xdp' | 'ingress' | 'egress';
export const ENTRIES: readonly Entry[] = ['xdp', 'ingress', 'egress'];
export type Verdict = 'pass' | 'drop' | 'redirect';

/** XDP_DROP, XDP_PASS, XDP_REDIRECT; TC_ACT_UNSPEC, TC_ACT_SHOT, TC_ACT_REDIRECT. */
const ACTIONS = {
  xdp: new Map<number, Verdict>([
    [1, 'drop'],
    [2, 'pass'],
    [3, 'redirect'], // XDP_TX
    [4, 'redirect'],
  ]),
  tc: new Map<number, Verdict>([
    [-1, 'pass'],
    [2, 'drop'],
    [7, 'redirect'],
  ]),
};

export interface Told {
  readonly havip: string;
  readonly by: string;
  readonly kind: string;
  readonly result: string;
}

/** Only what is not zero. Shape: counters by name, such as "guest PASS_NOT_IP". */
export interface Observation {
  readonly verdict: Verdict | `action ${number}`;
  readonly frame: string;
  readonly frames: Readonly<Record<string, bigint>>;
  readonly traffic: Readonly<
    Record<string, { packets: bigint; bytes: bigint; saved: bigint; unheld: bigint }>
  >;
  readonly counted: Readonly<Record<string, bigint>>;
  readonly lost: { readonly ringFull: bigint; readonly claimsFull: bigint };
  readonly claims: readonly Told[];
  readonly refusals: readonly (Told & { readonly total: bigint })[];
  readonly ring: readonly Told[];
  /** Every element of `bindings`, as it stands. */
  readonly bindings: string;
  readonly newest: Readonly<Record<string, string>>;
}

export const world = new World();
const ringRecords: ClaimRow[] = [];
const ring = new RingBuffer(world.ringFd, ClaimRow.size, (records, count) => {
  for (let i = 0; i < count; i++) ringRecords.push(ClaimRow.decode(records, i * ClaimRow.size));
});
ring.unref();

/** What has rung since the last call. */
export function takeRing(): ClaimRow[] {
  while (ring.consume() > 0);
  return ringRecords.splice(0);
}

export function run(
  entry: Entry,
  frame: Buffer,
  repeat = 1,
): { verdict: Observation['verdict']; frame: string } {
  const { action, data } = testRun(world.programs[entry], frame, { repeat });
  const verdict = ACTIONS[entry === 'xdp' ? 'xdp' : 'tc'].get(action) ?? (`action ${action}` as const);
  return { verdict, frame: data.toString('hex') };
}

/** The kernel's test_run refuses an skb that ends before the IP header that its first ethertype promises. */
export function runsIn(entry: Entry, frame: Buffer): boolean {
  const header = { 0x0800: 20, 0x86dd: 40 }[frame.readUInt16BE(12)] ?? 0;
  return entry === 'xdp' || frame.length >= 14 + header;
}

export function observe(entry: Entry, frame: Buffer, repeat = 1): Observation {
  takeRing();
  return { ...run(entry, frame, repeat), ...readMaps(), ring: takeRing().map(told) };
}

function readMaps(): Omit<Observation, 'verdict' | 'frame' | 'ring'> {
  const { tables } = world;
  return {
    frames: byName(
      tables.port_counters.sums(),
      ({ frames }) => frames,
      (i) => nameIn(REASON, i),
    ),
    traffic: readTraffic(),
    counted: byName(tables.claim_counters.sums(), ({ claims }) => claims, claimName),
    lost: readLosses(tables),
    claims: [...tables.claims.entries()].map(([, row]) => told(row)),
    refusals: [...tables.refusals.entries()].map(([{ havip, result }, { by, kind, total }]) => ({
      ...told({ havip, by, kind: Number(kind), result }),
      total,
    })),
    ...standing(),
  };
}

/** What no accepted frame but an announcement may change. */
function standing(): Pick<Observation, 'bindings' | 'newest'> {
  const newest = Object.entries(HAVIP).map(
    ([name, id]) => [name, holderName(world.tables.states.get(id)?.newest)] as const,
  );
  return { bindings: bindings(), newest: Object.fromEntries(newest) };
}

export function bindings(): string {
  return [...world.tables.bindings.entries()]
    .map(([{ subnet }, { holder, former, sinceNs, havip, moves, by }]) =>
      [subnet, havip, holderName(holder), holderName(former), sinceNs, moves, by].join(' '),
    )
    .sort()
    .join('\n');
}

function readTraffic(): Observation['traffic'] {
  const out: Record<string, Observation['traffic'][string]> = {};
  for (const [id, cpus] of world.tables.havip_counters.entries()) {
    const sum = { packets: 0n, bytes: 0n, saved: 0n, unheld: 0n };
    for (const one of cpus) for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += one[key];
    if (Object.values(sum).some((value) => value > 0n)) out[havipName(id)] = sum;
  }
  return out;
}

/** What is not 0, by port and column. */
function byName<V>(
  rows: Iterable<[slot: number, V]>,
  values: (value: V) => bigint[],
  columnName: (index: number) => string,
): Record<string, bigint> {
  const out: Record<string, bigint> = {};
  for (const [slot, row] of rows) {
    values(row).forEach((count, column) => {
      if (count > 0n) out[`${portName(slot)} ${columnName(column)}`] = count;
    });
  }
  return out;
}

export function told({ havip, by, kind, result }: Pick<ClaimRow, 'havip' | 'by' | 'kind' | 'result'>): Told {
  return {
    havip: havipName(havip),
    by: holderName(by),
    kind: nameIn(CLAIM_KIND, kind),
    result: nameIn(CLAIM_RESULT, result),
  };
}

const claimName = (index: number): string => {
  const results = CLAIM_RESULT.COUNT;
  return `${nameIn(CLAIM_KIND, Math.floor(index / results))} ${nameIn(CLAIM_RESULT, index % results)}`;
};
const portName = (slot: number): string =>
  Object.entries(PORTS).find(([, port]) => port.slot === slot)?.[0] ?? `slot ${slot}`;
const havipName = (id: number): string => nameIn(HAVIP, id);
export const holderName = (holder: Holder | undefined): string =>
  holder && holder.port ? `${portName(holder.port)} ${formatMac(holder.mac)}` : 'nobody';

function nameIn(names: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? String(value);
}

/** What must have happened to a frame; whatever is not said must not have. */
export interface Expected {
  readonly reason: keyof typeof REASON;
  /** Default: what the reason's first word says; REWRITE passes. */
  readonly verdict?: Verdict;
  /** The destination MAC that it leaves with; otherwise it leaves byte for byte as it came. */
  readonly to?: string;
  /** All that it leaves with, where that is more than another destination. */
  readonly out?: Buffer;
  /** Delivered to this HAVIP's holder, and whether the sender believed in another MAC. */
  readonly delivered?: readonly [havip: HavipName, saved: 0 | 1];
  readonly unheld?: HavipName;
  /** What was counted of a claim, and by whom; a CLAIM is in `claims` and on the ring, a REFUSED in `refusals` too. */
  readonly claim?: readonly [
    kind: keyof typeof CLAIM_KIND,
    result: keyof typeof CLAIM_RESULT,
    by: string,
    havip?: HavipName,
  ];
  /** Where XDP differs. */
  readonly xdp?: Partial<Expected>;
}

const VERDICTS: Readonly<Record<string, Verdict>> = {
  PASS: 'pass',
  REWRITE: 'pass',
  REDIRECT: 'redirect',
  DROP: 'drop',
};

/** Arranges, runs the frame through `entry`, and compares everything. */
export function check(
  t: { deepEqual(a: Observation, b: Observation, message: string): unknown },
  entry: Entry,
  situation: Situation,
  frame: Buffer,
  expected: Expected,
): void {
  world.arrange(situation);
  const before = standing();
  const wanted = expectation(situation.in ?? 'guest', before, frame, {
    ...expected,
    ...(entry === 'xdp' ? expected.xdp : {}),
  });
  t.deepEqual(observe(entry, frame), wanted, `through ${entry}`);
}

function expectation(
  port: PortName,
  before: Pick<Observation, 'bindings' | 'newest'>,
  frame: Buffer,
  { reason, verdict, to, delivered, unheld, claim, out: whole }: Expected,
): Observation {
  const out = whole ?? (to === undefined ? frame : Buffer.concat([macBytes(to), frame.subarray(6)]));
  const packets = {
    packets: 1n,
    bytes: BigInt(frame.length),
    saved: BigInt(delivered?.[1] ?? 0),
    unheld: 0n,
  };
  return {
    verdict: verdict ?? VERDICTS[reason.split('_')[0] ?? ''] ?? 'pass',
    frame: out.toString('hex'),
    frames: { [`${reason === 'PASS_NO_PORT' ? portName(0) : port} ${reason}`]: 1n },
    traffic: {
      ...(delivered && { [delivered[0]]: packets }),
      ...(unheld && { [unheld]: { packets: 0n, bytes: 0n, saved: 0n, unheld: 1n } }),
    },
    lost: { ringFull: 0n, claimsFull: 0n },
    bindings: before.bindings,
    ...claimExpectation(port, before.newest, claim),
  };
}

function claimExpectation(
  port: PortName,
  newest: Observation['newest'],
  claim: Expected['claim'],
): Pick<Observation, 'counted' | 'claims' | 'refusals' | 'ring' | 'newest'> {
  if (!claim) return { counted: {}, claims: [], refusals: [], ring: [], newest };
  const [kind, result, mac, havip = 'v4'] = claim;
  const record = { havip, by: `${port} ${mac}`, kind, result };
  const refused = result.startsWith('REFUSED');
  const announced = ['ARP_REQUEST', 'ARP_REPLY'].includes(kind) && ['CLAIM', 'REFRESH'].includes(result);
  return {
    counted: { [`${port} ${kind} ${result}`]: 1n },
    claims: result === 'CLAIM' ? [record] : [],
    refusals: refused ? [{ ...record, total: 1n }] : [],
    ring: refused || result === 'CLAIM' || (result === 'EVIDENCE' && kind === 'ARP_ANSWER') ? [record] : [],
    newest: announced ? { ...newest, [havip]: record.by } : newest,
  };
}

/** One row: a situation, a frame, and what must come of it, through every entry. */
export const row = test.macro(
  (t, situation: Situation, frame: Buffer, expected: Expected, entries: readonly Entry[] = ENTRIES) => {
    for (const entry of entries) check(t, entry, situation, frame, expected);
  },
);
