// SPDX-License-Identifier: BSD-2-Clause
// All HAVIPs once an interval, while somebody looks: their rows, rates and sums. Every page is cut from this.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HavipStatus } from '../../api/types.js';
import { addressBytes } from '../../net/addresses.js';
import { hasAlarm, type Entry } from './rows.js';
import { Tracks } from './tracks.js';
import type { PageHolder, PageRow, TotalsPart } from './types.js';
import { keyOf, toMs, type PageView } from './view.js';

/** Rows between two turns of the worker's loop, a few milliseconds apart. */
const ROWS_A_TURN = 1024;
const ALARMS_SHOWN = 12;
/** Counters older than this are no basis for a rate, nor for a line that goes on. */
const STALE_NS = 10_000_000_000n;

interface Known extends Entry {
  readonly status: HavipStatus;
  readonly atNs: bigint;
}

export class Sampler {
  readonly tracks = new Tracks();
  entries: readonly Entry[] = [];
  totals: TotalsPart = { havips: 0, held: 0, unheld: 0, flapping: 0, split: 0, rate: 0, alarms: [] };
  private known = new Map<string, Known>();
  private lastNs = 0n;

  constructor(private readonly view: PageView) {}

  row(key: string): PageRow | null {
    return this.known.get(key)?.row ?? null;
  }

  /** @param chosen Keys that pages ask for, to be charted too. */
  async sample(nowMs: number, chosen: Iterable<string>): Promise<void> {
    const fresh = new Map<string, Known>();
    const usable = process.hrtime.bigint() - this.lastNs < STALE_NS;
    if (!usable) this.tracks.clear();
    for (const status of this.view.listHavips({})) {
      const key = keyOf(status);
      fresh.set(key, toKnown(key, status, this.known.get(key), usable));
      if (fresh.size % ROWS_A_TURN === 0) await nextTurn();
    }
    this.known = fresh;
    this.lastNs = process.hrtime.bigint();
    this.entries = [...fresh.values()];
    this.totals = sumUp(this.entries);
    const rows = this.entries.map(({ row }) => row);
    this.tracks.add(nowMs, rows, (key) => fresh.get(key)?.row, chosen);
  }
}

/** Most of many HAVIPs are idle: what was made of one that is as it was is taken over. */
function toKnown(key: string, status: HavipStatus, before: Known | undefined, usable: boolean): Known {
  const atNs = process.hrtime.bigint();
  if (before?.row.rate === 0 && isSame(status, before.status)) return { ...before, atNs };
  const { network, subnet, address, state, packets, bytes, savedPackets, unheldPackets, moves } = status;
  const holder = toPageHolder(status);
  const row: PageRow = {
    ...{ key, network, subnet, address, state, holder, moves },
    packets: String(packets),
    bytes: String(bytes),
    saved: String(savedPackets),
    unheld: String(unheldPackets),
    rate: before && usable ? rateOf(before, packets, atNs) : null,
  };
  const words = [network, subnet, address, state, holder?.port ?? '', holder?.mac ?? ''];
  const text = words.join(' ').toLowerCase();
  return { row, text, packets, atNs, status, order: before?.order ?? orderOf(address) };
}

const COUNTED = ['packets', 'bytes', 'savedPackets', 'unheldPackets', 'moves', 'state'] as const;
const OF_HOLDER = ['sinceNs', 'port', 'mac', 'by'] as const;

function isSame(now: HavipStatus, before: HavipStatus): boolean {
  return (
    COUNTED.every((name) => now[name] === before[name]) &&
    OF_HOLDER.every((name) => now.holder?.[name] === before.holder?.[name])
  );
}

function toPageHolder({ holder }: HavipStatus): PageHolder | null {
  if (!holder) return null;
  const { port, mac, location, sinceWallNs, by } = holder;
  return { port, mac, location, sinceMs: toMs(sinceWallNs), by };
}

/** To a tenth. Counters of a HAVIP that was removed and made anew begin at 0 again. */
function rateOf(before: Known, packets: bigint, atNs: bigint): number {
  const passedNs = Number(atNs - before.atNs);
  if (packets < before.packets || passedNs <= 0) return 0;
  return Math.round((Number(packets - before.packets) / passedNs) * 1e10) / 10;
}

function orderOf(address: string): string {
  return (address.includes(':') ? '6' : '4') + Buffer.from(addressBytes(address)).toString('hex');
}

function sumUp(entries: readonly Entry[]): TotalsPart {
  let [held, rate] = [0, 0];
  const alarms: PageRow[] = [];
  for (const { row } of entries) {
    if (row.holder) held += 1;
    rate += row.rate ?? 0;
    if (hasAlarm(row)) alarms.push(row);
  }
  const split = alarms.filter(({ state }) => state === 'split-brain').length;
  return {
    ...{ havips: entries.length, held, unheld: entries.length - held },
    ...{ flapping: alarms.length - split, split, rate: Math.round(rate) },
    alarms: alarms
      .sort((a, b) => Number(b.state === 'split-brain') - Number(a.state === 'split-brain'))
      .slice(0, ALARMS_SHOWN),
  };
}
